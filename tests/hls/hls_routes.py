"""Cases of the HLS units that move elements: forks and joins, borders, orders, tables, indices."""

from __future__ import annotations

import numpy as np
from hls_units import Case, Ints, Port, Table


def fork_case(elements: int, bits: int, beats: int) -> Case:
    """The same beats twice."""
    port = Port(elements, bits, False, beats)

    def model(x: Ints) -> tuple[Ints, Ints]:
        return x, x

    args = (elements * bits, beats)
    return Case("fork", args, port, port, model, second_sink=port)


def concat_case(bits: int, a_beats: int, b_beats: int, turns: int) -> Case:
    """Turns of one stream, then of the other."""
    a, b = Port(1, bits, False, a_beats * turns), Port(1, bits, False, b_beats * turns)
    sink = Port(1, bits, False, (a_beats + b_beats) * turns)

    def model(x: Ints, y: Ints) -> Ints:
        parts = x.reshape(len(x), turns, a_beats), y.reshape(len(y), turns, b_beats)
        return np.concatenate(parts, axis=2).reshape(len(x), -1, 1)

    return Case("concat", (bits, a_beats, b_beats, turns), a, sink, model, second_source=b)


def split_case(bits: int, a_beats: int, b_beats: int, turns: int) -> Case:
    """The inverse of a concatenation."""
    source = Port(1, bits, False, (a_beats + b_beats) * turns)
    a, b = Port(1, bits, False, a_beats * turns), Port(1, bits, False, b_beats * turns)

    def model(x: Ints) -> tuple[Ints, ...]:
        parts = np.split(x.reshape(len(x), turns, -1), [a_beats], axis=2)
        return tuple(part.reshape(len(x), -1, 1) for part in parts)

    return Case("frame_split", (bits, a_beats, b_beats, turns), source, a, model, second_sink=b)


def insert_case(
    h: int, w: int, folds: int, lanes: int, bits: int, pad: tuple[int, int, int, int],
    gaps: tuple[int, int], value: int,
) -> Case:  # fmt: skip
    """A border and gaps; `pad` is (top, left, bottom, right)."""
    (top, left, bottom, right), (gap_y, gap_x) = pad, gaps
    rows, columns = (h - 1) * (gap_y + 1) + 1, (w - 1) * (gap_x + 1) + 1
    oh, ow = top + rows + bottom, left + columns + right

    def model(x: Ints) -> Ints:
        y = np.full((len(x), oh, ow, folds * lanes), value & ((1 << bits) - 1))
        image = x.reshape(len(x), h, w, -1)
        y[:, top : top + rows : gap_y + 1, left : left + columns : gap_x + 1] = image
        return y.reshape(len(x), -1, lanes)

    args = (h, w, folds, lanes, bits, top, left, bottom, right, gap_y, gap_x, value)
    source, sink = (
        Port(lanes, bits, False, h * w * folds),
        Port(lanes, bits, False, oh * ow * folds),
    )
    return Case("insert", args, source, sink, model)


def crop_case(
    h: int, w: int, folds: int, bits: int, corner: tuple[int, int], size: tuple[int, int]
) -> Case:
    """A rectangle of the frame."""
    (top, left), (oh, ow) = corner, size

    def model(x: Ints) -> Ints:
        image = x.reshape(len(x), h, w, folds)
        return image[:, top : top + oh, left : left + ow].reshape(len(x), -1, 1)

    args = (h, w, folds, bits, top, left, oh, ow)
    return Case(
        "crop",
        args,
        Port(1, bits, False, h * w * folds),
        Port(1, bits, False, oh * ow * folds),
        model,
    )


def gather_case(elements: int, bits: int, order: tuple[int, ...], words: int, pixels: int) -> Case:
    """Words of `elements` elements, picked by number."""
    source = Port(elements, bits, False, words * pixels)
    sink = Port(elements, bits, False, len(order) * pixels)

    def model(x: Ints) -> Ints:
        picked = x.reshape(len(x), pixels, words, elements)[:, :, list(order)]
        return picked.reshape(len(x), -1, elements)

    args = (elements * bits, words, len(order), pixels)
    table = Table("order", f"sl::uword<{max(1, (words - 1).bit_length())}>", np.array(order))
    return Case("gather", args, source, sink, model, (table,))


def table_case(
    rng: np.random.Generator, lanes: int, folds: int, in_bits: int, out_bits: int,
    per_channel: int, pixels: int,
) -> Case:  # fmt: skip
    """Words looked up, in one table or in that of the channel."""
    shape = (folds, lanes) if per_channel else (1, 1)
    values = rng.integers(0, 1 << out_bits, (*shape, 1 << in_bits))

    def model(x: Ints) -> Ints:
        tables = np.broadcast_to(values, (folds, lanes, 1 << in_bits))
        at = x.reshape(len(x), pixels, folds, lanes)
        y: Ints = tables[np.arange(folds)[:, None], np.arange(lanes), at]
        return y.reshape(len(x), -1, lanes)

    args = (lanes, folds, in_bits, out_bits, per_channel, pixels)
    source, sink = (Port(lanes, bits, False, pixels * folds) for bits in (in_bits, out_bits))
    return Case("table", args, source, sink, model, (Table("t", f"sl::uword<{out_bits}>", values),))


def argmax_case(lanes: int, folds: int, bits: int, out_bits: int, signed: int, pixels: int) -> Case:
    """The first place of the largest element; two bits an element make ties."""
    source = Port(lanes, bits, bool(signed), pixels * folds)

    def model(x: Ints) -> Ints:
        index: Ints = x.reshape(len(x), pixels, -1).argmax(axis=2)[..., None]
        return index

    args = (lanes, folds, bits, out_bits, signed, pixels)
    return Case("argmax", args, source, Port(1, out_bits, False, pixels), model)


def route_cases() -> tuple[Case, ...]:
    """Turns of one beat, frames without a border, words that repeat, indices among ties."""
    rng = np.random.default_rng(20250212)
    return (
        fork_case(3, 8, 7),
        fork_case(1, 40, 1),
        concat_case(8, 2, 3, 5),
        concat_case(33, 1, 1, 4),
        split_case(8, 3, 2, 5),
        split_case(40, 6, 1, 1),
        insert_case(3, 4, 2, 3, 5, (1, 2, 0, 3), (0, 0), -3),
        insert_case(3, 2, 1, 2, 8, (1, 1, 2, 1), (1, 2), 7),
        insert_case(1, 1, 1, 1, 4, (0, 0, 0, 0), (3, 3), 1),
        crop_case(5, 6, 2, 9, (1, 2), (3, 2)),
        crop_case(3, 3, 1, 4, (0, 0), (3, 2)),
        gather_case(1, 8, (3, 0, 2, 1, 1), 4, 6),
        gather_case(4, 5, (2, 0), 3, 3),
        gather_case(2, 3, (0,), 1, 4),
        table_case(rng, 3, 2, 4, 6, 0, 9),
        table_case(rng, 2, 3, 5, 8, 1, 7),
        table_case(rng, 1, 1, 8, 12, 1, 40),
        argmax_case(1, 10, 16, 4, 1, 6),
        argmax_case(4, 3, 2, 8, 0, 30),
        argmax_case(5, 1, 3, 3, 1, 30),
    )
