"""Every formal proof of the library: how far it reaches, and that its mutant is refuted.

Run as `python benchmarks/proofs.py`, or `make prove`. It ends with 1 where a proof fails, or where
its mutant does not.
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from shiftloom.rtl_sim.proofs.catalog import PROOFS
from shiftloom.rtl_sim.proofs.check import judge

LIBRARY = Path(__file__).parents[1] / "templates" / "rtl" / "lib"


def main() -> int:
    """Decide all of them and print."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # each runs in processes of its own
        verdicts = list(pool.map(partial(judge, library=LIBRARY), PROOFS))
    table = Table(title="Formal proofs", title_justify="left", box=box.SIMPLE)
    for column in ("Proof", "Claim", "Bound"):
        table.add_column(column)
    table.add_column("Seconds", justify="right")
    table.add_column("Result")
    table.add_column("Mutant")
    for proof, verdict in zip(PROOFS, verdicts, strict=True):
        result = "proven" if verdict.holds else "VIOLATED"
        mutant = "refuted" if verdict.mutant_is_refuted else "NOT SEEN"
        seconds = f"{verdict.seconds:.1f}"
        table.add_row(proof.name, proof.claim, proof.bound, seconds, result, mutant)
    Console(width=160).print(table)
    good = sum(verdict.is_good for verdict in verdicts)
    print(f"{good} of {len(PROOFS)} proofs hold and have a mutant that does not")
    return int(good < len(PROOFS))


if __name__ == "__main__":
    sys.exit(main())
