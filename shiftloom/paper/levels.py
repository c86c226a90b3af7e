"""Fig. 7: accuracy against φ, of all layers and of each convolution quantized alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shiftloom.codegen.grids import Grid, grid, number, percent
from shiftloom.paper import plots
from shiftloom.paper.bench import BITS, TITLES, Bar, Bench, qsq
from shiftloom.paper.published import Claim, claim
from shiftloom.paper.result import Result

NAME = "levels"
PHIS = (1, 2, 4)
ALL = "all"


@dataclass(frozen=True, slots=True)
class LevelRow:
    """Share of the test images right with these layers in QSQ, and all others in 8-bit integers."""

    network: str
    layer: str
    phi: int
    bits: int
    images: int | None
    accuracy: float | None


def run(benches: Sequence[Bench], bar: Bar) -> Result:
    """Measure every φ, in all layers and in each convolution alone."""
    rows: list[LevelRow] = []
    for bench in benches:
        places = [(layer, phi) for layer in (ALL, *bench.convolutions) for phi in PHIS]
        with bar(f"Fig. 7: {bench.title}") as advance:
            for done, (layer, phi) in enumerate(places, 1):
                named = None if layer == ALL else (layer,)
                accuracy = bench.accuracy(bench.settings(qsq(phi), named))
                shown = ALL if layer == ALL else layer.removesuffix("_conv")
                row = LevelRow(bench.network, shown, phi, BITS[phi], bench.count, accuracy)
                rows.append(row)
                advance(done, len(places))
    return Result(
        NAME,
        "Fig. 7: accuracy scales with the levels",
        "QSQ by least squares without retraining, in all layers that the paper quantizes, or in "
        "one convolution alone while all other layers have 8-bit integers. The paper prints no "
        "values.",
        {NAME: tuple(rows)},
        (level_grid(rows),),
        plots.levels([(r.network, r.layer, r.phi, r.accuracy) for r in rows]),
        tuple(_claims(rows)),
        tuple(f"{bench.title}: {bench.absent}" for bench in benches if bench.absent),
    )


def _claims(rows: Sequence[LevelRow]) -> Iterator[Claim]:
    for network in dict.fromkeys(row.network for row in rows):
        of_layer = {
            layer: [r.accuracy for r in rows if (r.network, r.layer) == (network, layer)]
            for layer in dict.fromkeys(row.layer for row in rows if row.network == network)
        }
        rising = [rises(accuracies) for accuracies in of_layer.values()]
        evidence = "; ".join(
            f"{layer} {' → '.join(percent(value, 2) for value in accuracies)}"
            for layer, accuracies in of_layer.items()
        )
        yield claim(
            f"Accuracy rises with φ, all layers and each alone ({TITLES[network]})",
            "section IV.B, fig. 7",
            None if None in rising else all(rising),
            evidence,
        )


def rises(values: Sequence[float | None]) -> bool | None:
    """Whether no value is below the one before; None where one is missing."""
    known = [value for value in values if value is not None]
    return None if len(known) < len(values) else known == sorted(known)


def level_grid(rows: Sequence[LevelRow]) -> Grid:
    """A row a layer, a column a φ."""
    places = dict.fromkeys((row.network, row.layer) for row in rows)
    found = {(row.network, row.layer, row.phi): row.accuracy for row in rows}
    images = {row.network: row.images for row in rows}
    cells = (
        (
            TITLES[network],
            layer,
            *(percent(found[network, layer, phi], 2) for phi in PHIS),
            number(images[network]),
        )
        for network, layer in places
    )
    heads = "|".join(f"#φ = {phi}" for phi in PHIS)
    return grid("Accuracy by φ", f"Network|Layers|{heads}|#Images", cells)
