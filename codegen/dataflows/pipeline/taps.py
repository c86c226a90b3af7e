"""The chain of taps: partial sums move from tap to tap, a pixel or the rest of a row late."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shiftloom.codegen.cost import count_bits, ram, rom_luts
from shiftloom.codegen.dataflows.pipeline.transposed import first_sums
from shiftloom.codegen.dataflows.streaming.timing import taps
from shiftloom.codegen.dataflows.streaming.timing.model import Model
from shiftloom.codegen.dataflows.streaming.timing.taps import TapsGeometry
from shiftloom.codegen.dataflows.streaming.unit import OneToOne
from shiftloom.codegen.design import HlsArray, HlsCall, Instance, Rom, RomPort, Stream
from shiftloom.codegen.pe.folding import wrapped
from shiftloom.codegen.qgraph import Mac
from shiftloom.codegen.values import Array, IntArray

_LONGEST_SHIFT = 33
"""Clocks of the longest delay in shift registers."""
_SHORTEST_SRL = 3
"""Clocks from which synthesis makes a shift register of a LUT, which holds 32."""
_SRL_LENGTH = 32


@dataclass(frozen=True, slots=True)
class Taps(OneToOne):
    """`sl_taps`: adds the sums of all taps of each pixel, `mac`'s channels in folds of LANES."""

    name: str
    node: str
    source: Stream
    sink: Stream
    mac: Mac
    design: str

    kind = "taps"

    @property
    def lanes(self) -> int:
        """Channels a beat."""
        return self.sink.elements

    @property
    def walk(self) -> TapsGeometry:
        """The walk over the pixels."""
        return TapsGeometry.of(self.source.shape, self.mac.window, self.sink.shape[:2])

    def _parameters(self) -> tuple[tuple[str, int], ...]:
        window = self.mac.window
        pairs = (
            ("", self.source.shape[:2]),
            ("K", window.kernel),
            ("S", window.stride),
            ("D", window.dilation),
        )
        return (
            *((name + axis, pair[i]) for name, pair in pairs for i, axis in enumerate("HW")),
            ("PT", window.padding[0]),
            ("PL", window.padding[1]),
            ("OH", self.sink.shape[0]),
            ("OW", self.sink.shape[1]),
            ("FOLDS", self.sink.folds),
            ("LANES", self.lanes),
            ("BITS", self.source.bits),
            ("ACC_BITS", self.sink.bits),
        )

    def bias(self) -> IntArray:
        """What the chains begin with [FOLDS, LANES], modulo 2^ACC_BITS."""
        return wrapped(first_sums(self.mac), self.sink.bits).reshape(-1, self.lanes)

    def instance(self) -> Instance:
        bias = Rom(f"{self.design}_{self.name}_bias", Array(self.bias()), self.sink.bits)
        return Instance(
            self.name,
            self.node,
            "sl_taps",
            self._parameters(),
            (self.source.name,),
            (self.sink.name,),
            (RomPort("b", bias, "b"),),
        )

    def call(self) -> HlsCall | None:
        ctype = f"sl::sword<{self.sink.bits}>"
        return HlsCall(
            "taps",
            "sl_taps.hpp",
            tuple(value for _, value in self._parameters()),
            (self.source.name,),
            (self.sink.name,),
            (HlsArray(f"{self.name}_bias", ctype, Array(self.bias())),),
        )

    def cycles(self) -> int:
        return self.walk.pixels * self.sink.folds

    def features(self) -> Mapping[str, float]:
        (kh, kw), (dh, dw) = self.mac.window.kernel, self.mac.window.dilation
        folds, word, walk = self.sink.folds, self.sink.width, self.walk
        late = (dh * walk.size[1] - (kw - 1) * dw) * folds
        across = _delay(kh * (kw - 1) * word, dw * folds)
        down = _delay((kh - 1) * word, late)
        counters = count_bits(*walk.size, *walk.size, folds, *self.mac.window.stride)
        return {
            "one": 1,
            "position_bits": counters,
            "mask_luts": kh * kw + kh + kw,
            "adder_luts": kh * kw * word,
            "sum_bits": word,
            "bias_bits": word if folds > 1 else 0,
            "bias_luts": word * rom_luts(folds),
            **{name: across[name] + down[name] for name in across},
        }

    def timing(self) -> Model:
        shape, output = self.source.shape, self.sink.shape[:2]
        return taps.model(shape, self.mac.window, output, self.sink.folds)


def _delay(width: int, clocks: int) -> dict[str, float]:
    """Measures of `sl_delay_line`."""
    if clocks > _LONGEST_SHIFT:
        ring = ram(width, clocks - 1)
        registers = 0 if ring["block_rams"] else width
        return {
            "delay_bits": registers,
            "place_bits": count_bits(clocks - 1),
            "srl_luts": 0,
            **ring,
        }
    is_shift = clocks >= _SHORTEST_SRL
    return {
        "delay_bits": 0 if is_shift else width * clocks,
        "place_bits": 0,
        "srl_luts": width * -(-clocks // _SRL_LENGTH) if is_shift else 0,
        "ram_luts": 0,
        "ram_mux": 0,
        "block_rams": 0,
    }
