"""Cases of the HLS chain of taps."""

from __future__ import annotations

import numpy as np
from hls_units import Case, Ints, Port, Table, wrap

from shiftloom.codegen.windows import Pair, Window, im2col


def taps_case(
    rng: np.random.Generator, size: Pair, window: Window, folds: int, lanes: int, bits: int,
    acc_bits: int,
) -> Case:  # fmt: skip
    """Each tap's sum out of its own window of all sums; outside the frame they are 0."""
    (h, w), (kh, kw) = size, window.kernel
    oh, ow = window.output("case", (h, w, 1))
    half = 1 << (acc_bits - 1)
    bias = rng.integers(-half, half, (folds, lanes))

    def model(x: Ints) -> Ints:
        sums = x.reshape(len(x), h, w, folds, kh, kw, lanes)
        cut = im2col(sums.reshape(len(x), h, w, -1), window, 0)
        taps = cut.reshape(len(x), oh, ow, kh, kw, folds, kh, kw, lanes)
        added = np.einsum("byxijfijl->byxfl", taps) + bias
        return wrap(added.reshape(len(x), -1, lanes), acc_bits)

    pairs: tuple[Pair, ...] = (window.kernel, window.stride, window.dilation, window.padding)
    args = (h, w, *np.array(pairs).flat, oh, ow, folds, lanes, bits, acc_bits)
    source = Port(kh * kw * lanes, bits, True, h * w * folds)
    sink = Port(lanes, acc_bits, True, oh * ow * folds)
    table = Table("bias", f"sl::sword<{acc_bits}>", bias)
    return Case("taps", tuple(map(int, args)), source, sink, model, (table,))


def taps_cases() -> tuple[Case, ...]:
    """Paddings, strides, dilations, and frames smaller than the kernel."""
    rng = np.random.default_rng(20261129)
    same = ((1, 1), (1, 1))
    return (
        taps_case(rng, (6, 5), Window((3, 3), padding=(1, 1)), 1, 2, 6, 11),
        taps_case(rng, (5, 7), Window((3, 2)), 3, 1, 12, 15),
        taps_case(rng, (9, 7), Window((3, 3), (2, 2), *same), 2, 2, 5, 9),
        taps_case(rng, (6, 6), Window((1, 1), (2, 2)), 2, 3, 9, 9),
        taps_case(rng, (11, 10), Window((2, 2), (3, 4)), 1, 1, 31, 32),
        taps_case(rng, (8, 11), Window((2, 3), (1, 2), (0, 3), (1, 0), (3, 2)), 2, 2, 4, 8),
        taps_case(rng, (4, 5), Window((3, 3), padding=(2, 2)), 1, 4, 7, 12),
        taps_case(rng, (1, 4), Window((3, 3), (1, 1), (0, 0), (2, 2)), 2, 1, 8, 10),
        taps_case(rng, (7, 1), Window((3, 3), (1, 1), *same), 1, 2, 8, 40),
        taps_case(rng, (1, 1), Window((1, 1)), 1, 1, 1, 2),
    )
