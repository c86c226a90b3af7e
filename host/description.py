"""What a folder says about its design: host/accelerator.json and registers.json, checked."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shiftloom.host import loadable
from shiftloom.host.errors import DesignError, shown
from shiftloom.host.frames import Tensor
from shiftloom.host.json_entry import Entry

FORMAT = 1
"""Of accelerator.json; it changes whenever a driver must know."""
ACCELERATOR, REGISTERS = "host/accelerator.json", "registers.json"
SHELLS = ("axis", "mm", "serial")
_MOST_BYTES = 64 << 20
_MOST_ELEMENTS = 1 << 31
_MOST_BAUD = 1 << 24


@dataclass(frozen=True)
class Unit:
    """A unit of signed digits; `most` of them are exact."""

    node: str
    register: str
    most: int


@dataclass(frozen=True)
class Memory:
    """The external memory: its size, what its address is a multiple of, its first bytes."""

    size: int
    alignment: int
    image: Path
    image_bytes: int


@dataclass(frozen=True)
class Description:
    """A design as the host knows it; `accelerator` and `registers` are the files as they are.

    baud: the rate of the serial line, None of a shell without one.
    """

    folder: Path
    accelerator: Mapping[str, Any]
    registers: Mapping[str, Any]
    name: str
    digest: str
    clock_mhz: float
    shell: str
    part: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    beat_bytes: int
    memory: Memory | None
    units: tuple[Unit, ...]
    baud: int | None

    @property
    def in_bytes(self) -> int:
        """Bytes of an input frame."""
        return sum(each.nbytes for each in self.inputs)

    @property
    def out_bytes(self) -> int:
        """Bytes of an output frame."""
        return sum(each.size for each in self.outputs) * self.beat_bytes


def describe(folder: Path) -> Description:
    """Read the files of a build, or of a package made of it; raises DesignError naming one."""
    accelerator, registers = _read(folder / ACCELERATOR), _read(folder / REGISTERS)
    _check_format(accelerator)
    entry = Entry(accelerator, ACCELERATOR)
    shell = entry.text("shell")
    if shell not in SHELLS:
        raise DesignError(f"{ACCELERATOR}: shell is {shown(shell)}, known are {', '.join(SHELLS)}")
    if not entry.text("name").isidentifier():
        raise entry.wrong("name", "an identifier")
    found = Description(
        folder,
        accelerator,
        registers,
        entry.text("name"),
        entry.text("digest"),
        _clock(entry),
        shell,
        entry.text("part"),
        tuple(_tensor(each) for each in entry.entries("inputs")),
        tuple(_tensor(each) for each in entry.entries("outputs")),
        _beat_bytes(entry),
        _memory(folder, entry.entry("memory")) if "memory" in accelerator else None,
        tuple(_unit(each) for each in entry.entries("quality")) if "quality" in accelerator else (),
        entry.entry("serial").whole("baud", 1, _MOST_BAUD) if "serial" in accelerator else None,
    )
    _check(found, entry)
    if "load" in accelerator:
        loadable.check(entry.entry("load"))
    return found


def leading(words: Iterable[int]) -> str:
    """The first 16 digits of a digest, from the words of DIGEST0 and DIGEST1."""
    return b"".join(word.to_bytes(4, "little") for word in words).hex()


def overlay_file(found: Description) -> Path:
    """The bit file of a package, or of a build that one was put into; raises DesignError."""
    path = found.folder / "overlay" / f"{found.name}.bit"
    if not path.is_file():
        raise DesignError(f"{path}: is no file; put the bit file there, or give `bitfile`")
    return path


def _read(path: Path) -> Mapping[str, Any]:
    hint = "give the folder of a build, or of a package made of it"
    if not path.is_file():
        raise DesignError(f"{path}: is no file; {hint}")
    if path.stat().st_size > _MOST_BYTES:
        raise DesignError(f"{path}: is larger than {_MOST_BYTES >> 20} MiB; {hint}")
    try:
        found = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise DesignError(f"{path}: is no JSON; {hint}") from error
    if not isinstance(found, dict):
        raise DesignError(f"{path}: holds no object; {hint}")
    return found


def _check_format(accelerator: Mapping[str, Any]) -> None:
    found = accelerator.get("format")
    if found != FORMAT:
        raise DesignError(
            f"{ACCELERATOR}: has format {shown(found)}, this driver reads format {FORMAT}; "
            "use driver and build of one version of Shiftloom: build anew, or pack the build again"
        )


def _check(found: Description, entry: Entry) -> None:
    """Refuse beats that are not the tensors, and registers of another build or without fields."""
    taken = entry.whole("in_beats", 1) * entry.whole("in_beat_bits", 8) // 8
    if taken != found.in_bytes:
        raise DesignError(
            f"{ACCELERATOR}: beats of {shown(taken)} bytes, inputs of {found.in_bytes}"
        )
    beats, elements = entry.whole("out_beats", 1), found.out_bytes // found.beat_bytes
    if beats != elements:
        raise DesignError(f"{ACCELERATOR}: {shown(beats)} beats, outputs of {elements} elements")
    resets = _resets(Entry(found.registers, REGISTERS))
    digest = leading((resets.get("DIGEST0", 0), resets.get("DIGEST1", 0)))
    if digest != found.digest[:16]:
        raise DesignError(
            f"{REGISTERS}: is of the build {digest}, {ACCELERATOR} of {found.digest[:16]}; "
            "take both from one build"
        )


def _resets(entry: Entry) -> dict[str, int]:
    """The first values of all registers by name; everything else about them is checked."""
    found = {}
    for register in entry.entries("registers"):
        found[register.text("name")] = register.whole("reset", 0, 0xFFFFFFFF)
        if register.whole("offset", 0, 0xFFC) % 4:
            raise register.wrong("offset", "a multiple of 4")
        for field in register.entries("fields"):
            for text in ("name", "doc"):
                field.text(text)
            field.whole("width", 1, 32 - field.whole("lsb", 0, 31))
    return found


def _beat_bytes(entry: Entry) -> int:
    bits = entry.whole("out_beat_bits", 8, 64)
    if bits % 8:
        raise entry.wrong("out_beat_bits", "a multiple of 8")
    return bits // 8


def _clock(entry: Entry) -> float:
    clock = entry.numbers("clock_mhz")
    if len(clock) != 1 or clock[0] <= 0:
        raise entry.wrong("clock_mhz", "a number above 0")
    return float(clock[0])


def _tensor(entry: Entry) -> Tensor:
    shape, scale = entry.sizes("shape"), tuple(entry.numbers("scale"))
    if math.prod(shape) > _MOST_ELEMENTS:
        raise entry.wrong("shape", f"at most {_MOST_ELEMENTS} elements")
    if len(scale) not in (1, shape[-1]):
        raise entry.wrong("scale", f"1 or {shape[-1]} numbers")
    zero = entry.numbers("zero")
    if len(zero) != 1:
        raise entry.wrong("zero", "a number")
    name, bits, signed = entry.text("name"), entry.whole("bits", 1, 64), entry.get("signed", bool)
    return Tensor(name, shape, bits, signed, tuple(map(float, scale)), float(zero[0]))


def _memory(folder: Path, entry: Entry) -> Memory:
    name = entry.text("image")
    image = folder / name
    if "\0" in name or not image.resolve().is_relative_to(folder.resolve()):
        raise entry.wrong("image", "a file of the folder")
    size = entry.whole("bytes", 1)
    return Memory(size, entry.whole("alignment", 1), image, entry.whole("image_bytes", 0, size))


def _unit(entry: Entry) -> Unit:
    return Unit(entry.text("node"), entry.text("register"), entry.whole("most", 1))
