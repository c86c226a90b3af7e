"""A build whose design has external memory: its files, and how it is read back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import memory_designs
import numpy as np
import pytest

pytest.importorskip("torch")

import torch

import shiftloom
from shiftloom import GraphInput
from shiftloom.codegen.build import emit, lower
from shiftloom.rtl_sim.memory import SimMemory


def test_a_build_holds_the_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory_designs.know_fixture(monkeypatch)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(8, 4))
        graph = shiftloom.from_torch(network, "tiny", GraphInput((2, 2, 2), scale=1 / 255))
    frames = np.random.default_rng(1).integers(0, 256, (8, 2, 2, 2), dtype=np.uint8)
    config = shiftloom.parse_config({})
    plain = shiftloom.build(shiftloom.quantize(graph, frames, config), config, tmp_path / "tiny")
    assert "weights/memory.bin" not in plain.files
    assert "memory" not in json.loads(plain.files["host/accelerator.json"])

    design = lower(plain.quantized.qgraph, plain.plan, (memory_designs.CopyMemory(),))
    files = emit(plain.quantized, plain.plan, design)
    assert files["weights/memory.bin"] == memory_designs.IMAGE
    host = json.loads(files["host/accelerator.json"])
    assert host["memory"]["image_bytes"] == len(memory_designs.IMAGE)
    names = [register["name"] for register in json.loads(files["registers.json"])["registers"]]
    assert "MEMORY_BASE" in names

    opened = shiftloom.open_build(tmp_path / "tiny")
    assert opened.sim_top().memory is None
    image = tmp_path.resolve() / "tiny" / "weights" / "memory.bin"
    assert replace(opened, design=design).sim_top().memory == SimMemory(2, 8192, image)
