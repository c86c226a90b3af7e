"""Groups of channels: what is tied, what is followed, and what stays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from pruning_nets import (
    assert_same,
    filters,
    graph_of,
    settings,
    silenced,
    sketched,
)
from refusals import refuses
from sketches import Sketch

from shiftloom.codegen import ops
from shiftloom.codegen.graph import Op
from shiftloom.codegen.ops import OPS
from shiftloom.codegen.pruning import prune
from shiftloom.codegen.pruning.channels import APART, MOVING
from shiftloom.codegen.pruning.groups import Groups, find
from shiftloom.codegen.pruning.shrink import shrunk
from shiftloom.codegen.values import Array, FloatArray, Shape
from shiftloom.codegen.windows import Window

BOUND = ("two_outputs", "resized")
"""Networks whose channels all reach an output, or a padded layer as something else than 0."""
PADDED = Window((2, 2), (1, 1), (1, 1))


def alike(groups: Groups, *names: str) -> bool:
    """Whether values have the same groups, channel by channel."""
    return len({tuple(groups.of[name].tolist()) for name in names}) == 1


def test_channels_of_a_sum_are_one_group() -> None:
    groups = find(sketched("residual"))
    assert alike(groups, "conv2d0", "relu1", "conv2d4", "add5", "relu6")
    assert alike(groups, "conv2d9", "conv2d10", "add11", "avgpool2d13")
    inside = [set(groups.of[name].tolist()) for name in ("conv2d0", "conv2d2", "conv2d7")]
    assert not inside[0] & inside[1] | inside[1] & inside[2] | inside[0] & inside[2]


def test_a_grouped_layer_ties_what_each_of_its_groups_reads_and_makes() -> None:
    groups = find(sketched("shuffled"))
    first = groups.of["conv2d0"]
    assert [first[i] for i in (0, 4, 8)] == sorted(set(first.tolist()))
    assert groups.of["conv2d2"].tolist() == first[[0, 0, 4, 4, 8, 8]].tolist()
    assert groups.of["conv2d5"].tolist() == groups.of["conv2d2"][[0, 2, 4, 1, 3, 5]].tolist()


def test_a_depthwise_layer_goes_with_what_it_reads() -> None:
    groups = find(sketched("separable"))
    assert alike(groups, "conv2d0", "conv2d2")
    assert groups.of["conv2d6"].tolist() == np.repeat(groups.of["conv2d4"], 2).tolist()


def test_channels_are_followed_through_joins_slices_and_vectors() -> None:
    groups = find(sketched("moving"))
    made = groups.of["conv2d4"].tolist()
    assert groups.of["concat10"].tolist() == [*made[:3:-1], *made[:4]]
    assert alike(groups, "convtranspose2d14", "add16", "conv2d11")
    vector = find(sketched("heads"))
    assert vector.of["flatten12"].tolist() == vector.of["conv2d10"].tolist() * 36


@pytest.mark.parametrize(
    ("between", "reader", "goes"),
    [
        ((ops.Relu(),), "padded", True),
        ((ops.Relu(),), "transposed", True),
        ((ops.Sigmoid(),), "plain", True),
        ((ops.Sigmoid(),), "vector", True),
        ((ops.Sigmoid(),), "padded", False),
        ((ops.Sigmoid(),), "transposed", False),
        ((ops.Bipolar(0.5),), "plain", True),
        ((ops.Bipolar(0.5),), "padded", False),
        ((ops.Pad((0, 1, 1, 0)),), "padded", True),
        ((ops.Pad((0, 1, 1, 0), 1.0),), "plain", False),
        ((ops.Sigmoid(), ops.Pad((1, 1, 1, 1), 0.5)), "plain", True),
        ((ops.Sigmoid(), ops.Pad((1, 1, 1, 1), 0.5)), "padded", False),
        ((ops.Sigmoid(), ops.AvgPool2d(PADDED)), "plain", False),
        ((ops.Sigmoid(), ops.AvgPool2d(PADDED, False)), "plain", True),
        ((ops.Pad((1, 0, 0, 0), 1.0), ops.Bipolar(0.5)), "plain", False),
        ((ops.Pad((1, 0, 0, 0), -1.0), ops.Bipolar(0.5)), "plain", False),
        ((ops.Sigmoid(), ops.Shift(((0, 0),) * 4)), "plain", True),
        ((ops.Sigmoid(), ops.Shift(((0, 1),) * 4)), "plain", False),
    ],
)
def test_a_channel_goes_where_what_is_left_of_it_fits_a_bias(
    between: tuple[Op, ...], reader: str, goes: bool
) -> None:
    sketch = Sketch(np.random.default_rng(0))
    x = sketch.conv(sketch.input((5, 5, 2)), 4, relu=False)
    for op in between:
        x = sketch.add(op, x)
    if reader == "transposed":
        weights, bias = sketch.rng.normal(size=(3, 2, 2, 4)), sketch.rng.normal(size=3)
        x = sketch.add(ops.ConvTranspose2d(Array(weights), Array(bias), Window((2, 2))), x)
    elif reader == "vector":
        x = sketch.linear(x, 3)
    else:
        x = sketch.conv(x, 3, padding=(int(reader == "padded"),) * 2, relu=False)
    graph = graph_of(sketch, (x,))
    groups = find(graph)
    made = groups.of["conv2d0"]
    assert groups.fixed.isdisjoint(made.tolist()) == goes
    if goes:
        gone = made[1:3].tolist()
        assert_same(silenced(graph, groups, gone), shrunk(graph, groups, gone))


def test_what_cannot_be_followed_is_one_group_and_stays() -> None:
    graph = sketched("whole")
    groups = find(graph)
    assert len(set(groups.of["conv2d0"].tolist())) == 1
    with refuses(
        "net: a share of 0.9 removes no channel; "
        "use a larger share, or a smaller minimum or multiple"
    ):
        prune(graph, settings(method="filter_l1", share=0.9))


@pytest.mark.parametrize("name", BOUND)
def test_a_network_without_a_channel_to_remove_is_refused(name: str) -> None:
    with refuses(
        "net: no channel can be removed; those of inputs, outputs and kept layers stay; "
        "use method: magnitude"
    ):
        prune(sketched(name), settings(method="channel"))


def test_every_operator_says_what_it_does_with_channels() -> None:
    mixing = {ops.Softmax, ops.ArgMax}
    layers = {ops.Conv2d, ops.ConvTranspose2d, ops.Linear}
    assert {*APART, *MOVING, *mixing, *layers} == set(OPS)
    assert len(OPS) == len(APART) + len(MOVING) + len(mixing) + len(layers)


@dataclass(frozen=True)
class Unknown:
    """An operator that pruning has never seen: the mean over all channels, and back."""

    def shape(self, node: str, source: Shape) -> Shape:
        return source

    def run(self, x: FloatArray) -> FloatArray:
        return x - x.mean(axis=-1, keepdims=True)

    def lower(self, builder: object, node: str, x: object) -> object:
        raise NotImplementedError


def test_an_unknown_operator_keeps_what_it_reads_and_makes() -> None:
    sketch = Sketch(np.random.default_rng(0))
    x = sketch.conv(sketch.input((4, 4, 1)), 5)
    y = sketch.add(Unknown(), sketch.conv(x, 6))
    graph = graph_of(sketch, (sketch.linear(y, 3),))
    small = prune(graph, settings(method="filter_l1", share=0.4))
    assert filters(small) == {"conv2d0": 3, "conv2d2": 6, "linear6": 3}


def test_filters_of_outputs_stay() -> None:
    small = filters(prune(sketched("heads"), settings(method="filter_l1")))
    assert (small["conv2d7"], small["conv2d9"], small["linear13"]) == (3, 4, 3)
