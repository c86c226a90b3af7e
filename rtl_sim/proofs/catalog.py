"""Every proof, in the order of the table."""

from __future__ import annotations

from shiftloom.rtl_sim.proofs.arithmetic import ARITHMETIC_PROOFS
from shiftloom.rtl_sim.proofs.digits import DIGIT_PROOFS
from shiftloom.rtl_sim.proofs.proof import Proof
from shiftloom.rtl_sim.proofs.streams import STREAM_PROOFS

PROOFS: tuple[Proof, ...] = (*DIGIT_PROOFS, *STREAM_PROOFS, *ARITHMETIC_PROOFS)
