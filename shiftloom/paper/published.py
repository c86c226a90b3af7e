"""What the paper prints (Khaliq & Hafiz, arXiv:2407.11260), and how ours compares with it.

Its figures 7 to 11 are pictures without values in the text: what the text says of them is a claim.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from shiftloom.codegen.grids import NONE

SOURCE = "Khaliq & Hafiz, arXiv:2407.11260"


@dataclass(frozen=True, slots=True)
class Published:
    """A number of the paper, in percent as printed with its decimals, and the place of it.

    An accuracy is reached by as much or more; what is `exact` must come out in every digit, and a
    larger number misses it as well.
    """

    percent: float
    place: str
    exact: bool = False
    decimals: int = 2

    def verdict(self, share: float | None) -> str:
        """How a measured share, 0 to 1, compares: "equal", "reached", or by what it misses."""
        if share is None:
            return "not measured"
        measured = round(100 * share, self.decimals)
        if measured == self.percent:
            return "equal"
        if measured > self.percent and not self.exact:
            return "reached"
        away = measured - self.percent
        return f"miss by {away:+.{self.decimals}f} points".replace("-", "−")


def shown(value: float | None, decimals: int = 2) -> str:
    """A published number as a table has it, a dash for None."""
    return NONE if value is None else f"{value:.{decimals}f} %"


LENET_FLOAT = Published(98.68, "table III (the text says 98.86 %)")
LENET_QUANTIZED = Published(97.59, "table III")
LENET_TUNED = {5: Published(98.35, "table III"), 20: Published(98.55, "table III")}
"""By the epochs in which only the fully connected layers were trained."""
LENET_SAVING = Published(82.4919, "section IV.A", exact=True, decimals=4)
LENET_ZEROS = Published(6.0, "section IV.A, “up to”", exact=True, decimals=0)
"""By how many points the share of zero weights grows."""

CONVNET_ACCURACY = {2: Published(68.47, "section VI"), 3: Published(73.28, "section VI")}
"""By bits of a code."""
CONVNET_SAVING = {
    2: Published(91.95, "section VI", exact=True),
    3: Published(88.82, "section VI", exact=True),
}
"""DRAM energy of the convolutions (eq. 11 and 12), by bits of a code."""

Holds = Literal["holds", "does not hold", "not measured"]


@dataclass(frozen=True, slots=True)
class Claim:
    """What the paper says of a figure, where, and whether it holds here, with the evidence."""

    text: str
    place: str
    holds: Holds
    evidence: str = ""


def claim(text: str, place: str, holds: bool | None, evidence: str = "") -> Claim:
    """A claim that was checked; None where nothing could be measured."""
    verdicts: dict[bool | None, Holds] = {True: "holds", False: "does not hold"}
    return Claim(text, place, verdicts.get(holds, "not measured"), evidence)
