"""A small report with every section, its names taken as given."""

from __future__ import annotations

from shiftloom.codegen.profile import LayerProfile
from shiftloom.codegen.report import (
    AccuracyRow,
    CodeHistogram,
    FifoRow,
    Figure,
    LayerRow,
    LoopNest,
    ReportData,
    UnitRow,
)

LAYERS = ("conv1", "relu1", "fc1")
UNITS = ("conv1_window", "conv1_matrix", "fc1_matrix")


def sample(prefix: str = "") -> ReportData:
    """Two layers with weights and three units; `prefix` goes before each name and text."""
    p = prefix
    return ReportData(
        title=f"{p}A small network",
        network=f"{p}tiny",
        board=f"{p}TUL PYNQ-Z2",
        part=f"{p}xc7z020clg400-1",
        clock_mhz=125.0,
        interval=800,
        figures=(Figure(f"{p}Clocks a frame", f"{p}800", f"{p}of 1,000"), Figure("LUTs", "4,321")),
        accuracy=(
            AccuracyRow(f"{p}float", 0.9911, 10_000, None),
            AccuracyRow(f"{p}RTL", 0.98765, 9_999, 3),
            AccuracyRow(f"{p}not run", None, 0, None),
        ),
        layers=(
            LayerRow(f"{p}conv1", f"{p}Conv2d", (28, 28, 6), 150, 3, ""),
            LayerRow(f"{p}relu1", f"{p}Relu", (28, 28, 6), 0, 0, f"{p}uint8"),
            LayerRow(f"{p}fc1", f"{p}Linear", (1, 1, 10), 47_040, 3, ""),
        ),
        units=(
            _unit(p, "conv1_window", "conv1", 784, 410.4, 395),
            _unit(p, "conv1_matrix", "conv1", 784, 3300, 3456, f"{p}PE 6 × SIMD 25"),
            _unit(p, "fc1_matrix", "fc1", 600, 1234, None, f"{p}PE 8 × SIMD 10"),
        ),
        codes=(CodeHistogram(f"{p}conv1", (("−1", 25), ("0", 50), ("+1", 75))),),
        profile=(
            LayerProfile(f"{p}q", f"{p}relu1", f"{p}uint8", 99, 31.4, 0.0125, 0, 255, 0, 250, 0.5),
            LayerProfile(
                f"{p}q2", f"{p}fc1", "int32", 9, float("inf"), 0.0, -128, 127, -90, 7, 0.0
            ),
        ),
        fifos=(FifoRow(f"{p}relu1_fifo", 17, 16),),
        loops=(LoopNest(f"{p}conv1", f"{p}for y in 0..27:\n  for x in 0..27:"),),
        limits=f"{p}No place and route.\n\n{p}LUTs are Yosys' cell sum.",
        footer=f"{p}Shiftloom 0.1.0",
    )


def _unit(
    prefix: str,
    name: str,
    layer: str,
    cycles: int,
    lut: float,
    found: int | None,
    folding: str = "",
) -> UnitRow:
    return UnitRow(
        f"{prefix}{name}",
        f"{prefix}{layer}",
        f"{prefix}kind",
        folding,
        cycles,
        cycles / 800,
        lut,
        found,
        2 * lut,
        1,
        0.5,
        f"{prefix}6 × int15",
        90,
    )
