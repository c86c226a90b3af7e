"""How a matrix product is folded onto `pe` outputs × `simd` terms a clock."""

from __future__ import annotations

from dataclasses import dataclass

from shiftloom.codegen.qgraph import Mac
from shiftloom.codegen.values import IntArray


@dataclass(frozen=True, slots=True)
class Folding:
    """The beats of a `Mac`: NF sweeps in all, over the vector of each group, SF beats each."""

    mac: Mac
    pe: int
    simd: int

    @property
    def divides(self) -> bool:
        """Whether every beat is full, of outputs and terms of one group."""
        outputs = int(self.mac.weights.data.shape[0]) // self.mac.groups
        return outputs % self.pe == 0 and self.mac.lanes % self.simd == 0

    @property
    def synapse_folds(self) -> int:
        """Beats of one dot product, SF."""
        return self.mac.lanes // self.simd

    @property
    def neuron_folds(self) -> int:
        """Sweeps of a pixel, NF."""
        return int(self.mac.weights.data.shape[0]) // self.pe

    @property
    def depth(self) -> int:
        """Beats of a pixel, NF·SF: the words of a weight memory."""
        return self.neuron_folds * self.synapse_folds

    @property
    def parameters(self) -> tuple[tuple[str, int], ...]:
        """The first parameters of the modules that are folded so."""
        folds = ("SF", self.synapse_folds), ("NF", self.neuron_folds)
        return ("SIMD", self.simd), ("PE", self.pe), *folds

    def beats(self, weights: IntArray) -> IntArray:
        """One integer a weight [C_out, …] as [NF·SF, PE, SIMD] in the order of the beats."""
        folded = weights.reshape(self.neuron_folds, self.pe, self.synapse_folds, self.simd)
        return folded.transpose(0, 2, 1, 3).reshape(-1, self.pe, self.simd)

    def outputs(self, values: IntArray) -> IntArray:
        """One integer an output [C_out] as [NF, PE]."""
        return values.reshape(self.neuron_folds, self.pe)


def wrapped(values: IntArray, bits: int) -> IntArray:
    """Values modulo 2^bits, as two's complement."""
    half = 1 << (bits - 1)
    result: IntArray = (values + half) % (2 * half) - half
    return result
