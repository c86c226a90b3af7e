"""Toggles: how many bits of the nets of a design change from one clock to the next.

They are counted by Verilator, once a clock when all has settled: glitches within a clock are not
seen, nor the clock itself, nor words inside a memory that nothing reads. A net that runs through
several modules counts once, in the innermost one that drives it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.rtl_sim import engine
from shiftloom.rtl_sim.cache import Cache
from shiftloom.rtl_sim.compile import SimTop

_SCOPE = re.compile(r"\s*\((?:NET|INSTANCE (\S+))$")
_NET = re.compile(r"\s*\(([IN])(\d+)(\S*) .*\(TC (\d+)\)\)$")


def toggles(
    top: SimTop,
    frames: NDArray[np.uint8],
    *,
    cache: Cache,
    quality: engine.Quality | None = None,
) -> dict[str, float]:
    """Bits that change a frame, by instance in the top module; `top.name` has the top's own nets.

    `frames` and `quality` are as for `engine.run`, two frames or more. They are run once, and twice
    in a row: the difference is what they take in the steady state, without what a start sets up.
    """
    if len(frames) < 2:
        raise ShiftloomError(
            top.name, f"{len(frames)} frames to count toggles in", "give 2 or more"
        )
    once, twice = (
        by_instance(top.name, engine.activity(top, x, cache=cache, quality=quality).splitlines())
        for x in (frames, np.concatenate([frames, frames]))
    )
    return {name: (twice[name] - once[name]) / len(frames) for name in sorted(twice)}


def by_instance(top: str, lines: Iterable[str]) -> dict[str, int]:
    """The toggles of each instance in `top`, and of `top` itself, in the lines of a SAIF file.

    Its nets are named as by `nets.hpp`; parameters are left out.
    """
    owners: dict[str, str] = {}
    bits: dict[tuple[str, str], int] = {}
    path: list[str] = []
    for line in lines:
        if net := _NET.match(line):
            letter, code, bit, count = net.groups()
            inside = path[path.index(top) + 1 :] if top in path else []
            if letter == "N" or code not in owners:
                owners[code] = next(filter(None, inside), top)
            bits[code, bit] = int(count)
        elif scope := _SCOPE.match(line):
            path.append(scope[1] or "")
        elif line.strip() == ")" and path:
            path.pop()
    total = dict.fromkeys((top, *owners.values()), 0)
    for (code, _), count in bits.items():
        total[owners[code]] += count
    return total
