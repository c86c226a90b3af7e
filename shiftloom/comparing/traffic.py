"""What moves a frame: closed forms of the bits that the memories of a design are read for.

| memory | unit | bits read a frame |
| --- | --- | --- |
| weights | matrix units | beats × word of the weight memory |
| weights | engines | steps of the array × its weights |
| activations | window in a ring, vector buffer | beats × beat |
| activations | window in row banks | output rows × columns × column of the kernel's height |
| activations | `dadiannao` | steps × word of the neuron buffer |
| activations | `systolic` | pixels of each step × word of the tile buffer |
| partial sums | `pipeline` | steps × sums that wait in the delays between kernel rows |
| partial sums | `systolic` | pixels of each step × sums of the array's outputs |

FIFOs, width converters, biases and the constants of a requantization are left out: they are small,
and alike in every dataflow. A sum that is built up in a register is read from no memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from shiftloom.codegen.dataflows.streaming.unit import Unit
from shiftloom.codegen.design import Instance, Rom, RomBank

_POOL, _REWIND = 1, 4
_FLAGS, _STEP, _OUTPUTS, _ROWS, _COLUMNS = 0, 1, 2, 4, 5


@dataclass(frozen=True, slots=True)
class Traffic:
    """Bits read a frame from memories on the chip."""

    weights: int = 0
    activations: int = 0
    partial_sums: int = 0

    def __add__(self, other: Traffic) -> Traffic:
        return Traffic(
            self.weights + other.weights,
            self.activations + other.activations,
            self.partial_sums + other.partial_sums,
        )


def traffic(units: Iterable[Unit]) -> Traffic:
    """The sum over the units of a design."""
    total = Traffic()
    for unit in units:
        instance = unit.instance()
        form = FORMS.get(instance.module)
        if form is not None:
            total += form(unit, instance)
    return total


def _matrix(unit: Unit, instance: Instance) -> Traffic:
    memory = next(port.rom for port in instance.roms if port.prefix == "w")
    roms = memory.roms if isinstance(memory, RomBank) else (memory,)
    read = sum(rom.width for rom in roms if rom.depth > 1)
    return Traffic(weights=unit.cycles() * read)


def _repeating(unit: Unit, instance: Instance) -> Traffic:
    return Traffic(activations=unit.sinks[0].beats * unit.sinks[0].width)


def _window(unit: Unit, instance: Instance) -> Traffic:
    p = dict(instance.parameters)
    return Traffic(activations=p["OH"] * p["W"] * p["DIGITS"] * p["KH"] * p["C"] * p["BITS"])


def _taps(unit: Unit, instance: Instance) -> Traffic:
    p = dict(instance.parameters)
    return Traffic(partial_sums=unit.cycles() * (p["KH"] - 1) * p["LANES"] * p["ACC_BITS"])


def _dadiannao(unit: Unit, instance: Instance) -> Traffic:
    p, total = dict(instance.parameters), Traffic()
    for pixels, steps, pools in steps_of(instance):
        read = pixels * steps
        weights = 0 if pools else read * p["R"] ** 2 * p["W_BITS"]
        total += Traffic(weights, read * p["R"] * p["LANE"])
    return total


def _systolic(unit: Unit, instance: Instance) -> Traffic:
    p, total = dict(instance.parameters), Traffic()
    for pixels, steps, pools in steps_of(instance):
        words = pixels * steps * p["R"] * 8
        weights = 0 if pools else steps * p["R"] * p["C"] * p["W_BITS"]
        sums = 0 if pools or p["STATIONARY"] else pixels * steps * p["C"] * p["ACC_BITS"]
        total += Traffic(weights, words, sums)
    return total


FORMS: dict[str, Callable[[Unit, Instance], Traffic]] = {
    **dict.fromkeys(
        ("sl_mvu_shift", "sl_mvu_dsp", "sl_mvu_xnor", "sl_dw_shift", "sl_dw_dsp"), _matrix
    ),
    **dict.fromkeys(("sl_window_serial", "sl_vector_buffer"), _repeating),
    "sl_window": _window,
    "sl_taps": _taps,
    "sl_dadiannao": _dadiannao,
    "sl_systolic": _systolic,
}


def steps_of(instance: Instance) -> Iterator[tuple[int, int, bool]]:
    """Of each instruction in an engine's program: its pixels, its steps, and whether it pools.

    The steps are those of all its lists, one for each of its output tiles. A list ends with the
    step whose last field is odd; all tiles share the first one where the instruction rewinds.
    """
    program, steps = _rom(instance, "prog").fields.data, _rom(instance, "step").fields.data
    for fields in program.tolist():
        flags, at, count = int(fields[_FLAGS]), int(fields[_STEP]), 0
        for _ in range(fields[_OUTPUTS]):
            first = at
            while not steps[at, 3] & 1:
                at += 1
            at, count = at + 1, count + at + 1 - first
            if flags & _REWIND:
                at = first
        yield int(fields[_ROWS] * fields[_COLUMNS]), count, bool(flags & _POOL)


def _rom(instance: Instance, prefix: str) -> Rom:
    rom = next(port.rom for port in instance.roms if port.prefix == prefix)
    assert isinstance(rom, Rom)
    return rom
