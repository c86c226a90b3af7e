"""Section VI: the savings that must come out exactly, zeros, and verdicts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from paper_bench import quiet

from shiftloom.paper import savings
from shiftloom.paper.bench import Bench, qsq
from shiftloom.paper.published import Published

NOWHERE = Path("/nowhere")
"""A data folder that is not there: savings need none."""


@pytest.mark.parametrize(("bits", "percent"), [(3, 88.82), (2, 91.95)])
def test_savings_of_the_convnet_are_exactly_the_papers(bits: int, percent: float) -> None:
    rows = [
        row
        for row in savings.saving_rows(Bench("convnet", NOWHERE))
        if (row.bits, row.counted) == (bits, "convolutions")
    ]
    (row,) = rows
    positions = 9 * (3 + 32 + 32 + 64)
    assert row.weights == 9 * (3 * 32 + 32 * 32 + 32 * 64 + 64 * 64)
    assert row.quantized_bits == bits * row.weights + 32 * positions
    assert round(100 * row.saving, 2) == percent == row.published_percent
    assert row.verdict == "equal"
    assert row.energy_nanojoule == pytest.approx(6.4 * row.quantized_bits / 32)


def test_the_saving_of_lenet_is_shown_as_a_miss() -> None:
    row = next(iter(savings.saving_rows(Bench("lenet5", NOWHERE))))
    positions = 25 * (1 + 6) + 400 + 120 + 84
    assert row.quantized_bits == 3 * 61_470 + 32 * positions
    assert (row.published_percent, row.verdict) == (82.4919, "miss by +6.8658 points")


def test_zeros_are_those_of_the_codes() -> None:
    bench = Bench("lenet5", NOWHERE)
    row = next(r for r in savings.zero_rows(bench) if r.rule == "least squares")
    found = Bench("lenet5").quantized(bench.settings(qsq(4))).fitted.weights.values()
    zeros = sum(int((codes.values.data == 0).sum()) for codes in found)
    assert row.after == zeros / sum(codes.values.data.size for codes in found)
    assert row.before == np.mean([0])
    assert row.verdict == "miss by +27 points"


def test_the_experiment_has_both_networks_and_a_picture() -> None:
    found = savings.run([Bench(name, NOWHERE) for name in ("lenet5", "convnet")], quiet)
    assert {row["network"] for row in found.data()["rows"]["savings"]} == {"lenet5", "convnet"}
    assert [plot.name for plot in found.plots] == ["savings"]
    assert "ConvNet 3 bit, convolutions 88.82 published" in found.plots[0].summary
    assert found.absent == ()


@pytest.mark.parametrize(
    ("share", "exact", "verdict"),
    [
        (0.75, False, "equal"),
        (0.750049, False, "equal"),
        (0.7501, False, "reached"),
        (0.7501, True, "miss by +0.01 points"),
        (0.7499, False, "miss by −0.01 points"),
        (0.5, True, "miss by −25.00 points"),
        (None, True, "not measured"),
    ],
)
def test_verdicts(share: float | None, exact: bool, verdict: str) -> None:
    assert Published(75.0, "somewhere", exact).verdict(share) == verdict
