"""The module that is trained: its integers are those of the golden model, on any graph."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import graph_nets
import numpy as np
import numpy.typing as npt
import pytest
import torch
from graph_nets import RANDOM, SKETCHES

from shiftloom.codegen import golden
from shiftloom.codegen.config import Config, parse
from shiftloom.codegen.quantize import Quantized, quantize
from shiftloom.models.tuning.module import GraphModule

Reals = npt.NDArray[np.float64]
FRAMES = 24


def refitted(module: GraphModule, quantized: Quantized, config: Config) -> Quantized:
    """The integer network of what the module holds."""
    return quantize(quantized.graph, None, config, module.fitted())


def golden_reals(quantized: Quantized, frames: graph_nets.Frames) -> dict[str, Reals]:
    """Real values [N, elements] of every output of the golden model, by its float node."""
    made = golden.run_outputs(quantized.qgraph, frames)
    found = {}
    for name, output in zip(quantized.graph.outputs, quantized.qgraph.outputs, strict=True):
        tensor = quantized.qgraph.tensor(output)
        real = (made[output] - tensor.zero) * tensor.scale.data
        found[name] = real.reshape(len(real), -1)
    return found


def assert_same(module: GraphModule, quantized: Quantized, frames: graph_nets.Frames) -> None:
    exact = module.double().eval()
    with torch.no_grad():
        found = exact.outputs({name: torch.from_numpy(x) for name, x in frames.items()})
    for name, wanted in golden_reals(quantized, frames).items():
        step = np.abs(wanted).max() * 1e-9 + 1e-12
        np.testing.assert_allclose(found[name].numpy(), wanted, rtol=0, atol=step, err_msg=name)


@pytest.mark.parametrize(
    ("name", "seed"),
    [(name, 1) for name in SKETCHES if name != "two_outputs"]
    + [(RANDOM, seed) for seed in range(2, 42)],
)
def test_any_graph_computes_the_golden_integers(name: str, seed: int) -> None:
    config, quantized = graph_nets.settled(name, seed=seed)
    module = GraphModule(quantized, config)
    frames = graph_nets.frames(quantized.graph, FRAMES, seed)
    assert_same(module, refitted(module, quantized, config), frames)


@pytest.mark.parametrize(("name", "seed"), [("branches", 1), (RANDOM, 7), (RANDOM, 16)])
def test_layers_may_have_activations_of_several_widths(name: str, seed: int) -> None:
    config, quantized = graph_nets.settled(name, seed=seed)
    widths = np.random.default_rng(seed).integers(3, 9, len(quantized.graph.nodes)).tolist()
    layers = {
        node.name: replace(config.layer(node.name), activation_bits=bits)
        for node, bits in zip(quantized.graph.nodes, widths, strict=True)
    }
    config = replace(config, layers=layers)
    frames = graph_nets.frames(quantized.graph, FRAMES, seed)
    quantized = quantize(quantized.graph, frames, config)
    module = GraphModule(quantized, config)
    assert_same(module, refitted(module, quantized, config), frames)


@pytest.mark.parametrize(
    "settings",
    [
        {"phi": 1},
        {"phi": 2, "vector": 3, "axis": "output"},
        {"vector": 2, "axis": "filter"},
        {"axis": "channel"},
        {"format": "int", "weight_bits": 4},
        {"format": "int", "granularity": "tensor", "alpha_bits": None},
        {"format": "pow2"},
        {"format": "csd"},
        {"format": "csd", "weight_bits": 6, "digits": 1},
        {"format": "ternary"},
        {"format": "ternary", "scales": 2},
        {"format": "binary"},
    ],
    ids=str,
)
def test_every_format_computes_the_golden_integers_and_learns(settings: dict[str, Any]) -> None:
    made = graph_nets.quantized("branches")
    frames = graph_nets.frames(made.graph, FRAMES, 1)
    config = parse({"defaults": settings})
    quantized = quantize(made.graph, frames, config)
    module = GraphModule(quantized, config)
    found = module.outputs({name: torch.from_numpy(x) for name, x in frames.items()})
    sum(value.square().sum() for value in found.values()).backward()
    optimizer = torch.optim.SGD(module.parameters(), lr=1e-3)
    for kind in ("latent", "log_alpha"):
        slopes = [p.grad for name, p in module.named_parameters() if name.endswith(kind)]
        assert slopes
        assert any(slope is not None and slope.any() for slope in slopes), kind
    torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
    optimizer.step()
    module.clamp()
    assert_same(module, refitted(module, quantized, config), frames)
