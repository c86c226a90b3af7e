"""The `onnx` package's own test cases through the ONNX front end, in float and in integers.

Prints how many pass, are refused and are wrong, by suite, and why:

    python benchmarks/onnx_conformance.py

In float a case passes if its graph gives the expected outputs. Its inputs after the first, such as
weights, may be known: a case is tried with all inputs computed, then with only one. In integers it
passes if the golden model, with 8-bit inputs, weights and activations, is as near to the float
graph on the same inputs as 8 bits allow.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper
from onnx.backend.test.loader import load_model_tests
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from shiftloom.codegen import golden
from shiftloom.codegen.config import Config, LayerConfig
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.frontends.onnx import import_model, load
from shiftloom.codegen.frontends.onnx.importer import Imported
from shiftloom.codegen.graph import Graph, GraphInput
from shiftloom.codegen.quantize import quantize

KINDS = ("node", "pytorch-converted", "pytorch-operator", "simple")
"""The suites whose models come with the package."""

TOLERANCE = 0.03
"""Largest error of the golden model, of the largest output."""

SETTINGS = Config(defaults=LayerConfig(format="int", weight_bits=8))

Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One of "pass", "refused" and "wrong", and why."""

    word: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a case in float, and in integers if it passed."""

    name: str
    real: Verdict
    integers: Verdict | None = None


def results(kind: str) -> Iterator[Result]:
    """The result of every case of a suite."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cases = load_model_tests(kind=kind)
    for case in sorted(cases, key=lambda case: str(case.name)):
        yield _result(case.name, Path(case.model_dir), case.rtol, case.atol)


def _result(name: str, folder: Path, rtol: float, atol: float) -> Result:
    try:
        model = load.load(folder / "model.onnx")
        inputs, outputs = (_data(model, folder / "test_data_set_0", w) for w in ("input", "output"))
    except ShiftloomError as error:
        return Result(name, Verdict("refused", error.problem))
    reasons: list[str] = []
    for variant in _variants(model, inputs):
        try:
            imported = import_model(variant, "case")
        except ShiftloomError as error:
            reasons.append(error.problem)
            continue
        difference = _difference(_run(imported, inputs), outputs, rtol, atol)
        if difference:
            return Result(name, Verdict("wrong", difference))
        return Result(name, Verdict("pass"), _in_integers(imported, inputs))
    return Result(name, Verdict("refused", reasons[:2][-1]))


def _data(model: onnx.ModelProto, folder: Path, what: str) -> Arrays:
    """The arrays of a data set by tensor name."""
    infos = model.graph.input if what == "input" else model.graph.output
    found = {}
    for index, info in enumerate(infos):
        file = folder / f"{what}_{index}.pb"
        if not file.is_file():
            continue
        if not info.type.HasField("tensor_type"):
            raise ShiftloomError(info.name, "is no tensor", "use tensors")
        found[info.name] = load.array(onnx.TensorProto.FromString(file.read_bytes()), info.name)
    return found


def _variants(model: onnx.ModelProto, inputs: Arrays) -> Iterator[onnx.ModelProto]:
    """The model as it is, then with all inputs but one known."""
    yield model
    for computed in inputs:
        if len(inputs) > 1:
            known = onnx.ModelProto()
            known.CopyFrom(model)
            for name, value in inputs.items():
                if name != computed and name:
                    known.graph.initializer.append(numpy_helper.from_array(value, name))
            yield known


def _run(imported: Imported, inputs: Arrays) -> Arrays:
    """The model's outputs by the imported graph, in float64."""
    real = {port.name: port.real(inputs[port.onnx]) for port in imported.inputs}
    values = imported.graph.evaluate(real)
    return {port.onnx: port.tensor(values[port.name]) for port in imported.outputs}


def _difference(found: Arrays, expected: Arrays, rtol: float, atol: float) -> str:
    """How the outputs differ; empty if they do not."""
    for name, value in expected.items():
        got = found.get(name)
        if got is None or got.shape != value.shape:
            return f"{name}: shape {None if got is None else got.shape}, not {value.shape}"
        real = value.astype(np.float64)
        if not np.allclose(got, real, rtol, atol, equal_nan=True):
            return f"{name}: differs by {np.nanmax(np.abs(got - real)):.3g}"
    return ""


def _in_integers(imported: Imported, inputs: Arrays) -> Verdict:
    """The golden model against the float graph, both on inputs rounded to their integers."""
    sources, frames = [], {}
    for stated, port in zip(imported.graph.inputs, imported.inputs, strict=True):
        real = port.real(inputs[port.onnx])
        source = stated
        if port.integers is None and port.quantizer is None:
            scale = float(max(np.abs(real).max(), 1e-6)) / 127
            source = replace(stated, bits=8, scale=scale, zero=0, signed=True)
        sources.append(source)
        frames[source.name] = (np.rint(real / source.scale) + source.zero).astype(np.int64)
    graph = replace(imported.graph, inputs=tuple(sources))
    try:
        error = _error(graph, sources, frames)
    except ShiftloomError as refusal:
        return Verdict("refused", refusal.problem)
    return Verdict("pass") if error <= TOLERANCE else Verdict("wrong", f"an error of {error:.1%}")


def _error(graph: Graph, sources: list[GraphInput], frames: Mapping[str, Any]) -> float:
    """Largest error of the golden model's outputs, relative to the largest of each."""
    quantized = quantize(graph, frames, SETTINGS)
    integers = golden.run_outputs(quantized.qgraph, frames)
    real = quantized.graph.evaluate(
        {s.name: (frames[s.name] - s.zero) * np.float64(s.scale) for s in sources}
    )
    errors = [0.0]
    for at, name in zip(quantized.graph.outputs, quantized.qgraph.outputs, strict=True):
        tensor = quantized.qgraph.tensor(name)
        found = (integers[name] - float(tensor.zero)) * tensor.scale.data
        expected = real[at].reshape(found.shape)
        errors.append(float(np.abs(found - expected).max() / max(np.abs(expected).max(), 1e-9)))
    return max(errors)


def main() -> None:
    """Print the counts by suite, every wrong case, and the reasons of refusal."""
    console = Console(highlight=False)
    table = Table("suite", "cases", *_HEADS, title="float, then integers (i)")
    reasons: Counter[str] = Counter()
    for kind in KINDS:
        found = list(results(kind))
        table.add_row(kind, str(len(found)), *map(str, counts(found)))
        for result in found:
            for verdict in (result.real, result.integers):
                if verdict is not None and verdict.word == "refused":
                    reasons[_general(verdict.reason)] += 1
                if verdict is not None and verdict.word == "wrong":
                    console.print(f"wrong: {result.name}: {escape(verdict.reason)}")
    console.print(table)
    listed = Table("refused because", "cases")
    for reason, count in reasons.most_common(40):
        listed.add_row(escape(reason), str(count))
    console.print(listed)


_HEADS = ("pass", "refused", "wrong", "pass (i)", "refused (i)", "wrong (i)")


def counts(found: list[Result]) -> tuple[int, ...]:
    """Passed, refused and wrong, in float and then in integers."""
    real = Counter(result.real.word for result in found)
    integers = Counter(result.integers.word for result in found if result.integers)
    return tuple(part[word] for part in (real, integers) for word in ("pass", "refused", "wrong"))


def _general(reason: str) -> str:
    """A reason without its numbers."""
    return "".join("#" if c.isdigit() else c for c in reason)[:90]


if __name__ == "__main__":
    main()
