"""The host's side of loading: the very words of the build, and nothing of a file that is wrong."""

from __future__ import annotations

import itertools
import json
import struct
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import reload_nets as nets
from weight_files import GOOD, accelerator, build, other, refused, words

from shiftloom.codegen import loading, reloading
from shiftloom.codegen.build import Build
from shiftloom.codegen.coding.build_file import build_bytes, read_build
from shiftloom.codegen.values import Array
from shiftloom.host import loading as host
from shiftloom.host.container import WeightsError


@pytest.mark.parametrize(
    "made", [nets.build(), nets.build(phi=1), nets.build(requant_dsp=True)], ids=("4", "1", "dsp")
)
def test_its_own_file_gives_the_first_words_of_every_memory(made: Build) -> None:
    own = reloading.weights_of(made.quantized.qgraph, made.design.digest)
    expected = {
        each.index: [int(word, 16) for word in each.rom.words()]
        for each in loading.loadable(made.design)
    }
    assert words(made, build_bytes(own)) == expected
    assert len(expected) == 9


def test_other_weights_give_other_words() -> None:
    own = reloading.weights_of(build().quantized.qgraph, build().design.digest)
    assert words(build(), build_bytes(own)) != words(build(), build_bytes(other()))


def test_the_file_comes_back_in_every_bit() -> None:
    data = build_bytes(other())
    assert read_build(data, "w.slw") == other()
    assert build_bytes(read_build(data, "w.slw")) == data


def changed(name: str, **values: Any) -> bytes:
    """The file with other values of a layer or of a requantization."""
    made = other()
    if name in made.layers:
        layers = {**made.layers, name: replace(made.layers[name], **values)}
        return build_bytes(replace(made, layers=layers))
    constants = {**made.constants, name: replace(made.constants[name], **values)}
    return build_bytes(replace(made, constants=constants))


def test_refuses_other_builds_and_layers() -> None:
    made = other()
    digest = "00" * 32
    assert refused(build_bytes(replace(made, digest=digest))) == (
        f"design: is for the build {digest[:16]}, this is {made.digest[:16]}"
    )
    few = {name: layer for name, layer in made.layers.items() if name != "dw"}
    assert refused(build_bytes(replace(made, layers=few))) == (
        "dw: is missing, all weights are loaded together"
    )
    more = {**made.layers, "fd": made.layers["fc"]}
    assert refused(build_bytes(replace(made, layers=more))) == "fd: cannot be loaded in this build"
    assert refused(build_bytes(made), nets.build(weights="rom")) == (
        "the accelerator has no weights to load"
    )


def test_refuses_what_the_build_does_not_hold() -> None:
    codes = other().layers["fc"].codes
    low, high = reloading.bias_range(build().quantized.qgraph, build().quantized.qgraph.nodes[0])
    four = np.array([0, high + 1, 0, 0])
    assert refused(changed("conv", bias=Array(four))) == (
        f"conv: biases of 0 to {high + 1}, the build holds {low} to {high}"
    )
    assert refused(changed("conv", bias=Array(four[:3] * 0))) == ("conv: 3 biases, the build has 4")
    assert refused(changed("conv", codes=codes)) == (
        "conv: shape [4, 1, 1, 36], the build has [4, 3, 3, 1]"
    )
    m = Array(np.array([1, 1024, 1, 1]))
    assert refused(changed("fc_requant", m=m)) == (
        "fc_requant: multipliers of 1 to 1024, the build holds 1 to 1023"
    )
    one = Array(np.array([0, 0, 1, 0]))
    assert refused(changed("fc_requant", offset=one)) == (
        "fc_requant: offsets of 0 to 1, the build holds 0 to 0"
    )
    assert refused(changed("fc_requant", shift=3)) == "fc_requant: shift 3, the build has 0"


def test_refuses_larger_codes_than_those_of_the_build() -> None:
    small = nets.build(phi=1)
    digest = small.design.digest
    own = reloading.weights_of(small.quantized.qgraph, digest)
    data = build_bytes(replace(own, layers=other().layers))
    assert refused(data, small) == "conv: codes up to 4, the build holds those up to 1"


class FakeBus:
    """Registers that only remember what is written, and how they answer."""

    def __init__(self, made: Build, held: bool = True, refuses: bool = False) -> None:
        described = json.loads(made.files["registers.json"])
        self.names = {word["offset"]: word["name"] for word in described["registers"]}
        low, high = struct.unpack("<II", bytes.fromhex(made.design.digest)[:8])
        self.answers = {"DIGEST0": low, "DIGEST1": high}
        self.answers |= {"STATUS": 2 * held, "ERRORS": 32 * refuses, "LOAD_CONTROL": 0}
        self.written: list[tuple[str, int]] = []

    def read(self, offset: int) -> int:
        return self.answers[self.names[offset]]

    def write(self, offset: int, word: int) -> None:
        self.written.append((self.names[offset], word))
        if self.names[offset] == "LOAD_CONTROL":
            self.answers["LOAD_CONTROL"] = word


def loads(bus: FakeBus, data: bytes, folder: Path, alone: host.Alone = nullcontext) -> None:
    (folder / "w.slw").write_bytes(data)
    registers = json.loads(build().files["registers.json"])
    host.load(folder / "w.slw", accelerator(build()), registers, bus, alone=alone)


def test_loads_between_hold_and_release(tmp_path: Path) -> None:
    bus = FakeBus(build())
    loads(bus, GOOD, tmp_path)
    names = [name for name, _ in bus.written]
    assert bus.written[:2] == [("ERRORS", 32), ("LOAD_CONTROL", 1)]
    assert bus.written[-1] == ("LOAD_CONTROL", 0)
    assert set(names[2:-1]) == {"LOAD_ADDRESS", "LOAD_DATA"}


def test_writes_nothing_of_a_file_that_is_refused(tmp_path: Path) -> None:
    bus = FakeBus(build())
    with pytest.raises(WeightsError, match=r"^record 9: takes"):
        loads(bus, GOOD[:-5], tmp_path)
    assert bus.written == []


@pytest.mark.parametrize("register", ["DIGEST0", "DIGEST1"])
def test_writes_nothing_to_an_accelerator_of_another_digest(register: str, tmp_path: Path) -> None:
    bus, digest = FakeBus(build()), build().design.digest[:16]
    bus.answers[register] ^= 1
    message = rf"^the accelerator is the build [0-9a-f]{{16}}, this is {digest}$"
    with pytest.raises(WeightsError, match=message):
        loads(bus, GOOD, tmp_path)
    assert bus.written == []


def test_a_build_without_weights_to_load_says_so(tmp_path: Path) -> None:
    """Its registers.json, which has no load port either, is not to blame."""
    made = nets.build(weights="rom")
    bus, registers = FakeBus(made), json.loads(made.files["registers.json"])
    (tmp_path / "w.slw").write_bytes(GOOD)
    with pytest.raises(WeightsError, match=r"^the accelerator has no weights to load$"):
        host.load(tmp_path / "w.slw", accelerator(made), registers, bus)
    assert bus.written == []


@pytest.mark.parametrize("before", [0, 1])
def test_refuses_an_accelerator_that_never_rests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: int
) -> None:
    """By a clock that goes on by 4 s with each look. What half a load holds stays held."""
    looks = itertools.count(step=4)
    clock = SimpleNamespace(monotonic=lambda: next(looks), sleep=lambda _: None)
    monkeypatch.setattr(host, "time", clock)
    bus = FakeBus(build(), held=False)
    bus.answers["LOAD_CONTROL"] = before
    with pytest.raises(WeightsError) as caught:
        loads(bus, GOOD, tmp_path)
    assert str(caught.value) == (
        "a frame under way does not end within 10 s; nothing was loaded; "
        "call reset(), then load again"
    )
    assert next(looks) == 16
    assert bus.written == [("ERRORS", 32), ("LOAD_CONTROL", 1), ("LOAD_CONTROL", before)]


def test_waits_for_a_reset_that_comes_before_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A moment after it the accelerator is held again."""
    bus, looks = FakeBus(build()), []

    @contextmanager
    def alone() -> Iterator[None]:
        bus.answers["STATUS"] = 0
        yield

    def sleep(_: float) -> None:
        looks.append(bus.written[-1])
        bus.answers["STATUS"] = 2

    clock = SimpleNamespace(monotonic=lambda: 0.0, sleep=sleep)
    monkeypatch.setattr(host, "time", clock)
    loads(bus, GOOD, tmp_path, alone)
    assert looks == [("LOAD_CONTROL", 1)]
    assert bus.written[-1] == ("LOAD_CONTROL", 0)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("none.slw", "No such file or directory"),
        (".", "Is a directory"),
        ("a\0b", "embedded null byte"),
    ],
)
def test_refuses_what_is_no_file(tmp_path: Path, name: str, reason: str) -> None:
    bus, path = FakeBus(build()), tmp_path / name
    registers = json.loads(build().files["registers.json"])
    with pytest.raises(WeightsError) as caught:
        host.load(path, accelerator(build()), registers, bus)
    assert str(caught.value) == (
        f"{path}: cannot be opened: {reason}; give a file of shiftloom pack --build"
    )
    assert bus.written == []


def test_holds_an_accelerator_that_has_refused_a_word(tmp_path: Path) -> None:
    """Again: it was not held when the word came."""
    bus = FakeBus(build(), refuses=True)
    with pytest.raises(WeightsError) as caught:
        loads(bus, GOOD, tmp_path)
    assert str(caught.value) == (
        "the accelerator has refused a word of the weights; others may be written, so no frame "
        "runs until a load has ended well: let no other program use the accelerator, and load again"
    )
    assert [name for name, _ in bus.written[-2:]] == ["LOAD_DATA", "LOAD_CONTROL"]
    assert bus.answers["LOAD_CONTROL"] == 1
