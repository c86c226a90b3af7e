"""Small designs as the driver sees them: folders with JSON files, and a fake device for each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pynq_standin
import pytest
from fake_device import FakeDevice
from overlay_files import HWH, bit

from shiftloom.codegen.boards import Shell
from shiftloom.codegen.build import Build
from shiftloom.codegen.load_registers import LOAD_REGISTERS
from shiftloom.codegen.memory_registers import memory_registers
from shiftloom.codegen.quality import Scalable
from shiftloom.codegen.quality_registers import quality_registers
from shiftloom.codegen.registers import core_registers, to_json
from shiftloom.codegen.shell_registers import shell_registers
from shiftloom.host.accelerator import Accelerator

DIGEST = "0123456789abcdef" * 4
SHAPE = (2, 3, 1)
UNITS = (Scalable("conv", "conv", "weight", 4), Scalable("conv_requant", "conv", "m", 3))
IMAGE = bytes(range(100))
BEAT = 3


def tensor(name: str, shape: tuple[int, ...], bits: int, signed: bool) -> dict[str, Any]:
    shaped = {"name": name, "shape": list(shape), "bits": bits, "signed": signed}
    return {**shaped, "scale": 0.5, "zero": 2}


def accelerator(shell: str = "mm", **more: Any) -> dict[str, Any]:
    """accelerator.json: one input of 6 bytes, a signed and an unsigned output, 3 bytes a beat."""
    return {
        "format": 1,
        "name": "tiny",
        "digest": DIGEST,
        "clock_mhz": 100.0,
        "board": "pynq-z2",
        "part": "xc7z020clg400-1",
        "shell": shell,
        "in_beats": 6,
        "in_beat_bits": 8,
        "out_beats": 5,
        "out_beat_bits": 8 * BEAT,
        "inputs": [tensor("x", SHAPE, 8, False)],
        "outputs": [tensor("y", (1, 1, 4), 20, True), tensor("top", (1, 1, 1), 4, False)],
        **more,
    }


def registers(shell: Shell = "mm", digest: str = DIGEST) -> dict[str, Any]:
    """registers.json of a design that has everything."""
    merged: dict[str, Any] = {}
    for part in (core_registers(), memory_registers(), LOAD_REGISTERS, quality_registers(UNITS)):
        for word in to_json(digest, part)["registers"]:  # type: ignore[attr-defined]
            if word["name"] in merged:
                fields = {each["name"]: each for each in merged[word["name"]]["fields"]}
                fields |= {each["name"]: each for each in word["fields"]}
                merged[word["name"]]["fields"] = list(fields.values())
            else:
                merged[word["name"]] = dict(word)
    more = to_json(digest, shell_registers(shell))["registers"]
    return json.loads(json.dumps({"registers": [*merged.values(), *more]}))  # type: ignore[misc]


def quality() -> list[dict[str, Any]]:
    return [
        {"node": unit.node, "register": f"QUALITY{index}", "most": unit.most}
        for index, unit in enumerate(UNITS)
    ]


def memory() -> dict[str, Any]:
    return {"bytes": 8192, "alignment": 4096, "image": "memory.bin", "image_bytes": len(IMAGE)}


def expected(x: np.ndarray, first: int = 0) -> dict[str, np.ndarray]:
    """What the fake core makes of frames: sums of both signs, and an index."""
    total = x.astype(np.int64).sum(axis=(1, 2, 3))
    y = np.stack([(j - 1) * 80 * total + first for j in range(4)], axis=1)
    return {"y": y.reshape(-1, 1, 1, 4), "top": (total % 16).reshape(-1, 1, 1, 1)}


def compute(frame: bytes, device: FakeDevice) -> bytes:
    """The same, byte by byte; a byte of the external memory is added where there is one."""
    base = device.words.get("MEMORY_BASE", 0)
    total, first = sum(frame), int(device.at(base + 7, 1)[0]) if base else 0
    values = [(j - 1) * 80 * total + first for j in range(4)]
    beats = [value.to_bytes(BEAT, "little", signed=True) for value in values]
    return b"".join([*beats, (total % 16).to_bytes(BEAT, "little")])


def frames(count: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, *SHAPE), np.uint8)


def write(folder: Path, described: Mapping[str, Any], words: Mapping[str, Any]) -> Path:
    """A folder as a package has it."""
    for name in ("host", "overlay"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "host/accelerator.json").write_text(json.dumps(described))
    (folder / "registers.json").write_text(json.dumps(words))
    (folder / "overlay/tiny.bit").write_bytes(bit())
    (folder / "overlay/tiny.hwh").write_bytes(HWH)
    (folder / "memory.bin").write_bytes(IMAGE)
    return folder


@dataclass
class Bench:
    """A folder and its device, with pynq replaced."""

    folder: Path
    device: FakeDevice
    pynq: Any

    def open(self, timeout: float = 0.2) -> Accelerator:
        return Accelerator(self.folder, device=self.device, timeout=timeout)


def bench(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    shell: Shell = "mm",
    *,
    interrupt: bool = False,
    **more: Any,
) -> Bench:
    """A design of a shell; `more` goes into accelerator.json."""
    described = accelerator(shell, **more)
    words = registers(shell, described["digest"])
    device = FakeDevice(described, words, compute)
    module = pynq_standin.install(monkeypatch, interrupt=interrupt)
    return Bench(write(folder, described, words), device, module)


class Link:
    """Registers and frames of a device, as a serial line has them."""

    def __init__(self, device: FakeDevice) -> None:
        self.device = device
        self.read, self.write = device.read, device.write

    def frames(self, given: np.ndarray) -> np.ndarray:
        rows = [compute(row.tobytes(), self.device) for row in given]
        self.device.frames += len(rows)
        return np.array([np.frombuffer(row, np.uint8) for row in rows])


def same(found: Any, wanted: Mapping[str, np.ndarray]) -> bool:
    """Every output, in its type and every element."""
    types = {"y": np.int32, "top": np.uint8}
    return set(found) == set(wanted) and all(
        found[name].dtype == types[name] and np.array_equal(found[name], wanted[name])
        for name in wanted
    )


def weighted(compiled: Build) -> dict[str, Any]:
    """What loading reads of a build's accelerator.json."""
    found = json.loads(compiled.files["host/accelerator.json"])
    return {name: found[name] for name in ("digest", "load")}
