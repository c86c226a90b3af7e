"""A cache of compiled simulations that all tests of this folder share."""

from __future__ import annotations

import pytest

from shiftloom.rtl_sim.cache import Cache


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Cache:
    """Empty at first."""
    return Cache(tmp_path_factory.mktemp("compare-cache"))
