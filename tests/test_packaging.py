"""What is installed, what it depends on, and which part imports which."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shiftloom.codegen.build import VERSION
from shiftloom.host import VERSION as HOST_VERSION

pytest.importorskip("setuptools", minversion="77")
requirements = pytest.importorskip("packaging.requirements")

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PACKAGES: dict[str, str] = PROJECT["tool"]["setuptools"]["package-dir"]
COMPILER_MAY_IMPORT = ("shiftloom.codegen", "shiftloom.templates", "shiftloom.host.container")


def _requirements() -> list[str]:
    """Every dependency that pyproject.toml declares."""
    project = PROJECT["project"]
    extras = [text for group in project["optional-dependencies"].values() for text in group]
    return [*PROJECT["build-system"]["requires"], *project["dependencies"], *extras]


# ---------------------------------------------------------------- contents of the wheel


def _tree() -> set[str]:
    """Paths that the installed package must have: every file of the mapped folders."""
    paths = set()
    for package, folder in PACKAGES.items():
        base = ROOT / folder
        for file in base.rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts:
                paths.add(f"{package.replace('.', '/')}/{file.relative_to(base).as_posix()}")
    return paths


def _copy(folder: Path) -> Path:
    """A copy of what packaging reads, so that nothing is written into the checkout."""
    target = folder / "source"
    for name in sorted(PACKAGES.values()):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, target / name, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, target)
    return target


def _pip(*arguments: object) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _wheel(source: Path, folder: Path) -> Path:
    options = ("--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", folder)
    _pip("wheel", source, *options)
    return next(folder.glob("*.whl"))


def _content(wheel: Path) -> set[str]:
    """Paths of the package in a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    return _wheel(_copy(folder), folder)


def test_wheel_holds_every_file(wheel: Path) -> None:
    assert _content(wheel) == _tree()


def test_wheel_without_a_declared_data_folder_is_seen(tmp_path: Path) -> None:
    source = _copy(tmp_path)
    settings = source / "pyproject.toml"
    text = settings.read_text("utf-8")
    declared = '"shiftloom.codegen.boards" = ["*.toml"]\n'
    assert declared in text
    settings.write_text(text.replace(declared, ""), "utf-8")
    missing = _tree() - _content(_wheel(source, tmp_path))
    assert missing == {path for path in _tree() if path.startswith("shiftloom/codegen/boards/")} - {
        "shiftloom/codegen/boards/__init__.py"
    }


def test_wheel_states_license_command_and_types(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        texts = {
            Path(n).name: archive.read(n).decode() for n in archive.namelist() if "-info/" in n
        }
    assert "shiftloom = shiftloom.codegen.cli:main" in texts["entry_points.txt"]
    assert "License-Expression: Apache-2.0" in texts["METADATA"]
    assert texts["LICENSE"] == (ROOT / "LICENSE").read_text("utf-8")
    assert "shiftloom/py.typed" in _content(wheel)


def test_installed_wheel_builds_a_network(wheel: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    target = tmp_path / "installed"
    _pip("install", "--no-deps", "--no-index", "--target", target, wheel)
    program = "import shiftloom; print(shiftloom.__file__); from shiftloom.codegen.cli import main"
    command = [sys.executable, "-c", f"{program}; main()", "build", "lenet5", "-o", "out"]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(target)},
    )
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.splitlines()[0]).is_relative_to(target)
    assert (tmp_path / "out/lenet5/manifest.json").is_file()


# ---------------------------------------------------------------- dependencies


def _is_bounded(text: str) -> bool:
    """Whether a requirement is exact, or has a lower and an upper bound."""
    operators = {spec.operator for spec in requirements.Requirement(text).specifier}
    return "==" in operators or ({">=", ">"} & operators and {"<", "<=", "~="} & operators) != set()


def _locked() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pins = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {_canonical(name): version for name, version in pins}


def _canonical(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


@pytest.mark.parametrize("text", _requirements())
def test_dependency_is_bounded(text: str) -> None:
    assert _is_bounded(text)


@pytest.mark.parametrize("text", ["numpy", "numpy>=2", "numpy<3", "numpy!=2.1"])
def test_unbounded_dependency_is_seen(text: str) -> None:
    assert not _is_bounded(text)


@pytest.mark.parametrize("text", _requirements())
def test_lock_satisfies_dependency(text: str) -> None:
    wanted = requirements.Requirement(text)
    assert wanted.specifier.contains(_locked()[_canonical(wanted.name)])


def test_version_is_the_same_everywhere() -> None:
    assert PROJECT["project"]["version"] == VERSION == HOST_VERSION
    assert f"## {VERSION}" in (ROOT / "CHANGELOG.md").read_text("utf-8")


# ---------------------------------------------------------------- who imports whom


def _imports(source: str) -> Iterator[str]:
    """Names of all modules that a source imports anywhere, relative ones refused."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide what is imported"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _forbidden(source: str) -> list[str]:
    """What the compiler must not import: the parts it is handed, and what puts them together."""
    ours = (name for name in _imports(source) if name.split(".")[0] == "shiftloom")
    return [name for name in ours if not f"{name}.".startswith(_allowed())]


def _allowed() -> tuple[str, ...]:
    return tuple(f"{name}." for name in COMPILER_MAY_IMPORT)


COMPILER = sorted(set((ROOT / "codegen").rglob("*.py")) - set((ROOT / "codegen/cli").glob("*.py")))


@pytest.mark.parametrize("file", COMPILER, ids=lambda file: str(file.relative_to(ROOT)))
def test_compiler_imports_only_itself(file: Path) -> None:
    assert _forbidden(file.read_text("utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "from shiftloom.rtl_sim import engine",
        "from shiftloom import models",
        "def f():\n    import shiftloom.host.driver",
        "from shiftloom.simulation import simulate_rtl",
    ],
)
def test_import_of_another_part_is_seen(source: str) -> None:
    assert len(_forbidden(source)) == 1
