"""Every pair of a number format and a quantizer, as settings, and one layer quantized by them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from networks import chain, frames

from shiftloom.codegen.config import Config, LayerConfig, parse
from shiftloom.codegen.formats.weights import QuantizedWeights
from shiftloom.codegen.graph import Graph, GraphInput
from shiftloom.codegen.ops import Conv2d
from shiftloom.codegen.quantizers import words
from shiftloom.codegen.reconstruction import reconstruct
from shiftloom.codegen.values import Array
from shiftloom.codegen.windows import Window

Weights = npt.NDArray[np.float32]

FORMATS: dict[str, dict[str, Any]] = {
    "qsq4": {"format": "qsq"},
    "qsq2-channel3": {"format": "qsq", "phi": 2, "vector": 3, "axis": "channel"},
    "qsq1-filter5": {"format": "qsq", "phi": 1, "vector": 5, "axis": "filter"},
    "qsq4-output7": {"format": "qsq", "vector": 7},
    "int8": {"format": "int"},
    "int2": {"format": "int", "weight_bits": 2},
    "int4-tensor": {"format": "int", "weight_bits": 4, "granularity": "tensor"},
    "pow2-3": {"format": "pow2", "weight_bits": 3},
    "pow2-5": {"format": "pow2", "weight_bits": 5},
    "csd": {"format": "csd"},
    "csd-5-1": {"format": "csd", "weight_bits": 5, "digits": 1},
    "ternary": {"format": "ternary"},
    "ternary-2": {"format": "ternary", "scales": 2},
    "binary": {"format": "binary"},
}


def settings(name: str, **more: Any) -> Config:
    """The configuration of a format and further settings of its layers."""
    return parse({"defaults": {**FORMATS[name], **more}})


def layer(name: str) -> LayerConfig:
    """Settings of the layers of a format."""
    return settings(name).defaults


def suits(name: str, word: str) -> bool:
    """Whether the quantizer is for this format: `calibrated` wants one α an output channel."""
    shape = (4, 2, 3, 5)
    return word != "calibrated" or layer(name).weight_format.vectors(shape) == shape[0]


PAIRS = [
    (name, word)
    for name in FORMATS
    for word in words(layer(name).weight_format)
    if suits(name, word)
]
"""A format and a quantizer that it has."""
ALONE = [(name, word) for name, word in PAIRS if word not in ("calibrated", "adaround")]
"""Those that need the weights alone."""


def sample(seed: int = 0, shape: tuple[int, ...] = (6, 3, 3, 4)) -> Weights:
    """Weights whose channels differ in size by a factor of 4."""
    random = np.random.default_rng(seed)
    size = np.geomspace(0.5, 2, shape[0]).reshape(-1, *(1,) * (len(shape) - 1))
    return np.asarray(random.normal(size=shape) * size, dtype=np.float32)


def network(weights: Weights) -> Graph:
    """A convolution of these weights [C_out, KH, KW, C_in] on a frame of bytes."""
    size, kernel, channels = len(weights), (weights.shape[1], weights.shape[2]), weights.shape[3]
    bias = np.linspace(-1, 1, size).astype(np.float32)
    conv = Conv2d(Array(weights), Array(bias), Window(kernel))
    return chain(conv, source=GraphInput((5, 6, channels), scale=1 / 255))


def images(weights: Weights, count: int = 8) -> npt.NDArray[np.int64]:
    """Random frames of `network`."""
    return frames(np.random.default_rng(1), (5, 6, weights.shape[3]), count)


def quantized(
    name: str, word: str, weights: Weights, count: int = 8, **more: Any
) -> QuantizedWeights:
    """The weights of the convolution, quantized with that many calibration frames."""
    config = settings(name, quantizer=word, **more)
    x = {"input": images(weights, count)}
    return reconstruct(network(weights), x, config).weights["conv2d0"]
