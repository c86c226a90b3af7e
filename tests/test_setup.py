"""The set-up by make: what it asks of the system, and when it is done again."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ALL = ("python3", "g++", "perl")
STAMPS = (".created", ".torch", ".demo", ".test")


class Make:
    """Runs make in a folder of its own with nothing on the PATH but the programs named."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.venv = folder / ".venv"
        for name in ("Makefile", "pyproject.toml", "constraints.txt"):
            shutil.copy(ROOT / name, folder)

    def __call__(self, *arguments: str, programs: tuple[str, ...] = ALL) -> tuple[int, str]:
        """Exit status and output of `make arguments`."""
        binaries = Path(tempfile.mkdtemp(dir=self.folder))
        for program in ("echo", "uname", *programs):
            found = sys.executable if program == "python3" else shutil.which(program)
            assert found is not None
            (binaries / program).symlink_to(found)
        done = subprocess.run(
            [str(shutil.which("make")), *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            env={"PATH": str(binaries)},
        )
        return done.returncode, done.stdout + done.stderr

    def finish(self, place: Path) -> None:
        """Leave what a finished set-up in `place` leaves."""
        self.venv.mkdir()
        for name in STAMPS:
            (self.venv / name).write_text(f"{place} Python {platform.python_version()}\n")


@pytest.fixture
def make(tmp_path: Path) -> Make:
    missing = [program for program in ("make", "g++", "perl") if shutil.which(program) is None]
    if missing:
        pytest.skip(f"{missing[0]} is missing: apt install {missing[0]}")
    return Make(tmp_path.resolve())


def test_make_names_every_missing_program(make: Make) -> None:
    status, output = make("demo", programs=("perl",))
    assert status == 2
    assert "Python 3.11 or newer: apt install python3\n" in output
    assert "g++: apt install g++\n" in output
    assert "perl: apt" not in output


def test_make_accepts_a_complete_machine(make: Make) -> None:
    assert make("system") == (0, "")


def test_make_lists_its_targets(make: Make) -> None:
    _, output = make("help")
    for target in ("demo", "test", "soak", "lint", "venv", "board", "clean"):
        assert f"make {target} " in output


def test_finished_set_up_is_not_done_again(make: Make) -> None:
    make.finish(make.folder)
    status, output = make("-n", "venv")
    assert status == 0
    assert " -m venv" not in output
    assert " -m pip" not in output


def test_interrupted_set_up_goes_on(make: Make) -> None:
    make.finish(make.folder)
    (make.venv / ".test").unlink()
    _, output = make("-n", "venv")
    assert output.count("pip --disable-pip-version-check --require-virtualenv install") == 1
    (make.venv / ".created").unlink()
    assert "rm -rf .venv\n" in make("-n", "venv")[1]


def test_set_up_of_another_place_is_made_anew(make: Make) -> None:
    make.finish(make.folder / "elsewhere")
    assert "rm -rf .venv\n" in make("-n", "venv")[1]


def test_new_dependency_is_installed(make: Make) -> None:
    make.finish(make.folder)
    later = (make.venv / ".test").stat().st_mtime + 10
    os.utime(make.folder / "pyproject.toml", (later, later))
    assert " -m pip" in make("-n", "venv")[1]
