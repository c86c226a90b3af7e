"""The examples of docs/driver.md run, one after the other, on a device without hardware."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import driver_designs as designs
import numpy as np
import pytest
import reload_nets
from driver_designs import bench, expected, frames, same
from serial_designs import serial_board

from shiftloom.codegen.coding.build_file import build_bytes
from shiftloom.host import container, errors
from shiftloom.host.accelerator import Accelerator

PAGE = Path(__file__).parents[2] / "docs/driver.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)


def test_the_examples_run(tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    compiled = reload_nets.build()
    units = [{"node": "conv1", "register": "QUALITY0", "most": 4}]
    made = bench(tmp_path / "lenet5", monkeypatch, quality=units, **designs.weighted(compiled))
    (tmp_path / "phi2.slw").write_bytes(build_bytes(reload_nets.other(compiled)[1]))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Accelerator.__init__, "__defaults__", (None, made.device, 0.2))
    names: dict[str, Any] = {"x": frames(5), "asyncio": asyncio, "np": np}
    (serial,) = (block for block in BLOCKS if "serial" in block)
    first, *others = (block for block in BLOCKS if block != serial)
    exec(first, names)
    assert same(names["digits"], expected(frames(5)))
    names["accelerator"] = made.open()
    for block in others:
        exec(block, names)
    assert same(names["digits"], expected(frames(5)))
    assert "5 5" in capsys.readouterr().out
    assert names["accelerator"].quality == {"conv1": 3}
    assert made.device.loaded


@pytest.mark.parametrize("page", ["driver.md", "serial.md"])
def test_the_examples_of_a_serial_board_run(tmp_path: Path, monkeypatch: Any, page: str) -> None:
    found = re.findall(r"```python\n(.*?)```", (PAGE.parent / page).read_text("utf-8"), re.DOTALL)
    (block,) = (each for each in found if "Accelerator.serial" in each)
    with serial_board(tmp_path / "lenet5") as board:
        monkeypatch.chdir(tmp_path)
        names: dict[str, Any] = {"x": frames(5), "Accelerator": Accelerator}
        assert block.count("/dev/ttyUSB1") == 1
        exec(block.replace("/dev/ttyUSB1", board.path), names)
        assert same(names["digits"], expected(frames(5)))


def test_every_error_is_on_the_page() -> None:
    listed = set(re.findall(r"^\| `(\w+Error)` \|", PAGE.read_text("utf-8"), re.MULTILINE))
    kinds = [value for value in vars(errors).values() if isinstance(value, type)]
    named = {kind.__name__ for kind in kinds if issubclass(kind, errors.AcceleratorError)}
    assert listed == (named | {container.WeightsError.__name__}) - {"AcceleratorError"}


@pytest.mark.parametrize("name", ["predict", "predict_async", "counters", "errors", "power"])
def test_what_the_page_names_is_there(name: str) -> None:
    assert f"`{name}" in PAGE.read_text("utf-8")
    assert hasattr(Accelerator, name)
