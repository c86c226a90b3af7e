"""Deep Compression of LeNet-5 beside the published figures (Han et al., arXiv:1510.00149).

    python benchmarks/deep_compression.py --data FOLDER [--checkpoint FILE]

Prunes by magnitude, shares values and codes them; nothing is trained here. The shares are searched
on the last 5,000 training images, which no weight was trained on: for a loss that each layer may
add alone, every layer is pruned as far as it allows; the largest such loss is taken at which the
whole network, shared as well, loses at most 0.2 points. The test images are measured once.

With `--checkpoint` a network that was pruned and trained again takes the place of the shipped one:
its zeros are kept as they are, and only the number of values is searched.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rich import box
from rich.console import Console
from rich.progress import track
from rich.table import Table

from shiftloom import Graph, compression, flow, load_network
from shiftloom.codegen import tables
from shiftloom.codegen.coding import shared, sizes
from shiftloom.codegen.coding.shared import SharedNetwork, pruned
from shiftloom.codegen.coding.shared_file import shared_bytes
from shiftloom.codegen.fitted import Layer, kernel, with_weights
from shiftloom.models import datasets

HELD_OUT = 5_000
POINTS = 0.002
"""Accuracy that may be lost on the held-out images."""
SHARES = tuple(np.arange(0.1, 1.0, 0.05).round(2).tolist())
LOSSES = (0.0005, 0.001, 0.002, 0.004, 0.006, 0.008, 0.012, 0.016, 0.024, 0.032)
"""Cross-entropy that pruning a layer alone may add."""
BITS = (3, 4, 5)
PUBLISHED = (
    ("LeNet-5 of Caffe, published", "431,000", "39", "99.20 %", "99.26 %"),
    ("LeNet-300-100, published", "267,000", "40", "98.36 %", "98.42 %"),
)
DIFFERENCE = """\
The networks differ. Caffe's LeNet-5 has seven times as many parameters, 400,000 of them in one
layer that keeps 8 %; and the published networks were trained again after pruning and after sharing.
Their ratios count weights and indices, not biases, names and checksums."""


@dataclass(frozen=True, slots=True)
class Images:
    """Frames and their labels."""

    frames: flow.Frames
    labels: flow.Labels

    def loss(self, graph: Graph) -> float:
        """Mean cross-entropy of the float network."""
        logits = self._logits(graph)
        shifted = logits - logits.max(axis=1, keepdims=True)
        own = shifted[np.arange(len(logits)), self.labels]
        return float((np.log(np.exp(shifted).sum(axis=1)) - own).mean())

    def accuracy(self, graph: Graph) -> float:
        """Share of the images classified right."""
        return float((self._logits(graph).argmax(axis=1) == self.labels).mean())

    def _logits(self, graph: Graph) -> npt.NDArray[np.floating]:
        parts = np.array_split(self.frames, max(1, len(self.frames) // 500))
        return np.concatenate([graph.run(part)["output"].reshape(len(part), -1) for part in parts])


@dataclass(frozen=True, slots=True)
class Found:
    """The smallest network that keeps the accuracy."""

    network: SharedNetwork
    shares: Mapping[str, float]
    bits: int

    @property
    def size(self) -> int:
        """Bytes of its file."""
        return len(shared_bytes(self.network))


def added_losses(graph: Graph, images: Images) -> dict[str, list[float]]:
    """By layer, what pruning each of SHARES of it alone adds to the loss."""
    base = images.loss(graph)
    layers = {node.name: kernel(node.op) for node in graph.nodes if isinstance(node.op, Layer)}
    added: dict[str, list[float]] = {name: [] for name in layers}
    pairs = [(name, share) for name in layers for share in SHARES]
    for name, share in track(pairs, "Layers alone"):
        alone = with_weights(graph, {name: pruned(layers[name], share)}, {})
        added[name].append(images.loss(alone) - base)
    return added


def shares_at(added: Mapping[str, list[float]], loss: float) -> dict[str, float]:
    """The largest share of each layer that adds at most `loss`, and so do all smaller ones."""
    found = {}
    for name, losses in added.items():
        allowed = [extra <= loss for extra in losses]
        count = allowed.index(False) if False in allowed else len(allowed)
        found[name] = SHARES[count - 1] if count else 0.0
    return found


def search(graph: Graph, images: Images, choices: list[dict[str, float]]) -> Found:
    """The smallest file, over the choices of shares and BITS, within POINTS of the accuracy."""
    least = images.accuracy(graph) - POINTS
    best: Found | None = None
    pairs = [(bits, shares) for bits in BITS for shares in choices]
    for bits, shares in track(pairs, "Whole network"):
        made = Found(shared.compress(graph, shares.__getitem__, lambda _, b=bits: b), shares, bits)
        smaller = best is None or made.size < best.size
        if smaller and images.accuracy(made.network.applied(graph)) >= least:
            best = made
    if best is None:
        raise SystemExit(f"none of {BITS} bits keeps the accuracy of {least:.2%}")
    return best


def main() -> None:
    """Search, compress, and print ours beside the published."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--checkpoint", type=Path)
    arguments = parser.parse_args()
    graph = load_network("lenet5", arguments.checkpoint)
    frames, labels = datasets.load("mnist", "train", arguments.data)
    assert labels is not None
    held = Images(frames[-HELD_OUT:], labels[-HELD_OUT:])
    if arguments.checkpoint:
        choices = [{node.name: 0.0 for node in graph.nodes if isinstance(node.op, Layer)}]
    else:
        added = added_losses(graph, held)
        choices = [shares_at(added, loss) for loss in LOSSES]
    show(
        graph,
        search(graph, held, choices),
        "as trained" if arguments.checkpoint else "not retrained",
    )


def show(graph: Graph, found: Found, how: str) -> None:
    """Print the layers, and the networks beside each other."""
    console = Console(width=110)
    data = shared_bytes(found.network)
    read = compression.expand(data, "lenet5")
    assert read.value == found.network
    console.print(tables.sizes_table(read.layers))
    pruning = ", ".join(f"{name} {share:.0%}" for name, share in found.shares.items())
    console.print(f"Pruned: {pruning}. Values: 2^{found.bits} a layer.")
    test_frames, test_labels = flow.evaluation_set("lenet5")
    assert test_labels is not None
    test = Images(test_frames, test_labels)
    table = Table(title="Deep Compression", title_justify="left", box=box.SIMPLE)
    for name in ("Network", "Parameters", "Bytes", "Ratio", "Float", "Compressed"):
        table.add_column(name, justify="left" if name == "Network" else "right")
    whole = sizes.total(read.layers)
    accuracies = [f"{test.accuracy(g):.2%}" for g in (graph, read.value.applied(graph))]
    name = f"LeNet-5 of models/, {how}"
    table.add_row(
        f"{name}: the file",
        f"{read.parameters:,}",
        f"{read.size:,}",
        f"{read.ratio:.2f}",
        *accuracies,
    )
    table.add_row(
        f"{name}: its weights", f"{whole.weights:,}", f"{whole.bytes:,}", f"{whole.ratio:.2f}"
    )
    for title, parameters, ratio, before, after in PUBLISHED:
        table.add_row(title, parameters, "", ratio, before, after)
    console.print(table)
    console.print(DIFFERENCE)


if __name__ == "__main__":
    main()
