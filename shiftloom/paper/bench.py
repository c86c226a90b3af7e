"""What experiments measure on: a network, its data as far as they are there, and settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from shiftloom import flow
from shiftloom.codegen import config as configuration
from shiftloom.codegen.energy import WeightTraffic
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.fitted import Fitted, Layer, kernel
from shiftloom.codegen.formats import Qsq
from shiftloom.codegen.graph import Graph
from shiftloom.codegen.ops import Conv2d
from shiftloom.codegen.quantize import Quantized, layer_traffic, quantize
from shiftloom.flow import Frames, Labels
from shiftloom.models import datasets, registry

Settings = dict[str, Any]
"""Sections of a configuration file."""
Advance = Callable[[int, int], None]
"""Takes (done, of all)."""
Bar = Callable[[str], AbstractContextManager[Advance]]
"""Shows the progress of what it is named."""

AXIS = "filter"
"""The vectors of eq. 12: one α for a position (h, w, c), shared by the filters."""
INT8: Settings = {"format": "int", "weight_bits": 8, "quantizer": "least_squares"}
"""Weights that cost no accuracy, for layers that an experiment leaves alone."""
TITLES = {"lenet5": "LeNet-5", "convnet": "ConvNet"}
NETWORKS = tuple(TITLES)
BITS = {phi: Qsq(phi).bits for phi in (1, 2, 4)}
"""Bits of a code by φ (eq. 8)."""
PHIS = {"lenet5": (4,), "convnet": (1, 4)}
"""The φ that the paper prints accuracies of."""
RULES: dict[str, Settings] = {
    "eq. 10, α of eq. 9": {"quantizer": "paper", "alpha": "paper"},
    "eq. 10, least-squares α": {"quantizer": "paper"},
    "least squares": {"quantizer": "least_squares"},
}
"""Ways to find β and α; see docs/reading-the-paper.md."""
TUNED_RULES = {
    "lenet5": ("eq. 10, least-squares α",),
    "convnet": ("eq. 10, least-squares α", "least squares"),
}
"""How the layers are quantized that stay as they are while a classifier is trained."""


@dataclass(frozen=True)
class Bench:
    """A network of the paper, and at most `images` frames of its test set under `data`."""

    network: str
    data: Path | None = None
    images: int | None = None

    @property
    def title(self) -> str:
        """The network's name for people."""
        return TITLES[self.network]

    @cached_property
    def graph(self) -> Graph:
        """The float network with the weights that ship."""
        return flow.load_network(self.network, data=self.data)

    @cached_property
    def absent(self) -> str:
        """Why nothing can be measured on frames; empty where all are there."""
        try:
            _ = self.calibration, self.test
        except ShiftloomError as error:
            return str(error)
        return ""

    @cached_property
    def untrainable(self) -> str:
        """Why the network cannot be trained: what of its training set is not there; else empty."""
        try:
            datasets.load(registry.base(self.network).dataset, "train", self.data)
        except ShiftloomError as error:
            return str(error)
        return ""

    @cached_property
    def calibration(self) -> Frames:
        """The network's calibration frames."""
        return flow.calibration_frames(self.network, self.data)

    @cached_property
    def test(self) -> tuple[Frames, Labels]:
        """Test frames and labels."""
        frames, labels = flow.evaluation_set(self.network, self.data)
        assert labels is not None
        return frames[: self.images], labels[: self.images]

    @property
    def count(self) -> int | None:
        """How many test frames are measured; None without data."""
        return None if self.absent else len(self.test[1])

    @cached_property
    def layers(self) -> Mapping[str, npt.NDArray[np.floating]]:
        """Weights [C_out, KH, KW, C_in] of every layer by its name."""
        return {n.name: kernel(n.op) for n in self.graph.nodes if isinstance(n.op, Layer)}

    @cached_property
    def convolutions(self) -> tuple[str, ...]:
        """Names of the convolutions."""
        return tuple(node.name for node in self.graph.nodes if isinstance(node.op, Conv2d))

    def settings(self, layers: Settings, named: tuple[str, ...] | None = None) -> Settings:
        """A configuration with `layers` for those named, by default the paper's; else INT8.

        The paper quantizes all of LeNet, and the convolutions of the ConvNet.
        """
        if named is None:
            named = tuple(self.layers) if self.network == "lenet5" else self.convolutions
        return {"defaults": INT8, "layers": dict.fromkeys(named, layers)}

    def quantized(self, settings: Settings, fitted: Fitted | None = None) -> Quantized:
        """The integer network, from the calibration frames or from what training has fitted."""
        return quantize(self.graph, None, configuration.parse(settings), fitted or self.calibrated)

    @cached_property
    def calibrated(self) -> Fitted:
        """The ranges of the float network's activations, which no setting of weights changes."""
        config = configuration.parse({"defaults": INT8})
        return Fitted(ranges=quantize(self.graph, self.calibration, config).fitted.ranges)

    def float_accuracy(self) -> float | None:
        """Share of the test frames that the float network classifies right."""
        return None if self.absent else flow.real_accuracy(self.graph, *self.test)

    def accuracy(self, settings: Settings, fitted: Fitted | None = None) -> float | None:
        """The same of the integer golden model; None without data."""
        if self.absent:
            return None
        return flow.integer_accuracy(self.quantized(settings, fitted), *self.test)

    def traffic(self, settings: Settings, named: tuple[str, ...]) -> WeightTraffic:
        """Eq. 11 and 12 over the layers named; no data are needed."""
        config = configuration.parse(settings)
        total = WeightTraffic(0, 0)
        for name in named:
            total += layer_traffic(config.layer(name).weight_format, self.layers[name].shape)
        return total


def qsq(phi: int, quantizer: str = "least_squares", **more: Any) -> Settings:
    """QSQ settings of a layer with the paper's vectors."""
    return {"format": "qsq", "phi": phi, "axis": AXIS, "quantizer": quantizer, **more}
