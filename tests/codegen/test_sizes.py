"""The figures of compressed files are those of their bytes."""

from __future__ import annotations

import numpy as np
import pytest

from shiftloom.codegen import grids
from shiftloom.codegen.coding import huffman, sizes, symbols
from shiftloom.codegen.coding.fields import Fields
from shiftloom.codegen.coding.fitted_file import fitted_bytes
from shiftloom.codegen.coding.shared import SharedNetwork, pruned, shared
from shiftloom.codegen.coding.shared_file import shared_bytes
from shiftloom.codegen.fitted import Fitted
from shiftloom.codegen.formats import Int, Ternary
from shiftloom.codegen.formats.weights import QuantizedWeights
from shiftloom.codegen.values import Array


def skewed(count: int, top: int = 7) -> np.ndarray:
    draws = np.random.default_rng(count).geometric(0.5, count) - 1
    return np.minimum(draws, top).astype(np.uint16)


@pytest.mark.parametrize("stream", [skewed(500), np.arange(16, dtype=np.uint16), skewed(0)])
def test_a_measure_is_what_is_written(stream: np.ndarray) -> None:
    measure, data = symbols.measure(stream, 4), symbols.encode(stream, 4)
    head = {symbols.PACKED: 5, symbols.HUFFMAN: 5}[data[0]]
    assert data[0] == measure.method
    assert len(data) == head + measure.bytes
    assert np.array_equal(symbols.decode(Fields(data), len(stream), 4), stream)
    assert measure.packed == 4 * len(stream)
    assert measure.entropy <= measure.words <= measure.packed
    if measure.huffman is not None:
        lengths = huffman.code_lengths(np.bincount(stream))
        assert measure.huffman == int(lengths[stream].sum())


def test_symbols_beyond_a_code_are_packed() -> None:
    stream = np.arange(1 << 16).astype(np.uint16)
    measure = symbols.measure(stream, 16)
    assert (measure.huffman, measure.method, measure.bytes) == (None, symbols.PACKED, 1 << 17)
    assert measure.words == measure.packed


def fitted() -> Fitted:
    values = np.array([[[[1, 0, -1, 0]]], [[[0, 0, 0, 1]]]])
    made = QuantizedWeights(Ternary(), Array(values), Array([1, 2]), 0)
    large = np.random.default_rng(0).integers(-8, 8, (16, 3, 3, 8))
    other = QuantizedWeights(Int(8), Array(large), Array(np.arange(1, 17)), 0)
    return Fitted({"a": made, "b": other})


def test_the_layers_of_a_quantized_network() -> None:
    value = fitted()
    small, large = sizes.of_fitted(value)
    assert (small.name, small.weights, small.zeros, small.packed) == ("a", 8, 5, 16)
    assert small.huffman == 5 + 2 * 3
    assert small.entropy == pytest.approx(8 * np.log2(8) - 5 * np.log2(5) - 2 * np.log2(2))
    assert large.packed == 8 * 1152
    assert large.entropy < large.huffman < 4.1 * 1152
    assert len(fitted_bytes(value)) == 20 + small.bytes + large.bytes
    whole = sizes.total((small, large))
    assert (whole.weights, whole.bytes) == (1160, small.bytes + large.bytes)
    assert whole.ratio == 1160 * 4 / whole.bytes


def test_the_layers_of_a_shared_network() -> None:
    normal = np.random.default_rng(0).normal(size=(20, 1, 1, 50)).astype(np.float32)
    value = SharedNetwork({"a": shared(pruned(normal, 0.9), 4)}, {})
    (layer,) = sizes.of_shared(value)
    assert (layer.weights, layer.zeros) == (1000, 900)
    assert layer.entropy <= layer.huffman < layer.packed
    assert len(shared_bytes(value)) == 20 + layer.bytes


def test_the_table_has_a_row_a_layer_and_their_sum() -> None:
    rows = grids.sizes_grid(sizes.of_fitted(fitted())).rows
    assert [row[0] for row in rows] == ["a", "b", "all layers"]
    assert rows[0][:4] == ("a", "8", "62.5 %", "2.000")
    assert grids.sizes_grid(()).rows == ()
