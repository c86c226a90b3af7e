"""The pictures of the experiments, in the colours of the report's page."""

from __future__ import annotations

from collections.abc import Sequence

from shiftloom.codegen import charts
from shiftloom.codegen.charts import Bar, Point
from shiftloom.codegen.grids import percent
from shiftloom.paper.bench import TITLES
from shiftloom.paper.result import Plot

PUBLISHED, OURS = "published", "ours"
_ACCURACY = "accuracy (%)"
_SAVED = "memory and DRAM energy saved (%)"
_N = "N, weights a vector"
_LABEL_LIMIT = 240
"""Pixels of the labels that name a network and how it was made."""

Compared = tuple[str, float | None, float | None]
"""A label, the published percent and the measured share, each None where there is none."""


def table3(rows: Sequence[Compared]) -> tuple[Plot, ...]:
    """Accuracies beside the published ones; none where nothing was measured."""
    return _compared("table3", "Accuracy beside the published", rows, _ACCURACY)


def savings(rows: Sequence[Compared]) -> tuple[Plot, ...]:
    """Savings beside the published ones."""
    return _compared("savings", "Savings beside the published", rows, _SAVED)


def _compared(name: str, title: str, rows: Sequence[Compared], axis: str) -> tuple[Plot, ...]:
    bars = []
    for label, known, found in rows:
        if known is not None:
            bars.append(Bar(label, known, f"{known:.2f}", PUBLISHED))
        if found is not None:
            bars.append(Bar(label, 100 * found, f"{100 * found:.2f}", OURS))
    if all(found is None for _, _, found in rows):
        return ()
    return (
        Plot(
            name,
            title,
            "Where the paper prints no number, ours stands alone.",
            "; ".join(f"{bar.label} {bar.text} {bar.series}" for bar in bars),
            charts.bars(bars, axis, label_limit=_LABEL_LIMIT),
        ),
    )


def levels(rows: Sequence[tuple[str, str, int, float | None]]) -> tuple[Plot, ...]:
    """(network, layer, φ, accuracy): bars a layer, a picture a network."""
    made = []
    for network in dict.fromkeys(row[0] for row in rows):
        bars = [
            Bar(layer, 100 * accuracy, f"{100 * accuracy:.2f}", f"φ = {phi}")
            for known, layer, phi, accuracy in rows
            if known == network and accuracy is not None
        ]
        if bars:
            made.append(
                Plot(
                    f"fig7_{network}",
                    f"Fig. 7: {TITLES[network]}",
                    "All layers, and each convolution alone.",
                    "; ".join(f"{bar.label} {bar.series} {bar.text} %" for bar in bars),
                    charts.bars(bars, _ACCURACY),
                )
            )
    return tuple(made)


def vectors(rows: Sequence[tuple[str, int, int, float, float | None]]) -> tuple[Plot, ...]:
    """(network, N, bits, saving, accuracy): three figures a network."""
    made: list[Plot] = []
    for network in dict.fromkeys(row[0] for row in rows):
        own = [row[1:] for row in rows if row[0] == network]
        title = TITLES[network]
        accuracies = [(n, bits, 100 * a) for n, bits, _, a in own if a is not None]
        if accuracies:
            made.append(
                Plot(
                    f"fig8_{network}",
                    f"Fig. 8: {title}, accuracy",
                    "Against the vector length.",
                    "; ".join(f"N = {n}, {bits} bits: {a:.2f} %" for n, bits, a in accuracies),
                    charts.lines([Point(n, a, _bits(b)) for n, b, a in accuracies], _N, _ACCURACY),
                )
            )
        made.append(
            Plot(
                f"fig9_{network}",
                f"Fig. 9: {title}, memory saved",
                "Against the vector length; eq. 11 and 12.",
                "; ".join(f"N = {n}, {bits} bits: {percent(s, 2)}" for n, bits, s, _ in own),
                charts.lines([Point(n, 100 * s, _bits(b)) for n, b, s, _ in own], _N, _SAVED),
            )
        )
        pairs = [(n, b, 100 * s, 100 * a) for n, b, s, a in own if a is not None]
        if pairs:
            made.append(
                Plot(
                    f"fig10_{network}",
                    f"Fig. 10: {title}, energy against accuracy",
                    "Each point is labelled with its N.",
                    "; ".join(
                        f"N = {n}, {b} bits: {s:.2f} % saved, {a:.2f} %" for n, b, s, a in pairs
                    ),
                    charts.points(
                        [Point(s, a, _bits(b), str(n)) for n, b, s, a in pairs], _SAVED, _ACCURACY
                    ),
                )
            )
    return tuple(made)


def _bits(bits: int) -> str:
    return f"{bits} bits"


def digits(rows: Sequence[tuple[int, int, int, int]]) -> tuple[Plot, ...]:
    """(width, count, weights by bits, weights by digits): a picture a width."""
    made = []
    for width in dict.fromkeys(row[0] for row in rows):
        own = [row[1:] for row in rows if row[0] == width]
        total = sum(bits for _, bits, _ in own)
        bars = [
            Bar(str(count), 100 * n / total, percent(n / total), series)
            for count, bits, signed in own
            if bits or signed
            for n, series in ((bits, "non-zero bits"), (signed, "non-zero signed digits"))
        ]
        made.append(
            Plot(
                f"fig11_{width}bit",
                f"Fig. 11: words of {width} bits",
                "Share of the weights by how many of their bits or digits are not zero.",
                "; ".join(f"{bar.label} {bar.series}: {bar.text}" for bar in bars),
                charts.bars(bars, "share of the weights (%)"),
            )
        )
    return tuple(made)
