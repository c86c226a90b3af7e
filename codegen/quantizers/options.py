"""What a configuration says about quantizing the weights of a layer, besides their format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Word = Literal["least_squares", "max", "percentile", "paper", "calibrated", "adaround"]
"""The quantizers of all formats; none has every one."""
AlphaRule = Literal["least_squares", "paper"]


@dataclass(frozen=True, slots=True)
class Options:
    """The quantizer; α's rule in the paper's; α's bits, None for a search; more of single ones."""

    quantizer: Word = "least_squares"
    alpha: AlphaRule = "least_squares"
    alpha_bits: int | None = 16
    percentile: float = 99.9
    scales: int = 1
