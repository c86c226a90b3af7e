"""The control of `sl_taps`: a walk over the pixels of a frame, and the outputs that end on it."""

from __future__ import annotations

from dataclasses import dataclass

from shiftloom.codegen.dataflows.streaming.timing.model import Kind, Model, compiled
from shiftloom.codegen.values import IntArray, Shape
from shiftloom.codegen.windows import Pair, Window


@dataclass(frozen=True, slots=True)
class TapsGeometry:
    """Pairs (vertical, horizontal), named as in `sl_taps_walk.sv`.

    The walk's size in pixels; the last output of stride 1 that is needed; the pixel of the last tap
    of output (0, 0).
    """

    size: Pair
    end: Pair
    last: Pair

    @staticmethod
    def of(shape: Shape, window: Window, output: Pair) -> TapsGeometry:
        """The walk over a map of `shape` for `output` pixels of a window."""
        end_y, end_x = ((output[i] - 1) * window.stride[i] for i in (0, 1))
        (span_y, span_x), (top, left) = window.span, window.padding
        return TapsGeometry(
            (max(shape[0], end_y + 1, span_y), max(shape[1], end_x + 1, span_x)),
            (end_y, end_x),
            (span_y - 1 - top, span_x - 1 - left),
        )

    @property
    def pixels(self) -> int:
        """Pixels of the walk, those without input included."""
        return self.size[0] * self.size[1]


def model(shape: Shape, window: Window, output: Pair, folds: int) -> Model:
    """`folds` steps a pixel."""
    walk = TapsGeometry.of(shape, window, output)
    params = (*walk.size, *shape[:2], *walk.last, *walk.end, *window.stride, folds)
    return Model(Kind.TAPS, params, (0,) * 9)


# Parameters.
_ROWS, _COLUMNS, _H, _W, _LAST_Y, _LAST_X, _END_Y, _END_X, _SH, _SW, _FOLDS = range(11)
# Registers: whether the first clock is over; whether it is in an idle pixel; the fold and the pixel
# of the next step; outputs to come, and the next of them; whether a beat is offered.
_STARTED, _IDLE, _FOLD, _Y, _X, _AWAITS, _OUT_Y, _OUT_X, _OFFERED = range(9)


@compiled
def valid(p: IntArray, s: IntArray) -> int:
    return int(s[_OFFERED])


@compiled
def _walks(p: IntArray, s: IntArray) -> bool:
    """Whether the pixel is none of the input's."""
    return bool(s[_Y] >= p[_H] or s[_X] >= p[_W])


@compiled
def ready(p: IntArray, s: IntArray, offered: int, taken: int) -> int:
    free = s[_STARTED] and (taken or not s[_OFFERED])
    return 1 if free and not s[_IDLE] and not _walks(p, s) else 0


@compiled
def step(p: IntArray, s: IntArray, moved_in: int, moved_out: int) -> None:
    if not s[_STARTED]:
        s[_STARTED] = 1
        return
    if s[_OFFERED] and not moved_out:
        return
    at_start = s[_Y] == 0 and s[_X] == 0 and s[_FOLD] == 0
    idle = s[_IDLE] or (at_start and s[_AWAITS] and not moved_in)
    s[_OFFERED] = 0
    if not (moved_in or idle or _walks(p, s)):
        return
    starts = not idle and s[_Y] == p[_LAST_Y] and s[_X] == p[_LAST_X]
    live = s[_AWAITS] or starts
    if live and s[_OUT_X] <= p[_END_X]:
        s[_OFFERED] = s[_OUT_Y] % p[_SH] == 0 and s[_OUT_X] % p[_SW] == 0
    s[_FOLD] = (s[_FOLD] + 1) % p[_FOLDS]
    s[_IDLE] = idle and s[_FOLD] != 0
    if s[_FOLD] == 0:
        if not idle:
            _next_pixel(p, s)
        if live:
            _next_output(p, s)


@compiled
def _next_pixel(p: IntArray, s: IntArray) -> None:
    s[_X] = (s[_X] + 1) % p[_COLUMNS]
    if s[_X] == 0:
        s[_Y] = (s[_Y] + 1) % p[_ROWS]


@compiled
def _next_output(p: IntArray, s: IntArray) -> None:
    s[_AWAITS] = s[_OUT_Y] != p[_END_Y] or s[_OUT_X] != p[_END_X]
    s[_OUT_X] = (s[_OUT_X] + 1) % p[_COLUMNS]
    if s[_OUT_X] == 0:
        s[_OUT_Y] += 1
    if not s[_AWAITS]:
        s[_OUT_X] = 0
        s[_OUT_Y] = 0
