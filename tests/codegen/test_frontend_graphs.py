"""The PyTorch front end on branches, functions and layers beyond a plain chain, against torch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from test_frontend import Calls, assert_same_as_torch, randomized
from torch import nn
from torch.nn import functional

from shiftloom.codegen.frontends.torch_frontend import from_torch
from shiftloom.codegen.graph import GraphInput
from shiftloom.codegen.values import Shape

LAYERS = (
    nn.Conv2d(4, 8, 3, groups=2),
    nn.Conv2d(4, 4, 3, groups=4, bias=False),
    nn.Conv2d(4, 3, (3, 2), dilation=(2, 1), padding=(2, 1), stride=(1, 2)),
    nn.Conv2d(4, 3, (2, 4), padding="same", dilation=(3, 1)),
    nn.Conv2d(4, 3, 2, padding="valid"),
    nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2),
    nn.ConvTranspose2d(4, 3, (2, 3), stride=(3, 1), dilation=(1, 2), bias=False),
    nn.MaxPool2d(2, dilation=2),
    nn.MaxPool2d(3, 2, 1),
    nn.AvgPool2d(3, 2, 1, count_include_pad=False),
    nn.AdaptiveAvgPool2d(1),
    nn.AdaptiveAvgPool2d((1, 1)),
    nn.AdaptiveMaxPool2d(1),
    nn.ReLU6(),
    nn.Hardtanh(-0.3, 0.4),
    nn.LeakyReLU(0.2),
    nn.PReLU(),
    nn.PReLU(4, init=0.3),
    nn.Hardswish(),
    nn.Hardsigmoid(),
    nn.Sigmoid(),
    nn.SiLU(),
    nn.Tanh(),
    nn.Softmax(1),
    nn.ZeroPad2d((1, 2, 0, 3)),
    nn.ZeroPad2d((-1, 0, -2, 1)),
    nn.ConstantPad2d(1, 0.25),
    nn.Upsample(scale_factor=2),
    nn.Upsample(scale_factor=(1, 3)),
    nn.Upsample(size=(14, 5)),
    nn.UpsamplingNearest2d(scale_factor=3),
    nn.ChannelShuffle(2),
    nn.Flatten(1, 3),
)


@pytest.mark.parametrize("layer", LAYERS, ids=repr)
def test_layers_equal_torch(layer: nn.Module) -> None:
    torch.manual_seed(0)
    # signed values before the layer, so that its padding and its negative side show
    module = nn.Sequential(randomized(nn.BatchNorm2d(4)), layer)
    assert_same_as_torch(module, (7, 5, 4))


CALLS: tuple[Callable[..., object], ...] = (
    lambda self, x: self.a(x) + self.b(x),
    lambda self, x: self.a(x) - self.b(x),
    lambda self, x: torch.add(self.a(x), x) + x,
    lambda self, x: 3 - self.a(x) * 2 / 5 + 1,
    lambda self, x: -(self.a(x).add_(x)),
    lambda self, x: torch.cat([self.a(x), x, self.b(x)], dim=1),
    lambda self, x: torch.cat((self.a(x)[:, 1:3], self.b(x)[:, :1]), 1),
    lambda self, x: self.a(x)[:, 1::2],
    lambda self, x: self.a(x)[:, :, 1:5, 2:],
    lambda self, x: self.a(x)[..., ::2],
    lambda self, x: torch.cat(self.a(x).chunk(2, 1)[::-1], 1),
    lambda self, x: torch.cat(torch.split(self.a(x), [1, 3], dim=1)[::-1], 1),
    lambda self, x: functional.relu6(self.a(x)),
    lambda self, x: functional.hardtanh(self.a(x), -0.1, 0.2),
    lambda self, x: functional.leaky_relu(self.a(x), 0.3),
    lambda self, x: functional.hardswish(self.a(x)) + functional.hardsigmoid(x),
    lambda self, x: torch.sigmoid(self.a(x)) + torch.tanh(x) + x.sigmoid() + x.tanh(),
    lambda self, x: (y := self.a(x)) * functional.relu6(y + 3) / 6,
    lambda self, x: ((y := self.a(x).transpose(2, 3)) * torch.sigmoid(y * 1.7)).transpose(2, 3),
    lambda self, x: functional.silu(self.a(x)) * 2,
    lambda self, x: torch.clamp(self.a(x), min=-0.1) + self.b(x).clamp(max=0.2),
    lambda self, x: functional.softmax(self.a(x), dim=1),
    lambda self, x: functional.max_pool2d(self.a(x), 2),
    lambda self, x: functional.max_pool2d(self.a(x), 3, 2, 1),
    lambda self, x: functional.avg_pool2d(self.a(x), (2, 1), stride=2),
    lambda self, x: functional.adaptive_avg_pool2d(self.a(x), 1),
    lambda self, x: functional.interpolate(self.a(x), scale_factor=2),
    lambda self, x: functional.pad(self.a(x), (1, 0, 2, 1)),
    lambda self, x: functional.dropout(self.a(x), training=self.training),
    lambda self, x: self.a(x).mean((2, 3)),
    lambda self, x: torch.mean(self.a(x), dim=[2, 3], keepdim=True),
    lambda self, x: self.a(x).mean((-2, -1)),
    lambda self, x: self.a(x).argmax(1, keepdim=True),
    lambda self, x: self.a(x).flatten(1),
    lambda self, x: self.a(x).contiguous().view(x.size(0), -1),
    lambda self, x: self.fc(self.a(x).permute(0, 2, 3, 1)).permute(0, 3, 1, 2),
    lambda self, x: self.a(x).reshape(-1, 140),
    lambda self, x: self.a(x).reshape((x.shape[0], 140)),
    lambda self, x: self.a(x).permute(0, 2, 3, 1).permute(0, 3, 1, 2).contiguous(),
    lambda self, x: torch.relu(self.a(x).permute(0, 2, 3, 1)).flatten(1),
    lambda self, x: torch.relu(self.a(x)).transpose(1, 2).transpose(1, 2),
    lambda self, x: self.a(x).mean((2, 3), keepdim=True).squeeze(3).squeeze(2).unsqueeze(2),
    lambda self, x: _shuffled(self.a(x), 2),
)


def _shuffled(x: torch.Tensor, groups: int) -> torch.Tensor:
    """ShuffleNet's way to shuffle channels."""
    batch, channels, height, width = x.size()
    x = x.view(batch, groups, channels // groups, height, width)
    return torch.transpose(x, 1, 2).contiguous().view(batch, -1, height, width)


@pytest.mark.parametrize("call", CALLS)
def test_calls_equal_torch(call: Callable[..., object]) -> None:
    torch.manual_seed(0)
    layers = {"a": nn.Conv2d(4, 4, 1), "b": nn.Conv2d(4, 4, 3, padding=1), "fc": nn.Linear(4, 3)}
    assert_same_as_torch(Calls(call, **layers), (7, 5, 4))


@pytest.mark.parametrize(
    "layers",
    [
        (nn.Conv1d(3, 4, 3, padding=1, stride=2), nn.ReLU(), nn.MaxPool1d(2), nn.AvgPool1d(2)),
        (nn.Conv1d(3, 6, 3, groups=3, dilation=2), nn.BatchNorm1d(6), nn.AdaptiveAvgPool1d(1)),
        (nn.Conv1d(3, 2, 2, padding="same"), nn.Flatten(), nn.Linear(40, 3)),
        (nn.Conv1d(3, 2, 3), nn.ConstantPad1d((1, 2), 0.5), nn.PReLU(2)),
    ],
)
def test_one_dimensional_layers_equal_torch(layers: tuple[nn.Module, ...]) -> None:
    torch.manual_seed(0)
    module = Calls(lambda self, x: self.body(x.squeeze(2)), body=nn.Sequential(*layers))
    assert_same_as_torch(module, (1, 20, 3))


def test_a_residual_network_equals_torch() -> None:
    torch.manual_seed(0)

    def forward(self: nn.Module, x: torch.Tensor) -> torch.Tensor:
        y = functional.relu(self.stem(x))
        y = functional.relu(self.norm(self.left(y)) + y)
        y = torch.cat([self.down(y), functional.max_pool2d(y, 2)], 1)
        return self.fc(functional.adaptive_avg_pool2d(y, 1).flatten(1))

    module = Calls(
        forward,
        stem=nn.Conv2d(3, 4, 3, padding=1),
        left=nn.Conv2d(4, 4, 3, padding=1, bias=False),
        norm=randomized(nn.BatchNorm2d(4)),
        down=nn.Conv2d(4, 6, 2, stride=2),
        fc=nn.Linear(10, 5),
    )
    assert_same_as_torch(module, (8, 6, 3))


@pytest.mark.parametrize("shape", [(4, 6, 2), (1, 6, 4)])
def test_several_outputs_come_by_name(shape: Shape) -> None:
    torch.manual_seed(0)
    module = Calls(
        lambda self, x: (self.b(y := self.a(x)), y), a=nn.Conv2d(shape[2], 3, 1), b=nn.ReLU()
    )
    graph = from_torch(module, "net", GraphInput(shape))
    assert graph.outputs == ("b", "a")
    run = graph.run(np.ones((2, *shape), dtype=np.uint8))
    assert np.array_equal(run["b"], np.maximum(run["a"], 0))
