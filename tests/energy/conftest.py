"""What tests of energy share: a cache of synthesis runs, and what they need installed."""

from __future__ import annotations

import os

import pytest

from shiftloom.rtl_sim import tools
from shiftloom.rtl_sim.cache import Cache


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Cache:
    """Empty at first."""
    return Cache(tmp_path_factory.mktemp("energy-cache"))


@pytest.fixture(scope="session")
def synthesizer() -> None:
    """Skip without Yosys, but fail in CI, where it must be there."""
    (status,) = (status for status in tools.find_all() if status.name == "pyosys")
    if not status.found:
        message = f"{status.name} is missing: {status.install_hint}"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
