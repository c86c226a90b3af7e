"""The closed forms of what memories are read for, each against a count by hand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from test_comparing_layers import qgraph_of, small

from shiftloom.codegen import boards
from shiftloom.codegen.dataflows.streaming import schedule
from shiftloom.codegen.design import Instance, Rom, RomPort, Stream
from shiftloom.codegen.values import Array
from shiftloom.comparing import sizing
from shiftloom.comparing.run import LAYER_CONFIG
from shiftloom.comparing.traffic import FORMS, Traffic, steps_of, traffic


@dataclass(frozen=True)
class Fake:
    """A unit of nothing but an instance and its clocks."""

    made: Instance
    clocks: int = 0
    sinks: tuple[Stream, ...] = ()

    def instance(self) -> Instance:
        return self.made

    def cycles(self) -> int:
        return self.clocks


def instance(module: str, roms: tuple[RomPort, ...] = (), **parameters: int) -> Instance:
    """An instance with these parameters."""
    return Instance("u", "n", module, tuple(parameters.items()), ("s",), ("m",), roms)


def rom(prefix: str, fields: object, bits: int) -> RomPort:
    """A memory on a port."""
    return RomPort(prefix, Rom(f"rom_{prefix}", Array(np.array(fields)), bits), prefix)


def engine(module: str, **parameters: int) -> Instance:
    """A convolution of 6 pixels in 2 tiles of 3 and 2 steps, and a pooling of 4 pixels."""
    program = np.zeros((3, 32), dtype=np.int64)
    program[0, [0, 1, 2, 4, 5]] = 0, 0, 2, 2, 3
    program[1, [0, 1, 2, 4, 5]] = 1, 5, 1, 2, 2
    program[2, [0, 1, 2, 4, 5]] = 4, 5, 3, 1, 1
    last = (0, 0, 1, 0, 1, 0, 0, 0, 1)
    steps = [(0, 0, 0, 2 * place + end) for place, end in enumerate(last)]
    return instance(module, (rom("prog", program, 32), rom("step", steps, 16)), **parameters)


def test_steps_follow_the_lists() -> None:
    assert list(steps_of(engine("sl_dadiannao"))) == [(6, 5, False), (4, 4, True), (1, 12, False)]


def test_engines() -> None:
    found = traffic([Fake(engine("sl_dadiannao", R=4, LANE=8, W_BITS=3))])
    reads = 6 * 5 + 12
    assert found == Traffic(reads * 16 * 3, (reads + 4 * 4) * 32)
    parameters = {"R": 4, "C": 8, "W_BITS": 3, "ACC_BITS": 20}
    found = traffic([Fake(engine("sl_systolic", STATIONARY=0, **parameters))])
    assert found == Traffic((5 + 12) * 32 * 3, (reads + 4 * 4) * 32, reads * 8 * 20)
    found = traffic([Fake(engine("sl_systolic", STATIONARY=1, **parameters))])
    assert found.partial_sums == 0


def test_chains_of_taps_hold_sums_between_rows() -> None:
    unit = Fake(instance("sl_taps", KH=3, LANES=4, ACC_BITS=18), clocks=100)
    assert traffic([unit]) == Traffic(partial_sums=100 * 2 * 4 * 18)


def test_row_banks_give_columns() -> None:
    unit = Fake(instance("sl_window", OH=5, W=6, DIGITS=2, KH=3, C=4, BITS=8))
    assert traffic([unit]) == Traffic(activations=5 * 6 * 2 * 3 * 4 * 8)


@pytest.mark.parametrize(("depth", "read"), [(2, 4 * 3 * 50), (1, 0)], ids=["memory", "burnt in"])
def test_weights_of_matrix_units(depth: int, read: int) -> None:
    weights = rom("w", np.zeros((depth, 4), dtype=np.int64), 3)
    unit = Fake(instance("sl_mvu_shift", (weights,), PE=2, SIMD=2), clocks=50)
    assert traffic([unit]) == Traffic(weights=read)


def test_a_streaming_layer() -> None:
    """36 pixels of 8 outputs in 4 × 8 products a clock: 2 × 9 beats of 8 activations a pixel."""
    qgraph = qgraph_of(small("depthwise"))
    config = sizing.sized(LAYER_CONFIG, qgraph, "streaming", 8)
    _, units = schedule.schedule(qgraph, config, boards.get("pynq-z2"))
    assert traffic(units) == Traffic(weights=36 * 9 * 8 * 3, activations=36 * 9 * 8 * 8)


def test_every_form_is_of_a_unit_that_counts_multipliers_or_memory() -> None:
    assert set(sizing._PRODUCTS) <= set(FORMS)
