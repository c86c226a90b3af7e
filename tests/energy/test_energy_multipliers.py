"""Multiplier netlists on operands: exact at every quality, gating and K seen in toggles, tables."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.signed_digits import kept, row_words
from shiftloom.energy import blocks, multipliers, table
from shiftloom.energy.blocks import BEFORE, GATED, INT8, PLAIN, SHIFT
from shiftloom.energy.constants import CONSTANTS, TOGGLE
from shiftloom.energy.designs import DesignRow
from shiftloom.energy.dram import Dram
from shiftloom.energy.multipliers import NO_QUALITY, Row
from shiftloom.energy.operands import Operands
from shiftloom.energy.table import BASE, Key
from shiftloom.rtl_sim.cache import Cache

SIZE = (8, 60)
RNG = np.random.default_rng(5)
X = RNG.integers(0, 256, SIZE) * (RNG.random(SIZE) < 0.4)
SPARSE = Operands("sparse", X, RNG.integers(-128, 128, SIZE))
CODES = replace(SPARSE, weights=RNG.choice([0, 1, -1, 2, -2, 4, -4], SIZE))
PRODUCT = next(block for block in INT8 if block.name == "CSD, gate product")
UNGATED = next(block for block in INT8 if block.name == "CSD, gate none")


@pytest.mark.usefixtures("synthesizer")
def test_products_are_exact_and_cost_what_gates_and_digits_say(cache: Cache) -> None:
    chosen = (PLAIN, UNGATED, PRODUCT)
    seen: list[str] = []
    rows = multipliers.measure((SPARSE,), chosen, (4, 1), cache, seen.append)
    rows += multipliers.measure((CODES,), (SHIFT,), (4, 1), cache, seen.append)
    assert seen == [block.name for block in (*chosen, SHIFT)]
    found = {(row.block, row.quality): row for row in rows}
    assert len(found) == 1 + 2 * 2 + 1
    base = found[PLAIN.name, NO_QUALITY]
    assert base.toggles > 1.3 * base.settled
    assert base.enabled == 1
    for quality in (4, 1):
        gated, ungated = found[PRODUCT.name, quality], found[UNGATED.name, quality]
        assert gated.toggles < 0.8 * ungated.toggles
        assert gated.enabled < ungated.enabled == 1
    assert found[PRODUCT.name, 1].toggles < 0.7 * found[PRODUCT.name, 4].toggles
    assert found[SHIFT.name, NO_QUALITY].toggles < found[PRODUCT.name, 1].toggles


def test_weights_are_cut_before_they_are_given() -> None:
    ports, products = BEFORE.feed(SPARSE, 2)
    cut = kept(SPARSE.weights, 2)
    assert (ports["w"] == row_words(cut, blocks.ROWS)).all()
    assert (ports["w"] != row_words(SPARSE.weights, blocks.ROWS)).any()
    assert (ports["k"] == blocks.ALL).all()
    assert (products == SPARSE.x * cut).all()


@pytest.mark.usefixtures("synthesizer")
def test_a_wrong_product_is_an_error(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "x_q}) * w_q" in blocks.WRAPPERS
    wrong = blocks.WRAPPERS.replace("x_q}) * w_q", "x_q}) * w_q + 17'sd1")
    monkeypatch.setattr(blocks, "WRAPPERS", wrong)
    with pytest.raises(ShiftloomError, match=r"^`\*`: \d+ of 464 products are wrong$"):
        multipliers.measure((SPARSE,), (PLAIN,), (4,), cache, str)


def row(layer: str, block: str, quality: int, toggles: float) -> Row:
    return Row(layer, block, quality, 10, 20, toggles / 2, toggles, 3 * toggles, 0.5)


ROWS = (
    row("a", PLAIN.name, NO_QUALITY, 40.0),
    row("b", PLAIN.name, NO_QUALITY, 80.0),
    row("a", GATED.name, NO_QUALITY, 20.0),
    row("b", GATED.name, NO_QUALITY, 80.0),
    row("a", PRODUCT.name, 2, 10.0),
    row("b", PRODUCT.name, 2, 100.0),
    row("b", PRODUCT.name, 1, 90.0),
    row("random", PLAIN.name, NO_QUALITY, 1000.0),
)


def test_layers_weigh_as_their_products() -> None:
    whole = table.whole(ROWS, {"a": 30, "b": 10})
    assert whole[BASE].toggles == 50
    assert whole[BASE].settled == 25
    assert whole[Key(PRODUCT.name, 2)].toggles == 32.5
    shown = table.whole_grid(whole).rows[2]
    assert shown[:6] == (PRODUCT.name, "2", "10", "20", "16.2", "−35 %")
    assert shown[-1] == "50 %"
    chosen = table.chosen_grid(whole, {"2": 0.99, "1": 0.98}).rows
    assert [line[:3] for line in chosen[1:]] == [
        (GATED.name, "–", "99.00 %"),
        (PRODUCT.name, "2", "99.00 %"),
        (PRODUCT.name, "1", "98.00 %"),
    ]
    assert chosen[2][3:] == ("32.5", f"{32.5 * TOGGLE.picojoule:.2f}", "−35 %", "−7 %")


def test_layers_stand_beside_each_other() -> None:
    shown = table.layers_grid(ROWS)
    assert [column.title for column in shown.columns[2:]] == ["a", "b", "random"]
    assert shown.rows[2] == (PRODUCT.name, "2", "−75 %", "+25 %", "–")
    assert shown.rows[3] == (PRODUCT.name, "1", "–", "+12 %", "–")


def test_dram_is_shown_by_both_constants() -> None:
    found = Dram("3-bit", 4000.0, 400.0, 8000.0)
    assert found.nanojoule() == 2000 * 640 / 1000
    line = ("3-bit", "4,000", "400", "90.0 %", "8,000", "1.3", "12.8")
    assert table.dram_grid([found]).rows == (line,)
    names = [line[0] for line in table.constants_grid().rows]
    assert names == [constant.name for constant in CONSTANTS]


def test_matrix_units_of_designs_stand_beside_each_other() -> None:
    rows = (
        DesignRow("shift", {"a": 50.0, "b": 300.0}, 1234.0),
        DesignRow("dsp", {"a": 5.0, "b": 9.0}, 7.0),
    )
    shown = table.designs_grid(rows, {"a": 10, "b": 100})
    assert [column.title for column in shown.columns] == ["PE", "a", "b", "Design, a frame"]
    assert shown.rows == (("shift", "5.0", "3.0", "1,234"), ("dsp", "0.5", "0.1", "7"))
