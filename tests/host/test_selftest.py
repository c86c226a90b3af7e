"""The self-test of a package, with a stand-in for the driver: what passes, fails and is skipped."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from overlay_files import HWH, bit

from shiftloom.host import selftest
from shiftloom.host.container import WeightsError
from shiftloom.host.errors import StuckError
from shiftloom.host.selftest import Outcome

PACKAGE = {"name": "net", "digest": "ab" * 32, "shiftloom": "0.1.0", "shell": "mm"}
PACKAGE["part"] = "xc7z020clg400-1"


class Accelerator:
    """Doubles its inputs; `off` is added to the element [1, 2] of each."""

    def __init__(self, off: int = 0) -> None:
        self.off = off
        self.calls: list[str] = []

    def predict(self, x: Any) -> Any:
        self.calls.append("predict")
        if isinstance(x, dict):
            return {f"{name}_out": self.predict(frames) for name, frames in x.items()}
        made = 2 * x.astype(np.int64)
        made[1, 2] += self.off
        return made

    def load_weights(self, path: Path) -> None:
        self.calls.append(path.name)

    def close(self) -> None:
        self.calls.append("close")


def package(folder: Path, names: tuple[str, ...] = ("x",)) -> Path:
    """A folder as it is installed, for an accelerator that doubles its inputs."""
    for name in ("host", "overlay", "selftest", "weights"):
        (folder / name).mkdir()
    (folder / "package.json").write_text(json.dumps(PACKAGE))
    described = {
        "digest": PACKAGE["digest"],
        "inputs": [{"name": name} for name in names],
        "outputs": [{"name": f"{name}_out"} for name in names],
    }
    (folder / "host/accelerator.json").write_text(json.dumps(described))
    for index in range(len(names)):
        frames = np.arange(12, dtype=np.uint8).reshape(3, 4) + index
        np.save(folder / f"selftest/input{index}.npy", frames)
        np.save(folder / f"selftest/output{index}.npy", 2 * frames.astype(np.int64))
    (folder / "overlay/net.bit").write_bytes(bit())
    (folder / "overlay/net.hwh").write_bytes(HWH)
    return folder


def test_right_integers_pass(tmp_path: Path) -> None:
    made = Accelerator()
    found = selftest.run(package(tmp_path), lambda _: made)
    assert found == Outcome("passed", "3 frames, every output integer right", 3)
    assert made.calls == ["predict", "close"]


def test_weights_are_loaded_first(tmp_path: Path) -> None:
    made, folder = Accelerator(), package(tmp_path)
    (folder / "weights/net.slw").write_bytes(b"")
    assert selftest.run(folder, lambda _: made).state == "passed"
    assert made.calls == ["net.slw", "predict", "close"]


def test_wrong_integers_fail_and_the_first_is_named(tmp_path: Path) -> None:
    reason = "1 wrong integers; frame 1, x_out[2] is 13, 12 is right"
    made = Accelerator(1)
    assert selftest.run(package(tmp_path), lambda _: made) == Outcome("failed", reason, 3, 1)
    assert made.calls == ["predict", "close"]


def test_several_inputs_and_outputs_go_by_name(tmp_path: Path) -> None:
    folder = package(tmp_path, ("a", "b"))
    assert selftest.run(folder, lambda _: Accelerator()).state == "passed"
    reason = "2 wrong integers; frame 1, a_out[2] is 11, 12 is right"
    assert selftest.run(folder, lambda _: Accelerator(-1)) == Outcome("failed", reason, 3, 2)


def _without_bit(folder: Path) -> None:
    (folder / "overlay/net.bit").unlink()


def _without_overlay(folder: Path) -> None:
    shutil.rmtree(folder / "overlay")


def _cut(folder: Path) -> None:
    (folder / "overlay/net.bit").write_bytes(bit()[:-1])


def _other_part(folder: Path) -> None:
    (folder / "overlay/net.bit").write_bytes(bit("7z010clg400"))


def _other_driver(folder: Path) -> None:
    (folder / "package.json").write_text(json.dumps({**PACKAGE, "shiftloom": "9.0"}))


def _other_design(folder: Path) -> None:
    (folder / "package.json").write_text(json.dumps({**PACKAGE, "digest": "cd" * 32}))


def _pickled(folder: Path) -> None:
    np.save(folder / "selftest/input0.npy", np.array([{}]))


def _short(folder: Path) -> None:
    path = folder / "selftest/input0.npy"
    path.write_bytes(path.read_bytes()[:-8])


def _without_frames(folder: Path) -> None:
    (folder / "selftest/input0.npy").unlink()


def _archive(folder: Path) -> None:
    np.savez(folder / "selftest/input0", np.zeros(3))
    (folder / "selftest/input0.npz").rename(folder / "selftest/input0.npy")


def _without_manifest(folder: Path) -> None:
    (folder / "package.json").unlink()


def _no_json(folder: Path) -> None:
    (folder / "host/accelerator.json").write_bytes(b"{")


def _list(folder: Path) -> None:
    (folder / "package.json").write_text("[]")


def _lacking(folder: Path) -> None:
    (folder / "host/accelerator.json").write_text(json.dumps({"digest": PACKAGE["digest"]}))


def _no_block_design(folder: Path) -> None:
    (folder / "overlay/net.hwh").write_bytes(b"<a/>")


NO_FILE = "No such file or directory"
NO_JSON = "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"
AGAIN = "; package the build and install it again"
EXPORT = "; export both files again, for this board, and package them"
PYTHON = "; give deploy the Python that has NumPy and pynq by --python, or run the package by it"
NEEDED = "the driver needs NumPy 1.21 or newer"
CASES: dict[Callable[[Path], None], tuple[str, str]] = {
    _without_bit: ("skipped", "there is no net.bit; put it into {}/overlay"),
    _without_overlay: ("skipped", "there is no net.bit and no net.hwh; put it into {}/overlay"),
    _cut: (
        "failed",
        "overlay/net.bit: holds 99 bytes of configuration, its header says 100" + EXPORT,
    ),
    _other_part: (
        "failed",
        "overlay/net.bit: is for the part '7z010clg400', the board has xc7z020clg400-1" + EXPORT,
    ),
    _no_block_design: (
        "failed",
        "overlay/net.hwh: lists no cores: it is no .hwh of a block design" + EXPORT,
    ),
    _other_driver: ("failed", "this driver is of version 0.1.0, the package of '9.0'" + AGAIN),
    _other_design: (
        "failed",
        "host/accelerator.json is of the design 'abababababababab', "
        "the package of 'cdcdcdcdcdcdcdcd'" + AGAIN,
    ),
    _without_frames: ("failed", f"selftest/input0.npy: is missing or damaged ({NO_FILE}){AGAIN}"),
    _without_manifest: ("failed", f"package.json: is missing or damaged ({NO_FILE}){AGAIN}"),
    _no_json: ("failed", f"host/accelerator.json: is missing or damaged ({NO_JSON}){AGAIN}"),
    _list: ("failed", f"package.json: has no name, digest, shiftloom, part{AGAIN}"),
    _lacking: ("failed", f"host/accelerator.json: has no inputs, outputs{AGAIN}"),
}


@pytest.mark.parametrize("change", CASES, ids=lambda change: change.__name__[1:])
def test_what_is_missing_or_of_another_design_is_said(
    change: Callable[[Path], None], tmp_path: Path
) -> None:
    folder = package(tmp_path)
    change(folder)
    state, reason = CASES[change]
    found = selftest.run(folder, lambda _: Accelerator())
    assert (found.state, found.reason) == (state, reason.format(folder))


@pytest.mark.parametrize("change", [_pickled, _short, _archive])
def test_frames_that_are_no_array_are_said(change: Callable[[Path], None], tmp_path: Path) -> None:
    folder = package(tmp_path)
    change(folder)
    found = selftest.run(folder, lambda _: Accelerator())
    told = re.fullmatch(r"selftest/input0\.npy: is missing or damaged \((.+)\)(.+)", found.reason)
    assert found.state == "failed"
    assert told is not None
    assert told[2] == AGAIN


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (WeightsError("record 0: takes 9 bytes, 1 are left"), "{told}" + AGAIN),
        (StuckError("reset: still moves; load the bit file again"), "{error}"),
        (RuntimeError("odd"), "RuntimeError: odd"),
    ],
)
def test_what_the_driver_refuses_is_said(error: Exception, reason: str, tmp_path: Path) -> None:
    folder, made = package(tmp_path), Accelerator()
    (folder / "weights/net.slw").write_bytes(b"")

    def refuse(path: Path) -> None:
        raise error

    made.load_weights = refuse  # type: ignore[method-assign]
    found = selftest.run(folder, lambda _: made)
    expected = reason.format(error=error, told=f"weights/net.slw: {error}")
    assert found == Outcome("failed", expected)
    assert made.calls == ["close"]


def test_python_without_numpy_is_said(tmp_path: Path) -> None:
    tree = tmp_path / "tree/shiftloom"
    tree.mkdir(parents=True)
    (tree / "__init__.py").write_bytes(b"")
    (tree / "host").symlink_to(Path(selftest.__file__).parent)
    folder = tmp_path / "folder"
    folder.mkdir()
    command = [sys.executable, "-S", "-B", "-m", "shiftloom.host.selftest"]
    done = subprocess.run(
        [*command, str(package(folder))],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
        env={"PYTHONPATH": str(tree.parent)},
    )
    reason = f"{sys.executable} has no NumPy that can be imported, {NEEDED}{PYTHON}"
    assert done.stdout == f"Self-test skipped: {reason}\n"


def test_older_numpy_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = package(tmp_path)
    monkeypatch.setattr(np, "__version__", "1.21.0rc1")
    assert selftest.run(folder, lambda _: Accelerator()).state == "passed"
    monkeypatch.setattr(np, "__version__", "1.9.3")
    reason = f"{sys.executable} has NumPy 1.9.3, {NEEDED}{PYTHON}"
    assert selftest.run(folder, lambda _: Accelerator()) == Outcome("skipped", reason)


def _driver(monkeypatch: pytest.MonkeyPatch, made: Callable[[Path], Any]) -> None:
    """Let `shiftloom.host.accelerator` hold this in place of the driver's class."""
    module = ModuleType("shiftloom.host.accelerator")
    module.__dict__["Accelerator"] = made
    monkeypatch.setitem(sys.modules, module.__name__, module)


def test_board_without_pynq_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = package(tmp_path)

    def lacking(name: str) -> Callable[[Path], Any]:
        def opened(_: Path) -> Any:
            try:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)
            except ImportError as error:
                raise RuntimeError(f"{name} is not installed") from error

        return opened

    _driver(monkeypatch, lacking("pynq"))
    reason = f"{sys.executable} has no pynq: this is no board, or not its Python{PYTHON}"
    assert selftest.run(folder) == Outcome("skipped", reason)
    _driver(monkeypatch, lacking("numba"))
    reason = "RuntimeError: numba is not installed"
    assert selftest.run(folder) == Outcome("failed", reason)


def test_command_prints_and_exits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = package(tmp_path)
    _driver(monkeypatch, lambda _: Accelerator())
    assert selftest.main([str(folder)]) == 0
    assert capsys.readouterr().out == "Self-test passed: 3 frames, every output integer right\n"
    _driver(monkeypatch, lambda _: Accelerator(1))
    assert selftest.main([str(folder), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["state"], found["frames"], found["mismatches"]) == ("failed", 3, 1)
