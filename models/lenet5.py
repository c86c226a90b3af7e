"""LeNet-5 for MNIST: two 5x5 convolutions with max-pooling, then 400-120-84-10."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from shiftloom.models.network import Network, TunedNetwork

if TYPE_CHECKING:
    from torch import nn


def build() -> nn.Module:
    """LeNet-5 with fresh weights: float [N, 1, 28, 28] in, 10 logits out."""
    from torch import nn

    layers: tuple[tuple[str, nn.Module], ...] = (
        ("conv1", nn.Conv2d(1, 6, 5, padding=2)),
        ("relu1", nn.ReLU()),
        ("pool1", nn.MaxPool2d(2)),
        ("conv2", nn.Conv2d(6, 16, 5)),
        ("relu2", nn.ReLU()),
        ("pool2", nn.MaxPool2d(2)),
        ("flatten", nn.Flatten()),
        ("fc1", nn.Linear(400, 120)),
        ("relu3", nn.ReLU()),
        ("fc2", nn.Linear(120, 84)),
        ("relu4", nn.ReLU()),
        ("fc3", nn.Linear(84, 10)),
    )
    return nn.Sequential(OrderedDict(layers))


LENET5 = Network(
    name="lenet5",
    doc="LeNet-5 on MNIST: 28x28 grey pixels, 10 digits, 61,706 parameters",
    input_shape=(28, 28, 1),
    build=build,
    checkpoint="lenet5.pt",
    dataset="mnist",
    outputs=10,
)

LENET5_W3 = TunedNetwork("lenet5_w3", "LeNet-5 tuned with 3-bit weights", "lenet5")
LENET5_W2 = TunedNetwork("lenet5_w2", "LeNet-5 tuned with 2-bit weights", "lenet5")
LENET5_SPARSE = TunedNetwork(
    "lenet5_sparse", "LeNet-5 with four in five weights 0, pruned and tuned with 3 bits", "lenet5"
)
