"""No library module has more logic levels in a row than its bound."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("pyosys")

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.rtl_sim.cache import Cache
from shiftloom.rtl_sim.level_bounds import BOUNDS, LevelBound

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "templates" / "rtl" / "lib"
CACHE = Cache(ROOT / ".cache" / "synth")
LOOP = """\
module sl_loop (input wire a, output wire y);
  assign y = a ^ (y & a);
endmodule
"""


@pytest.mark.parametrize("bound", BOUNDS, ids=lambda bound: bound.module)
def test_levels_keep_the_bound(bound: LevelBound) -> None:
    assert bound.measure(LIBRARY, CACHE) <= bound.levels


def test_every_module_has_a_bound() -> None:
    bounded = [bound.module for bound in BOUNDS]
    assert sorted(bounded) == sorted(file.stem for file in LIBRARY.glob("*.sv"))


def test_page_lists_the_bounds() -> None:
    page = (ROOT / "docs" / "timing.md").read_text("utf-8")
    for bound in BOUNDS:
        assert f"| `{bound.module}` | {bound.levels} | {bound.text()} |" in page


def test_wider_adders_have_more_levels() -> None:
    bound = next(bound for bound in BOUNDS if bound.module == "sl_adder_tree")
    wider = replace(bound, parameters={"N": 4, "BITS": 40})
    assert wider.measure(LIBRARY, CACHE) > bound.levels


def test_levels_of_long_multipliers_are_those_of_the_page() -> None:
    page = (ROOT / "docs" / "timing.md").read_text("utf-8")
    assert "17 levels in all where M has 24 bits" in page
    bound = next(bound for bound in BOUNDS if bound.module == "sl_requant_csd")
    longest = replace(bound, parameters={**bound.parameters, "ROWS": 13})
    assert longest.measure(LIBRARY, CACHE) <= 17


def test_a_combinational_loop_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "sl_loop.sv").write_text(LOOP)
    with pytest.raises(ShiftloomError, match=r"^sl_loop: a combinational loop through \d+ nets$"):
        LevelBound("sl_loop", 0).measure(tmp_path, CACHE)
