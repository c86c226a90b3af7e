"""What the tests with a compiler share."""

from __future__ import annotations

import os

import pytest

from shiftloom.rtl_sim import tools
from shiftloom.rtl_sim.cache import Cache
from shiftloom.simulation import default_cache


@pytest.fixture(scope="session")
def cache() -> Cache:
    """Compiled test benches, kept from run to run; a skip where a tool is missing, not in CI."""
    for status in tools.find_all():
        if status.name in ("g++", "hls4ml") and not status.found:
            message = f"{status.name} is missing: {status.install_hint}"
            if os.environ.get("CI"):
                pytest.fail(message)
            pytest.skip(message)
    return default_cache()
