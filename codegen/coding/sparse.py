"""Places of a sparse layer's weights as short steps from one to the next (arXiv:1510.00149, 2).

With b bits a step leads 1 to 2^b places on. A longer way takes steps of 2^b to fillers, entries
whose weight is 0. With no bits every zero is a filler, and the steps need not be written.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.formats.format import Codes
from shiftloom.codegen.values import IntArray


def steps(places: IntArray, bits: int) -> tuple[Codes, npt.NDArray[np.bool_]]:
    """Each step less 1, and which entries are weights, for ascending `places`; others fill."""
    far = np.diff(places, prepend=-1) - 1
    fillers, rest = far >> bits, far & ((1 << bits) - 1)
    last = np.cumsum(fillers + 1) - 1
    found = np.full(int(last[-1]) + 1 if len(last) else 0, (1 << bits) - 1, dtype=np.uint16)
    found[last] = rest
    is_weight = np.zeros(len(found), dtype=bool)
    is_weight[last] = True
    return found, is_weight


def places(steps: Codes) -> IntArray:
    """The place of each entry, fillers as well."""
    return np.cumsum(steps.astype(np.int64) + 1) - 1
