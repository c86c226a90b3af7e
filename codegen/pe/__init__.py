"""Processing elements, one file each: what they support, their RTL, HLS and cost measures.

A PE makes the matrix unit of a `Mac` node: activations in, accumulators out.
"""

from shiftloom.codegen.pe.channel_csd import ChannelCsd
from shiftloom.codegen.pe.constant import ConstantMatrix
from shiftloom.codegen.pe.csd import CsdMatrix
from shiftloom.codegen.pe.depthwise import DepthwiseDsp, DepthwiseShift
from shiftloom.codegen.pe.dsp import DspMatrix
from shiftloom.codegen.pe.filter_csd import FilterCsd
from shiftloom.codegen.pe.shift import ShiftMatrix
from shiftloom.codegen.pe.xnor import XnorMatrix

SCALED = (CsdMatrix, FilterCsd, ChannelCsd)
"""Those with a quality, for what it cuts."""
FOLDED = (ShiftMatrix, XnorMatrix, DspMatrix, *SCALED, DepthwiseShift, DepthwiseDsp)
"""Those whose weights are in a memory, read word by word."""
PES = (*FOLDED, ConstantMatrix)

__all__ = [
    "FOLDED",
    "PES",
    "SCALED",
    "ChannelCsd",
    "ConstantMatrix",
    "CsdMatrix",
    "DepthwiseDsp",
    "DepthwiseShift",
    "DspMatrix",
    "FilterCsd",
    "ShiftMatrix",
    "XnorMatrix",
]
