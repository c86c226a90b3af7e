"""Small accelerators with the shells of boards, and what their benches send and expect."""

from __future__ import annotations

import json
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch

import shiftloom
from shiftloom import GraphInput
from shiftloom.codegen import golden
from shiftloom.codegen.boards import Shell
from shiftloom.codegen.build import Build

NAME = "tiny"
SHAPE = (6, 6, 1)
LAYERS = {"conv": {"pe": "constant"}, "fc": {"pe": "shift", "folding": (1, 2)}}


def _network() -> torch.nn.Module:
    layers = OrderedDict(
        conv=torch.nn.Conv2d(1, 2, 3, padding=1),
        relu=torch.nn.ReLU(),
        pool=torch.nn.MaxPool2d(2),
        flat=torch.nn.Flatten(),
        fc=torch.nn.Linear(18, 5),
    )
    return torch.nn.Sequential(layers)


def vectors(build: Build) -> dict[str, object]:
    """Frames and their outputs, as benches/board.py takes them."""
    frames = np.random.default_rng(2).integers(0, 256, (8, *SHAPE), dtype=np.uint8)
    outputs = golden.run(build.quantized.qgraph, frames)
    right = [
        {"data": frame.ravel().tolist(), "output": output.tolist()}
        for frame, output in zip(frames, outputs, strict=True)
    ]
    described = json.loads(build.files["registers.json"])["registers"]
    width = build.design.sink.width
    return {
        **{"registers": described, "right": right},
        **{"out_beat_bits": width, "clocks": build.plan.latency},
    }


def write(folder: Path, shell: Shell) -> Path:
    """A build with that shell, and its vectors beside `rtl/`."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        graph = shiftloom.from_torch(_network(), NAME, GraphInput(SHAPE, scale=1 / 255))
    frames = np.random.default_rng(1).integers(0, 256, (32, *SHAPE), dtype=np.uint8)
    config = shiftloom.parse_config({"target": {"shell": shell}, "layers": LAYERS})
    build = shiftloom.build(shiftloom.quantize(graph, frames, config), config, folder)
    (folder / "vectors.json").write_text(json.dumps(vectors(build)))
    return folder
