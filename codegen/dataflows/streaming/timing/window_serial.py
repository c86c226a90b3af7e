"""The control of `sl_window_serial`: the walk over the taps, the words held and those ahead."""

from __future__ import annotations

from dataclasses import dataclass

from shiftloom.codegen.dataflows.streaming.timing.model import Kind, Model, compiled
from shiftloom.codegen.values import IntArray, Shape
from shiftloom.codegen.windows import Pair, Window


@dataclass(frozen=True, slots=True)
class WalkGeometry:
    """Counts and distances of the walk in words, as in `sl_window_walk.sv`.

    `counts` are those of a group's words, kernel columns and rows, passes, groups, output columns
    and rows; `moves[i]` leads to the next tap where counter i is the first one not at its end, the
    last one to the next frame; `window_moves` lead from tap (0, 0) of an output to that of the
    next: in the row, in the next row, in the next frame.
    """

    counts: tuple[int, ...]
    moves: tuple[int, ...]
    window_moves: tuple[int, int, int]
    first: int
    needed: int

    @staticmethod
    def of(
        shape: Shape, window: Window, output: Pair, simd: int, groups: int, passes: int
    ) -> WalkGeometry:
        """The walk over all windows of a map of `shape` in beats of `simd` elements."""
        height, width, channels = shape
        (kh, kw), (sh, sw), (top, left) = window.kernel, window.stride, window.padding
        pixel = channels // simd
        row, words = width * pixel, pixel // groups
        down, right = window.dilation[0] * row, window.dilation[1] * pixel
        across = (kw - 1) * right + words - 1
        kernel = (kh - 1) * down + across
        back = kernel + (groups - 1) * words
        start = (output[1] - 1) * sw * pixel
        window_moves = sw * pixel, sh * row - start, (height - (output[0] - 1) * sh) * row - start
        inner = 1, right - words + 1, down - across, -kernel, words - kernel
        reach = min((kw - 1) * window.dilation[1], width - 1 + left)
        return WalkGeometry(
            (words, kw, kh, passes, groups, output[1], output[0]),
            (*inner, *(move - back for move in window_moves)),
            window_moves,
            (top * width + left) * pixel,
            (kh - 1) * down + (reach + 1) * pixel,
        )

    def capacity(self, words: int) -> int:
        """Words of a ring for at least `words`, a power of two."""
        return max(2, 1 << (max(words, self.needed) - 1).bit_length())

    def move_bits(self, capacity: int) -> int:
        """Bits of the counters of words held and ahead, with their sign."""
        span = self.moves[0] * self.counts[0] + max(self.window_moves) - min(self.moves)
        return max(capacity + self.first, span).bit_length() + 1


def model(
    shape: Shape, window: Window, geometry: WalkGeometry, capacity: int, awaits: bool = False
) -> Model:
    """A ring of `capacity` words; `awaits` where no padding comes before its frame begins."""
    frame = (*window.stride, *window.dilation, *window.padding, shape[0], shape[1])
    opening = geometry.first if awaits else _NEVER
    params = (*geometry.counts, *geometry.moves, *geometry.window_moves, *frame, capacity, opening)
    registers = (*[0] * len(geometry.counts), 0, 0, geometry.first, geometry.first - 1)
    return Model(Kind.WINDOW_SERIAL, params, registers)


# Parameters.
_COUNTERS = 7
_MOVES = 7
_WINDOW_MOVES = 15
_SH, _SW, _DH, _DW, _PT, _PL, _H, _W, _CAPACITY, _OPENING = range(18, 28)
_NEVER = -(1 << 40)
"""Below any number of words: held ones are always more."""
# Registers: the position of the tap that is read next; whether there is one, which is not in the
# first clock, and whether a beat is offered; words held, and those after the tap.
_WORD, _KW, _KH, _PASS, _GROUP, _X, _Y = range(7)
_WALKING, _OFFERED, _HELD, _AHEAD = range(7, 11)


@compiled
def valid(p: IntArray, s: IntArray) -> int:
    return int(s[_OFFERED])


@compiled
def ready(p: IntArray, s: IntArray, offered: int, taken: int) -> int:
    return 1 if s[_HELD] < p[_CAPACITY] else 0


@compiled
def step(p: IntArray, s: IntArray, moved_in: int, moved_out: int) -> None:
    free = moved_out != 0 or not s[_OFFERED]
    has_begun = s[_X] or s[_Y] or s[_HELD] > p[_OPENING]
    arrived = s[_AHEAD] >= 0 or not _in_frame(p, s)
    reads = s[_WALKING] and free and has_begun and arrived
    s[_WALKING] = 1
    s[_HELD] += moved_in
    s[_AHEAD] += moved_in
    if free:
        s[_OFFERED] = reads
    if reads:
        _walk(p, s)


@compiled
def _in_frame(p: IntArray, s: IntArray) -> bool:
    """Whether the tap is no padding."""
    y = s[_Y] * p[_SH] - p[_PT] + s[_KH] * p[_DH]
    x = s[_X] * p[_SW] - p[_PL] + s[_KW] * p[_DW]
    return bool(0 <= y < p[_H] and 0 <= x < p[_W])


@compiled
def _walk(p: IntArray, s: IntArray) -> None:
    """Move to the next tap."""
    level = 0
    while level < _COUNTERS and s[level] == p[level] - 1:
        s[level] = 0
        level += 1
    if level < _COUNTERS:
        s[level] += 1
    s[_AHEAD] -= p[_MOVES + level]
    if level >= _X:
        s[_HELD] -= p[_WINDOW_MOVES + level - _X]
