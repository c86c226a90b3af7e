"""What the PEs have in common that multiply by the first signed digits of an operand."""

from __future__ import annotations

from shiftloom.codegen.dataflows.streaming.unit import OneToOne
from shiftloom.codegen.pe.folding import Folding
from shiftloom.codegen.plan import CLOCK_GATES, GATES, ClockGate, Gate
from shiftloom.codegen.qgraph import Mac
from shiftloom.codegen.quality import operand_of
from shiftloom.codegen.signed_digits import rows_for


class Scaled(OneToOne):
    """A unit with the fields `mac`, `gate` and `clock_gate`: quality cuts what `mac` scales by."""

    __slots__ = ()
    mac: Mac
    gate: Gate
    clock_gate: ClockGate

    @property
    def folding(self) -> Folding:
        """Outputs and terms a clock."""
        return Folding(self.mac, self.sink.elements, self.source.elements)

    @property
    def rows(self) -> int:
        """Pairs of digits of the operand that quality cuts."""
        operand = operand_of(self.mac)
        assert operand is not None
        return rows_for(operand[1])

    def cycles(self) -> int:
        """One input beat a clock."""
        return self.source.beats

    def _shape(self) -> tuple[tuple[str, int], ...]:
        """The first parameters of the module: the folding, and the activations."""
        return (
            *self.folding.parameters,
            ("X_BITS", self.source.bits),
            ("X_SIGNED", int(self.source.signed)),
        )

    def _gates(self) -> tuple[tuple[str, int], ...]:
        """Its last ones: what rests in the multipliers, and the vectors after which K is new."""
        return (
            ("GATE", GATES.index(self.gate)),
            ("CLOCK_GATE", CLOCK_GATES.index(self.clock_gate)),
            ("PIXELS", self.sink.beats // self.folding.neuron_folds),
        )
