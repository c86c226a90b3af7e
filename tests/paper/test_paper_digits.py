"""Fig. 11: counts against an independent computation, files of weights, and refusals."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import helper, numpy_helper
from paper_bench import quiet

from shiftloom.codegen import files
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.signed_digits import digits_of
from shiftloom.paper import digits, weights_file


def signed_digits(value: int) -> list[int]:
    """The canonic signed-digit form, by its definition: no two digits in a row are not 0."""
    made = []
    while value:
        digit = 2 - value % 4 if value % 2 else 0
        made.append(digit)
        value = (value - digit) // 2
    return made


def test_digits_are_those_of_the_canonic_form() -> None:
    values = np.arange(-3000, 3000)
    expected = [sum(map(abs, signed_digits(int(value)))) for value in values]
    assert digits_of(values).tolist() == expected
    assert sum(d << i for i, d in enumerate(signed_digits(-2999))) == -2999


def test_words_hold_the_largest_weight() -> None:
    assert digits.fixed_point(np.array([[0.75, -0.5]]), 8).tolist() == [[96, -64]]
    assert digits.fixed_point(np.array([[1.0, 0.25]]), 8).tolist() == [[64, 16]]
    assert digits.fixed_point(np.array([[0.999, -0.999]]), 8).tolist() == [[127, -127]]
    assert digits.fixed_point(np.zeros((1, 2)), 8).tolist() == [[0, 0]]


@pytest.mark.parametrize("width", [8, 16])
def test_counts_equal_an_independent_computation(width: int) -> None:
    rng = np.random.default_rng(4)
    arrays = {name: rng.normal(0, s, (4, 3, 3, 5)) for name, s in (("a", 0.01), ("b", 3))}
    expected: dict[str, list[int]] = {"bits": [], "twos_complement": [], "digits": []}
    for array in arrays.values():
        top = max(abs(float(w)) for w in array.flat)
        step = 2.0 ** (math.frexp(top)[1] - (width - 1))
        for weight in array.flat:
            word = max(-(2 ** (width - 1)) + 1, min(2 ** (width - 1) - 1, round(weight / step)))
            expected["bits"].append(bin(abs(word)).count("1"))
            expected["twos_complement"].append(bin(word % 2**width).count("1"))
            expected["digits"].append(sum(map(abs, signed_digits(word))))
    rows = digits.counted("some", arrays, width)
    for kind, counts in expected.items():
        assert [getattr(row, kind) for row in rows] == [counts.count(n) for n in range(width + 1)]
        assert digits.mean(rows, kind) == pytest.approx(np.mean(counts))


def save(path: Path, arrays: dict[str, np.ndarray]) -> Path:
    """The arrays in a file of the kind that its suffix says."""
    if path.suffix == ".npz":
        np.savez(path, **arrays)  # type: ignore[arg-type]
    elif path.suffix == ".pt":
        torch.save({name: torch.from_numpy(array) for name, array in arrays.items()}, path)
    else:
        tensors = [numpy_helper.from_array(array, name) for name, array in arrays.items()]
        ports = [
            helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 6]) for name in "xy"
        ]
        nodes = [helper.make_node("Relu", ["x"], ["y"])]
        graph = helper.make_graph(nodes, "net", ports[:1], ports[1:], tensors)
        opsets = [helper.make_opsetid("", 17)]
        onnx.save(helper.make_model(graph, opset_imports=opsets), path)
    return path


KINDS = ("w.npz", "w.onnx", "w.pt")


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_file_gives_the_same_counts(name: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    weights = {"conv": rng.normal(0, 1, (4, 3, 3, 3)).astype(np.float32)}
    others = {"bias": np.ones(4, np.float32), "shape": np.ones((2, 2), np.int64)}
    found = digits.run(save(tmp_path / name, weights | others), None, quiet)
    rows = [row for width in digits.WIDTHS for row in digits.counted(name, weights, width)]
    assert found.rows["digits"] == tuple(rows)
    assert [claim.holds for claim in found.claims] == ["holds", "holds"]
    assert [plot.name for plot in found.plots] == ["fig11_16bit", "fig11_8bit"]


@pytest.mark.parametrize("name", KINDS)
def test_weights_that_are_not_finite_are_refused(name: str, tmp_path: Path) -> None:
    array = np.ones((2, 3), np.float32)
    array[1, 2] = np.inf
    path = save(tmp_path / name, {"conv": array})
    refused(
        path,
        f"{path}: conv: has inf at (1, 2), 1 such values in all; every weight must be finite, at "
        "most 3.4e+38 in magnitude",
    )


def refused(path: Path, message: str) -> None:
    with pytest.raises(ShiftloomError) as caught:
        weights_file.load(path)
    assert str(caught.value) == message


def test_files_without_weights_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "w.npz", {"bias": np.ones(4), "codes": np.ones((2, 2), np.int8)})
    refused(
        path,
        f"{path}: holds 2 arrays, none of real numbers with 2 axes or more; give the weights of a "
        "float network",
    )


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.h5"
    refused(path, f"{path}: suffix '.h5' is not read; give .npz, .onnx, .pt or .pth")
    path = tmp_path / "w.npz"
    refused(path, f"{path}: is not there; give the path of a .npz, .onnx, .pt or .pth file")
    path.write_bytes(b"nothing")
    refused(
        path,
        f"{path}: is no .npy or .npz file of numbers (File is not a zip file); save it with "
        "numpy.savez",
    )


class Trap:
    """Its pickle would run code."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return (pytest.fail, ("code of a file was run",))


def test_objects_are_never_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    np.savez(path, w=np.array([[Trap()]], dtype=object))
    with pytest.raises(
        ShiftloomError, match=r"w\.npz: is no \.npy or \.npz file of numbers \(Object arr"
    ):
        weights_file.load(path)
    path = tmp_path / "w.pt"
    torch.save({"w": Trap()}, path)
    with pytest.raises(ShiftloomError, match=r"w\.pt: is damaged or holds more than tensors"):
        weights_file.load(path)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("w.npz", "more than 1,000 bytes; split it"),
        ("w.pt", r"[\d,]+ bytes, at most 1,000 are read"),
    ],
)
def test_files_that_unpack_to_too_much_are_refused(
    name: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MAX_MODEL", 1000)
    if name == "w.npz":
        np.savez_compressed(tmp_path / name, w=np.zeros((99, 99)))
    else:
        save(tmp_path / name, {"w": np.zeros((99, 99))})
    with pytest.raises(ShiftloomError, match=f"unpacks to {message}"):
        weights_file.load(tmp_path / name)


def test_without_squeezenet_the_convnet_is_counted(tmp_path: Path) -> None:
    found = digits.run(None, tmp_path, quiet)
    path = tmp_path / "squeezenet1.1/weights.npz"
    assert found.absent == (
        f"SqueezeNet: {path}: is not there; the data folder holds squeezenet1.1/weights.npz, or "
        "others with --weights FILE",
    )
    assert "The 106,336 weights of the ConvNet" in found.about


def test_a_squeezenet_that_is_not_the_original_is_refused(tmp_path: Path) -> None:
    (tmp_path / "squeezenet1.1").mkdir()
    save(tmp_path / "squeezenet1.1/weights.npz", {"w": np.ones((2, 2))})
    with pytest.raises(ShiftloomError, match=r"has SHA-256 .*; replace it by the original file"):
        digits.run(None, tmp_path, quiet)


def test_squeezenet(data: Path) -> None:
    found = digits.run(None, data, quiet)
    assert found.absent == ()
    rows = [row for row in found.data()["rows"]["digits"] if row["width"] == 16]
    assert {row["source"] for row in rows} == {"SqueezeNet 1.1"}
    assert sum(row["digits"] for row in rows) == sum(row["bits"] for row in rows) == 1_231_552
