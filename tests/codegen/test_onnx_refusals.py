"""What the ONNX front end refuses, each with its whole message; nothing of a file is executed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx_models import QONNX, model, node
from refusals import refuses

from shiftloom.codegen import files
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.frontends.onnx import from_onnx, import_model, survey
from shiftloom.codegen.frontends.onnx.refusals import OTHERS, REFUSED
from shiftloom.codegen.graph import MAX_ELEMENTS
from shiftloom.codegen.names import MAX_NODE_LENGTH

MAP = [1, 4, 6, 6]


def zeros(*shape: int) -> Any:
    return np.zeros(shape, dtype=np.float32)


def ints(*values: int) -> Any:
    return np.array(values, dtype=np.int64)


def relu_model() -> onnx.ModelProto:
    return model([node("Relu", "x", "y")], {"x": MAP})


def saved(made: onnx.ModelProto, folder: Path, name: str = "net.onnx") -> Path:
    path = folder / name
    path.write_bytes(made.SerializeToString())
    return path


FILES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "is no ONNX model with layers; give a complete .onnx file"),
    "text": (b"hello world", "is no ONNX model; give a complete .onnx file"),
    "pickle": (b"\x80\x04\x95\x0b", "is no ONNX model with layers; give a complete .onnx file"),
    "truncated": (
        relu_model().SerializeToString()[:-7],
        "is no ONNX model; give a complete .onnx file",
    ),
}


@pytest.mark.parametrize(("data", "message"), FILES.values(), ids=FILES)
def test_files_that_are_no_models(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "net.onnx").write_bytes(data)
    with refuses(f"net.onnx: {message}"):
        from_onnx(tmp_path / "net.onnx")


def test_every_cut_of_a_model_is_refused_or_read(tmp_path: Path) -> None:
    data = relu_model().SerializeToString()
    for size in range(len(data)):
        (tmp_path / "net.onnx").write_bytes(data[:size])
        with pytest.raises(ShiftloomError):
            from_onnx(tmp_path / "net.onnx")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with refuses(
        f"{tmp_path}/none.onnx: cannot be read (No such file or directory); check the path"
    ):
        from_onnx(tmp_path / "none.onnx")
    with refuses(f"{tmp_path}: is no regular file; check the path"):
        from_onnx(tmp_path)


def test_a_huge_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_MODEL", 10)
    with refuses(f"{tmp_path}/net.onnx: is larger than 10 bytes; give a smaller model"):
        from_onnx(saved(relu_model(), tmp_path))


def external(location: str) -> onnx.ModelProto:
    """A convolution whose weights lie in the file `location`."""
    made = model([node("Conv", "x w", "y")], {"x": MAP}, {"w": zeros(2, 4, 1, 1)})
    tensor = made.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return made


def test_external_data_beside_the_model_is_read(tmp_path: Path) -> None:
    values = np.arange(8, dtype=np.float32)
    (tmp_path / "w.bin").write_bytes(values.tobytes())
    graph = from_onnx(saved(external("w.bin"), tmp_path))
    assert graph.nodes[0].op.weights.data.ravel().tolist() == values.tolist()  # type: ignore[attr-defined]


@pytest.mark.parametrize("location", ["../w.bin", "/etc/passwd", "a/../../w.bin", "link.bin"])
def test_external_data_outside_the_folder_is_refused(tmp_path: Path, location: str) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "w.bin").write_bytes(bytes(32))
    (folder / "link.bin").symlink_to(tmp_path / "w.bin")
    with refuses(
        f"'w': its data lies outside the model's folder, in {location!r}; "
        "put the file beside the model"
    ):
        from_onnx(saved(external(location), folder))


def test_external_data_that_is_missing_or_short_is_refused(tmp_path: Path) -> None:
    with refuses("'w': its data file 'w.bin' is missing; copy it beside the model"):
        from_onnx(saved(external("w.bin"), tmp_path))
    (tmp_path / "w.bin").write_bytes(bytes(5))
    with refuses("'w': its data does not fit [2, 4, 1, 1]; export it again"):
        from_onnx(saved(external("w.bin"), tmp_path))


def test_external_data_of_a_huge_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "w.bin").write_bytes(bytes(2000))
    path = saved(external("w.bin"), tmp_path)
    monkeypatch.setattr(files, "MAX_MODEL", 1000)
    with refuses("'w': its data file 'w.bin' is larger than 1,000 bytes; give a smaller model"):
        from_onnx(path)


def test_external_data_with_a_wild_offset_is_refused(tmp_path: Path) -> None:
    made = external("w.bin")
    (tmp_path / "w.bin").write_bytes(bytes(32))
    made.graph.initializer[0].external_data.add(key="offset", value="-5")
    with pytest.raises(ShiftloomError, match=r"^'w': its data"):
        from_onnx(saved(made, tmp_path))


def _opset(made: onnx.ModelProto) -> None:
    made.opset_import[0].version = 5


def _functions(made: onnx.ModelProto) -> None:
    made.functions.add(name="evil", domain="here")


def _sparse(made: onnx.ModelProto) -> None:
    made.graph.sparse_initializer.add().values.name = "s"


def _strings(made: onnx.ModelProto) -> None:
    made.graph.initializer.append(helper.make_tensor("w", TensorProto.STRING, [1], ["a"]))


def _unknown_type(made: onnx.ModelProto) -> None:
    made.graph.initializer.add(name="w", data_type=99)


def _negative(made: onnx.ModelProto) -> None:
    made.graph.initializer.add(name="w", data_type=1, dims=[-1])


def _bomb(made: onnx.ModelProto) -> None:
    made.graph.initializer.add(name="w", data_type=1, dims=[1 << 40, 1 << 40])


def _no_inputs(made: onnx.ModelProto) -> None:
    del made.graph.input[:]


def _dims(*dims: Any) -> Callable[[onnx.ModelProto], None]:
    def change(made: onnx.ModelProto) -> None:
        del made.graph.input[:]
        made.graph.input.append(helper.make_tensor_value_info("x", 1, dims))

    return change


def _input_type(kind: int) -> Callable[[onnx.ModelProto], None]:
    def change(made: onnx.ModelProto) -> None:
        made.graph.input[0].type.tensor_type.elem_type = kind

    return change


def _sequence(made: onnx.ModelProto) -> None:
    made.graph.input[0].type.ClearField("tensor_type")
    made.graph.input[0].type.sequence_type.elem_type.tensor_type.elem_type = 1


def _second_batch(made: onnx.ModelProto) -> None:
    made.graph.input.append(helper.make_tensor_value_info("z", 1, [2, 3]))


def _cycle(made: onnx.ModelProto) -> None:
    made.graph.node[0].input[0] = "y"


def _again(made: onnx.ModelProto) -> None:
    made.graph.node.append(node("Relu", "x", "y"))


def _domain(made: onnx.ModelProto) -> None:
    made.graph.node[0].domain = "evil.corp"


def _constant_output(made: onnx.ModelProto) -> None:
    made.graph.initializer.append(onnx.numpy_helper.from_array(zeros(1), "w"))
    made.graph.output[0].name = "w"


def _no_output(made: onnx.ModelProto) -> None:
    made.graph.output[0].name = "nowhere"


def _dim_param(made: onnx.ModelProto) -> None:
    made.graph.input[0].type.tensor_type.shape.dim[2].dim_param = "height"


MODELS: dict[str, tuple[Callable[[onnx.ModelProto], None], str]] = {
    "opset": (_opset, "net.onnx: opset 5; use opset 6 to 27, by onnx.version_converter"),
    "functions": (_functions, "net.onnx: defines the function 'evil'; inline its functions"),
    "sparse": (_sparse, "'s': a sparse initializer; store it as a dense one"),
    "strings": (_strings, "'w': has the type string; use float32 or integers"),
    "unknown type": (_unknown_type, "'w': has the type number 99; use float32 or integers"),
    "negative": (_negative, "'w': dimensions [-1]; use at most 134217728 elements"),
    "bomb": (
        _bomb,
        "'w': dimensions [1099511627776, 1099511627776]; use at most 134217728 elements",
    ),
    "no inputs": (_no_inputs, "net: has no inputs; export a model with an input"),
    "no dimensions": (_dims(), "input: has no dimensions; state them, batch first"),
    "open": (
        _dim_param,
        "input: shape ['batch', 4, '?', 6] is open; "
        "fix all dimensions but the batch and export again",
    ),
    "input bomb": (
        _dims(1, 1 << 30, 1 << 30),
        f"input: shape (1073741824, 1073741824) has more than {MAX_ELEMENTS} elements; "
        "use a smaller input",
    ),
    "bool input": (
        _input_type(TensorProto.BOOL),
        "input: holds bool; use float32, or integers of 8 or 16 bits",
    ),
    "int64 input": (
        _input_type(TensorProto.INT64),
        "input: holds int64; use float32, or integers of 8 or 16 bits",
    ),
    "string input": (
        _input_type(TensorProto.STRING),
        "input: holds string; use float32, or integers of 8 or 16 bits",
    ),
    "sequence": (_sequence, "input: is no tensor; use tensors as inputs"),
    "two batches": (_second_batch, "net: batches of [1, 2]; use one batch size"),
    "cycle": (
        _cycle,
        "y: Relu: reads 'y', which no earlier node makes; "
        "order the nodes, without cycles; second outputs are not supported",
    ),
    "made twice": (_again, "y: makes 'y' again; give it another name"),
    "domain": (_domain, "y: Relu: the domain 'evil.corp' is unknown; use standard operators"),
    "constant output": (_constant_output, "w: an output that is a constant; remove it"),
    "no output": (_no_output, "nowhere: an output that is made by no node; remove it"),
}


@pytest.mark.parametrize(("change", "message"), MODELS.values(), ids=MODELS)
def test_models_that_are_refused(
    tmp_path: Path, change: Callable[[onnx.ModelProto], None], message: str
) -> None:
    made = relu_model()
    change(made)
    with refuses(message):
        from_onnx(saved(made, tmp_path))


def test_a_tensor_that_lacks_data_is_refused(tmp_path: Path) -> None:
    made = model([node("Conv", "x w", "y")], {"x": MAP}, {"w": zeros(2, 4, 1, 1)})
    made.graph.initializer[0].raw_data = b"123"
    with refuses("'w': its data does not fit [2, 4, 1, 1]; export it again"):
        from_onnx(saved(made, tmp_path))


@pytest.mark.parametrize("kind", REFUSED)
def test_operators_are_refused_by_name_with_a_rewrite(kind: str) -> None:
    reason, hint = REFUSED[kind]
    domain = QONNX if kind == "MultiThreshold" else ""
    with refuses(f"y: {kind}: {reason}; {hint}"):
        import_model(model([node(kind, "x", "y", domain)], {"x": MAP}), "net")


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN", "Attention", "If", "Loop", "Scan"])
def test_recurrence_attention_and_control_flow_have_their_reasons(kind: str) -> None:
    assert "not supported" in REFUSED[kind][0]


def test_unknown_operators_are_refused() -> None:
    with refuses(f"y: Evil_Op: {OTHERS[0]}; {OTHERS[1]}"):
        import_model(model([node("Evil\x1bOp", "x", "y")], {"x": MAP}), "net")


W = {"w": zeros(2, 4, 3, 3)}
NODES: dict[str, tuple[Any, dict[str, Any], str]] = {
    "conv computed weights": (
        node("Conv", "x x", "y"),
        {},
        "Conv: input 1 is computed by the network; it must be a constant",
    ),
    "conv no weights": (
        node("Conv", "x", "y"),
        {},
        "Conv: input 1 is missing; it must be a constant",
    ),
    "conv of a constant": (
        node("Conv", "w w", "y"),
        W,
        "Conv: input 0 is a constant; it must be computed by the network",
    ),
    "conv kernel": (
        node("Conv", "x w", "y", kernel_shape=[2, 2]),
        W,
        "Conv: kernel_shape=[2, 2]; the weights are [3, 3]",
    ),
    "conv 3d": (
        node("Conv", "x w", "y"),
        {"w": zeros(2, 4, 1, 1, 1)},
        "Conv: a kernel of 3 dimensions on an input of 4; "
        "use 1-D or 2-D kernels, inputs (N, C, W) or (N, C, H, W)",
    ),
    "conv strides": (
        node("Conv", "x w", "y", strides=[1]),
        W,
        "Conv: strides=[1]; give 2 numbers",
    ),
    "conv pads": (node("Conv", "x w", "y", pads=[1]), W, "Conv: pads=[1]; give 4 numbers"),
    "conv auto_pad": (
        node("Conv", "x w", "y", auto_pad="BAD"),
        W,
        "Conv: unsupported auto_pad=BAD; "
        "use auto_pad=NOTSET or auto_pad=VALID or auto_pad=SAME_UPPER or auto_pad=SAME_LOWER",
    ),
    "conv groups": (
        node("Conv", "x w", "y", group=3),
        W,
        "Conv: group=3; it must divide 2 channels",
    ),
    "conv channels": (
        node("Conv", "x w", "y"),
        {"w": zeros(2, 3, 3, 3)},
        "weights take 3 channels, the input has 4; check the model",
    ),
    "conv large": (
        node("Conv", "x w", "y"),
        {"w": zeros(2, 4, 9, 1)},
        "kernel 9 exceeds the padded input height 6 + 0; use a kernel of at most 6",
    ),
    "conv bias": (
        node("Conv", "x w b", "y"),
        {**W, "b": zeros(3)},
        "Conv: a bias of 3 values; give 2",
    ),
    "attribute type": (
        node("Conv", "x w", "y", group="one"),
        W,
        "Conv: attribute group has another type; export it again",
    ),
    "transpose output_shape": (
        node("ConvTranspose", "x w", "y", output_shape=[9, 9]),
        {"w": zeros(4, 2, 3, 3)},
        "ConvTranspose: output_shape; state pads and output_padding",
    ),
    "transpose auto_pad": (
        node("ConvTranspose", "x w", "y", auto_pad="SAME_UPPER"),
        {"w": zeros(4, 2, 3, 3)},
        "ConvTranspose: unsupported auto_pad=SAME_UPPER; use auto_pad=NOTSET or auto_pad=VALID",
    ),
    "transpose padding": (
        node("ConvTranspose", "x w", "y", pads=[3, 3, 3, 3]),
        {"w": zeros(4, 2, 3, 3)},
        "padding (3, 3), (3, 3) for the span (3, 3); "
        "use a padding smaller than the span of the kernel",
    ),
    "matmul computed": (
        node("MatMul", "x x", "y"),
        {},
        "MatMul: a product of two computed values; attention is not supported",
    ),
    "matmul rank": (
        node("MatMul", "x w", "y"),
        W,
        "MatMul: multiplies 4 with 4 dimensions; use a constant matrix of 2 dimensions",
    ),
    "matmul size": (
        node("MatMul", "x w", "y"),
        {"w": zeros(5, 2)},
        "MatMul: 6 inputs for 5 rows; check shapes",
    ),
    "gemm rank": (
        node("Gemm", "x w", "y"),
        {"w": zeros(6, 2)},
        "Gemm: an input of 4 dimensions; flatten it",
    ),
    "pool kernel": (node("MaxPool", "x", "y"), {}, "MaxPool: has no kernel_shape; export it again"),
    "pool order": (
        node("MaxPool", "x", "y", kernel_shape=[2, 2], storage_order=1),
        {},
        "MaxPool: unsupported storage_order=1; use storage_order=0",
    ),
    "pool ceil": (
        node(
            *("AveragePool", "x", "y"),
            kernel_shape=[4, 4],
            strides=[3, 3],
            ceil_mode=1,
            count_include_pad=1,
        ),
        {},
        "AveragePool: ceil_mode with count_include_pad; use ceil_mode=0",
    ),
    "mean axes": (
        node("ReduceMean", "x", "y", axes=[1]),
        {},
        "ReduceMean: reduces axes [1] of 4; leave batch and channels only",
    ),
    "mean all": (
        node("ReduceMean", "x", "y"),
        {},
        "ReduceMean: reduces the batch; reduce rows and columns, axes=[2, 3]",
    ),
    "max of two": (
        node("Max", "x w w", "y"),
        W,
        "Max: 3 inputs; use a computed value and a constant",
    ),
    "clip": (
        node("Clip", "x lo hi", "y"),
        {"lo": np.float32(2), "hi": np.float32(1)},
        "clips to 2.0 to 1.0; use lo at most hi",
    ),
    "clip channels": (
        node("Clip", "x lo", "y"),
        {"lo": np.arange(4, dtype=np.float32)},
        "Clip: input 1 has 4 values; use one for all",
    ),
    "softmax batch": (
        node("Softmax", "x", "y", axis=0),
        {},
        "Softmax: axis=0; use 1 to 3",
    ),
    "arg max": (
        node("ArgMax", "x", "y", axis=1, select_last_index=1),
        {},
        "ArgMax: unsupported select_last_index=1; use select_last_index=0",
    ),
    "dropout": (
        node("Dropout", "x r t", "y"),
        {"r": np.float32(0.5), "t": np.array(True)},
        "Dropout: training_mode is on; export the model for inference",
    ),
    "cast": (
        node("Cast", "x", "y", to=TensorProto.INT64),
        {},
        "Cast: casts to int64; quantize by QuantizeLinear",
    ),
    "add shapes": (
        node("Add", "x s", "y"),
        {"s": zeros(2, 4, 6, 6)},
        "a constant [2, 4, 6, 6] with an input ['batch', 4, 6, 6]; "
        "give one number, or one for each channel",
    ),
    "add pixels": (
        node("Add", "x s", "y"),
        {"s": np.arange(144, dtype=np.float32).reshape(1, 4, 6, 6)},
        "a constant that differs along 3 dimensions; give one number for each channel",
    ),
    "multiply": (
        node("Mul", "x z", "y"),
        {},
        "a product of two computed values; "
        "use factors that are constants, or functions of the same value as x · sigmoid(x)",
    ),
    "divide": (
        node("Div", "x s", "y"),
        {"s": zeros(1)},
        "Div: a division by zero; check the model",
    ),
    "divide by": (
        node("Div", "s x", "y"),
        {"s": np.ones(1, np.float32)},
        "Div: input 0 is a constant; it must be computed by the network",
    ),
    "norm training": (
        node("BatchNormalization", "x s s s s", "y", training_mode=1),
        {"s": zeros(4)},
        "BatchNormalization: unsupported training_mode=1; use training_mode=0",
    ),
    "norm channels": (
        node("BatchNormalization", "x s s s s", "y"),
        {"s": zeros(3)},
        "BatchNormalization: statistics that do not fit the channels; check the model",
    ),
    "norm variance": (
        node("BatchNormalization", "x s s s v", "y"),
        {"s": zeros(4), "v": zeros(4) - 1},
        "BatchNormalization: a variance below zero; check the model",
    ),
    "reshape batch": (
        node("Reshape", "x s", "y"),
        {"s": ints(2, -1)},
        "Reshape: shape [2, -1] of [1, 4, 6, 6]; keep the batch as the first dimension",
    ),
    "reshape size": (
        node("Reshape", "x s", "y"),
        {"s": ints(1, 5, -1)},
        "Reshape: shape [1, 5, -1] of [1, 4, 6, 6]; the sizes must agree",
    ),
    "reshape zero": (
        node("Reshape", "x s", "y"),
        {"s": ints(1, 4, 6, 6, 0)},
        "Reshape: shape [1, 4, 6, 6, 0] of [1, 4, 6, 6]; check the model",
    ),
    "reshape floats": (
        node("Reshape", "x s", "y"),
        {"s": zeros(2)},
        "Reshape: input 1 is float32; use integers",
    ),
    "transpose batch": (
        node("Transpose", "x", "y", perm=[1, 0, 2, 3]),
        {},
        "Transpose: perm=[1, 0, 2, 3]; keep the batch as the first dimension",
    ),
    "transpose perm": (
        node("Transpose", "x", "y", perm=[0, 1]),
        {},
        "Transpose: perm=[0, 1]; order the 4 dimensions",
    ),
    "flatten": (node("Flatten", "x", "y", axis=2), {}, "Flatten: axis=2; use axis=1"),
    "squeeze": (
        node("Squeeze", "x a", "y"),
        {"a": ints(2)},
        "Squeeze: axes [2] of [1, 4, 6, 6]; remove dimensions of size 1 only",
    ),
    "squeeze all": (
        node("Squeeze", "x", "y"),
        {},
        "Squeeze: without axes removes the batch of 1; give axes",
    ),
    "squeeze batch": (
        node("Squeeze", "x a", "y"),
        {"a": ints(0)},
        "Squeeze: works on the batch dimension; keep the batch as the first dimension",
    ),
    "unsqueeze": (node("Unsqueeze", "x", "y"), {}, "Unsqueeze: has no axes; give axes"),
    "unsqueeze twice": (
        node("Unsqueeze", "x a", "y"),
        {"a": ints(2, 2)},
        "Unsqueeze: axes [2, 2]; name each once",
    ),
    "unsqueeze axis": (
        node("Unsqueeze", "x a", "y"),
        {"a": ints(7)},
        "Unsqueeze: axes [7] of 5 dimensions; use -5 to 4",
    ),
    "slice nothing": (
        node("Slice", "x s e a", "y"),
        {"s": ints(3), "e": ints(3), "a": ints(1)},
        "Slice: leaves nothing; keep at least one element",
    ),
    "slice no ends": (
        node("Slice", "x", "y"),
        {},
        "Slice: has no starts or ends; give them as constants",
    ),
    "slice lengths": (
        node("Slice", "x s e a", "y"),
        {"s": ints(3), "e": ints(3, 4), "a": ints(1)},
        "Slice: starts, ends, axes and steps do not fit; give as many of each",
    ),
    "split": (
        node("Split", "x s", "y z", axis=1),
        {"s": ints(1, 2)},
        "Split: splits 4 into [1, 2]; give 2 sizes",
    ),
    "gather index": (
        node("Gather", "x i", "y", axis=1),
        {"i": ints(9)},
        "Gather: index 9 of 4; use -4 to 3",
    ),
    "gather floats": (
        node("Gather", "x i", "y", axis=1),
        {"i": zeros(1)},
        "Gather: indices of float32; give integers",
    ),
    "gather bomb": (
        node("Gather", "x i", "y", axis=1),
        {"i": np.zeros(1 << 20, np.int64)},
        f"shape (4, 6, 6, 1048576) has more than {MAX_ELEMENTS} elements; use a smaller input",
    ),
    "concat axis": (
        node("Concat", "x x", "y", axis=0),
        {},
        "Concat: axis=0; join channels, axis=1",
    ),
    "pad mode": (
        node("Pad", "x p", "y", mode="reflect"),
        {"p": ints(*[0] * 8)},
        "Pad: unsupported mode=reflect; use mode=constant",
    ),
    "pad batch": (
        node("Pad", "x p", "y"),
        {"p": ints(1, *[0] * 7)},
        "Pad: pads the batch; pad rows and columns",
    ),
    "pad channels": (
        node("Pad", "x p", "y"),
        {"p": ints(0, 1, 1, 1, 0, 0, 0, 0)},
        "pads the channels; pads rows and columns only",
    ),
    "pad count": (
        node("Pad", "x p", "y"),
        {"p": ints(1)},
        "Pad: pads=[1]; give 8 numbers",
    ),
    "pad away": (
        node("Pad", "x p", "y"),
        {"p": ints(0, 0, -3, 0, 0, 0, -3, 0)},
        "leaves nothing; keep at least one element",
    ),
    "pad bomb": (
        node("Pad", "x p", "y"),
        {"p": ints(0, 0, 1 << 40, 0, 0, 0, 0, 0)},
        f"shape (4, 1099511627782, 6) has more than {MAX_ELEMENTS} elements; use a smaller input",
    ),
    "resize mode": (
        node("Resize", "x - s", "y", mode="linear"),
        {"s": np.ones(4, np.float32)},
        "Resize: unsupported mode=linear; use mode=nearest",
    ),
    "resize bomb": (
        node("Resize", "x - s", "y"),
        {"s": np.array([1, 1, 1e6, 1e6], np.float32)},
        f"shape (1, 4, 6000000, 6000000) has more than {MAX_ELEMENTS} elements; "
        "use a smaller input",
    ),
    "resize scale": (
        node("Resize", "x - s", "y"),
        {"s": np.array([1, 1, -1, 1], np.float32)},
        "Resize: scale -1; use a positive scale",
    ),
    "resize odd": (
        node("Resize", "x - s", "y"),
        {"s": np.array([1, 1, 1.5, 1], np.float32)},
        "Resize: scale 1.5 repeats unevenly; use whole factors",
    ),
    "resize nothing": (
        node("Resize", "x", "y"),
        {},
        "Resize: 0 scales or sizes; give 4",
    ),
    "expand": (
        node("Expand", "x s", "y"),
        {"s": ints(1, 4, 6, 6, 6)},
        "Expand: repeats [1, 4, 6, 6] as [1, 4, 6, 6, 6]; use Resize",
    ),
    "tile": (
        node("Tile", "x s", "y"),
        {"s": ints(1, 1, 2, 1)},
        "Tile: repeats [1, 4, 6, 6] as [1, 1, 2, 1]; use Resize",
    ),
    "quantize scale": (
        node("QuantizeLinear", "x s", "y"),
        {"s": zeros(1)},
        "QuantizeLinear: scale 0.0; use a positive number",
    ),
    "quantize channels": (
        node("QuantizeLinear", "x s", "y"),
        {"s": np.arange(1, 5, dtype=np.float32)},
        "QuantizeLinear: input 1 has 4 values; use one for all",
    ),
    "quantize blocks": (
        node("QuantizeLinear", "x s", "y", block_size=2),
        {"s": np.float32(1)},
        "QuantizeLinear: unsupported block_size=2; use block_size=0",
    ),
    "quantize wide": (
        node("QuantizeLinear", "x s z", "y"),
        {"s": np.float32(1), "z": np.int32(0)},
        "QuantizeLinear: quantizes to int32; use at most 16 bits",
    ),
    "quantize floats": (
        node("QuantizeLinear", "x s z", "y"),
        {"s": np.float32(1), "z": np.float32(0)},
        "QuantizeLinear: quantizes to float32; use int8, uint8 or other integers",
    ),
    "dequantize reals": (
        node("DequantizeLinear", "x s", "y"),
        {"s": np.float32(1)},
        "DequantizeLinear: reads real numbers; put a QuantizeLinear before it",
    ),
    "conv integer": (
        node("ConvInteger", "x w", "y"),
        {"w": np.zeros((2, 4, 1, 1), np.int8)},
        "ConvInteger: reads real numbers; put a QuantizeLinear before it",
    ),
    "quant bits": (
        node("Quant", "x s z b", "y", QONNX),
        {"s": np.float32(1), "z": np.float32(0), "b": np.float32(2.5)},
        "Quant: 2.5 bits; use 1 to 16",
    ),
    "quant zero": (
        node("Quant", "x s z b", "y", QONNX),
        {"s": np.float32(1), "z": np.float32(3), "b": np.float32(4)},
        "Quant: zero point 3; use an even integer, best 0",
    ),
    "quant rounding": (
        node("Quant", "x s z b", "y", QONNX, rounding_mode="FLOOR"),
        {"s": np.float32(1), "z": np.float32(0), "b": np.float32(4)},
        "Quant: unsupported rounding_mode=FLOOR; "
        "use rounding_mode=ROUND or rounding_mode=HALF_EVEN",
    ),
    "trunc bits": (
        node("Trunc", "x s z i o", "y", QONNX),
        {"s": np.float32(1), "z": np.float32(0), "i": np.float32(2), "o": np.float32(4)},
        "Trunc: drops -2 bits; give fewer output than input bits",
    ),
    "trunc zero": (
        node("Trunc", "x s z i o", "y", QONNX),
        {"s": np.float32(1), "z": np.float32(1), "i": np.float32(4), "o": np.float32(2)},
        "Trunc: zero point 1; use 0",
    ),
    "computed": (
        node("Exp", "x", "y"),
        {},
        "Exp: reads a computed value; it is supported on constants only",
    ),
}


@pytest.mark.parametrize("case", NODES.values(), ids=NODES)
def test_nodes_that_are_refused(case: Any) -> None:
    made, constants, message = case
    inputs = {"x": MAP, **{name: MAP for name in made.input if name == "z"}}
    with refuses(f"y: {message}"):
        import_model(model([made, node("Relu", "y", "r")], inputs, constants, "r"), "net")


FOLDED: dict[str, tuple[Any, dict[str, Any], str]] = {
    "constant of shape": (
        node("ConstantOfShape", "n", "c"),
        {"n": ints(1 << 20, 1 << 20)},
        "ConstantOfShape: makes a constant of 1099511627776 elements; use at most 134217728",
    ),
    "expand": (
        node("Expand", "v n", "c"),
        {"v": zeros(1), "n": ints(1 << 15, 1 << 15)},
        "Expand: makes a constant of 1073741824 elements; use at most 134217728",
    ),
    "tile": (
        node("Tile", "v n", "c"),
        {"v": zeros(4), "n": ints(1 << 28)},
        "Tile: makes a constant of 1073741824 elements; use at most 134217728",
    ),
    "range": (
        node("Range", "a b d", "c"),
        {"a": np.int64(0), "b": np.int64(1 << 40), "d": np.int64(1)},
        "Range: makes a constant of 1099511627776 elements; use at most 134217728",
    ),
    "outer sum": (
        node("Add", "v w", "c"),
        {"v": zeros(1 << 15, 1), "w": zeros(1, 1 << 15)},
        "Add: makes a constant of 1073741824 elements; use at most 134217728",
    ),
    "shapes": (
        node("Add", "v w", "c"),
        {"v": zeros(2), "w": zeros(3)},
        "Add: constants that do not fit (shape mismatch: objects cannot be broadcast to a single "
        "shape.  Mismatch is between arg 0 with shape (2,) and arg 1 with shape (3,).); "
        "check the model",
    ),
    "cast": (
        node("Cast", "v", "c", to=TensorProto.STRING),
        {"v": zeros(2)},
        "Cast: casts to string; use float32 or integers",
    ),
    "sparse constant": (
        node("Constant", "", "c", value_string="a"),
        {},
        "Constant: holds no dense array of numbers; use the attribute value",
    ),
}


@pytest.mark.parametrize("case", FOLDED.values(), ids=FOLDED)
def test_constants_that_are_refused(case: Any) -> None:
    made, constants, message = case
    with refuses(f"c: {message}"):
        import_model(model([made, node("Add", "x c", "y")], {"x": MAP}, constants), "net")


def test_hostile_names_become_safe_identifiers() -> None:
    names = ("a b", "A+B", "module", "$(rm -rf)", "x" * 300, "\x1b[2J", "", "../../etc/passwd")
    nodes, value = [], "x"
    for i, name in enumerate(names):
        made = node("Relu", value, f"v{i}")
        made.name = name
        nodes.append(made)
        value = f"v{i}"
    graph = import_model(model(nodes, {"x": MAP}, outputs=value), "net").graph
    found = [n.name for n in graph.nodes]
    assert found == [
        *("a_b", "a_b_1", "n_module", "n___rm__rf_", "x" * (MAX_NODE_LENGTH - 2)),
        *("n___2j", "relu_v6", "n_______etc_passwd"),
    ]
    assert len(set(found)) == len(found)


def test_names_that_are_no_text_are_refused(tmp_path: Path) -> None:
    data = relu_model().SerializeToString().replace(b"Relu", b"\xff\xfe\xfdu")
    (tmp_path / "net.onnx").write_bytes(data)
    with refuses("net.onnx: holds names that are no text; export it again"):
        from_onnx(tmp_path / "net.onnx")


def test_damaged_models_are_refused_or_read(tmp_path: Path) -> None:
    convolution = model([node("Conv", "x w", "y", pads=[1] * 4)], {"x": MAP}, W)
    data = convolution.SerializeToString()
    rng = np.random.default_rng(0)
    path = tmp_path / "net.onnx"
    for _ in range(500):
        damaged = bytearray(data)
        for place in rng.integers(0, len(data), 2):
            damaged[place] = int(rng.integers(256))
        path.write_bytes(damaged)
        for read in (from_onnx, survey):
            with suppress(ShiftloomError):
                read(path)
