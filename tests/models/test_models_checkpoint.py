"""Checkpoints: the shipped one is accurate, and what is not a plain state_dict is refused."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.models import datasets
from shiftloom.models.checkpoint import SHIPPED, load_checkpoint, save_checkpoint
from shiftloom.models.evaluate import accuracy, logits
from shiftloom.models.registry import trainable

LENET = trainable("lenet5")
State = dict[str, torch.Tensor]


@pytest.fixture
def state() -> State:
    return dict(load_checkpoint(LENET).state_dict())


def refusal(path: Path) -> ShiftloomError:
    with pytest.raises(ShiftloomError) as caught:
        load_checkpoint(LENET, path)
    return caught.value


def saved(content: object, path: Path) -> Path:
    torch.save(content, path)
    return path


def test_shipped_checkpoint_is_accurate() -> None:
    frames, labels = datasets.load(LENET.dataset, "test")
    assert len(labels) == 10_000
    assert accuracy(logits(LENET, load_checkpoint(LENET), frames), labels) >= 0.990


def test_accuracy_can_fail() -> None:
    frames, labels = datasets.load(LENET.dataset, "test")
    assert accuracy(logits(LENET, LENET.build(), frames[:1000]), labels[:1000]) < 0.5


def test_shipped_checkpoint_is_small_float32_and_in_eval_mode() -> None:
    module = load_checkpoint(LENET)
    assert not module.training
    assert {value.dtype for value in module.parameters()} == {torch.float32}
    assert (SHIPPED / LENET.checkpoint).stat().st_size < 300_000


def test_saving_is_deterministic_and_exact(state: State, tmp_path: Path) -> None:
    save_checkpoint(state, tmp_path / "a.pt")
    save_checkpoint(state, tmp_path / "b.pt")
    assert (tmp_path / "a.pt").read_bytes() == (tmp_path / "b.pt").read_bytes()
    again = load_checkpoint(LENET, tmp_path / "a.pt").state_dict()
    assert all(torch.equal(again[key], value) for key, value in state.items())


def test_double_precision_is_taken(state: State, tmp_path: Path) -> None:
    path = saved({key: value.double() for key, value in state.items()}, tmp_path / "double.pt")
    assert torch.equal(load_checkpoint(LENET, path).state_dict()["fc3.bias"], state["fc3.bias"])


def test_missing_file(tmp_path: Path) -> None:
    assert str(refusal(tmp_path / "no.pt")).endswith(
        "no.pt: is not there; give the path of a .pt file"
    )


def test_pt2_is_refused_by_name_and_by_content(tmp_path: Path) -> None:
    path = tmp_path / "program.pt2"
    program = torch.export.export(torch.nn.ReLU(), (torch.zeros(1),))
    torch.export.save(program, path)
    assert refusal(path).problem == "is a .pt2 program, whose loading can execute code"
    renamed = path.rename(tmp_path / "program.pt")
    assert refusal(renamed).problem.startswith("is damaged or holds more than tensors")


def test_code_in_a_pickle_does_not_run(tmp_path: Path) -> None:
    target = tmp_path / "executed"

    class Hostile:
        def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
            return os.mkdir, (str(target),)

    path = saved({"conv1.weight": Hostile()}, tmp_path / "hostile.pt")
    assert refusal(path).problem.startswith("is damaged or holds more than tensors")
    assert not target.exists()


def test_whole_module_is_refused(tmp_path: Path) -> None:
    path = saved(LENET.build(), tmp_path / "module.pt")
    assert "holds more than tensors" in str(refusal(path))
    assert refusal(path).hint == "save it with torch.save(module.state_dict(), 'name.pt')"


@pytest.mark.parametrize("size", [0, 10, 1000, 200_000])
def test_truncated_file(size: int, tmp_path: Path) -> None:
    path = tmp_path / "short.pt"
    path.write_bytes((SHIPPED / LENET.checkpoint).read_bytes()[:size])
    assert refusal(path).problem.startswith("is damaged or no PyTorch zip file")


def test_too_large_a_file(state: State, tmp_path: Path) -> None:
    path = saved({**state, "extra": torch.zeros(1 << 20)}, tmp_path / "large.pt")
    assert refusal(path).problem.endswith("bytes, at most 2,035,872 are read")


def test_not_a_mapping(tmp_path: Path) -> None:
    path = saved([torch.zeros(1)], tmp_path / "list.pt")
    assert refusal(path).problem == "holds a list, expected a state_dict"


def test_missing_key(state: State, tmp_path: Path) -> None:
    del state["fc2.bias"]
    error = refusal(saved(state, tmp_path / "x.pt"))
    assert error.problem == "does not fit lenet5: lacks 'fc2.bias'"


def test_unexpected_key_names_the_nearest(state: State, tmp_path: Path) -> None:
    state["fc2.biass"] = state.pop("fc2.bias")
    error = refusal(saved(state, tmp_path / "x.pt"))
    assert error.problem == "does not fit lenet5: lacks 'fc2.bias'; has unexpected 'fc2.biass'"
    assert error.hint.startswith("did you mean 'fc2.bias'? known: conv1.weight, conv1.bias, ")


def test_many_unexpected_keys_are_counted(state: State, tmp_path: Path) -> None:
    state.update({f"layer{i}": torch.zeros(1) for i in range(11)})
    error = refusal(saved(state, tmp_path / "x.pt"))
    assert error.problem.endswith("'layer7' and 3 more")


def test_wrong_shape(state: State, tmp_path: Path) -> None:
    state["fc3.weight"] = state["fc3.weight"][:9]
    error = refusal(saved(state, tmp_path / "x.pt"))
    assert str(error).startswith("fc3.weight: has shape (9, 84), expected (10, 84); ")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_not_finite(value: float, state: State, tmp_path: Path) -> None:
    state["conv2.weight"][3, 1, 4, 0] = value
    assert str(refusal(saved(state, tmp_path / "x.pt"))) == (
        f"conv2.weight: has {value} at (3, 1, 4, 0), 1 such values in all; "
        "every weight must be finite, at most 3.4e+38 in magnitude"
    )


def test_a_double_too_large_for_float32(state: State, tmp_path: Path) -> None:
    state["fc3.bias"] = state["fc3.bias"].double()
    state["fc3.bias"][2] = 1e300
    assert "fc3.bias: has 1e+300 at (2,)" in str(refusal(saved(state, tmp_path / "x.pt")))


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (
            torch.zeros(10, dtype=torch.int32),
            "is a torch.int32 tensor of layout torch.strided on cpu",
        ),
        (
            torch.zeros(10, device="meta"),
            "is a torch.float32 tensor of layout torch.strided on meta",
        ),
        (
            torch.zeros(10).to_sparse(),
            "is a torch.float32 tensor of layout torch.sparse_coo on cpu",
        ),
        (3, "is of type int, expected a tensor"),
    ],
    ids=["integers", "no-data", "sparse", "no-tensor"],
)
def test_other_kinds_of_value(value: object, problem: str, state: State, tmp_path: Path) -> None:
    error = refusal(saved({**state, "fc3.bias": value}, tmp_path / "x.pt"))
    assert (error.node, error.problem) == ("fc3.bias", problem)


def test_a_flipped_bit_is_refused(tmp_path: Path) -> None:
    """Torch does not look at the archive's checksums, so the loader does."""
    content = bytearray((SHIPPED / "lenet5.pt").read_bytes())
    content[len(content) // 2] ^= 1
    broken = tmp_path / "broken.pt"
    broken.write_bytes(content)
    with pytest.raises(ShiftloomError, match=r"broken\.pt: is damaged: '.*' has a wrong checksum"):
        load_checkpoint(LENET, broken)
