"""Toggles by Verilator: each net once, in the instance that drives it, in the steady state."""

from __future__ import annotations

import numpy as np
import pytest
from small_top import Mutant

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.rtl_sim.cache import Cache
from shiftloom.rtl_sim.engine import SimTop
from shiftloom.rtl_sim.toggles import by_instance, toggles

SAIF = r"""
(SAIFILE
(SAIFVERSION "2.0")
(TIMESCALE 1ps)
(DURATION 4)
 (INSTANCE $rootio
  (NET
   (I1 (T0 4) (T1 0) (TZ 0) (TX 0) (TB 0) (TC 3))
  )
 )
 (INSTANCE top
  (NET
   (I1 (T0 4) (T1 0) (TZ 0) (TX 0) (TB 0) (TC 3))
   (N2\[0\] (T0 4) (T1 0) (TZ 0) (TX 0) (TB 0) (TC 5))
   (N2\[1\] (T0 4) (T1 0) (TZ 0) (TX 0) (TB 0) (TC 7))
   (P9 (T0 4) (T1 0) (TZ 0) (TX 0) (TB 0) (TC 100))
  )
  (INSTANCE a
   (NET
    (I1 (T0 4) (T1 0) (TZ 0) (TX 0) (TB 0) (TC 3))
   )
   (INSTANCE deep
    (NET
     (N2\[0\] (T0 4) (T1 0) (TZ 0) (TX 0) (TB 0) (TC 5))
     (N2\[1\] (T0 4) (T1 0) (TZ 0) (TX 0) (TB 0) (TC 7))
     (N2\[0\] (T0 4) (T1 0) (TZ 0) (TX 0) (TB 0) (TC 5))
     (N2\[1\] (T0 4) (T1 0) (TZ 0) (TX 0) (TB 0) (TC 7))
    )
   )
  )
  (INSTANCE b
   (NET
    (I2\[0\] (T0 4) (T1 0) (TZ 0) (TX 0) (TB 0) (TC 5))
    (I2\[1\] (T0 4) (T1 0) (TZ 0) (TX 0) (TB 0) (TC 7))
    (N3 (T0 4) (T1 0) (TZ 0) (TX 0) (TB 0) (TC 11))
   )
  )
 )
)
"""


def test_a_net_counts_once_where_it_is_driven() -> None:
    assert by_instance("top", SAIF.splitlines()) == {"top": 3, "a": 12, "b": 11}


def test_only_what_changes_toggles(top: SimTop, cache: Cache) -> None:
    """Constant frames leave the data still; alternating bytes toggle every bit of it a beat."""
    still, busy = np.zeros((4, 24), np.uint8), np.zeros((4, 24), np.uint8)
    busy.reshape(4, 12, 2)[:, 1::2] = 254
    quiet = toggles(top, still, cache=cache)
    found = toggles(top, busy, cache=cache)
    assert set(found) == {"plus_two", "u_first", "u_queue", "u_second"}
    assert quiet["u_first"] == quiet["u_second"] == 0
    assert found["u_first"] == 12 * 2 * 7  # from 1 to 255 and back, in two elements a beat
    assert sum(found.values()) > sum(quiet.values()) + 3 * 12 * 2 * 7


def test_bits_are_counted_as_they_change(mutant: Mutant, cache: Cache) -> None:
    frames = np.random.default_rng(1).integers(0, 256, (4, 48), dtype=np.uint8)
    wide = mutant("ELEMS = 2", "ELEMS = 4", in_width=32, out_width=32)
    counts = toggles(wide, frames, cache=cache)
    beats = frames.reshape(-1, 4).astype(np.uint8) + np.uint8(1)
    turned = np.concatenate([beats, beats[:1]])
    changed = np.unpackbits(turned[1:] ^ turned[:-1]).sum()
    assert counts["u_first"] == changed / len(frames)


def test_one_frame_is_too_few(top: SimTop, cache: Cache) -> None:
    message = "^plus_two: 1 frames to count toggles in; give 2 or more$"
    with pytest.raises(ShiftloomError, match=message):
        toggles(top, np.zeros((1, 24), np.uint8), cache=cache)
