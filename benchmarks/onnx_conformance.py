"""The `onnx` package's own test cases through the ONNX front end, in float.

Prints how many pass, are refused and are wrong, by kind and by reason:

    python benchmarks/onnx_conformance.py

A case passes if its graph gives the expected outputs. Its inputs after the first, such as weights,
may be known: a case is tried with all inputs computed, then with only the first.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper
from onnx.backend.test.loader import load_model_tests
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.frontends.onnx import load
from shiftloom.codegen.frontends.onnx.importer import Imported, import_model

KINDS = ("node", "pytorch-converted", "pytorch-operator", "simple")
"""The suites whose models come with the package."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a case: "pass", "refused" or "wrong", and why."""

    kind: str
    name: str
    verdict: str
    reason: str
    operators: tuple[str, ...] = ()


def results(kind: str) -> Iterator[Result]:
    """The result of every case of a suite."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cases = load_model_tests(kind=kind)
    for case in sorted(cases, key=lambda case: str(case.name)):
        yield _result(kind, case.name, Path(case.model_dir), case.rtol, case.atol)


def _result(kind: str, name: str, folder: Path, rtol: float, atol: float) -> Result:
    path = folder / "model.onnx"
    try:
        model = load.load(path)
        data = [_data(model, folder / "test_data_set_0", what) for what in ("input", "output")]
    except ShiftloomError as error:
        return Result(kind, name, "refused", error.problem)
    operators = tuple(sorted({node.op_type for node in model.graph.node}))
    reasons: list[str] = []
    for variant in _variants(model, data[0]):
        try:
            found = _run(variant, data[0])
        except ShiftloomError as error:
            reasons.append(error.problem)
            continue
        wrong = _difference(found, data[1], rtol, atol)
        return Result(kind, name, "wrong" if wrong else "pass", wrong, operators)
    return Result(kind, name, "refused", reasons[:2][-1], operators)


def _data(model: onnx.ModelProto, folder: Path, what: str) -> dict[str, npt.NDArray[np.generic]]:
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


def _variants(
    model: onnx.ModelProto, inputs: dict[str, npt.NDArray[np.generic]]
) -> Iterator[onnx.ModelProto]:
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


def _run(
    model: onnx.ModelProto, inputs: dict[str, npt.NDArray[np.generic]]
) -> dict[str, npt.NDArray[np.generic]]:
    """The model's outputs by the imported graph, in float64."""
    imported: Imported = import_model(model, "case")
    real = {port.name: port.real(inputs[port.onnx]) for port in imported.inputs}
    values = imported.graph.evaluate(real)
    return {port.onnx: port.tensor(values[port.name]) for port in imported.outputs}


def _difference(
    found: dict[str, npt.NDArray[np.generic]],
    expected: dict[str, npt.NDArray[np.generic]],
    rtol: float,
    atol: float,
) -> str:
    """How the outputs differ; empty if they do not."""
    for name, value in expected.items():
        got = found.get(name)
        if got is None or got.shape != value.shape:
            return f"{name}: shape {None if got is None else got.shape}, not {value.shape}"
        real = value.astype(np.float64)
        if not np.allclose(got, real, rtol, atol, equal_nan=True):
            return f"{name}: differs by {np.nanmax(np.abs(got - real)):.3g}"
    return ""


def main() -> None:
    """Print the counts by suite, the reasons of refusal, and every wrong case."""
    console = Console(markup=False, highlight=False)
    table = Table("suite", "cases", "pass", "refused", "wrong")
    reasons: Counter[str] = Counter()
    for kind in KINDS:
        found = list(results(kind))
        counts = Counter(result.verdict for result in found)
        row = (len(found), counts["pass"], counts["refused"], counts["wrong"])
        table.add_row(kind, *map(str, row))
        for result in found:
            if result.verdict == "refused":
                reasons[_general(result.reason)] += 1
            if result.verdict == "wrong":
                console.print(f"WRONG {result.name}: {result.reason}")
    console.print(table)
    listed = Table("refused because", "cases")
    for reason, count in reasons.most_common(40):
        listed.add_row(escape(reason), str(count))
    console.print(listed)


def _general(reason: str) -> str:
    """A reason without its numbers."""
    return "".join("#" if c.isdigit() else c for c in reason)[:90]


if __name__ == "__main__":
    main()
