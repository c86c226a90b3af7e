"""Every formal proof holds, and the mutant that belongs to it is refuted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("pyosys")
pytest.importorskip("bitwuzla")

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.rtl_sim.proofs import check
from shiftloom.rtl_sim.proofs.catalog import PROOFS
from shiftloom.rtl_sim.proofs.proof import Mutant, Proof

LIB = Path(__file__).parents[2] / "templates" / "rtl" / "lib"
FIFO = next(proof for proof in PROOFS if proof.name == "sl_fifo-order-4-2")
SUMS = [proof for proof in PROOFS if proof.properties == "exact_sum"]
CASES = [
    pytest.param(proof, id=proof.name, marks=[pytest.mark.soak] if proof.is_long else [])
    for proof in PROOFS
]


@pytest.mark.parametrize("proof", CASES)
def test_proof_holds_and_its_mutant_does_not(proof: Proof) -> None:
    verdict = check.judge(proof, LIB)
    assert verdict.holds
    assert verdict.mutant_is_refuted


def test_page_lists_the_proofs() -> None:
    page = (LIB.parents[2] / "docs" / "proofs.md").read_text("utf-8")
    listed = page.split("<!-- proofs:begin -->")[1].split("<!-- proofs:end -->")[0]
    rows = [f"| `{proof.name}` | {proof.claim} | {proof.bound} |" for proof in PROOFS]
    assert listed.strip().splitlines()[2:] == rows


def test_names_are_unique() -> None:
    assert len({proof.name for proof in PROOFS}) == len(PROOFS)


def test_every_file_of_properties_is_used() -> None:
    assert {proof.properties for proof in PROOFS} == {f.stem for f in check.FOLDER.glob("*.sv")}


def test_induction_refutes_what_a_few_clocks_do_not_show(tmp_path: Path) -> None:
    """A full buffer that takes one more beat: two clocks from reset are too few to see it."""
    deep = replace(FIFO, parameters={"WIDTH": 4, "DEPTH": 2}, depth=2, induction=0)
    mutant = Mutant("sl_fifo", "s_tready <= pop || (count_q != CW'(DEPTH - 1))", "s_tready <= 1'b1")
    check.plant(mutant, LIB, tmp_path)
    verdicts = []
    for number, induction in enumerate((0, 1)):
        folder = tmp_path / f"{number}"
        folder.mkdir()
        verdicts.append(check.holds(replace(deep, induction=induction), tmp_path, folder))
    assert verdicts == [True, False]


@pytest.mark.parametrize("change", [{"BIAS": 1}, {"ACC_BITS": -1}], ids=str)
@pytest.mark.parametrize("proof", SUMS, ids=lambda proof: proof.name)
def test_the_room_of_an_accumulator_is_tight(
    tmp_path: Path, proof: Proof, change: dict[str, int]
) -> None:
    """A bias larger by one overflows, and so does a bit less."""
    figures = {name: value + change.get(name, 0) for name, value in proof.parameters.items()}
    assert not check.holds(replace(proof, parameters=figures), LIB, tmp_path)


@pytest.mark.parametrize(("old", "times"), [("no such text", 0), ("count_q", 6)])
def test_a_mutant_that_does_not_fit_is_refused(tmp_path: Path, old: str, times: int) -> None:
    with pytest.raises(ShiftloomError, match=rf"^sl_fifo: '{old}' stands {times} times in it; "):
        check.plant(Mutant("sl_fifo", old, ""), LIB, tmp_path)


def test_a_solver_that_gives_no_answer_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "_SOLVE", "print('unknown')")
    with pytest.raises(ShiftloomError, match=r"^sl_fifo-order-4-2: the solver answers 'unknown'"):
        check.holds(FIFO, LIB, tmp_path)


def test_properties_that_do_not_compile_are_an_error(tmp_path: Path) -> None:
    broken = replace(FIFO, beside="bind sl_fifo fifo_order i_order (.no_such_port(clk));\n")
    with pytest.raises(ShiftloomError, match=r"sl_fifo-order-4-2: .*no_such_port"):
        check.holds(broken, LIB, tmp_path)
