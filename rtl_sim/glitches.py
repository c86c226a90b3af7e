"""Toggles of a mapped netlist with glitches: every cell answers its inputs one unit later.

A LUT, MUXF, inverter or CARRY4 takes one unit of time, a wire none. Registers and inputs change
together at the clock edge; then all cells work in step until nothing changes. A net that changes
three times on its way counts three toggles here, and one or none by its settled values. Real
delays differ from cell to cell and with the route, so this is a model: it shows where paths of
unequal length make glitches, not how long they last. Values are exact.

Many lanes, runs of operands that know nothing of each other, are simulated side by side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.values import IntArray
from shiftloom.rtl_sim.netlist import FIXED, Carries, Netlist

Bits = npt.NDArray[np.uint8]
"""Zeros and ones, [nets, lanes] or [cells, lanes]."""
Stimuli = Mapping[str, npt.NDArray[np.integer]]
"""The value of each input port but the clock in every clock, [lanes, clocks]."""


@dataclass(frozen=True, slots=True, eq=False)
class Activity:
    """What the nets of a netlist did in `clocks` clocks, those of all lanes together.

    settled, unit_delay: toggles of each net that cells drive and that drives a pin, those that its
    settled values show and all of them; enabled: register bits that took a value. `outputs` holds
    the settled value of each output port in every clock, also in those not counted.
    """

    netlist: Netlist
    clocks: int
    settled: IntArray
    unit_delay: IntArray
    enabled: int
    outputs: dict[str, IntArray]

    @property
    def toggles(self) -> float:
        """Toggles a clock, with glitches."""
        return float(self.unit_delay.sum()) / self.clocks

    @property
    def settled_toggles(self) -> float:
        """The same without glitches."""
        return float(self.settled.sum()) / self.clocks

    @property
    def pin_toggles(self) -> float:
        """Toggles a clock with glitches, of the pins that the nets drive: long nets weigh more."""
        return float(self.unit_delay @ self.netlist.loads) / self.clocks

    @property
    def enabled_share(self) -> float:
        """Share of register bits that take a value in a clock; 0 without registers."""
        bits = len(self.netlist.registers.q)
        return self.enabled / (self.clocks * bits) if bits else 0.0


def activity(netlist: Netlist, stimuli: Stimuli, skip: int) -> Activity:
    """Run every lane from registers that are 0; its first `skip` clocks are not counted.

    Each clock begins with an edge, which stores what had settled before it, and with new inputs.
    Raises ShiftloomError for inputs of the wrong names or shapes, and where nets do not settle.
    """
    lanes, clocks = _check(netlist, stimuli, skip)
    given = {name: _bits(x, len(netlist.inputs[name])) for name, x in stimuli.items()}
    values: Bits = np.zeros((netlist.nets, lanes), np.uint8)
    values[1] = 1
    outputs = {name: np.zeros((lanes, clocks), np.int64) for name in netlist.outputs}
    settled, unit = (np.zeros(netlist.nets, np.int64) for _ in range(2))
    enabled = 0
    for clock in range(clocks):
        before, (stored, loads) = values.copy(), _edge(netlist, values)
        values[netlist.registers.q] = stored
        for name, bits in given.items():
            values[netlist.inputs[name]] = bits[clock]
        unsettled = (values != before).sum(axis=1)
        unsettled += _settle(netlist, values)
        if clock >= skip:
            unit += unsettled
            settled += (values != before).sum(axis=1)
            enabled += int(loads.sum())
        for name, nets in netlist.outputs.items():
            outputs[name][:, clock] = _integer(values[nets])
    counted = _counted(netlist)
    total = lanes * (clocks - skip)
    return Activity(netlist, total, settled * counted, unit * counted, enabled, outputs)


def _counted(netlist: Netlist) -> npt.NDArray[np.bool_]:
    """The nets whose toggles count: inputs toggle in what drives them."""
    counted = netlist.loads > 0
    counted[:FIXED] = False
    for nets in netlist.inputs.values():
        counted[nets] = False
    return counted


def _settle(netlist: Netlist, values: Bits) -> IntArray:
    """Let all cells work in step until nothing changes; how often each net did."""
    changes = np.zeros(netlist.nets, np.int64)
    driven = np.concatenate([netlist.luts.output, netlist.carries.output.ravel()])
    for _ in range(len(driven) + 1):
        new = np.concatenate([_looked_up(netlist, values), _carried(netlist.carries, values)])
        turned = new != values[driven]
        if not turned.any():
            return changes
        changes[driven] += turned.sum(axis=1)
        values[driven] = new
    raise ShiftloomError(netlist.name, "does not settle", "it has a combinational loop")


def _looked_up(netlist: Netlist, values: Bits) -> Bits:
    luts = netlist.luts
    index = values[luts.inputs[0]]
    for place, nets in enumerate(luts.inputs[1:], 1):
        index = index | values[nets] << np.uint8(place)
    found: Bits = luts.table[np.arange(len(luts.table))[:, None], index]
    return found


def _carried(carries: Carries, values: Bits) -> Bits:
    """The outputs O0 … O3, CO0 … CO3 of each CARRY4, in the order of `carries.output`."""
    carry = values[carries.carry_in[0]] | values[carries.carry_in[1]]
    sums, chain = [], []
    for place in range(4):
        chosen, data = values[carries.select[place]], values[carries.data[place]]
        sums.append(chosen ^ carry)
        carry = np.where(chosen, carry, data)
        chain.append(carry)
    found: Bits = np.concatenate([*sums, *chain])
    return found


def _edge(netlist: Netlist, values: Bits) -> tuple[Bits, Bits]:
    """What each register holds behind a clock edge, and whether it has taken a value."""
    registers = netlist.registers
    reset, enable = values[registers.reset], values[registers.enable]
    held = np.where(enable, values[registers.d], values[registers.q])
    return np.where(reset, registers.reset_to[:, None], held).astype(np.uint8), reset | enable


def _bits(x: npt.NDArray[np.integer], width: int) -> Bits:
    """[lanes, clocks] integers as bits [clocks, width, lanes]; two's complement below 0."""
    places = x.T.astype(np.int64)[:, None, :] >> np.arange(width)[None, :, None]
    return (places & 1).astype(np.uint8)


def _integer(bits: Bits) -> IntArray:
    """[width, lanes] bits as integers without sign."""
    total: IntArray = (bits.astype(np.int64) << np.arange(len(bits))[:, None]).sum(axis=0)
    return total


def _check(netlist: Netlist, stimuli: Stimuli, skip: int) -> tuple[int, int]:
    """The number of lanes and of clocks."""
    if set(stimuli) != set(netlist.inputs):
        given, needed = ", ".join(sorted(stimuli)), ", ".join(sorted(netlist.inputs))
        raise ShiftloomError(netlist.name, f"got values of {given}", f"give those of {needed}")
    shapes = {x.shape for x in stimuli.values()}
    if len(shapes) != 1 or len(shape := shapes.pop()) != 2 or shape[1] <= skip:
        raise ShiftloomError(
            netlist.name, "values of unequal or too small shapes", f"give [lanes, over {skip}]"
        )
    return shape[0], shape[1]
