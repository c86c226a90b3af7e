"""A cache of compiled programs that all workers of a test run share."""

from __future__ import annotations

import pytest

from shiftloom.rtl_sim import tools
from shiftloom.rtl_sim.cache import Cache


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Cache:
    """The cache, or a skip where g++ or the simulation headers are missing."""
    missing = [s for s in tools.find_all() if s.name in ("g++", "hls4ml") and not s.found]
    if missing:
        pytest.skip(f"{missing[0].name} is missing: {missing[0].install_hint}")
    return Cache(tmp_path_factory.getbasetemp().parent / "hls-programs")
