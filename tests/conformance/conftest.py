"""What the conformance tests share: each network built once, one cache of compiled simulations."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable

import pytest
from conformance_nets import Net
from conformance_run import Built, compile_graph, compile_net

from shiftloom.rtl_sim import tools
from shiftloom.rtl_sim.cache import Cache
from shiftloom.simulation import default_cache

NEEDED = ("verilator", "g++", "perl", "hls4ml")

Builder = Callable[[Net], Built]
GraphBuilder = Callable[..., Built]


@pytest.fixture(scope="session")
def cache() -> Cache:
    """Compiled simulations, kept from run to run; a skip where a tool is missing, not in CI."""
    for status in tools.find_all():
        if status.name in NEEDED and not status.found:
            message = f"{status.name} is missing: {status.install_hint}"
            if os.environ.get("CI"):
                pytest.fail(message)
            pytest.skip(message)
    return default_cache()


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Builder:
    """Makes the build of a network, once."""
    folder = tmp_path_factory.mktemp("builds")
    known: dict[str, Built] = {}

    def make(net: Net) -> Built:
        if net.name not in known:
            known[net.name] = compile_net(net, folder)
        return known[net.name]

    return make


@pytest.fixture(scope="session")
def built_graph(tmp_path_factory: pytest.TempPathFactory) -> GraphBuilder:
    """Makes the build of sketches side by side, once."""
    folder = tmp_path_factory.mktemp("graphs")

    @functools.cache
    def make(names: tuple[str, ...], seed: int, dataflow: str = "streaming") -> Built:
        return compile_graph(names, seed, folder, dataflow)

    return make
