"""Accuracy of the networks in models/: float, and in the integers of the golden model.

    python benchmarks/accuracy.py [NETWORK ...] [--data FOLDER] [--json FILE]

Without names every network with a checkpoint. A tuned network has the integers of its file, and is
compared with the float network that it was tuned from; a float network has 3-bit weights of the
`calibrated` quantizer, without labels and without retraining. Both are compared image by image on
the test images, and on the validation images where they are at hand: those chose settings but
trained no weight. An interval covers the difference of the two accuracies on as many other images
with a probability of 95 % (normal approximation for paired proportions).
"""

from __future__ import annotations

import argparse
import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

from shiftloom import flow
from shiftloom.codegen import golden
from shiftloom.codegen.config import parse
from shiftloom.codegen.quantize import Quantized, quantize
from shiftloom.models import datasets, registry
from shiftloom.models.recipe import load_recipe
from shiftloom.models.splits import Images, Split

Right = npt.NDArray[np.bool_]
UNTUNED = {"defaults": {"quantizer": "calibrated"}}
SPLITS: tuple[Split, ...] = ("test", "validation")


@dataclass(frozen=True)
class Compared:
    """Float and integer accuracy on `images`, and the interval of integer − float."""

    images: int
    real: float
    integer: float
    low: float
    high: float

    @staticmethod
    def of(real: Right, integer: Right) -> Compared:
        """From whether each image is classified right."""
        lost, won = int((real & ~integer).sum()), int((integer & ~real).sum())
        count, change = len(real), (won - lost) / len(real)
        error = 1.96 * math.sqrt(max(lost + won - count * change**2, 0)) / count
        return Compared(
            count, float(real.mean()), float(integer.mean()), change - error, change + error
        )


@dataclass(frozen=True)
class Row:
    """What was found of a network."""

    network: str
    base: str
    seed: int
    epochs: int
    weight_bits: float
    activation_bits: int
    splits: dict[str, Compared]


def measure(name: str, data: Path | None) -> Row:
    """Run a network in float and in integers."""
    tuned, graph = flow.load_tuned(name), flow.load_network(name, data=data)
    config, recipe = parse(dict(tuned.settings) if tuned else UNTUNED), load_recipe(name)
    if tuned:
        quantized = quantize(graph, None, config, tuned.fitted)
    else:
        quantized = quantize(graph, flow.calibration_frames(name, data), config)
    weights = quantized.fitted.weights.values()
    codes, sizes = [w.format.bits for w in weights], [w.values.data.size for w in weights]
    return Row(
        name,
        registry.base(name).name,
        recipe.seed,
        recipe.epochs,
        round(float(np.average(codes, weights=sizes)), 2),
        config.defaults.activation_bits,
        {split: _compared(quantized, name, split, data) for split in _splits(name)},
    )


def shipped() -> list[str]:
    """The networks whose weights are in models/checkpoints/."""
    real = [network.name for network in registry.NETWORKS if network.checkpoint]
    return real + [network.name for network in registry.TUNED_NETWORKS]


def _splits(name: str) -> tuple[Split, ...]:
    """The validation images of MNIST do not ship."""
    return SPLITS if registry.base(name).dataset == "cifar10" else SPLITS[:1]


def _compared(quantized: Quantized, name: str, split: Split, data: Path | None) -> Compared:
    frames, labels = datasets.load(registry.base(name).dataset, split, data)
    assert labels is not None
    integers = golden.run(quantized.qgraph, frames).argmax(axis=1)
    return Compared.of(_real(quantized, frames) == labels, integers == labels)


def _real(quantized: Quantized, frames: Images) -> npt.NDArray[np.intp]:
    blocks = (frames[i : i + golden.BLOCK] for i in range(0, len(frames), golden.BLOCK))
    outputs = [quantized.graph.run(block)["output"].reshape(len(block), -1) for block in blocks]
    return np.concatenate(outputs).argmax(axis=1)


def table(rows: list[Row]) -> Table:
    """What is printed."""
    heads = ("network", "weights", "activations", "images", "float", "integer", "change, points")
    made = Table(*heads, title="Accuracy in float and in integers")
    for row in rows:
        for split, found in row.splits.items():
            made.add_row(
                row.network,
                f"{row.weight_bits:g} bit",
                f"{row.activation_bits} bit",
                f"{found.images:,} {split}",
                f"{found.real:.2%}",
                f"{found.integer:.2%}",
                f"{100 * (found.integer - found.real):+.2f} "
                f"({100 * found.low:+.2f} to {100 * found.high:+.2f})",
            )
    return made


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("networks", nargs="*", metavar="NETWORK")
    parser.add_argument("--data", type=Path, help="data folder")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    names = arguments.networks or shipped()
    console = Console(width=120)
    rows = []
    for name in names:
        with console.status(name):
            rows.append(measure(name, arguments.data))
    console.print(table(rows))
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")


if __name__ == "__main__":
    main()
