"""Imported Q/DQ networks against ONNX Runtime: every difference is a rounding of float32.

ONNX defines these networks by real arithmetic between the quantizers; the integer graph computes
it exactly, a runtime in float32. Where the two differ first, the exact value lies so near to the
middle between two integers that the error of float32 may have carried it over:

    python benchmarks/float32_rounding.py --data FOLDER [--frames 1000]

For a sum of n products of dequantized numbers, in any order, that error is at most
(n + 4)·2^-24·Σ|products| (Higham, Accuracy and Stability of Numerical Algorithms, 4.4).
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from rich.console import Console
from rich.table import Table

from shiftloom import flow
from shiftloom.codegen import exact, golden
from shiftloom.codegen.config import Config
from shiftloom.codegen.exact import Exact
from shiftloom.codegen.graph import Graph, Node
from shiftloom.codegen.ops import Add, AvgPool2d, Concat, Conv2d, Linear, Quantize, Relu
from shiftloom.codegen.qgraph import QGraph
from shiftloom.codegen.quantize import quantize
from shiftloom.codegen.values import Array, IntArray
from shiftloom.models import folder, registry

NETWORKS = ("mlperf_resnet8", "mlperf_ds_cnn")
BLOCK = 50
"""Frames evaluated at a time."""
UNIT = 2.0**-24
"""Rounding error of float32, of a number's magnitude."""


@dataclass(frozen=True, slots=True)
class Differences:
    """What differs between exact arithmetic and the runtime on `frames` frames.

    `first` counts the integers that differ while all earlier ones of their frame are equal, and
    `farthest` is the largest distance of their exact values from the middle between two integers,
    in steps; `unexplained` are those farther off than float32 can err. `golden` counts integers of
    the golden model unlike the exact ones, at any quantizer.
    """

    frames: int = 0
    logits: int = 0
    logits_differ: int = 0
    frames_differ: int = 0
    classes_differ: int = 0
    first: int = 0
    farthest: float = 0.0
    unexplained: int = 0
    golden: int = 0

    def __add__(self, other: Differences) -> Differences:
        return Differences(
            self.frames + other.frames,
            self.logits + other.logits,
            self.logits_differ + other.logits_differ,
            self.frames_differ + other.frames_differ,
            self.classes_differ + other.classes_differ,
            self.first + other.first,
            max(self.farthest, other.farthest),
            self.unexplained + other.unexplained,
            self.golden + other.golden,
        )


class Runtime:
    """ONNX Runtime without optimizations, giving the integers of every activation quantizer."""

    def __init__(self, path: Path) -> None:
        model = onnx.shape_inference.infer_shapes(onnx.load(path))
        typed = {info.name: info for info in model.graph.value_info}
        self.tensors = {
            node.name.lower(): node.output[0]
            for node in model.graph.node
            if node.op_type == "QuantizeLinear"
        }
        model.graph.output.extend(typed[name] for name in self.tensors.values())
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, ["CPUExecutionProvider"]
        )

    def integers(self, real: npt.NDArray[np.float32]) -> dict[str, IntArray]:
        """Integers [N, H, W, C] by the quantizers' names, for real inputs frame by frame."""
        source = self.session.get_inputs()[0]
        shape = (1, *source.shape[1:])
        frames = [
            self.session.run(list(self.tensors.values()), {source.name: frame.reshape(shape)})
            for frame in real
        ]
        return {
            name: np.concatenate([_nhwc(values[i]) for values in frames])
            for i, name in enumerate(self.tensors)
        }


def _nhwc(q: npt.NDArray[Any]) -> IntArray:
    made = q.transpose(0, 2, 3, 1) if q.ndim == 4 else q[:, None, None, :]
    return np.asarray(made, dtype=np.int64)


def compare(graph: Graph, runtime: Runtime, x: npt.NDArray[Any]) -> Differences:
    """Exact, golden and runtime integers of the raw frames x at every quantizer."""
    source = graph.inputs[0]
    real = (x.astype(np.float32) - np.float32(source.zero)) * np.float32(source.scale)
    found, values = runtime.integers(real), exact.run(graph, x)
    qgraph = quantize(graph, None, Config()).qgraph
    integers = golden.trace(qgraph, x)
    total, clean = Differences(frames=len(x)), np.ones(len(x), dtype=bool)
    for node in graph.nodes:
        if not isinstance(node.op, Quantize):
            continue
        wanted = exact.integers(node.op, values[node.sources[0]])
        got = found[node.name].reshape(wanted.shape)
        differs = wanted != got
        wrong = differs.reshape(len(x), -1).any(axis=1)
        first = differs & (wrong & clean)[:, None, None, None]
        distance, limit = _distances(graph, node.sources[0], node.op, values, first)
        total += Differences(
            first=len(distance),
            farthest=max(distance, default=0.0),
            unexplained=sum(d > bound for d, bound in zip(distance, limit, strict=True)),
            golden=_unlike(node, wanted, qgraph, integers),
        )
        clean &= ~wrong
    classes = (wanted.argmax(axis=3) != got.argmax(axis=3)).sum()
    return total + Differences(0, wanted.size, int(differs.sum()), int(wrong.sum()), int(classes))


def _unlike(node: Node, wanted: IntArray, qgraph: QGraph, integers: dict[str, IntArray]) -> int:
    """How many integers of the golden model are others; it may have chosen another zero point."""
    assert isinstance(node.op, Quantize)
    if node.name not in integers:  # its input is on this grid already
        return 0
    moved = integers[node.name] - int(qgraph.tensor(node.name).zero) + node.op.zero
    return int((moved != wanted).sum())


def _distances(
    graph: Graph, name: str, op: Quantize, values: dict[str, Exact], where: npt.NDArray[np.bool_]
) -> tuple[list[float], list[float]]:
    """Distance of the exact values from the middle of two integers, and float32's error there."""
    places = list(zip(*np.nonzero(where), strict=True))
    if not places:
        return [], []
    error = _error(graph, name, values) / op.scale
    distances = []
    for place in places:
        step = values[name].at(place) / Fraction(op.scale)
        distances.append(float(abs(step - step.__floor__() - Fraction(1, 2))))
    return distances, [float(error[place]) for place in places]


def _error(graph: Graph, name: str, values: dict[str, Exact]) -> npt.NDArray[np.float64]:
    """Bound of the float32 error of every element of a value."""
    node = next((node for node in graph.nodes if node.name == name), None)
    if node is None or isinstance(node.op, Quantize):  # integers, scaled
        return 4 * UNIT * np.abs(values[name].approximate)
    if isinstance(node.op, Relu | Concat):
        return node.op.run(*(_error(graph, source, values) for source in node.sources))
    sizes = [np.abs(values[source].approximate) for source in node.sources]
    if isinstance(node.op, Conv2d | Linear):
        terms = int(np.prod(node.op.weights.data.shape[1:]))
        parts = {"weights": node.op.weights, "bias": node.op.bias}
        magnitudes = {
            key: Array(np.abs(part.data.astype(np.float64))) for key, part in parts.items()
        }
        return (terms + 4) * UNIT * replace(node.op, **magnitudes, given=None).run(sizes[0])
    if isinstance(node.op, AvgPool2d):
        return (int(np.prod(node.op.window.kernel)) + 4) * UNIT * node.op.run(sizes[0])
    assert isinstance(node.op, Add)
    return 6 * UNIT * (sizes[0] + sizes[1])


def measure(name: str, data: Path | None, frames: int) -> Differences:
    """The differences of a network of `models/` on its first test frames."""
    graph = flow.load_network(name, data=data)
    runtime = Runtime(folder.find(registry.get(name).file, data))
    x = flow.evaluation_set(name, data)[0][:frames]
    blocks = (compare(graph, runtime, x[i : i + BLOCK]) for i in range(0, len(x), BLOCK))
    return sum(blocks, Differences())


def main() -> None:
    """Print the differences of both networks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--frames", type=int, default=1000)
    arguments = parser.parse_args()
    table = Table(title="Exact arithmetic against ONNX Runtime in float32")
    table.add_column("")
    found = {name: measure(name, arguments.data, arguments.frames) for name in NETWORKS}
    for name in found:
        table.add_column(name, justify="right")
    for field in fields(Differences):
        numbers = (getattr(made, field.name) for made in found.values())
        texts = (f"{n:.2g}" if isinstance(n, float) else f"{n:,}" for n in numbers)
        table.add_row(field.name, *texts)
    Console().print(table)


if __name__ == "__main__":
    main()
