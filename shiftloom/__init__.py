"""Shiftloom: trained neural networks to bit-exact FPGA accelerators.

The Python API mirrors the commands. `load_network`, `from_file` or `from_torch` gives a Graph,
`prune` a sparser or a smaller one, `quantize` its integer network, `build` writes a build folder,
`open_build` reads one back; `simulate_hls`, `simulate_rtl`, `synthesize_units` and `write_report`
work on it. `fitted_bytes` and `read_fitted` keep what a quantization decided in a compressed file.

Names are imported when first used, so that a part (a test bench, the host) loads no more than it
needs.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shiftloom.codegen.coding.fitted_file import fitted_bytes, read_fitted
    from shiftloom.codegen.config import Config
    from shiftloom.codegen.config import load as load_config
    from shiftloom.codegen.config import parse as parse_config
    from shiftloom.codegen.errors import ShiftloomError
    from shiftloom.codegen.graph import Graph, GraphInput
    from shiftloom.codegen.pruning import prune
    from shiftloom.codegen.quantize import Quantized, quantize
    from shiftloom.flow import build, from_file, from_torch, load_network
    from shiftloom.opened import OpenedBuild, open_build
    from shiftloom.results import write_report
    from shiftloom.simulation import simulate_hls, simulate_rtl
    from shiftloom.synthesis import synthesize_units

_HOMES = {
    "Config": ("codegen.config", "Config"),
    "Graph": ("codegen.graph", "Graph"),
    "GraphInput": ("codegen.graph", "GraphInput"),
    "OpenedBuild": ("opened", "OpenedBuild"),
    "Quantized": ("codegen.quantize", "Quantized"),
    "ShiftloomError": ("codegen.errors", "ShiftloomError"),
    "build": ("flow", "build"),
    "fitted_bytes": ("codegen.coding.fitted_file", "fitted_bytes"),
    "from_file": ("flow", "from_file"),
    "from_torch": ("flow", "from_torch"),
    "load_config": ("codegen.config", "load"),
    "load_network": ("flow", "load_network"),
    "open_build": ("opened", "open_build"),
    "parse_config": ("codegen.config", "parse"),
    "prune": ("codegen.pruning", "prune"),
    "quantize": ("codegen.quantize", "quantize"),
    "read_fitted": ("codegen.coding.fitted_file", "read_fitted"),
    "simulate_hls": ("simulation", "simulate_hls"),
    "simulate_rtl": ("simulation", "simulate_rtl"),
    "synthesize_units": ("synthesis", "synthesize_units"),
    "write_report": ("results", "write_report"),
}

__all__ = [
    "Config",
    "Graph",
    "GraphInput",
    "OpenedBuild",
    "Quantized",
    "ShiftloomError",
    "build",
    "fitted_bytes",
    "from_file",
    "from_torch",
    "load_config",
    "load_network",
    "open_build",
    "parse_config",
    "prune",
    "quantize",
    "read_fitted",
    "simulate_hls",
    "simulate_rtl",
    "synthesize_units",
    "write_report",
]


def __getattr__(name: str) -> object:
    """Import a public name from the module it lives in."""
    if name not in _HOMES:
        raise AttributeError(f"module 'shiftloom' has no attribute {name!r}")
    module, attribute = _HOMES[name]
    return getattr(import_module(f"shiftloom.{module}"), attribute)
