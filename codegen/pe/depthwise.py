"""The depthwise PEs: every lane works on a channel of its own, one tap a beat.

A matrix unit would multiply each activation by the zeros of the other channels' kernels as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from shiftloom.codegen.cost import block_rams, count_bits, rom_luts
from shiftloom.codegen.dataflows.streaming.timing import pipeline
from shiftloom.codegen.dataflows.streaming.timing.model import Model
from shiftloom.codegen.dataflows.streaming.unit import OneToOne
from shiftloom.codegen.design import (
    HlsArray,
    HlsCall,
    Instance,
    Load,
    Rom,
    RomPort,
    RomStyle,
    Stream,
)
from shiftloom.codegen.formats.qsq import Qsq
from shiftloom.codegen.pe import memories
from shiftloom.codegen.pe.folding import wrapped
from shiftloom.codegen.pe.shift import CODE_BITS, PRODUCT_BITS, corrected_bias, has_codes, loads
from shiftloom.codegen.qgraph import Mac
from shiftloom.codegen.values import Array, IntArray, IntType

_FACTOR_BITS = 18
"""Widest weight that a block multiplies."""


@dataclass(frozen=True, slots=True)
class _Depthwise(OneToOne):
    """Lanes are the elements of the streams; channel f·LANES + l is lane l of fold f.

    The source has, for each fold, the taps one after the other; `memory` holds their weights.
    """

    name: str
    node: str
    source: Stream
    sink: Stream
    mac: Mac
    design: str
    memory: RomStyle = "auto"

    kind: ClassVar[str]
    latency: ClassVar[int]
    reports_bad_code: ClassVar[bool] = False

    @property
    def lanes(self) -> int:
        """Channels in parallel."""
        return self.sink.elements

    @property
    def taps(self) -> int:
        """Beats of a sum."""
        return self.mac.lanes

    @property
    def folds(self) -> int:
        """Sums of a pixel."""
        return int(self.mac.weights.data.shape[0]) // self.lanes

    @property
    def depth(self) -> int:
        """Words of the weight memory."""
        return self.folds * self.taps

    @property
    def weight_bits(self) -> int:
        """Bits of a weight, or of its code."""
        raise NotImplementedError

    def words(self) -> IntArray:
        """What the memory holds of every weight [C, KH, KW, 1]."""
        raise NotImplementedError

    def bias(self) -> IntArray:
        """What every sum starts from [FOLDS, LANES], modulo 2^ACC_BITS."""
        raise NotImplementedError

    def beats(self) -> IntArray:
        """The memory's words [FOLDS·TAPS, LANES]."""
        folded = self.words().reshape(self.folds, self.lanes, self.taps)
        return folded.transpose(0, 2, 1).reshape(-1, self.lanes)

    def _parameters(self) -> tuple[tuple[str, int], ...]:
        return (
            ("LANES", self.lanes),
            ("TAPS", self.taps),
            ("FOLDS", self.folds),
            ("X_BITS", self.source.bits),
            ("X_SIGNED", int(self.source.signed)),
            *self._own_parameters(),
            ("ACC_BITS", self.sink.bits),
        )

    def _own_parameters(self) -> tuple[tuple[str, int], ...]:
        """Parameters that only this kind has."""
        return ()

    def loads(self) -> tuple[Load, Load] | tuple[None, None]:
        """How weights and biases are loaded, if they can be."""
        return None, None

    def _rom_style(self) -> RomStyle:
        return memories.style(self.memory, self.depth, self.lanes * self.weight_bits)

    def instance(self) -> Instance:
        name, style = f"{self.design}_{self.name}", self._rom_style()
        load_words, load_bias = self.loads()
        weights = Rom(f"{name}_weights", Array(self.beats()), self.weight_bits, style)
        bias = Rom(f"{name}_bias", Array(self.bias()), self.sink.bits)
        return Instance(
            self.name,
            self.node,
            f"sl_{self.kind}",
            self._parameters(),
            (self.source.name,),
            (self.sink.name,),
            (RomPort("w", weights, "w", load_words), RomPort("b", bias, "w", load_bias)),
            reports_bad_code=self.reports_bad_code,
        )

    def call(self) -> HlsCall | None:
        word = f"sl::{'uword' if self.reports_bad_code else 'sword'}<{self.weight_bits}>"
        sums = f"sl::sword<{self.sink.bits}>"
        return HlsCall(
            self.kind,
            f"sl_{self.kind}.hpp",
            (*(value for _, value in self._parameters()), self.sink.beats // self.folds),
            (self.source.name,),
            (self.sink.name,),
            (
                HlsArray(f"{self.name}_weights", word, Array(self.beats())),
                HlsArray(f"{self.name}_bias", sums, Array(self.bias())),
            ),
        )

    def cycles(self) -> int:
        return self.source.beats

    def features(self) -> Mapping[str, float]:
        width, in_luts = self.lanes * self.weight_bits, self._rom_style() != "block"
        return {
            "one": 1,
            "address_bits": count_bits(self.depth, self.taps, self.folds),
            "input_bits": self.source.width,
            "sum_bits": self.sink.width,
            "weight_bits": width if in_luts else 0,
            "weight_luts": width * rom_luts(self.depth) if in_luts else 0,
            "bias_bits": self.sink.width if self.folds > 1 else 0,
            "bias_luts": self.sink.width * rom_luts(self.folds),
            "block_rams": 0 if in_luts else block_rams(width, self.depth),
        }

    def timing(self) -> Model:
        return pipeline.model(self.latency, self.taps)


def _is_depthwise(mac: Mac, pe: int, simd: int) -> bool:
    """Whether every output has an input channel of its own, and channels fill `pe` lanes."""
    channels, *_, terms = mac.weights.data.shape
    return mac.groups == channels and terms == 1 and simd == 1 and channels % pe == 0


class DepthwiseShift(_Depthwise):
    """`sl_dw_shift`: run-time 3-bit codes, one LUT6 a product bit."""

    __slots__ = ()
    kind = "dw_shift"
    latency = 2
    reports_bad_code = True

    @staticmethod
    def supports(mac: Mac, pe: int, simd: int, x: IntType) -> bool:
        """Depthwise layers whose weights have codes."""
        return _is_depthwise(mac, pe, simd) and has_codes(mac.weights)

    @property
    def weight_bits(self) -> int:
        return CODE_BITS

    def loads(self) -> tuple[Load, Load] | tuple[None, None]:
        axes = self.folds, self.lanes, self.taps
        return loads(self.mac, self.source, self.sink, axes, (0, 2, 1))

    def words(self) -> IntArray:
        return Qsq(phi=4).encode(self.mac.weights.data).astype(np.int64)

    def bias(self) -> IntArray:
        return corrected_bias(self.mac, self.source, self.sink).reshape(self.folds, self.lanes)

    def features(self) -> Mapping[str, float]:
        products = self.lanes * (self.source.bits + PRODUCT_BITS)
        return {**super().features(), "product_bits": products, "checked_codes": self.lanes}


class DepthwiseDsp(_Depthwise):
    """`sl_dw_dsp`: integer weights, one DSP block a lane multiplies and accumulates."""

    __slots__ = ()
    kind = "dw_dsp"
    latency = 4

    @staticmethod
    def supports(mac: Mac, pe: int, simd: int, x: IntType) -> bool:
        """Depthwise layers with weights of a block's width that change from beat to beat."""
        changing = mac.weights.data.size > pe
        return _is_depthwise(mac, pe, simd) and changing and _weights(mac).bits <= _FACTOR_BITS

    @property
    def weight_bits(self) -> int:
        return _weights(self.mac).bits

    def words(self) -> IntArray:
        return np.asarray(self.mac.weights.data, dtype=np.int64)

    def bias(self) -> IntArray:
        return wrapped(self.mac.bias.data, self.sink.bits).reshape(self.folds, self.lanes)

    def _own_parameters(self) -> tuple[tuple[str, int], ...]:
        return (("W_BITS", self.weight_bits),)

    def features(self) -> Mapping[str, float]:
        return {**super().features(), "lanes": self.lanes, "dsp": self.lanes}


def _weights(mac: Mac) -> IntType:
    """The type of the weights."""
    weights = mac.weights.data
    return IntType.covering(int(weights.min()), int(weights.max()))
