"""Builds of a small network on a board, with all files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

import shiftloom
from shiftloom import GraphInput
from shiftloom.codegen.build import Build


def build(folder: Path, board: str, dataflow: str, shell: str | None = None) -> Build:
    """A small network on a board."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        network = torch.nn.Sequential(torch.nn.Conv2d(2, 4, 3), torch.nn.Conv2d(4, 4, 3))
        graph = shiftloom.from_torch(network, "tiny", GraphInput((8, 8, 2), scale=1 / 255))
    frames = np.random.default_rng(1).integers(0, 256, (8, 8, 8, 2), dtype=np.uint8)
    settings = {"defaults": {"dataflow": dataflow}, "target": {"board": board, "shell": shell}}
    config = shiftloom.parse_config(settings)
    return shiftloom.build(shiftloom.quantize(graph, frames, config), config, folder)
