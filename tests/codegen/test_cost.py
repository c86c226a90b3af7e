"""Counting rules of the cost models, and the shipped models' own errors."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources

import pytest
from refusals import refuses

from shiftloom.codegen import cost
from shiftloom.codegen.cost import Resources
from shiftloom.codegen.pe.shift_cost import Tree
from shiftloom.samples import samples


@dataclass(frozen=True)
class Plain:
    """A unit with given measures."""

    kind: str
    measures: dict[str, float]

    def features(self) -> dict[str, float]:
        return self.measures


def test_prediction_is_a_weighted_sum() -> None:
    models = {"thing": {"lut": {"one": 3.0, "bits": 0.5}, "ff": {"bits": 1.0}}}
    unit = Plain("thing", {"one": 1, "bits": 8, "unused": 100})
    assert cost.predict(unit, models) == Resources(lut=7, ff=8)


def test_unfitted_kind_is_refused() -> None:
    with refuses("thing: has no cost model; run shiftloom calibrate"):
        cost.predict(Plain("thing", {}))


@pytest.mark.parametrize(
    ("width", "depth", "expected"),
    [
        (36, 512, 0.5),
        (37, 512, 1),
        (18, 1024, 0.5),
        (72, 512, 1),
        (73, 512, 1.5),
        (9, 4096, 1),
        (3, 6000, 0.5),
        (6, 10_000, 2),
        (5, 9000, 1.5),
        (2, 48_000, 3),
        (3, 48_000, 4),
        (1, 40_000, 1.5),
    ],
)
def test_block_rams(width: int, depth: int, expected: float) -> None:
    assert cost.block_rams(width, depth) == expected


@pytest.mark.parametrize(
    ("width", "depth", "luts", "mux", "block_rams"),
    [
        (6, 32, 4, 0, 0),
        (7, 2, 8, 0, 0),
        (3, 64, 4, 0, 0),
        (16, 512, 192, 112, 0),
        (17, 512, 0, 0, 0.5),
    ],
)
def test_ram(width: int, depth: int, luts: int, mux: int, block_rams: float) -> None:
    expected = {"ram_luts": luts, "ram_mux": mux, "block_rams": block_rams}
    assert cost.ram(width, depth) == expected


def test_small_counts() -> None:
    assert [cost.mux_luts(n) for n in (1, 2, 4, 5, 8, 9, 16)] == [0, 1, 1, 2, 2, 4, 4]
    assert [cost.rom_luts(n) for n in (1, 2, 3, 64, 120)] == [0, 0, 1, 1, 6]
    assert cost.count_bits(1, 2, 3, 256) == 0 + 1 + 2 + 8


def test_adder_tree_is_counted_level_by_level() -> None:
    assert Tree.of(1, 11) == Tree(0, 0, 0)
    assert Tree.of(4, 11) == Tree(2 * 11 + 12, 2 * 12 + 13, 0)
    assert Tree.of(3, 11) == Tree(11 + 12, 2 * 12 + 13, 0)


def test_long_delays_of_a_tree_go_to_shift_registers() -> None:
    registers = (25 + 1) // 2 * 12 + 7 * 13 + 4 * 14 + 2 * 15 + 16
    tree = Tree.of(25, 11)
    assert tree.delays > 0
    assert registers - 3 * 14 <= tree.registers <= registers - 3 * 11


def test_shipped_models_know_every_kind() -> None:
    for unit in samples():
        predicted = cost.predict(unit)
        assert predicted.lut > 0
        assert predicted.ff > 0
    assert set(cost.fitted()) == {unit.kind for unit in samples()}


def test_shipped_models_fit_their_samples() -> None:
    text = (resources.files("shiftloom.codegen") / "cost.json").read_text("utf-8")
    for error in json.loads(text)["errors"].values():
        assert error["lut_mean"] <= 0.06
        assert error["lut_max"] <= 0.12
        assert error["ff_mean"] <= 0.05
        assert error["ff_max"] <= 0.1


def test_like_tables_are_made_once() -> None:
    assert [cost.distinct_tables(100, depth) for depth in (1, 2)] == [0, pytest.approx(2)]
    assert cost.distinct_tables(10, 3) < 6
    assert cost.distinct_tables(100, 64) == pytest.approx(100)
