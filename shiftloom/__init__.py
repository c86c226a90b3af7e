"""Shiftloom: trained neural networks to bit-exact FPGA accelerators.

The Python API mirrors the commands. `load_network` or `from_torch` gives a Graph, `quantize` its
integer network, `build` writes a build folder, `open_build` reads one back; `simulate_hls`,
`simulate_rtl`, `synthesize_units` and `write_report` work on it.
"""

from shiftloom.codegen.config import Config
from shiftloom.codegen.config import load as load_config
from shiftloom.codegen.config import parse as parse_config
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.graph import Graph, GraphInput
from shiftloom.codegen.quantize import Quantized, quantize
from shiftloom.flow import build, from_torch, load_network
from shiftloom.opened import OpenedBuild, open_build
from shiftloom.results import write_report
from shiftloom.simulation import simulate_hls, simulate_rtl
from shiftloom.synthesis import synthesize_units

__all__ = [
    "Config",
    "Graph",
    "GraphInput",
    "OpenedBuild",
    "Quantized",
    "ShiftloomError",
    "build",
    "from_torch",
    "load_config",
    "load_network",
    "open_build",
    "parse_config",
    "quantize",
    "simulate_hls",
    "simulate_rtl",
    "synthesize_units",
    "write_report",
]
