"""Cases of the engines: small networks as programs, against whole layers in numpy."""

from __future__ import annotations

import numpy as np
from hls_units import Case, Ints, Port, Table

from shiftloom.rtl_sim.benches.engine_nets import ACC_BITS, CO, NETS, NX, NY, Net

CTYPES = {
    **{"prog": "std::uint32_t", "step": "std::uint16_t", "w": "std::int8_t"},
    **{"bias": "std::int64_t", "scale": "std::int64_t"},
}


def dadiannao_case(net: Net) -> Case:
    """A network of the RTL bench."""
    r, lane, (height, width, channels) = net.format.r, net.format.lane, net.size
    last = net.program[-1]
    source = Port(net.e, lane, net.input_signed, height * width * channels // net.e)
    sink = Port(r, ACC_BITS, True, last[NY] * last[NX] * last[CO])

    def model(x: Ints) -> Ints:
        frames = x.reshape(len(x), height, width, channels)
        sums = np.stack([net.expected(frame) for frame in frames])
        more = -sums.shape[-1] % r
        return np.pad(sums, ((0, 0), (0, 0), (0, 0), (0, more))).reshape(len(x), -1, r)

    tables = tuple(Table(name, CTYPES[name], a) for name, a in net.arrays().items())
    return Case("dadiannao", tuple(net.parameters().values()), source, sink, model, tables)


def engine_cases() -> tuple[Case, ...]:
    """All networks."""
    return tuple(dadiannao_case(make()) for make in NETS.values())
