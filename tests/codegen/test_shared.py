"""Deep Compression: pruning, shared values, sparse steps, and the file of all that."""

from __future__ import annotations

import struct
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import chain, conv, linear
from refusals import refuses

from shiftloom.codegen.coding import container, reals, shared_record, sparse
from shiftloom.codegen.coding.container import Content, Kind, Record
from shiftloom.codegen.coding.fields import DAMAGED
from shiftloom.codegen.coding.shared import SharedNetwork, SharedWeights, compress, pruned, shared
from shiftloom.codegen.coding.shared_file import read_shared, shared_bytes
from shiftloom.codegen.coding.sharing import share
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.fitted import Layer, kernel
from shiftloom.codegen.graph import Graph, GraphInput
from shiftloom.codegen.ops import Flatten, Relu
from shiftloom.codegen.values import Array


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


# ---------------------------------------------------------------- pruning


@pytest.mark.parametrize(("fraction", "left"), [(0, 20), (0.3, 14), (0.5, 10), (1, 0)])
def test_the_smallest_weights_become_zeros(fraction: float, left: int) -> None:
    weights = normal(4, 5)
    found = pruned(weights, fraction)
    kept = found != 0
    assert kept.sum() == left
    assert np.array_equal(found[kept], weights[kept])
    assert np.abs(weights[~kept]).max(initial=0) <= np.abs(weights[kept]).min(initial=9)


# ---------------------------------------------------------------- sharing


def error(values: np.ndarray, centroids: np.ndarray) -> float:
    return float(((values[:, None] - centroids) ** 2).min(axis=1).sum())


def test_centroids_are_the_means_of_their_values() -> None:
    values = normal(5000)
    centroids, codes = share(values, 15)
    assert (np.diff(centroids) > 0).all()
    for place, centroid in enumerate(centroids):
        assert np.isclose(values[codes == place].mean(), centroid)
    distance = np.abs(values[:, None] - centroids)
    assert np.array_equal(distance.argmin(axis=1), codes)
    even = np.linspace(values.min(), values.max(), 15)
    assert error(values, centroids) < 0.7 * error(values, even)


def test_clusters_that_lie_apart_are_found() -> None:
    values = np.concatenate([normal(50, seed=i) / 100 + i for i in range(4)])
    centroids, codes = share(values, 4)
    assert np.allclose(centroids, range(4), atol=0.01)
    assert np.array_equal(codes, np.repeat(range(4), 50))


def test_few_values_are_kept() -> None:
    values = np.array([0.5, -1, 0.5, 3, -1], dtype=np.float32)
    centroids, codes = share(values, 3)
    assert np.array_equal(centroids[codes], values)
    assert centroids.tolist() == [-1, 0.5, 3]


def test_centroids_without_values_are_left_out() -> None:
    centroids, codes = share(np.array([0, 1, 2, 100.0]), 3)
    assert centroids.tolist() == [1, 100]
    assert codes.tolist() == [0, 0, 0, 1]


@pytest.mark.parametrize("bits", [1, 3, 8])
def test_shared_weights_have_few_values_and_their_zeros(bits: int) -> None:
    weights = pruned(normal(8, 3, 3, 5), 0.6)
    made = shared(weights, bits)
    assert np.array_equal(made.real == 0, weights == 0)
    assert made.real.dtype == np.float32
    assert len(np.unique(made.real)) == min(1 << bits, 145)
    again = shared(made.real, bits)
    assert again == made


def test_a_layer_of_zeros_has_no_centroids() -> None:
    made = shared(np.zeros((2, 1, 1, 3), dtype=np.float32), 4)
    assert made.centroids.data.size == 0
    assert not made.real.any()


# ---------------------------------------------------------------- sparse steps


def test_steps_of_the_papers_figure() -> None:
    """Figure 2: weights at 1, 4 and 15 with steps of 3 bits need a filler 8 behind the second."""
    steps, is_weight = sparse.steps(np.array([1, 4, 15]), 3)
    assert (steps + 1).tolist() == [2, 3, 8, 3]
    assert is_weight.tolist() == [True, True, False, True]
    assert sparse.places(steps).tolist() == [1, 4, 12, 15]


@given(st.sets(st.integers(0, 3000), max_size=60), st.integers(0, 8))
def test_places_come_back(found: set[int], bits: int) -> None:
    places = np.array(sorted(found), dtype=np.int64)
    steps, is_weight = sparse.steps(places, bits)
    assert np.array_equal(sparse.places(steps)[is_weight], places)
    assert steps.max(initial=0) < 1 << bits
    if bits == 0:
        assert len(steps) == max(found, default=-1) + 1


# ---------------------------------------------------------------- the network


def network() -> Graph:
    rng = np.random.default_rng(0)
    source = GraphInput((6, 6, 2), scale=1 / 255)
    return chain(conv(rng, (2, 3)), Relu(), Flatten(), linear(rng, 80, 4), source=source)


LAYERS = {node.name: node.op for node in network().nodes if isinstance(node.op, Layer)}
CONV, FC = LAYERS


def test_every_layer_is_pruned_and_shared() -> None:
    made = compress(network(), {CONV: 0.25, FC: 0.5}.__getitem__, {CONV: 5, FC: 2}.__getitem__)
    for name, fraction, values in ((CONV, 0.25, 32), (FC, 0.5, 4)):
        real = made.weights[name].real
        assert (real == 0).mean() == pytest.approx(fraction, abs=0.02)
        assert len(np.unique(real)) <= values
    graph = made.applied(network())
    for node in graph.nodes:
        if isinstance(node.op, Layer):
            assert np.array_equal(kernel(node.op), made.weights[node.name].real)
            assert node.op.bias == LAYERS[node.name].bias


@pytest.mark.parametrize(
    ("fraction", "bits", "message"),
    [
        (1.5, 5, f"{CONV}: pruning a share of 1.5; use 0 to below 1"),
        (float("nan"), 5, f"{CONV}: pruning a share of nan; use 0 to below 1"),
        (0.5, 0, f"{CONV}: 0 share bits; use 1 to 8"),
        (0.5, 9, f"{CONV}: 9 share bits; use 1 to 8"),
    ],
)
def test_impossible_settings_are_refused(fraction: float, bits: int, message: str) -> None:
    with refuses(message):
        compress(network(), lambda _: fraction, lambda _: bits)


@pytest.mark.parametrize(
    ("weights", "biases", "message"),
    [
        ({"other": FC}, {}, "other: is no layer of the network"),
        ({}, {"relu1": FC}, "relu1: is no layer of the network"),
        ({CONV: FC}, {}, f"{CONV}: weights of shape (4, 1, 1, 80), expected (3, 3, 3, 2)"),
        ({}, {CONV: FC}, f"{CONV}: 4 biases, expected 3"),
    ],
)
def test_parts_of_another_network_are_refused(
    weights: dict[str, str], biases: dict[str, str], message: str
) -> None:
    """By the names that they are given, and those of the layers that they come from."""
    made = compress(network(), lambda _: 0, lambda _: 4)
    other = SharedNetwork(
        {name: made.weights[source] for name, source in weights.items()},
        {name: made.biases[source] for name, source in biases.items()},
    )
    with refuses(
        f"{message}; {'it is' if 'no layer' in message else 'they are'} of another network"
    ):
        other.applied(network())


# ---------------------------------------------------------------- the file


@pytest.mark.parametrize("fraction", [0, 0.1, 0.5, 0.9, 0.99, 1])
@pytest.mark.parametrize("bits", [1, 4, 8])
def test_a_network_comes_back_in_every_bit(fraction: float, bits: int) -> None:
    weights = {
        "a": shared(pruned(normal(16, 5, 5, 6), fraction), bits),
        "b": shared(pruned(normal(7, 1, 1, 3, seed=1), fraction), bits),
    }
    made = SharedNetwork(weights, {"a": Array(normal(16))})
    data = shared_bytes(made)
    assert read_shared(data, "net.slw") == made
    assert shared_bytes(read_shared(data, "net.slw")) == data


@pytest.mark.parametrize("bits", range(9))
def test_every_width_of_steps_comes_back(bits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    made = SharedNetwork({"a": shared(pruned(normal(32, 1, 1, 33), 0.95), 3)}, {})
    entries = shared_record._entries(made.weights["a"], bits)
    monkeypatch.setattr(shared_record, "entries", lambda _: entries)
    assert read_shared(shared_bytes(made), "net.slw") == made


def test_sparse_layers_take_steps_and_dense_ones_none() -> None:
    widths = [
        shared_record.entries(shared(pruned(normal(64, 1, 1, 100), fraction), 4)).step_bits
        for fraction in (0, 0.95)
    ]
    assert widths[0] == 0
    assert widths[1] > 3


def test_more_zeros_make_a_smaller_file() -> None:
    sizes = [
        len(shared_bytes(SharedNetwork({"a": shared(pruned(normal(100, 1, 1, 100), f), 5)}, {})))
        for f in (0, 0.5, 0.9, 0.99)
    ]
    assert sizes == sorted(sizes, reverse=True)
    assert 40_000 / sizes[2] > 30


RECORD = Record(Kind.SHARED, "fc", b"")
NUMBERS = reals.encode(np.array([0.5, 2], dtype=np.float32))


def body(
    shape: tuple[int, ...] = (2, 1, 1, 3),
    widths: bytes = b"\2\1",
    centroids: bytes = b"\2\0" + NUMBERS,
    entries: int = 4,
    steps: bytes = struct.pack("<BI", 0, 1) + b"\2",
    codes: bytes = struct.pack("<BI", 0, 1) + b"\x99",
) -> bytes:
    """A record's body; a good one as it is."""
    counted = struct.pack("<4I", *shape) + widths + centroids + struct.pack("<I", entries)
    return counted + steps + codes


def read(made: bytes) -> SharedWeights:
    data = container.write(Content.SHARED, [replace(RECORD, body=made)])
    return read_shared(data, "net.slw").weights["fc"]


def test_a_good_body_is_read() -> None:
    found = read(body())
    assert found.codes.data.ravel().tolist() == [1, 0, 2, 1, 2, 0]
    assert found.real.ravel().tolist() == [0.5, 0, 2, 0.5, 2, 0]


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (b"", "shape: takes 4 bytes, 0 are left"),
        (
            body(shape=(1 << 16, 1, 1, 1 << 11)),
            "shape: [65536, 1, 1, 2048]; there is room for 1 to 67,108,864 weights",
        ),
        (
            body(shape=(1, 0, 1, 1)),
            "shape: [1, 0, 1, 1]; there is room for 1 to 67,108,864 weights",
        ),
        (body(widths=b"\0\1"), "bits of codes: are 0; use 1 to 8"),
        (body(widths=b"\x09\1"), "bits of codes: are 9; use 1 to 8"),
        (body(widths=b"\2\x09"), "bits of steps: are 9; use 0 to 8"),
        (body(centroids=b"\xff\xff\4"), "numbers: takes 262,140 bytes, 16 are left"),
        (
            body(centroids=b"\1\0\x08" + bytes(8)),
            "centroids: are float64; they must be float32",
        ),
        (body(entries=97), "entries: 97 in 12 bytes; an entry takes a bit or more"),
        (body(entries=5), "packed codes: 1 bytes; 5 codes of 2 bits take 2"),
        (
            body(steps=struct.pack("<BI", 0, 1) + b"\7"),
            "steps: lead to 6; there are 6 weights",
        ),
        (
            body(codes=struct.pack("<BI", 0, 1) + b"\xf9"),
            "codes: name centroid 3; there are 2",
        ),
        (body() + b"\0", "end: 1 bytes follow the last field"),
    ],
)
def test_hostile_weights_are_refused(made: bytes, message: str) -> None:
    with refuses(f"net.slw: fc: {message}; {DAMAGED}"):
        read(made)


def test_many_large_layers_are_refused() -> None:
    large = body(shape=(1 << 25, 1, 1, 1))
    names = "abc"
    data = container.write(Content.SHARED, [Record(Kind.SHARED, name, large) for name in names])
    with refuses(
        "net.slw: c: shape: [33554432, 1, 1, 1]; there is room for 1 to 0 weights; " + DAMAGED
    ):
        read_shared(data, "net.slw")


def test_a_quantized_network_is_refused() -> None:
    with refuses("net.slw: holds a quantized network; expected a float network of shared weights"):
        read_shared(container.write(Content.FITTED, []), "net.slw")


def test_a_bias_without_a_place_is_refused() -> None:
    with refuses("a: numbers: are int64; use float32 or float64"):
        shared_bytes(SharedNetwork({}, {"a": Array([1])}))


SEEDS = tuple(
    shared_record.encode(shared(pruned(normal(9, 2, 2, 7), fraction), 3))
    for fraction in (0, 0.6, 0.95)
)


@settings(max_examples=300)
@given(st.sampled_from(SEEDS), st.integers(0, 400), st.integers(1, 255), st.integers(0, 3))
def test_damage_under_a_right_crc_gives_weights_or_a_refusal(
    seed: bytes, at: int, mask: int, more: int
) -> None:
    data = bytearray(seed)
    for step in range(more + 1):
        data[16 + (at + 7 * step) % (len(data) - 16)] ^= mask
    try:
        found = read(bytes(data))
    except ShiftloomError:
        return
    assert found.codes.data.shape == (9, 2, 2, 7)
    assert np.isfinite(found.real).all()
