"""The report: plain rows about a build, and the one HTML file that shows them.

The rows hold numbers and text only, so that a report can be made, stored and tested without a
build. The page loads nothing and runs no script; the same rows give the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.profile import LayerProfile


@dataclass(frozen=True, slots=True)
class LayerRow:
    """A layer of the float network, in execution order; `weights` is 0 where it has none."""

    name: str
    operator: str
    shape: tuple[int, ...]
    weights: int
    weight_bits: int
    activations: str
    """Type of the integers it makes, as "uint8"; empty where it makes none of its own."""


@dataclass(frozen=True, slots=True)
class UnitRow:
    """A hardware unit, in the order of the streams.

    `layer` names the LayerRow it belongs to, `folding` is free text as "PE 16 × SIMD 25". It is
    busy `cycles` clocks a frame, `utilization` is their share of the frame interval. Its output
    stream carries `stream` a beat, as "16 × int17", which is `stream_bits` bits.
    """

    name: str
    layer: str
    kind: str
    folding: str
    cycles: int
    utilization: float
    lut: float
    lut_synthesized: int | None
    ff: float
    dsp: float
    bram36: float
    stream: str = ""
    stream_bits: int = 0


@dataclass(frozen=True, slots=True)
class AccuracyRow:
    """Share of `images` classified right; `mismatches` counts outputs unlike the golden model's.

    None where a stage was not run, or compares with nothing.
    """

    stage: str
    accuracy: float | None
    images: int
    mismatches: int | None


@dataclass(frozen=True, slots=True)
class Figure:
    """A number worth showing first; `value` is text with its unit."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class LayerChange:
    """A layer before and after pruning, a pair for each number, None where there is none.

    `products` are those a frame with weights other than 0; `adders`, `lut` and `dsp` are of its PE.
    """

    layer: str
    filters: tuple[int, int]
    weights: tuple[int, int]
    zeros: tuple[int, int]
    products: tuple[int, int]
    pe: tuple[str, str]
    adders: tuple[int | None, int | None]
    lut: tuple[float | None, float | None]
    dsp: tuple[float | None, float | None]


@dataclass(frozen=True, slots=True)
class Change:
    """A figure of a whole network before and after; text with its unit."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class CodeHistogram:
    """How often a layer's weights have each code, as (("−4", 12), …), in the order to show."""

    layer: str
    codes: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class FifoRow:
    """A FIFO of `depth` beats of `width` bits."""

    name: str
    depth: int
    width: int


@dataclass(frozen=True, slots=True)
class LoopNest:
    """A layer's loops as the hardware runs them, as text."""

    layer: str
    text: str


@dataclass(frozen=True, slots=True)
class ReportData:
    """Everything the report shows; empty tuples leave their section out.

    `interval` is the clocks between frames, `limits` what the figures do not say, one paragraph a
    line, `footer` the generator's version and the design's digest.
    """

    title: str
    network: str
    board: str
    part: str
    clock_mhz: float
    interval: int
    figures: tuple[Figure, ...] = ()
    accuracy: tuple[AccuracyRow, ...] = ()
    layers: tuple[LayerRow, ...] = ()
    units: tuple[UnitRow, ...] = ()
    codes: tuple[CodeHistogram, ...] = ()
    profile: tuple[LayerProfile, ...] = ()
    fifos: tuple[FifoRow, ...] = ()
    loops: tuple[LoopNest, ...] = ()
    limits: str = ""
    footer: str = ""


def render_html(data: ReportData) -> str:
    """One self-contained HTML file, readable from disk without network.

    Raises ShiftloomError when the chart library is not installed.
    """
    try:
        from shiftloom.codegen import report_page
    except ImportError as error:
        raise ShiftloomError(
            "report", f"{error.name} is not installed", "pip install 'shiftloom[report]'"
        ) from error
    return report_page.render_page(data)
