"""Damage of single layers: by the loss, by the divergence, and by the Hessian's trace."""

from __future__ import annotations

import graph_nets
import numpy as np
import pytest
import torch
from graph_nets import Frames
from torch.nn import functional

from shiftloom.codegen import golden
from shiftloom.codegen.config import Config
from shiftloom.codegen.fitted import Layer, with_weights
from shiftloom.codegen.graph import Graph, GraphInput, Node
from shiftloom.codegen.ops import Conv2d, Flatten, Linear, Relu
from shiftloom.codegen.quantize import quantize
from shiftloom.codegen.values import Array
from shiftloom.codegen.windows import Window
from shiftloom.models.sensitivity import alone, hessian, objective
from shiftloom.models.sensitivity.alone import Settled, module_of
from shiftloom.models.splits import Labels

FRAMES = 20


def settled(name: str) -> tuple[Settled, list[str], Frames]:
    """A quantized sketch, its layers, and frames."""
    config, quantized = graph_nets.settled(name)
    layers = [n.name for n in quantized.graph.nodes if isinstance(n.op, Layer)]
    return Settled(quantized, config), layers, graph_nets.frames(quantized.graph, FRAMES, 3)


def logits(variant: Settled, layers: list[str], frames: Frames) -> torch.Tensor:
    """What the network makes with nothing but `layers` quantized."""
    module = module_of(variant, layers).double()
    given = {name: torch.from_numpy(x) for name, x in frames.items()}
    with torch.no_grad():
        return module.outputs(given)[variant.quantized.graph.outputs[0]]


def quiet(done: int, of_all: int) -> None:
    assert done <= of_all


@pytest.mark.parametrize("name", ["residual", "branches", "grouped"])
def test_nothing_quantized_is_the_float_network(name: str) -> None:
    variant, _, frames = settled(name)
    real = variant.quantized.graph.run(frames)["output"].reshape(FRAMES, -1)
    np.testing.assert_allclose(logits(variant, [], frames).numpy(), real, rtol=0, atol=1e-4)


def test_all_layers_quantized_is_the_golden_model() -> None:
    variant, frames = chain()
    made = golden.run(variant.quantized.qgraph, frames)
    tensor = variant.quantized.qgraph.tensor(variant.quantized.qgraph.outputs[0])
    found = logits(variant, ["conv", "fc"], frames).numpy()
    np.testing.assert_allclose(found, made * tensor.scale.data, rtol=0, atol=1e-6)


def test_weights_of_one_layer_are_its_codes() -> None:
    """The last layer's activations are logits: what is left of quantization are its codes."""
    variant, frames = chain()
    codes = variant.quantized.fitted.weights["fc"].real
    real = with_weights(variant.quantized.graph, {"fc": codes}, {}).run(frames)["output"]
    found = logits(variant, ["fc"], frames).numpy()
    np.testing.assert_allclose(found, real.reshape(FRAMES, -1), rtol=0, atol=0.02)
    assert np.abs(logits(variant, [], frames).numpy() - found).max() > 0.05


def chain() -> tuple[Settled, Frames]:
    """A convolution and a fully connected layer."""
    rng = np.random.default_rng(5)
    weights = rng.normal(size=(2, 2, 2, 1)).astype(np.float32)
    conv = Conv2d(Array(weights), Array(np.float32([0.1, -0.2])), Window((2, 2)))
    matrix = rng.normal(size=(3, 8)).astype(np.float32)
    nodes = (
        Node("conv", conv, ("input",)),
        Node("relu", Relu(), ("conv",)),
        Node("flat", Flatten(), ("relu",)),
        Node("fc", Linear(Array(matrix), Array(np.zeros(3, np.float32))), ("flat",)),
    )
    graph = Graph("chain", (GraphInput((3, 3, 1), 8, 1 / 255),), nodes, ("fc",))
    frames = {"input": rng.integers(0, 256, (FRAMES, 3, 3, 1))}
    return Settled(quantize(graph, frames, Config()), Config()), frames


def test_damage_is_the_divergence_or_the_rise_of_the_loss() -> None:
    variant, frames = chain()
    real, made = (logits(variant, layers, frames) for layers in ([], ["conv"]))
    wanted = functional.softmax(real, dim=1)
    divergence = (wanted * (wanted.log() - functional.log_softmax(made, dim=1))).sum(dim=1).mean()
    found = alone.losses([variant], ["conv", "fc"], frames, None, quiet)
    assert found.shape == (2, 1)
    assert found[0, 0] == pytest.approx(float(divergence), rel=1e-3)
    labels = np.arange(FRAMES, dtype=np.uint8) % 3
    truth = torch.from_numpy(labels.astype(np.int64))
    rise = functional.cross_entropy(made, truth) - functional.cross_entropy(real, truth)
    found = alone.losses([variant], ["conv", "fc"], frames, labels, quiet)
    assert found[0, 0] == pytest.approx(float(rise), rel=1e-3)


def test_damage_is_reproducible() -> None:
    variant, layers, frames = settled("residual")
    for measure in (
        lambda: alone.losses([variant], layers, frames, None, quiet),
        lambda: hessian.damages([variant], layers, frames, 3, quiet),
    ):
        first = measure()
        assert np.array_equal(first, measure())
        assert (first > 0).all()


def explicit_traces(variant: Settled, frames: Frames, labels: Labels | None) -> list[float]:
    """Traces of the Hessian of the mean loss over real weights, one second derivative a weight."""
    module = module_of(variant, ()).double()
    (batch,) = objective.batches(module, frames, labels)
    found = []
    for name in ("conv", "fc"):
        weights = module.layer(name).weights
        alpha = weights.log_alpha.detach().exp()[weights.index].flatten()
        mean = objective.loss(module, batch) / FRAMES
        (slopes,) = torch.autograd.grad(mean, weights.latent, create_graph=True)
        rows = [torch.autograd.grad(s, weights.latent, retain_graph=True) for s in slopes.flatten()]
        diagonal = torch.stack([row[0].flatten()[i] for i, row in enumerate(rows)])
        found.append(float((diagonal / alpha**2).sum()))
    return found


@pytest.mark.parametrize("labels", [None, np.arange(FRAMES, dtype=np.uint8) % 3])
def test_traces_are_those_of_the_explicit_hessian(labels: Labels | None) -> None:
    variant, frames = chain()
    wanted = explicit_traces(variant, frames, labels)
    module = module_of(variant, ()).double()
    parts = objective.batches(module, frames, labels)
    found = hessian.traces(module, ["conv", "fc"], parts, 1, 2000, quiet)
    np.testing.assert_allclose(found, wanted, rtol=0.05)
