"""Decides a proof: Yosys turns design and properties into SMT-LIB, Bitwuzla looks for a violation.

The design is a transition system of bit vectors. Its runs are written out clock by clock, and the
solver is asked for one in which an assumption holds in every clock and an assertion does not.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.rtl_sim import tools, yosys
from shiftloom.rtl_sim.proofs.proof import Mutant, Proof

FOLDER = Path(__file__).parent
TIMEOUT = 600.0

_LOWER = """\
hierarchy -check -top {top}
proc
flatten
opt_clean
memory_map
async2sync
chformal -lower
setundef -undriven -anyseq
dffunmap
opt_clean
write_smt2 -wires design.smt2
"""
_SOLVE = """\
import bitwuzla
parser = bitwuzla.Parser(bitwuzla.TermManager(), bitwuzla.Options())
parser.parse("question.smt2", parse_only=False)
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a proof and of its mutant, which must be refuted; `seconds` for the proof."""

    holds: bool
    mutant_is_refuted: bool
    seconds: float

    @property
    def is_good(self) -> bool:
        """The proof succeeds, and would not if the module had the fault."""
        return self.holds and self.mutant_is_refuted


def judge(proof: Proof, library: Path) -> Verdict:
    """Decide the proof for the modules in `library`, and for its mutant."""
    with tempfile.TemporaryDirectory() as name:
        sound, planted, faulty = (Path(name) / part for part in ("sound", "planted", "faulty"))
        for folder in (sound, planted, faulty):
            folder.mkdir()
        start = time.monotonic()
        result = holds(proof, library, sound)
        seconds = time.monotonic() - start
        plant(proof.mutant, library, planted)
        return Verdict(result, not holds(proof, planted, faulty), seconds)


def holds(proof: Proof, library: Path, folder: Path, *, timeout: float = TIMEOUT) -> bool:
    """Whether the proof succeeds on the modules in `library`; False where a violation was found.

    `folder` is an empty one for the files in between. Raises ShiftloomError with the message of
    Yosys or of the solver, or when one of them takes longer than `timeout` seconds.
    """
    (folder / "beside.sv").write_text(proof.beside, encoding="ascii")
    sources = [*sorted(library.glob("*.sv")), FOLDER / f"{proof.properties}.sv"]
    yosys.run_script(proof.name, sources, _script(proof, len(sources)), folder, timeout)
    design = (folder / "design.smt2").read_text(encoding="utf-8")
    return all(
        _is_impossible(proof.name, f"{design}{question}", folder, timeout)
        for question in _questions(proof)
    )


def plant(mutant: Mutant, library: Path, folder: Path) -> None:
    """Copy the library into `folder`, with the fault. Raises ShiftloomError if it does not fit."""
    for file in sorted(library.glob("*.sv")):
        text = file.read_text(encoding="ascii")
        if file.stem == mutant.module:
            found = text.count(mutant.old)
            if found != 1:
                problem = f"{mutant.old!r} stands {found} times in it"
                raise ShiftloomError(mutant.module, problem, "name what stands there once")
            text = text.replace(mutant.old, mutant.new)
        (folder / file.name).write_text(text, encoding="ascii")


def _script(proof: Proof, sources: int) -> str:
    files = " ".join(f"s{index:03d}.sv" for index in range(sources))
    parameters = "".join(f" -G {name}={value}" for name, value in sorted(proof.parameters.items()))
    options = f"--top {proof.top}{parameters}"
    return f"read_slang {options} {files} beside.sv\n{_LOWER.format(top=proof.top)}"


def _questions(proof: Proof) -> Iterable[str]:
    """What must be impossible, one after the other."""
    top, depth, k = proof.top, proof.depth, proof.induction
    begin = [f"(assert (|{top}_i| s0))"]
    if proof.start == "reset":
        begin.append(f"(assert (|{top}_n rst| s0))")
    wrong = " ".join(f"(not (|{top}_a| s{clock}))" for clock in range(depth))
    yield _runs(top, depth, [*begin, f"(assert (or false {wrong}))"])
    if k:
        right = [f"(assert (|{top}_a| s{clock}))" for clock in range(k)]
        yield _runs(top, k + 1, [*right, f"(assert (not (|{top}_a| s{k})))"])


def _runs(top: str, clocks: int, more: Iterable[str]) -> str:
    """Runs of so many clocks that keep the assumptions, and more that must be true of them."""
    lines = []
    for clock in range(clocks):
        lines.append(f"(declare-const s{clock} |{top}_s|)")
        lines.append(f"(assert (and (|{top}_h| s{clock}) (|{top}_u| s{clock})))")
        if clock:
            lines.append(f"(assert (|{top}_t| s{clock - 1} s{clock}))")
    return "\n".join([*lines, *more, "(check-sat)\n"])


def _is_impossible(name: str, question: str, folder: Path, timeout: float) -> bool:
    tools.require("bitwuzla")
    (folder / "question.smt2").write_text(question, encoding="utf-8")
    yosys.call(name, [sys.executable, "-c", _SOLVE], folder, timeout)
    answer = (folder / "log").read_text(encoding="utf-8").strip()
    if answer not in ("sat", "unsat"):
        raise ShiftloomError(name, f"the solver answers {answer[:200]!r}")
    return answer == "unsat"
