"""Quantizers: seconds of one core, weights a second and squared error, by format, axis and N.

Run as `python benchmarks/weight_formats.py [WEIGHTS.npz] [--axis] [--formats]`. WEIGHTS.npz holds
arrays by name, convolutions as [C_out, C_in, KH, KW], as the shared SqueezeNet 1.1 does; without it
the weights are those of the LeNet-5 that ships. By default all is measured. The first row takes the
compilation of the loops, unless it is on the disk.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from shiftloom import flow
from shiftloom.codegen.fitted import Layer, kernel
from shiftloom.codegen.formats import Binary, Csd, Format, Int, Pow2, Qsq, Ternary
from shiftloom.codegen.quantizers import Options, quantize
from shiftloom.paper import weights_file
from shiftloom.paper.weights_file import Weights

VECTORS = (2, 4, 8, 16, 32, 64, None)
OTHERS: tuple[tuple[str, Format, Options], ...] = (
    ("int8, least squares", Int(8), Options()),
    ("int8, maximum", Int(8), Options("max")),
    ("int8, percentile", Int(8), Options("percentile")),
    ("int4, least squares", Int(4), Options()),
    ("pow2, 3 bits", Pow2(3), Options()),
    ("pow2, 4 bits", Pow2(4), Options()),
    ("csd, 2 digits", Csd(8, 2), Options()),
    ("csd, 3 digits", Csd(8, 3), Options()),
    ("ternary", Ternary(), Options()),
    ("ternary, 2 scales", Ternary(), Options(scales=2)),
    ("binary", Binary(), Options()),
    ("qsq φ=4, the paper's", Qsq(4), Options("paper")),
    ("qsq φ=4, α searched", Qsq(4), Options(alpha_bits=None)),
)


def load(path: Path | None) -> Weights:
    """Weights [C_out, KH, KW, C_in] of every layer, by name."""
    if path is None:
        nodes = flow.load_network("lenet5").nodes
        return {node.name: kernel(node.op) for node in nodes if isinstance(node.op, Layer)}
    return {
        name: a.transpose(0, 2, 3, 1) if a.ndim == 4 else a[:, None, None, :]
        for name, a in weights_file.load(path).items()
        if a.ndim in (2, 4)
    }


def cases(arguments: argparse.Namespace) -> Iterator[tuple[str, Format, Options]]:
    """What is measured: a title, the format and its quantizer."""
    both = not arguments.axis and not arguments.formats
    if arguments.axis or both:
        for phi in (1, 2, 4):
            for axis in ("output", "filter", "channel"):
                for n in VECTORS:
                    title = f"qsq φ={phi}, {axis}, {'whole axis' if n is None else f'N={n}'}"
                    yield title, Qsq(phi, n, axis), Options()
    if arguments.formats or both:
        yield from OTHERS


def measured(weights: Weights, fmt: Format, options: Options) -> tuple[float, float]:
    """Processor seconds for all layers, and the squared error as a share of the weights' energy."""
    start = time.process_time()
    made = {name: quantize(name, layer, fmt, options) for name, layer in weights.items()}
    seconds = time.process_time() - start
    lost = sum(float(np.square(weights[name] - made[name].real).sum()) for name in weights)
    return seconds, lost / sum(float(np.square(layer).sum()) for layer in weights.values())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", nargs="?", type=Path, metavar="WEIGHTS.npz")
    parser.add_argument("--axis", action="store_true", help="QSQ by φ, axis and N only")
    parser.add_argument("--formats", action="store_true", help="the other formats only")
    arguments = parser.parse_args()
    weights = load(arguments.weights)
    count = sum(layer.size for layer in weights.values())
    table = Table(title=f"{count:,} weights")
    for column in ("format", "seconds", "weights/s", "squared error"):
        table.add_column(column, justify="left" if column == "format" else "right")
    for title, fmt, options in cases(arguments):
        seconds, error = measured(weights, fmt, options)
        table.add_row(title, f"{seconds:.2f}", f"{count / seconds:,.0f}", f"{error:.6f}")
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
