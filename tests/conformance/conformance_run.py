"""One network through everything: build, RTL with and without stalls, HLS C++, golden, timing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from conformance_nets import Net

from shiftloom import OpenedBuild, Quantized, build, open_build, simulate_hls, simulate_rtl
from shiftloom.rtl_sim.cache import Cache
from shiftloom.rtl_sim.engine import Stall

FRAMES = 32
STALLS = (Stall(1, idle=0.5, backpressure=0.5), Stall(2, idle=0.0, backpressure=0.8))


@dataclass(frozen=True)
class Built:
    """A network, its integers, and its build folder read back."""

    net: Net
    quantized: Quantized
    opened: OpenedBuild

    @property
    def frames(self) -> npt.NDArray[np.uint8]:
        """The frames every backend runs."""
        return self.net.frames(FRAMES)


def compile_net(net: Net, folder: Path) -> Built:
    """Quantize and build `net` into `folder`, and open what was written."""
    quantized = net.quantized()
    build(quantized, net.settings(), folder / net.name)
    return Built(net, quantized, open_build(folder / net.name))


def check_rtl(built: Built, cache: Cache) -> None:
    """The RTL gives the golden integers, at exactly the clocks that the plan predicts."""
    plan = built.opened.plan
    result = simulate_rtl(built.opened, built.frames, None, cache)
    assert result.mismatches == 0, result.first
    assert (result.interval, result.latency) == (plan.interval, plan.latency)


def check_stalls(built: Built, cache: Cache) -> None:
    """Idle inputs and blocked outputs change no integer."""
    for stall in STALLS:
        result = simulate_rtl(built.opened, built.frames, None, cache, stall=stall)
        assert result.mismatches == 0, f"{stall}: {result.first}"


def check_hls(built: Built, cache: Cache) -> None:
    """The HLS C++ gives the golden integers."""
    assert simulate_hls(built.opened, built.frames, None, cache).mismatches == 0
