"""Fig. 8 to 10: vectors of N weights, with 2 and 3 bits: accuracy, memory, DRAM energy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shiftloom.codegen.grids import Grid, grid, number, percent
from shiftloom.paper import plots
from shiftloom.paper.bench import BITS, TITLES, Bar, Bench, qsq
from shiftloom.paper.levels import rises
from shiftloom.paper.published import Claim, claim
from shiftloom.paper.result import Result

NAME = "vectors"
LENGTHS = (2, 4, 8, 16, 32, 64)
PHIS = (1, 4)
SIGNIFICANT = 1.0
"""Points of accuracy that count as a significant difference; the paper gives no number."""


@dataclass(frozen=True, slots=True)
class VectorRow:
    """A network with vectors of `length` weights; bits and savings are those of what is counted."""

    network: str
    length: int
    phi: int
    bits: int
    counted: str
    weight_bits: int
    kibibytes: float
    energy_nanojoule: float
    saving: float
    images: int | None
    accuracy: float | None


def run(benches: Sequence[Bench], bar: Bar) -> Result:
    """One sweep for the three figures."""
    rows: list[VectorRow] = []
    for bench in benches:
        places = [(phi, length) for phi in PHIS for length in LENGTHS]
        with bar(f"Fig. 8 to 10: {bench.title}") as advance:
            for done, (phi, length) in enumerate(places, 1):
                rows.append(_measured(bench, phi, length))
                advance(done, len(places))
    return Result(
        NAME,
        "Fig. 8 to 10: vector length",
        "QSQ by least squares without retraining, vectors along the filters; a layer of fewer "
        "filters has shorter ones. Savings count all layers of LeNet-5 and the convolutions "
        "of the ConvNet, against 32 bits a weight (eq. 11 and 12). The paper prints no values.",
        {NAME: tuple(rows)},
        (vector_grid(rows),),
        plots.vectors([(r.network, r.length, r.bits, r.saving, r.accuracy) for r in rows]),
        tuple(_claims(rows)),
        tuple(f"{bench.title}: {bench.absent}" for bench in benches if bench.absent),
    )


def _measured(bench: Bench, phi: int, length: int) -> VectorRow:
    settings = bench.settings(qsq(phi, vector=length))
    is_all = bench.network == "lenet5"
    traffic = bench.traffic(settings, tuple(bench.layers) if is_all else bench.convolutions)
    return VectorRow(
        bench.network,
        length,
        phi,
        BITS[phi],
        "all layers" if is_all else "convolutions",
        traffic.quantized_bits,
        traffic.quantized_bits / 8192,
        traffic.energy_nanojoule(),
        traffic.saving,
        bench.count,
        bench.accuracy(settings),
    )


def _claims(rows: Sequence[VectorRow]) -> Iterator[Claim]:
    for network in dict.fromkeys(row.network for row in rows):
        two, three = (
            [row for row in rows if (row.network, row.bits) == (network, bits)] for bits in (2, 3)
        )
        name = TITLES[network]
        yield claim(
            f"Savings grow with N ({name})",
            "section V.A, fig. 9",
            rises([r.saving for r in two]) and rises([r.saving for r in three]),
            f"3 bits {percent(three[0].saving, 2)} → {percent(three[-1].saving, 2)}",
        )
        yield claim(
            f"2 bits save slightly more energy than 3 at every N ({name})",
            "section IV.C, fig. 10",
            all(a.saving > b.saving for a, b in zip(two, three, strict=True)),
            f"by {_span([100 * (a.saving - b.saving) for a, b in zip(two, three, strict=True)])}",
        )
        gains = [
            100 * (b.accuracy - a.accuracy)
            for a, b in zip(two, three, strict=True)
            if a.accuracy is not None and b.accuracy is not None
        ]
        yield claim(
            f"3 bits are significantly more accurate than 2 at every N ({name})",
            "section IV.C, fig. 8 and 10",
            min(gains) >= SIGNIFICANT if gains else None,
            f"by {_span(gains)}" if gains else "",
        )


def _span(points: Sequence[float]) -> str:
    ends = dict.fromkeys(f"{point:.2f}" for point in (min(points), max(points)))
    return f"{' to '.join(ends)} points".replace("-", "−")


def vector_grid(rows: Sequence[VectorRow]) -> Grid:
    """A row a network, bits and N."""
    cells = (
        (
            TITLES[row.network],
            number(row.bits),
            number(row.length),
            f"{row.kibibytes:.1f}",
            number(row.energy_nanojoule),
            percent(row.saving, 2),
            percent(row.accuracy, 2),
        )
        for row in rows
    )
    heads = "Network|#Bits|#N|#KiB|#DRAM energy (nJ)|#Saved|#Accuracy"
    return grid("Vector length", heads, cells)
