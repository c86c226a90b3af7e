"""Small networks for the bench of `sl_dadiannao`, as memories that follow its header."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np

from shiftloom.rtl_sim.benches.engine_layers import Conv, Layer, Pool, Rounding, Scaled, Sum, Window
from shiftloom.rtl_sim.benches.streams import IntArray, draw, pack, unpack

BETA = np.array([0, 1, 2, 4, -1, -2, -4], dtype=np.int64)
"""The values of the codes."""
M_BITS, F_BITS, K_BITS, ACC_BITS = 7, 9, 16, 22
POOL, SIGNED, REWIND, RESIDUAL, EMIT, LAST, FREES, RES_SIGNED = (1 << bit for bit in range(8))
(STEP, CO, PARAM, NY, NX, ADDR, STEP_X, STEP_Y, IY0, IX0, SY, SX, H, W, PAD) = range(1, 16)
(SHIFT, LO, HI, ZERO, M1, M2, ADD, SHIFT2, LO2, HI2, ZERO2) = range(16, 27)
(DST, DST_CO, RES, RES_CO, WEIGHT) = range(27, 32)

Step = tuple[int, int, int]


@dataclass(frozen=True)
class Format:
    """Lanes and widths; weights are codes where `w_bits` is 3."""

    r: int
    lane: int
    x_bits: int
    x_signed: int
    w_bits: int
    c_bits: int

    @property
    def latency(self) -> int:
        """Clocks of a dot product."""
        return (self.r - 1).bit_length() + (self.w_bits != 3)


@dataclass(frozen=True)
class Map:
    """A stored map from word `base` on."""

    height: int
    width: int
    channels: int
    signed: bool
    base: int

    @property
    def plane(self) -> int:
        """Words of a block."""
        return self.height * self.width


@dataclass
class Net:
    """A program and its memories under construction; each layer draws its own constants."""

    format: Format
    size: tuple[int, int, int]
    e: int
    input_signed: bool = False
    seed: int = 1
    maps: dict[str, Map] = field(default_factory=dict)
    layers: dict[str, Layer] = field(default_factory=dict)
    program: list[dict[int, int]] = field(default_factory=list)
    steps: list[tuple[int, int, int, int]] = field(default_factory=list)
    weights: list[int] = field(default_factory=list)
    biases: list[IntArray] = field(default_factory=list)
    scales: list[int] = field(default_factory=list)
    depth: int = 0
    clocks: int = 0

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)
        self._place("input", *self.size, self.input_signed)

    def conv(
        self, name: str, source: str, channels: int, window: Window, *, groups: int = 1,
        density: float = 1.0, residual: str = "", emit: bool = False, signed: bool = False,
    ) -> None:  # fmt: skip
        """A convolution. A dense one rewinds its list; a sparse one has a list for every tile."""
        x, dense = self.maps[source], groups == 1 and density == 1
        weights = self._draw_weights(channels, x.channels, window, groups, density)
        bias = draw(self.rng, (channels,), 9, signed=True)
        conv = Conv(source, window, int(self.rng.integers(0, 4)), weights, bias)
        padded = self._padded(weights)
        lists = self._lists(padded, dense)
        word = self._word(source, window, len(lists))
        word |= {PAD: conv.pad, PARAM: len(self.biases), WEIGHT: len(self.weights)}
        word[0] |= REWIND * dense | EMIT * emit
        for steps in lists[:1] if dense else lists:
            self._append(steps, window.dilation, x)
        self._constants(padded, lists, bias)
        layer = conv if emit else self._finished(conv, word, residual, signed, name)
        self.layers[name] = layer
        spent = sum(map(len, lists)) + len(lists) * bool(residual)
        self._finish(word, spent, self.format.latency + (6 if emit else 21 - bool(residual)))

    def pool(self, name: str, source: str, window: Window) -> None:
        """A maximum over windows; taps outside have the lowest value."""
        x = self.maps[source]
        blocks = self._blocks(x.channels)
        lowest = -(1 << (self.format.lane - 1)) if x.signed else 0
        word = self._word(source, window, blocks) | {PAD: lowest}
        word[0] |= POOL
        for block in range(blocks):
            taps = product(*map(range, window.kernel))
            self._append([(block, ky, kx) for ky, kx in taps], 1, x)
        self.layers[name] = Pool(source, window, lowest)
        self._target(word, name, x.channels, x.signed)
        self._finish(word, blocks * window.kernel[0] * window.kernel[1], 6)

    def expected(self, frame: IntArray) -> IntArray:
        """The emitted sums [H, W, C] of a frame."""
        maps = {"input": frame}
        for name, layer in self.layers.items():
            maps[name] = layer(maps)
        return maps[name]

    def parameters(self) -> dict[str, int]:
        """Those of the module."""
        f, (height, width, channels) = self.format, self.size
        return {
            **{"R": f.r, "LANE": f.lane, "X_BITS": f.x_bits, "X_SIGNED": f.x_signed},
            **{"W_BITS": f.w_bits, "SHIFT_W": int(f.w_bits == 3), "ACC_BITS": ACC_BITS},
            **{"M_BITS": M_BITS, "C_BITS": f.c_bits, "F_BITS": F_BITS, "K_BITS": K_BITS},
            **{"DEPTH": self.depth, "PROGRAM": len(self.program), "STEPS": len(self.steps)},
            **{"WEIGHTS": len(self.weights), "PARAMS": len(self.biases), "IN_E": self.e},
            **{"IN_BEATS": channels // self.e, "IN_PIXELS": height * width, "IN_BASE": 0},
            "IN_BLOCKS": self._blocks(channels),
        }

    def memories(self) -> dict[str, list[int]]:
        """The words of the memories by their ports."""
        fields = [[word.get(index, 0) for index in range(32)] for word in self.program]
        fields[-1][0] |= LAST
        biases = np.array(self.biases)
        return {
            "prog": pack(fields, 32, 32),
            "step": pack(self.steps, 4, 16),
            "w": self.weights,
            "bias": pack(biases, self.format.r, ACC_BITS),
            "scale": self.scales,
        }

    def arrays(self) -> dict[str, IntArray]:
        """The same as arrays of integers, as HLS C++ has them; a scale is C * 2^M_BITS + M."""
        f, words = self.format, self.memories()
        scales = unpack(self.scales, f.r, M_BITS + f.c_bits, signed=f.c_bits > 0)
        missing = len(self.biases) - len(scales)
        return {
            "prog": unpack(words["prog"], 32, 32),
            "step": np.array(self.steps),
            "w": unpack(self.weights, f.r * f.r, f.w_bits, signed=f.w_bits != 3),
            "bias": np.array(self.biases),
            "scale": np.pad(scales, ((0, missing), (0, 0))),
        }

    def _blocks(self, channels: int) -> int:
        return -(-channels // self.format.r)

    def _place(self, name: str, height: int, width: int, channels: int, signed: bool) -> Map:
        self.maps[name] = Map(height, width, channels, signed, self.depth)
        self.depth += height * width * self._blocks(channels)
        return self.maps[name]

    def _draw_weights(
        self, channels: int, inputs: int, window: Window, groups: int, density: float
    ) -> IntArray:
        top = 1 << (self.format.w_bits - 1)
        values = BETA if self.format.w_bits == 3 else np.arange(-top, top)
        weights = self.rng.choice(values, (channels, *window.kernel, inputs))
        to = np.arange(channels)[:, None] * groups // channels
        same = to == np.arange(inputs) * groups // inputs
        drawn: IntArray = weights * (self.rng.random(weights.shape) < density)
        return drawn * same[:, None, None]

    def _padded(self, weights: IntArray) -> IntArray:
        """Weights with zeros where tiles have no channel: whole tiles."""
        r = self.format.r
        more = (-weights.shape[0] % r, -weights.shape[3] % r)
        return np.pad(weights, ((0, more[0]), (0, 0), (0, 0), (0, more[1])))

    def _lists(self, weights: IntArray, dense: bool) -> list[list[Step]]:
        """The steps of every output tile, those without weights left out."""
        r = self.format.r
        sizes = (weights.shape[3] // r, *weights.shape[1:3])
        everything = list(product(*map(range, sizes)))
        lists = []
        for at in range(0, len(weights), r):
            tile = weights[at : at + r]
            kept = [(b, y, x) for b, y, x in everything if tile[:, y, x, b * r : b * r + r].any()]
            lists.append(everything if dense else kept or everything[:1])
        return lists

    def _append(self, steps: Sequence[Step], dilation: int, x: Map) -> None:
        for index, (block, ky, kx) in enumerate(steps):
            dy, dx = ky * dilation, kx * dilation
            last = index == len(steps) - 1
            self.steps.append((block * x.plane + dy * x.width + dx, dy, dx, 2 * block + last))

    def _constants(self, weights: IntArray, lists: list[list[Step]], bias: IntArray) -> None:
        """Weight words, and biases with what shift products leave out."""
        f, r = self.format, self.format.r
        span, codes = 4 << f.x_bits, {int(beta): code for code, beta in enumerate(BETA)}
        folded = np.pad(bias, (0, len(weights) - len(bias))).reshape(-1, r)
        for row, steps in enumerate(lists):
            for block, ky, kx in steps:
                part = weights[row * r : row * r + r, ky, kx, block * r : block * r + r]
                fields = part
                if f.w_bits == 3:
                    fields = np.vectorize(codes.get)(part)
                    negative = (part < 0).sum(axis=1)
                    folded[row] += negative - (span // 2 * r if f.x_signed else negative * span)
                self.weights += pack(fields, r * r, f.w_bits)
            self.biases.append(folded[row])

    def _word(self, source: str, window: Window, tiles: int) -> dict[int, int]:
        """The fields of the way through a map."""
        x, (sy, sx), (top, left) = self.maps[source], window.stride, window.pad
        ny, nx = window.output(x.height, x.width)
        return {
            **{0: SIGNED * x.signed | FREES * (source == "input"), STEP: len(self.steps)},
            **{CO: tiles, NY: ny, NX: nx, ADDR: x.base - top * x.width - left, STEP_X: sx},
            **{STEP_Y: sy * x.width - (nx - 1) * sx, IY0: -top, IX0: -left, SY: sy, SX: sx},
            **{H: x.height, W: x.width},
        }

    def _rounding(self, shift: int, signed: bool) -> Rounding:
        lane = self.format.lane
        lo, hi = (-(1 << (lane - 1)) + 1, (1 << (lane - 1)) - 1) if signed else (0, (1 << lane) - 1)
        return Rounding(shift, int(self.rng.integers(-2, 3)), lo, hi)

    def _finished(
        self, conv: Conv, word: dict[int, int], residual: str, signed: bool, name: str
    ) -> Layer:
        """The activations of a convolution, with their fields, multipliers and place."""
        r, c_bits, channels = self.format.r, self.format.c_bits, len(conv.bias)
        m = self.rng.integers(1, 1 << M_BITS, channels)
        c = draw(self.rng, (channels,), max(c_bits, 1), signed=True) * (c_bits > 0)
        shift = M_BITS + int(self.rng.integers(0, 3))
        layer = Scaled(conv, m, c, self._rounding(shift, signed))
        word |= self._rounding_fields(SHIFT, layer.rounding)
        more = (0, -channels % r)
        lanes = np.pad(m, more) | (np.pad(c, more) & ((1 << c_bits) - 1)) << M_BITS
        self.scales += pack(lanes, r, M_BITS + c_bits)
        target = self._target(word, name, channels, signed)
        if not residual:
            return layer
        other = self.maps[residual]
        m1, m2 = (int(factor) for factor in self.rng.integers(-128, 256, 2))
        last = Sum(layer, residual, m1, m2, int(draw(self.rng, (1,), 12, signed=True)[0]),
                   self._rounding(8, signed))  # fmt: skip
        word[0] |= RESIDUAL | RES_SIGNED * other.signed
        word |= self._rounding_fields(SHIFT2, last.rounding)
        word |= {M1: m1, M2: m2, ADD: last.add, RES: other.base, RES_CO: target.plane}
        return last

    def _rounding_fields(self, at: int, rounding: Rounding) -> dict[int, int]:
        names = ("shift", "lo", "hi", "zero")
        return {at + index: getattr(rounding, name) for index, name in enumerate(names)}

    def _target(self, word: dict[int, int], name: str, channels: int, signed: bool) -> Map:
        target = self._place(name, word[NY], word[NX], channels, signed)
        word |= {DST: target.base, DST_CO: target.plane}
        return target

    def _finish(self, word: dict[int, int], steps: int, more: int) -> None:
        self.program.append(word)
        self.clocks += word[NY] * word[NX] * steps + more


def plain() -> Net:
    """Codes on unsigned activations: padding, strides, a residual, depthwise, fully connected."""
    net = Net(Format(4, 8, 8, 0, 3, 0), (6, 5, 3), 3)
    net.conv("a", "input", 8, Window((3, 3), pad=(1, 1)))
    net.conv("b", "a", 8, Window((1, 1)), residual="a")
    net.conv("c", "b", 8, Window((3, 3), (2, 2), (1, 1)), groups=8)
    net.conv("d", "c", 6, Window((2, 3), (1, 2), (0, 1)), density=0.1)
    net.pool("e", "d", Window((2, 2), (1, 1), (1, 0)))
    net.conv("f", "e", 5, Window((net.maps["e"].height, net.maps["e"].width)), emit=True)
    return net


def mixed() -> Net:
    """Integers on maps with and without sign, offsets, dilation, an input of two words a pixel."""
    net = Net(Format(4, 5, 6, 1, 4, 11), (5, 4, 6), 2, input_signed=True, seed=2)
    net.conv("a", "input", 5, Window((3, 2), pad=(2, 1), dilation=2))
    net.pool("b", "a", Window((3, 3), (1, 1), (1, 1)))
    net.conv("c", "b", 5, Window((1, 1)), residual="a", signed=True)
    net.pool("d", "c", Window((2, 2), (2, 1), (1, 1)))
    net.conv("e", "d", 7, Window((1, 1)), density=0.3)
    net.conv("f", "e", 9, Window((2, 1)), emit=True)
    return net


def signed() -> Net:
    """Codes on signed activations, 8 lanes; one instruction with a beat for every pixel."""
    net = Net(Format(8, 4, 4, 1, 3, 0), (4, 4, 8), 8, input_signed=True, seed=3)
    net.conv("a", "input", 12, Window((3, 3), pad=(1, 1)), signed=True)
    net.conv("b", "a", 12, Window((1, 1)), density=0.5, residual="a", signed=True)
    net.conv("c", "b", 16, Window((1, 1)), emit=True)
    return net


def single() -> Net:
    """One instruction, one step, one word of everything."""
    net = Net(Format(4, 3, 3, 0, 6, 0), (1, 1, 4), 2, seed=4)
    net.conv("a", "input", 4, Window((1, 1)), emit=True)
    return net


NETS = {"plain": plain, "mixed": mixed, "signed": signed, "single": single}
