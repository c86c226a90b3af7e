"""From a network to a build folder: where front end, data, compiler and writer meet."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from shiftloom.codegen import boards, fileset, golden
from shiftloom.codegen.build import Build
from shiftloom.codegen.build import build as compile_network
from shiftloom.codegen.config import Config
from shiftloom.codegen.graph import Graph, GraphInput
from shiftloom.codegen.profile import LayerProfile, profile
from shiftloom.codegen.quantize import Quantized
from shiftloom.models import datasets, registry

if TYPE_CHECKING:
    from torch import nn

Frames = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Share of `images` of the test set classified right, in float and in integers."""

    images: int
    real: float
    quantized: float


def from_torch(module: nn.Module, name: str, source: GraphInput) -> Graph:
    """A PyTorch module as a Graph; `source` says what the raw input integers mean."""
    from shiftloom.codegen.frontends.torch_frontend import from_torch as import_module

    return import_module(module, name, source)


def load_network(name: str, checkpoint: Path | None = None) -> Graph:
    """A network of `models/` with its shipped weights, or a state_dict from `checkpoint`."""
    from shiftloom.models.checkpoint import load_checkpoint

    network = registry.get(name)
    source = GraphInput(
        network.input_shape, network.input_bits, network.input_scale, network.input_zero
    )
    return from_torch(load_checkpoint(network, checkpoint), network.name, source)


def calibration_frames(name: str) -> Frames:
    """Raw frames kept apart from the test set, for the calibration of a network."""
    return datasets.load(registry.get(name).dataset, "calibration")[0]


def evaluation_set(name: str, data: Path | None = None) -> tuple[Frames, Frames]:
    """Raw frames [N, H, W, C] and labels [N] of a network's test set."""
    return datasets.load(registry.get(name).dataset, "test", data)


def build(quantized: Quantized, config: Config, folder: Path) -> Build:
    """Compile a quantized network for the configured board and write its build folder."""
    result = compile_network(quantized, config, boards.get(config.target.board))
    fileset.write(result.files, folder)
    return result


def accuracy(quantized: Quantized, frames: Frames, labels: npt.NDArray[np.uint8]) -> Accuracy:
    """Accuracy of the float graph and of the integer golden model."""
    logits = [
        quantized.graph.run(frames[start : start + golden.BLOCK])["output"]
        for start in range(0, len(frames), golden.BLOCK)
    ]
    real = np.concatenate(logits).reshape(len(frames), -1)
    integers = golden.run(quantized.qgraph, frames)
    return Accuracy(len(frames), _share(real, labels), _share(integers, labels))


def _share(logits: npt.NDArray[np.generic], labels: npt.NDArray[np.uint8]) -> float:
    return float((logits.argmax(axis=1) == labels).mean())


def layer_profile(quantized: Quantized, frames: Frames) -> tuple[LayerProfile, ...]:
    """Float against integer, layer by layer."""
    return profile(quantized, frames)
