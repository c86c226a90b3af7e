"""The registry: lookup by name, what a network promises, and importing without torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.models import datasets, folder
from shiftloom.models.checkpoint import load_checkpoint
from shiftloom.models.lenet5 import LENET5
from shiftloom.models.recipe import load_recipe
from shiftloom.models.registry import NETWORKS, ONNX_NETWORKS, Network, OnnxNetwork, get, trainable


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.name)
def test_network_keeps_its_promises(network: Network, request: pytest.FixtureRequest) -> None:
    given = None if network.dataset == LENET5.dataset else request.getfixturevalue("data")
    frames, _ = datasets.load(network.dataset, "test", given)
    assert get(network.name) is network
    assert frames.shape[1:] == network.input_shape
    assert int(frames.max()) < 1 << network.input_bits
    inputs = network.to_torch(frames[:3])
    height, width, channels = network.input_shape
    assert inputs.shape == (3, channels, height, width)
    assert load_checkpoint(network)(inputs).shape == (3, network.outputs)


@pytest.mark.parametrize("network", ONNX_NETWORKS, ids=lambda network: network.name)
def test_onnx_network_keeps_its_promises(network: OnnxNetwork, data: Path) -> None:
    frames, labels = datasets.load(network.dataset, "test", data)
    assert labels is not None
    assert get(network.name) is network
    assert frames.shape[1:] == network.input_shape
    assert int(labels.max()) == network.outputs - 1
    assert folder.read(folder.find(network.file, data), network.sha256)


def test_every_shipped_checkpoint_has_its_recipe() -> None:
    trained = [network for network in NETWORKS if network.checkpoint is not None]
    assert all(load_recipe(network.name).epochs > 0 for network in trained)


def test_names_are_unique() -> None:
    names = [network.name for network in (*NETWORKS, *ONNX_NETWORKS)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", ["mobilenet_v1_025", "autoencoder", "resnet18"])
def test_random_weights_are_the_same_at_every_call(name: str) -> None:
    one, two = (trainable(name).build().state_dict() for _ in range(2))
    assert all(torch.equal(one[key], two[key]) for key in one)


@pytest.mark.parametrize(
    ("name", "share"), [("mobilenet_v1_025", 0.05), ("autoencoder", 0.05), ("resnet18", 0.02)]
)
def test_random_weights_keep_the_frames_apart(name: str, share: float) -> None:
    """The deeper a network of random weights is, the closer its outputs lie together."""
    network = trainable(name)
    frames, labels = datasets.load(network.dataset, "test")
    assert labels is None
    outputs = load_checkpoint(network)(network.to_torch(frames[:16]))
    assert float(outputs.std(dim=0).mean()) > share * float(outputs.std())


def test_onnx_file_cannot_be_trained() -> None:
    with pytest.raises(
        ShiftloomError, match=r"^network 'mlperf_resnet8': comes as a trained ONNX file; "
    ):
        trainable("mlperf_resnet8")


def test_input_is_the_scaled_pixel() -> None:
    network = trainable("lenet5")
    frames, _ = datasets.load("mnist", "test")
    inputs = network.to_torch(frames[:100])
    assert torch.equal(
        (inputs * 255).round().to(torch.uint8)[:, 0], torch.from_numpy(frames[:100, ..., 0])
    )
    assert float(inputs.min()) == 0.0
    assert float(inputs.max()) == 1.0


def test_lenet5_has_the_classic_shape() -> None:
    shapes = {name: tuple(value.shape) for name, value in LENET5.build().named_parameters()}
    assert shapes["conv1.weight"] == (6, 1, 5, 5)
    assert shapes["conv2.weight"] == (16, 6, 5, 5)
    assert [shapes[f"fc{i}.weight"] for i in (1, 2, 3)] == [(120, 400), (84, 120), (10, 84)]
    assert sum(value.numel() for value in LENET5.build().parameters()) == 61_706


@pytest.mark.parametrize("name", ["lenet-5", "LeNet5", "lenet"])
def test_unknown_network_names_the_nearest(name: str) -> None:
    with pytest.raises(ShiftloomError) as caught:
        get(name)
    assert str(caught.value).startswith(
        f"network {name!r}: is not known; did you mean 'lenet5'? known: lenet5, "
    )


def test_unknown_network_without_a_near_one() -> None:
    with pytest.raises(ShiftloomError, match=r"^network 'zzz': is not known; known: lenet5, "):
        get("zzz")


def test_unknown_data_set() -> None:
    with pytest.raises(ShiftloomError, match=r"^data set 'mnits': .*did you mean 'mnist'\?"):
        datasets.load("mnits", "test")


def test_import_needs_no_torch() -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from shiftloom.models import checkpoint, datasets, evaluate, recipe, registry\n"
        "print(registry.get('lenet5').name)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "lenet5\n"
