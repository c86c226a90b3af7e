"""Compressed files of all shipped networks, against float32 and the entropy of their codes.

Run as `python benchmarks/compression.py`. Networks that are not tuned are quantized by the default
settings; random frames calibrate them, which no byte count depends on.
"""

from __future__ import annotations

import numpy as np

from shiftloom import compression, flow
from shiftloom.codegen.coding import sizes
from shiftloom.codegen.coding.fitted_file import fitted_bytes
from shiftloom.codegen.config import Config
from shiftloom.codegen.fitted import Fitted
from shiftloom.codegen.graph import Graph
from shiftloom.codegen.quantize import quantize
from shiftloom.models import registry
from shiftloom.models.checkpoint import SHIPPED

FRAMES = 16


def fitted(graph: Graph) -> Fitted:
    """What the default settings quantize a network to."""
    (source,) = graph.inputs
    frames = np.random.default_rng(0).integers(0, 256, (FRAMES, *source.shape), dtype=np.uint8)
    return quantize(graph, frames, Config()).fitted


def main() -> None:
    """Print a row for each network."""
    heads = ("network", "weights", "zeros", "packed bits", "Huffman", "entropy", "file, bytes")
    print(f"| {' | '.join(heads)} | float32, times as much |")
    print(f"| --- {'| ---: ' * len(heads)}|")
    tuned = [network.name for network in registry.TUNED_NETWORKS]
    plain = [each.name for each in registry.NETWORKS if (SHIPPED / f"{each.name}.pt").exists()]
    for name in (*plain, *tuned):
        known = flow.load_tuned(name)
        data = fitted_bytes(known.fitted if known else fitted(flow.load_network(name)))
        found = compression.expand(data, name)
        layer = sizes.total(found.layers)
        bits = (layer.packed, layer.huffman, layer.entropy)
        shown = " | ".join(f"{each / layer.weights:.3f}" for each in bits)
        print(
            f"| {name} | {layer.weights:,} | {layer.zeros / layer.weights:.1%} | {shown} "
            f"| {len(data):,} | {found.ratio:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
