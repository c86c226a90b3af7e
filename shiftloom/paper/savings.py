"""Section VI: memory and DRAM energy saved by eq. 11 and 12; section IV.A: weights that are zero.

Only the weights that ship are needed, no data.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from shiftloom.codegen import config as configuration
from shiftloom.codegen import quantizers
from shiftloom.codegen.grids import NONE, Grid, grid, number, percent
from shiftloom.paper import plots, published
from shiftloom.paper.bench import BITS, PHIS, RULES, TITLES, Bar, Bench, qsq
from shiftloom.paper.published import Published
from shiftloom.paper.result import Result

NAME = "savings"


@dataclass(frozen=True, slots=True)
class SavingRow:
    """Bits of the weights counted, and the share of their DRAM energy saved (eq. 11 and 12)."""

    network: str
    counted: str
    bits: int
    weights: int
    float_bits: int
    quantized_bits: int
    energy_nanojoule: float
    saving: float
    published_percent: float | None
    place: str
    verdict: str


@dataclass(frozen=True, slots=True)
class ZeroRow:
    """Shares of the weights that are zero, before and after quantization."""

    network: str
    bits: int
    rule: str
    before: float
    after: float
    published_percent: float | None
    place: str
    verdict: str


def run(benches: Sequence[Bench], bar: Bar) -> Result:
    """Count both."""
    savings: list[SavingRow] = []
    zeros: list[ZeroRow] = []
    with bar("Section VI") as advance:
        for done, bench in enumerate(benches, 1):
            savings += saving_rows(bench)
            zeros += zero_rows(bench)
            advance(done, len(benches))
    return Result(
        NAME,
        "Section VI: memory and DRAM energy",
        "One load of all weights, with one 32-bit α for each position, shared by all filters, "
        "against 32 bits a weight. DRAM energy is proportional to bits (6400 pJ a 32-bit word), so "
        "both savings are one number. The paper counts the ConvNet's convolutions, and does not "
        "say what its LeNet is made of.",
        {NAME: tuple(savings), "zeros": tuple(zeros)},
        (saving_grid(savings), zero_grid(zeros)),
        plots.savings(
            [
                (f"{TITLES[r.network]} {r.bits} bit, {r.counted}", r.published_percent, r.saving)
                for r in savings
            ]
        ),
        (),
    )


def saving_rows(bench: Bench) -> Iterator[SavingRow]:
    """Eq. 11 and 12 of a network with 3 and with 2 bits."""
    for phi in (4, 1):
        bits = BITS[phi]
        counts: dict[str, Published | None] = {"all layers": None}
        if bench.network == "convnet":
            counts = {"convolutions": published.CONVNET_SAVING[bits], **counts}
        elif phi == 4:
            counts = {"all layers": published.LENET_SAVING}
        for counted, known in counts.items():
            named = bench.convolutions if counted == "convolutions" else tuple(bench.layers)
            traffic = bench.traffic(bench.settings(qsq(phi)), named)
            yield SavingRow(
                bench.network,
                counted,
                bits,
                sum(bench.layers[name].size for name in named),
                traffic.float_bits,
                traffic.quantized_bits,
                traffic.energy_nanojoule(),
                traffic.saving,
                known.percent if known else None,
                known.place if known else "",
                known.verdict(traffic.saving) if known else "",
            )


def zero_rows(bench: Bench) -> Iterator[ZeroRow]:
    """Zeros among the weights that the paper quantizes, by the rule of β and α."""
    for phi, rule in itertools.product(PHIS[bench.network], RULES):
        config = configuration.parse(bench.settings({**qsq(phi), **RULES[rule]}))
        before = after = count = 0
        for name, layer in config.layers.items():
            weights = bench.layers[name]
            codes = quantizers.quantize(name, weights, layer.weight_format, layer.quantizing)
            before += weights.size - int(np.count_nonzero(weights))
            after += weights.size - int(np.count_nonzero(codes.values.data))
            count += weights.size
        known = published.LENET_ZEROS if bench.network == "lenet5" else None
        yield ZeroRow(
            bench.network,
            BITS[phi],
            rule,
            before / count,
            after / count,
            known.percent if known else None,
            known.place if known else "",
            known.verdict((after - before) / count) if known else "",
        )


def saving_grid(rows: Sequence[SavingRow]) -> Grid:
    """Published beside ours."""
    cells = (
        (
            TITLES[row.network],
            row.counted,
            number(row.bits),
            number(row.weights),
            f"{row.quantized_bits / 8192:.1f}",
            number(row.energy_nanojoule),
            published.shown(row.published_percent, _decimals(row)),
            percent(row.saving, _decimals(row)),
            row.verdict or NONE,
        )
        for row in rows
    )
    heads = "Network|Counted|#Bits|#Weights|#KiB|#DRAM energy (nJ)|#Published|#Ours|Verdict"
    return grid("Memory and DRAM energy saved", heads, cells)


def _decimals(row: SavingRow) -> int:
    return 4 if row.published_percent == published.LENET_SAVING.percent else 2


def zero_grid(rows: Sequence[ZeroRow]) -> Grid:
    """Zeros before and after."""
    cells = (
        (
            TITLES[row.network],
            number(row.bits),
            row.rule,
            percent(row.before),
            percent(row.after),
            NONE if row.published_percent is None else f"+{row.published_percent:.0f} points",
            row.verdict or NONE,
        )
        for row in rows
    )
    heads = "Network|#Bits|Rule|#Zeros before|#Zeros after|#Published|Verdict"
    return grid("Weights that are zero", heads, cells)
