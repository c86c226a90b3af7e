"""Small ONNX models made in memory, and their comparison with ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import helper, numpy_helper

from shiftloom.codegen.frontends.onnx import import_model
from shiftloom.codegen.frontends.onnx.importer import Imported

AnyArray = npt.NDArray[Any]
Dims = Sequence[int | str]
onnxruntime.set_default_logger_severity(3)

QONNX = "qonnx.custom_op.general"


def node(kind: str, inputs: str, outputs: str, domain: str = "", **attributes: Any) -> Any:
    """A node named after its first output; names in `inputs` and `outputs` part at spaces."""
    names = [name if name != "-" else "" for name in inputs.split()]
    results = outputs.split()
    made = helper.make_node(kind, names, results, results[0], **attributes)
    made.domain = domain
    return made


def model(
    nodes: Sequence[Any],
    inputs: Mapping[str, Dims],
    constants: Mapping[str, Any] | None = None,
    outputs: str = "y",
    opset: int = 13,
    kind: int = onnx.TensorProto.FLOAT,
) -> onnx.ModelProto:
    """A model of `nodes`; constants given as lists are float32."""
    arrays = {name: _array(value) for name, value in (constants or {}).items()}
    graph = helper.make_graph(
        list(nodes),
        "net",
        [helper.make_tensor_value_info(n, kind, list(dims)) for n, dims in inputs.items()],
        [
            helper.make_tensor_value_info(n, onnx.TensorProto.UNDEFINED, None)
            for n in outputs.split()
        ],
        [numpy_helper.from_array(value, name) for name, value in arrays.items()],
    )
    domains = {n.domain for n in nodes} - {""}
    opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(d, 1) for d in sorted(domains))]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def _array(value: Any) -> AnyArray:
    if isinstance(value, np.ndarray | np.generic):
        return np.asarray(value)
    return np.asarray(value, dtype=np.float32)


def inferred(made: onnx.ModelProto) -> onnx.ModelProto:
    """The model with the types of its outputs, which ONNX Runtime asks for.

    Those of Microsoft's operators are unknown to ONNX; here they are the input's.
    """
    found = onnx.shape_inference.infer_shapes(made)
    for output in found.graph.output:
        kind = output.type.tensor_type
        kind.elem_type = kind.elem_type or found.graph.input[0].type.tensor_type.elem_type
    return found


def run(imported: Imported, feeds: Mapping[str, AnyArray]) -> dict[str, AnyArray]:
    """The ONNX outputs by the imported graph, in float64."""
    real = {port.name: port.real(feeds[port.onnx]) for port in imported.inputs}
    values = imported.graph.evaluate(real)
    return {port.onnx: port.tensor(values[port.name]) for port in imported.outputs}


def random_feeds(made: onnx.ModelProto, seed: int = 0) -> dict[str, AnyArray]:
    """Random values for every input; a batch of unknown size is 1."""
    rng = np.random.default_rng(seed)
    known = {tensor.name for tensor in made.graph.initializer}
    feeds: dict[str, AnyArray] = {}
    for info in made.graph.input:
        if info.name in known:
            continue
        kind = helper.tensor_dtype_to_np_dtype(info.type.tensor_type.elem_type)
        dims = [dim.dim_value or 1 for dim in info.type.tensor_type.shape.dim]
        if kind.kind == "f":
            feeds[info.name] = rng.normal(size=dims).astype(kind)
        else:
            limits = np.iinfo(kind)
            feeds[info.name] = rng.integers(limits.min, limits.max + 1, dims).astype(kind)
    return feeds


def assert_same_as_runtime(
    made: onnx.ModelProto, tolerance: float = 1e-5, seed: int = 0
) -> Imported:
    """The imported graph gives ONNX Runtime's outputs, its optimizations off; returns it."""
    imported = import_model(made, "net")
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        inferred(made).SerializeToString(), options, ["CPUExecutionProvider"]
    )
    feeds = random_feeds(made, seed)
    names = [output.name for output in session.get_outputs()]
    found = run(imported, feeds)
    for name, expected in zip(names, session.run(names, feeds), strict=True):
        assert found[name].shape == expected.shape
        worst = np.abs(found[name] - expected.astype(np.float64)).max()
        assert worst <= tolerance * max(1, np.abs(expected.astype(np.float64)).max())
    return imported
