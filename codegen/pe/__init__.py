"""Processing elements, one file each: what they support, their RTL, HLS and cost measures.

A PE makes the matrix unit of a `Mac` node: activations in, accumulators out.
"""

from shiftloom.codegen.pe.constant import ConstantMatrix
from shiftloom.codegen.pe.depthwise import DepthwiseDsp, DepthwiseShift
from shiftloom.codegen.pe.dsp import DspMatrix
from shiftloom.codegen.pe.shift import ShiftMatrix

PES = (ShiftMatrix, DspMatrix, ConstantMatrix, DepthwiseShift, DepthwiseDsp)

__all__ = ["PES", "ConstantMatrix", "DepthwiseDsp", "DepthwiseShift", "DspMatrix", "ShiftMatrix"]
