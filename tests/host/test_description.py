"""The JSON files of a design: those of real builds are read, and what is wrong is refused."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import driver_designs as designs
import pytest
import reload_nets

from shiftloom.host.description import describe, overlay_file
from shiftloom.host.errors import DesignError
from shiftloom.host.registers import Registers

JSON = "host/accelerator.json"
SHELLS = "axis, mm, serial"
HINT = "give the folder of a build, or of a package made of it"


def test_reads_what_a_build_says(tmp_path: Path) -> None:
    made = reload_nets.build()
    for name in (JSON, "registers.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(made.files[name])
    found = describe(tmp_path)
    assert (found.name, found.digest) == ("tiny", made.design.digest)
    assert [(each.name, each.shape, each.dtype.str) for each in found.inputs] == [
        ("input", (6, 6, 1), "|u1")
    ]
    (output,) = found.outputs
    tensor = made.quantized.qgraph.tensor(output.name)
    assert output.scale == tuple(tensor.scale.data.reshape(-1).tolist())
    assert found.out_bytes == 4 * made.design.sink.width // 8
    assert (found.memory, found.units) == (None, ())


def refused(folder: Path, accelerator: Any = None, registers: Any = None) -> str:
    described = designs.accelerator() if accelerator is None else accelerator
    designs.write(folder, described, designs.registers() if registers is None else registers)
    with pytest.raises(DesignError) as caught:
        describe(folder)
    return str(caught.value)


@pytest.mark.parametrize("found", [None, 0, 2, "1"])
def test_refuses_another_format(tmp_path: Path, found: Any) -> None:
    assert refused(tmp_path, designs.accelerator(format=found)) == (
        f"{JSON}: has format {found!r}, this driver reads format 1; "
        "use driver and build of one version of Shiftloom: build anew, or pack the build again"
    )


def test_refuses_what_is_no_description(tmp_path: Path) -> None:
    file = tmp_path / JSON
    with pytest.raises(DesignError) as caught:
        describe(tmp_path)
    assert str(caught.value) == f"{file}: is no file; {HINT}"
    designs.write(tmp_path, designs.accelerator(), designs.registers())
    for text, problem in (
        ("{", "is no JSON"),
        ("[" * 10**6, "is no JSON"),
        ("[]", "holds no object"),
    ):
        file.write_text(text)
        with pytest.raises(DesignError) as caught:
            describe(tmp_path)
        assert str(caught.value) == f"{file}: {problem}; {HINT}"
    with file.open("wb") as large:
        large.truncate((64 << 20) + 1)
    with pytest.raises(DesignError) as caught:
        describe(tmp_path)
    assert str(caught.value) == f"{file}: is larger than 64 MiB; {HINT}"


def with_input(**values: Any) -> dict[str, Any]:
    return designs.accelerator(inputs=[{**designs.tensor("x", (2, 3, 1), 8, False), **values}])


def with_memory(**values: Any) -> dict[str, Any]:
    return designs.accelerator(memory={**designs.memory(), **values})


@pytest.mark.parametrize(
    ("described", "message"),
    [
        (designs.accelerator(shell="pcie"), "shell is 'pcie', known are axis, mm, serial"),
        (designs.accelerator(name=3), "name is 3, expected a value of type str"),
        (designs.accelerator(name="../tiny"), "name is '../tiny', expected an identifier"),
        (designs.accelerator(clock_mhz=float("nan")), "clock_mhz is nan, expected numbers"),
        (designs.accelerator(clock_mhz=10**400), f"clock_mhz is 1{'0' * 59}..., expected numbers"),
        (with_memory(image="\0"), ": memory: image is '\\x00', expected a file of the folder"),
        (designs.accelerator(clock_mhz=0), "clock_mhz is 0, expected a number above 0"),
        (designs.accelerator(clock_mhz=[]), "clock_mhz is [], expected a number above 0"),
        (designs.accelerator(clock_mhz="fast"), "clock_mhz is 'fast', expected numbers"),
        (
            designs.accelerator(in_beats=10**80),
            f"beats of 1{'0' * 59}... bytes, inputs of 6",
        ),
        (
            designs.accelerator(out_beats=10**80),
            f"1{'0' * 59}... beats, outputs of 5 elements",
        ),
        (designs.accelerator(shell="p" * 99), f"shell is '{'p' * 59}..., known are {SHELLS}"),
        (designs.accelerator(serial=3), ": serial: is no object"),
        (designs.accelerator(serial={"baud": 0}), ": serial: baud is 0, expected 1 to 16777216"),
        (designs.accelerator(in_beats=7), "beats of 7 bytes, inputs of 6"),
        (designs.accelerator(out_beats=4), "4 beats, outputs of 5 elements"),
        (designs.accelerator(out_beat_bits=65), "out_beat_bits is 65, expected 8 to 64"),
        (
            designs.accelerator(out_beat_bits=True),
            "out_beat_bits is True, expected a value of type int",
        ),
        (designs.accelerator(out_beat_bits=20), "out_beat_bits is 20, expected a multiple of 8"),
        (designs.accelerator(inputs=3), "inputs is 3, expected a list"),
        (designs.accelerator(memory=3), ": memory: is no object"),
        (designs.accelerator(quality=[3]), ": quality[0]: is no object"),
        (
            designs.accelerator(quality=[{"node": "a", "register": "b", "most": 0}]),
            ": quality[0]: most is 0, expected 1 or more",
        ),
        (with_input(shape=[]), ": inputs[0]: shape is [], expected sizes of 1 or more"),
        (with_input(shape=[2, 0]), ": inputs[0]: shape is [2, 0], expected sizes of 1 or more"),
        (with_input(shape=[2.0]), ": inputs[0]: shape is [2.0], expected sizes of 1 or more"),
        (
            with_input(shape=[1 << 20] * 2),
            ": inputs[0]: shape is [1048576, 1048576], expected at most 2147483648 elements",
        ),
        (with_input(scale=[1.0, 2.0]), ": inputs[0]: scale is [1.0, 2.0], expected 1 or 1 numbers"),
        (with_input(zero=[1, 2]), ": inputs[0]: zero is [1, 2], expected a number"),
        (with_input(bits=0), ": inputs[0]: bits is 0, expected 1 to 64"),
        (with_input(signed=1), ": inputs[0]: signed is 1, expected a value of type bool"),
        (
            with_memory(image="../memory.bin"),
            ": memory: image is '../memory.bin', expected a file of the folder",
        ),
        (with_memory(image_bytes=9000), ": memory: image_bytes is 9000, expected 0 to 8192"),
    ],
)
def test_refuses_a_wrong_value(tmp_path: Path, described: Any, message: str) -> None:
    wanted = f"{JSON}{message}" if message.startswith(":") else f"{JSON}: {message}"
    assert refused(tmp_path, described) == wanted


def changed(change: Callable[[list[dict[str, Any]]], Any]) -> dict[str, Any]:
    registers = designs.registers()
    change(registers["registers"])
    return registers


@pytest.mark.parametrize(
    ("registers", "message"),
    [
        ({"registers": {}}, ": registers is {}, expected a list"),
        (
            changed(lambda words: words[2].update(reset=0)),
            ": is of the build 0000000089abcdef, host/accelerator.json of 0123456789abcdef; "
            "take both from one build",
        ),
        (
            changed(lambda words: words[0].update(offset=4096)),
            ": registers[0]: offset is 4096, expected 0 to 4092",
        ),
        (
            changed(lambda words: words[0].update(offset=3)),
            ": registers[0]: offset is 3, expected a multiple of 4",
        ),
        (
            changed(lambda words: words[4]["fields"][0].update(width=40)),
            ": registers[4]: fields[0]: width is 40, expected 1 to 32",
        ),
        (
            changed(lambda words: words[4]["fields"][0].update(doc=None)),
            ": registers[4]: fields[0]: doc is None, expected a value of type str",
        ),
    ],
)
def test_refuses_wrong_registers(tmp_path: Path, registers: Any, message: str) -> None:
    assert refused(tmp_path, registers=registers) == f"registers.json{message}"


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("layers", 3, "layers is 3, expected an object"),
        ("constants", [], "constants is [], expected an object"),
        ("layers/conv/shape", [], "layers.conv: shape is [], expected sizes of 1 or more"),
        ("layers/conv/limit", 0, "layers.conv: limit is 0, expected 1 or more"),
        (
            "layers/conv/least_bias",
            None,
            "layers.conv: least_bias is None, expected a value of type int",
        ),
        (
            "layers/conv/greatest_bias",
            -23589,
            "layers.conv: greatest_bias is -23589, expected -23588 or more",
        ),
        (
            "layers/conv/codes/index",
            256,
            "layers.conv: codes: index is 256, expected 0 to 255",
        ),
        (
            "layers/conv/codes/fields",
            [3, 3],
            "layers.conv: codes: fields is [3, 3], expected 1 of 1 to 62 bits",
        ),
        (
            "layers/conv/codes/axes",
            [2, 2, 3],
            "layers.conv: codes: axes is [2, 2, 3], expected sizes of 36 numbers together",
        ),
        (
            "layers/conv/codes/order",
            [0, 2, 2, 3],
            "layers.conv: codes: order is [0, 2, 2, 3], expected each of 0 to 3 once",
        ),
        (
            "layers/conv/codes/words",
            7,
            "layers.conv: codes: words is 7, expected a divisor of 36",
        ),
        (
            "layers/conv/bias/per_negative",
            1.0,
            "layers.conv: bias: per_negative is 1.0, expected a value of type int",
        ),
        (
            "constants/fc_requant/fields",
            [63],
            "constants.fc_requant: fields is [63], expected 1 or 2 of 1 to 62 bits",
        ),
        (
            "constants/fc_requant/axes",
            [1 << 20, 1 << 20],
            "constants.fc_requant: axes is [1048576, 1048576], "
            "expected sizes of at most 2147483648 numbers together",
        ),
        (
            "constants/fc_requant/shift",
            -1,
            "constants.fc_requant: shift is -1, expected 0 or more",
        ),
    ],
)
def test_refuses_memories_that_cannot_be_loaded(
    tmp_path: Path, place: str, value: Any, message: str
) -> None:
    load = json.loads(reload_nets.build().files[JSON])["load"]
    *way, name = place.split("/")
    entry = functools.reduce(dict.__getitem__, way, load)
    assert name in entry
    entry[name] = value
    described = designs.accelerator(load=load)
    assert refused(tmp_path, described) == f"{JSON}: load: {message}"


def test_the_bit_file_is_that_of_the_overlay(tmp_path: Path) -> None:
    found = describe(designs.write(tmp_path, designs.accelerator(), designs.registers()))
    file = tmp_path / "overlay/tiny.bit"
    assert overlay_file(found) == file
    file.unlink()
    with pytest.raises(DesignError) as caught:
        overlay_file(found)
    assert str(caught.value) == f"{file}: is no file; put the bit file there, or give `bitfile`"


def test_refuses_registers_that_are_not_there() -> None:
    class Nothing:
        def read(self, offset: int) -> int:
            return 0

        def write(self, offset: int, word: int) -> None:
            raise AssertionError

    registers = Registers(Nothing(), json.loads(json.dumps(designs.registers("serial"))))
    for act, message in (
        (lambda: registers.read("START"), "registers.json has no START; take that of the build"),
        (
            lambda: registers.mask("STATUS", "idle"),
            "registers.json has no field idle in STATUS; take that of the build",
        ),
    ):
        with pytest.raises(DesignError) as caught:
            act()
        assert str(caught.value) == message
    assert registers.mask("FRAMES", "frames") == 0xFFFFFFFF
