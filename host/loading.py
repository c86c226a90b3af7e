"""Loads the weights of a file into an accelerator: checked whole first, then written.

`accelerator` is host/accelerator.json of the build, `registers` its registers.json.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from shiftloom.host import container, decoding
from shiftloom.host.container import (
    CONSTANTS,
    DESIGN,
    DESIGN_NAME,
    INTEGERS,
    WEIGHTS,
    Record,
    WeightsError,
)
from shiftloom.host.decoding import Fields
from shiftloom.host.description import leading
from shiftloom.host.registers import Bus, RegisterMap, Registers

TIMEOUT = 10.0
"""Seconds without a finished frame after which an accelerator counts as stuck."""
_PAUSE = 0.0001
_PIECE_BITS = 32
_CODES = np.zeros(9, np.int64)
_CODES[[0, 1, 2, 4, -1, -2, -4]] = range(7)
"""The 3-bit code of each weight; one below 0 counts from the end."""

_REFUSED = (
    "the accelerator has refused a word of the weights; others may be written, so no frame runs "
    "until a load has ended well: let no other program use the accelerator, and load again"
)

Numbers = npt.NDArray[np.int64]
Write = tuple[int, int]
"""Byte offset of a register, and the word to write there."""


Json = Mapping[str, Any]
"""What a JSON file of the build says."""


Alone = Callable[[], AbstractContextManager[None]]
"""Makes what is entered while words are written, so that nothing else resets the accelerator."""


def load(
    path: Path,
    accelerator: Json,
    registers: Json,
    bus: Bus,
    timeout: float = TIMEOUT,
    alone: Alone = nullcontext,
) -> None:
    """Load the weights of a file between two frames; frames that come meanwhile wait.

    One load at a time: a second one, or a reset, between the words of the first spoils them.
    timeout: seconds that the frames under way may take. Raises WeightsError, with nothing written,
    where the file is missing, damaged or for another build, where the accelerator is another one,
    or where the frames do not end. Whatever ends it later leaves LOAD_CONTROL.hold set, so that no
    frame runs with a part of the weights: WeightsError where the accelerator refuses a word.
    """
    device = Registers(bus, registers)
    with _open(path) as file:
        check(file, accelerator)
        _check_accelerator(device, accelerator["digest"])
        refused = device.mask("ERRORS", "load_refused")
        device.write("ERRORS", refused)
        with _held(device, timeout, alone):
            for offset, word in writes(file, accelerator, registers):
                bus.write(offset, word)
            if device.read("ERRORS") & refused:
                _hold(device)  # something else has let frames in
                raise WeightsError(_REFUSED)
        device.write("LOAD_CONTROL", 0)


@contextmanager
def _held(device: Registers, timeout: float, alone: Alone) -> Iterator[None]:
    """No frame is under way, and none begins, not even behind it.

    Raises WeightsError where frames do not end; then all is as it was before.
    """
    before = device.read("LOAD_CONTROL")
    with ExitStack() as stack:
        try:
            _hold(device)
            _wait(device, timeout)
            stack.enter_context(alone())
            _wait(device, timeout)  # for a little after a reset that has come between
        except BaseException:
            device.write("LOAD_CONTROL", before)
            raise
        yield


def _hold(device: Registers) -> None:
    device.write("LOAD_CONTROL", device.mask("LOAD_CONTROL", "hold"))


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except (OSError, ValueError) as error:  # a name with a zero byte is a ValueError
        reason = error.strerror if isinstance(error, OSError) else error
        hint = "give a file of shiftloom pack --build"
        raise WeightsError(f"{path}: cannot be opened: {reason}; {hint}") from error


def _wait(device: Registers, timeout: float) -> None:
    """Until no frame is under way."""
    held, end = device.mask("STATUS", "held"), time.monotonic() + timeout
    while not device.read("STATUS") & held:
        if time.monotonic() > end:
            problem = f"a frame under way does not end within {timeout:g} s; nothing was loaded"
            raise WeightsError(f"{problem}; call reset(), then load again")
        time.sleep(_PAUSE)


def _check_accelerator(device: Registers, digest: str) -> None:
    """Refuse an accelerator of another design: two registers have eight bytes of its digest."""
    found = leading(device.read(name) for name in ("DIGEST0", "DIGEST1"))
    if found != digest[:16]:
        raise WeightsError(f"the accelerator is the build {found}, this is {digest[:16]}")


def check(file: BinaryIO, accelerator: Json) -> None:
    """Refuse a file that is damaged, or not whole, or for another build."""
    for _ in _memories(file, accelerator):
        pass


def writes(file: BinaryIO, accelerator: Json, registers: Json) -> Iterator[Write]:
    """What is written to load a checked file, while STATUS.held."""
    found = RegisterMap(registers)
    data = found.offset("LOAD_DATA")
    for entry, numbers in _memories(file, accelerator):
        start = found.fields("LOAD_ADDRESS", load_memory=entry["index"])
        yield found.offset("LOAD_ADDRESS"), start
        for piece in pieces(entry, numbers).ravel().tolist():
            yield data, piece


def pieces(entry: Json, numbers: tuple[Numbers, ...]) -> npt.NDArray[np.uint32]:
    """The words of a memory in pieces [words, pieces]; `numbers` has one array for each field."""
    parts = []
    for width, values in zip(entry["fields"], numbers, strict=True):
        folded = values.reshape(entry["axes"]).transpose(entry["order"])
        lanes = folded.reshape(entry["words"], -1, 1)
        parts.append(lanes >> np.arange(width) & 1)
    bits = np.concatenate(parts, axis=2).astype(np.uint8).reshape(entry["words"], -1)
    padded = np.pad(bits, ((0, 0), (0, -bits.shape[1] % _PIECE_BITS)))
    return np.packbits(padded, axis=1, bitorder="little").view("<u4")


Filled = tuple[Json, tuple[Numbers, ...]]
"""A memory as accelerator.json has it, and its numbers, one array a field."""


def _memories(file: BinaryIO, accelerator: Json) -> Iterator[Filled]:
    """All memories of a build in the order of a file, checked; a missing one is refused."""
    described = accelerator.get("load")
    if described is None:
        raise WeightsError("the accelerator has no weights to load")
    layers, constants = described["layers"], described["constants"]
    missing = {(WEIGHTS, name) for name in layers} | {(INTEGERS, name) for name in layers}
    missing |= {(CONSTANTS, name) for name in constants} | {(DESIGN, DESIGN_NAME)}
    negative: dict[str, Numbers] = {}
    for record in container.records(file):
        key = record.kind, record.name
        with _of(record.name):
            if key not in missing:
                raise WeightsError("cannot be loaded in this build")
            missing.remove(key)
            if record.kind == DESIGN:
                _check_digest(record.body.hex(), accelerator["digest"])
            elif record.kind == WEIGHTS:
                values = _weights(record, layers[record.name])
                negative[record.name] = (values < 0).reshape(len(values), -1).sum(axis=1)
                yield layers[record.name]["codes"], (_CODES[values],)
            elif record.kind == INTEGERS:
                if record.name not in negative:
                    raise WeightsError("has biases and no codes")
                layer = layers[record.name]
                bias = _biases(record, layer)
                entry = layer["bias"]
                lacking = negative[record.name] * entry["per_negative"] + entry["constant"]
                yield entry, (bias + lacking,)
            else:
                yield constants[record.name], _constants(record, constants[record.name])
    for _, name in sorted(missing):
        raise WeightsError(f"{name}: is missing, all weights are loaded together")


@contextmanager
def _of(name: str) -> Iterator[None]:
    """Refusals of the block as those of a record."""
    try:
        yield
    except WeightsError as error:
        raise WeightsError(f"{name}: {error}") from error


def _check_digest(found: str, expected: str) -> None:
    if found != expected:
        raise WeightsError(f"is for the build {found[:16]}, this is {expected[:16]}")


def _weights(record: Record, layer: Json) -> Numbers:
    found = decoding.weights(record.body)
    if list(found.shape) != list(layer["shape"]):
        raise WeightsError(f"shape {list(found.shape)}, the build has {list(layer['shape'])}")
    largest = int(np.abs(found).max())
    if largest > layer["limit"]:
        raise WeightsError(f"codes up to {largest}, the build holds those up to {layer['limit']}")
    return found


def _biases(record: Record, layer: Json) -> Numbers:
    fields = Fields(record.body)
    bias = decoding.integers(fields)
    fields.end()
    _check("biases", bias, layer["shape"][0], layer["least_bias"], layer["greatest_bias"])
    return bias


def _constants(record: Record, entry: Json) -> tuple[Numbers, ...]:
    fields = Fields(record.body)
    shift = fields.integer("B", "shift")
    if shift != entry["shift"]:
        raise WeightsError(f"shift {shift}, the build has {entry['shift']}")
    m, offset = decoding.integers(fields), decoding.integers(fields)
    fields.end()
    channels = int(np.prod(entry["axes"]))
    m_bits, c_bits = (*entry["fields"], 0)[:2]
    _check("multipliers", m, channels, 1, (1 << m_bits) - 1)
    half = 1 << c_bits >> 1
    _check("offsets", offset, channels, -half, max(0, half - 1))
    return (m, offset)[: len(entry["fields"])]


def _check(what: str, values: Numbers, count: int, least: int, greatest: int) -> None:
    if len(values) != count:
        raise WeightsError(f"{len(values)} {what}, the build has {count}")
    if values.size and not (least <= int(values.min()) and int(values.max()) <= greatest):
        found = f"{values.min()} to {values.max()}"
        raise WeightsError(f"{what} of {found}, the build holds {least} to {greatest}")
