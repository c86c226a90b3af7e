"""What the builder asks of the configuration and the calibration."""

from __future__ import annotations

from typing import Any, Protocol

import numpy.typing as npt

from shiftloom.codegen.formats.given import GivenWeights
from shiftloom.codegen.formats.weights import QuantizedWeights
from shiftloom.codegen.qgraph import QNode
from shiftloom.codegen.values import IntType


class LayerSettings(Protocol):
    """Choices by node name."""

    def weights(
        self, node: str, weights: npt.NDArray[Any], given: GivenWeights | None
    ) -> QuantizedWeights:
        """Quantize the weights [C_out, KH, KW, C_in] of a layer, or keep those `given`."""

    def activation_bits(self, node: str) -> int:
        """Width of the activations a layer makes."""

    def multiplier_bits(self, node: str) -> int:
        """Width of the multiplier M of a layer's requantization."""

    def is_scalable(self, node: str) -> bool:
        """Whether quality cuts the weights of a layer, or the α of their short vectors."""

    def has_scalable_m(self, node: str) -> bool:
        """Whether quality cuts the multipliers M of a layer's requantizations."""

    def reload_limit(self, node: str) -> int:
        """Largest magnitude of weights that may be loaded into a layer at run time, 0 for none."""

    def replaced(self, name: str) -> QNode | None:
        """The unit `name` of the build that reloadable weights are made for, if for one."""

    def full_scale(self, node: str, out: IntType) -> float:
        """Real value that the largest integer of `out` stands for, by calibration at `node`."""

    def sign_scale(self, node: str) -> float:
        """Real value that the sign of a value stands for, by calibration at `node`."""

    def readers(self, node: str) -> int:
        """How many nodes and outputs read the value of a float node."""
