"""Weight storage and DRAM energy against float weights (Khaliq & Hafiz, eq. 11 and 12)."""

from __future__ import annotations

from dataclasses import dataclass

FULL_PRECISION_BITS = 32
PICOJOULE_PER_WORD = 6400.0
"""DRAM energy of one 32-bit word, the paper's figure (its reference 8)."""


@dataclass(frozen=True, slots=True)
class WeightTraffic:
    """Bits moved for one load of all weights: float (eq. 11) and quantized (eq. 12)."""

    float_bits: int
    quantized_bits: int

    @property
    def saving(self) -> float:
        """Share of the DRAM energy saved, 1 − eq. 12 / eq. 11; 0 without weights."""
        return 1.0 - self.quantized_bits / self.float_bits if self.float_bits else 0.0

    def energy_nanojoule(self, picojoule_per_word: float = PICOJOULE_PER_WORD) -> float:
        """Energy of loading the quantized weights once."""
        return self.quantized_bits / 32 * picojoule_per_word / 1000

    def __add__(self, other: WeightTraffic) -> WeightTraffic:
        return WeightTraffic(
            self.float_bits + other.float_bits, self.quantized_bits + other.quantized_bits
        )
