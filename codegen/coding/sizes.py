"""What a compressed file spends on each layer, beside what its codes would need."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.coding import container, shared_record, symbols, weights_record
from shiftloom.codegen.coding.container import Kind, Record
from shiftloom.codegen.coding.shared import SharedNetwork
from shiftloom.codegen.coding.symbols import Measure
from shiftloom.codegen.energy import FULL_PRECISION_BITS
from shiftloom.codegen.fitted import Fitted
from shiftloom.codegen.reloading import BuildWeights


@dataclass(frozen=True, slots=True)
class LayerSize:
    """A layer's weights in a file: bits of its codes by each way to write them, bytes in all.

    `packed`, `huffman` and `entropy` are bits of the codes alone, and of the steps to them where
    there are some; `huffman` is packed where that is less. `bytes` counts the whole record, with
    its name, shape, α or centroids, code lengths and CRC-32.
    """

    name: str
    weights: int
    zeros: int
    packed: int
    huffman: int
    entropy: float
    bytes: int

    @property
    def ratio(self) -> float:
        """How many times as many bytes float32 takes."""
        return self.weights * FULL_PRECISION_BITS / 8 / self.bytes

    def __add__(self, other: LayerSize) -> LayerSize:
        return LayerSize(
            self.name,
            self.weights + other.weights,
            self.zeros + other.zeros,
            self.packed + other.packed,
            self.huffman + other.huffman,
            self.entropy + other.entropy,
            self.bytes + other.bytes,
        )


def total(layers: tuple[LayerSize, ...]) -> LayerSize:
    """All layers as one."""
    return sum(layers, LayerSize("all layers", 0, 0, 0, 0, 0.0, 0))


def of_fitted(fitted: Fitted | BuildWeights) -> tuple[LayerSize, ...]:
    """The layers of a quantized network's file, or of that for a build."""
    rows = []
    for name, weights in fitted.weights.items():
        measure = symbols.measure(weights.format.encode(weights.values.data), weights.format.bits)
        record = Record(Kind.WEIGHTS, name, weights_record.encode(weights))
        rows.append(_row(record, weights.values.data, (measure,)))
    return tuple(rows)


def of_shared(network: SharedNetwork) -> tuple[LayerSize, ...]:
    """The layers of a file of shared weights."""
    rows = []
    for name, weights in network.weights.items():
        measures = shared_record.entries(weights).measures()
        record = Record(Kind.SHARED, name, shared_record.encode(weights))
        rows.append(_row(record, weights.codes.data, measures))
    return tuple(rows)


def _row(
    record: Record, values: npt.NDArray[np.integer], measures: tuple[Measure, ...]
) -> LayerSize:
    return LayerSize(
        record.name,
        values.size,
        values.size - int(np.count_nonzero(values)),
        sum(measure.packed for measure in measures),
        sum(measure.words for measure in measures),
        sum(measure.entropy for measure in measures),
        container.size(record),
    )
