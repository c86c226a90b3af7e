"""The PyTorch front end: every layer against torch, layout, names and refusals."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from refusals import refuses
from torch import nn
from torch.nn import functional

from shiftloom.codegen.frontends.torch_frontend import from_torch
from shiftloom.codegen.frontends.torch_modules import SUPPORTED
from shiftloom.codegen.graph import Graph, GraphInput
from shiftloom.codegen.names import MAX_NODE_LENGTH
from shiftloom.codegen.ops.affine import Affine
from shiftloom.codegen.ops.fold import fold_affines
from shiftloom.codegen.ops.relu import Relu
from shiftloom.codegen.values import Shape

INPUT = GraphInput((6, 5, 3))
TRACING_HINT = "use a feed-forward module without control flow"


class Calls(nn.Module):
    """A module whose forward is the given function of itself and its input."""

    def __init__(self, forward: Callable[..., object], **layers: nn.Module) -> None:
        super().__init__()
        self.call = forward
        for name, layer in layers.items():
            self.add_module(name, layer)

    def forward(self, x: torch.Tensor) -> object:
        return self.call(self, x)


def graph_of(module: nn.Module, shape: Shape = INPUT.shape) -> Graph:
    return from_torch(module, "net", GraphInput(shape, scale=1 / 255))


def assert_same_as_torch(module: nn.Module, shape: Shape, seed: int = 0) -> Graph:
    """The float graph gives torch's output within 1e-5; returns the graph."""
    graph = graph_of(module, shape)
    x = np.random.default_rng(seed).integers(0, 256, (3, *shape), dtype=np.uint8)
    with torch.no_grad():
        nchw = torch.from_numpy(x.astype(np.float32) / 255).permute(0, 3, 1, 2)
        expected = module.eval()(nchw)
    if expected.ndim > 2:
        expected = expected.movedim(1, -1)
    got = graph.run(x)["output"]
    assert got.dtype == np.float32
    assert np.abs(got.reshape(expected.shape) - expected.numpy()).max() < 1e-5
    assert graph.shapes()[graph.nodes[-1].name] == got.shape[1:]
    return graph


def randomized(norm: nn.BatchNorm2d | nn.BatchNorm1d) -> nn.Module:
    """The BatchNorm with statistics and an affine part as training leaves them."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    torch.manual_seed(1)
    norm.running_mean.uniform_(-1, 1)
    norm.running_var.uniform_(0.2, 3)
    if norm.affine:
        nn.init.uniform_(norm.weight, -1.5, 1.5)
        nn.init.uniform_(norm.bias, -1, 1)
    return norm


pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))


@given(
    size=st.tuples(st.integers(3, 8), st.integers(3, 8)),
    channels=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    kernel=pairs,
    stride=pairs,
    padding=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    bias=st.booleans(),
)
def test_conv2d_equals_torch(
    size: tuple[int, int],
    channels: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
    bias: bool,
) -> None:
    padding = (min(padding[0], kernel[0] - 1), min(padding[1], kernel[1] - 1))
    torch.manual_seed(0)
    conv = nn.Conv2d(*channels, kernel, stride, padding, bias=bias)
    assert_same_as_torch(nn.Sequential(conv), (*size, channels[0]))


@given(
    kind=st.sampled_from([nn.MaxPool2d, nn.AvgPool2d]),
    size=st.tuples(st.integers(3, 8), st.integers(3, 8)),
    kernel=pairs,
    stride=st.none() | pairs,
    padded=st.tuples(st.booleans(), st.booleans()),
)
def test_pools_equal_torch(
    kind: type[nn.MaxPool2d] | type[nn.AvgPool2d],
    size: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int] | None,
    padded: tuple[bool, bool],
) -> None:
    padding = (kernel[0] // 2 * padded[0], kernel[1] // 2 * padded[1])
    # signed inputs, so that padding a maximum with zeros would show
    module = nn.Sequential(nn.Conv2d(2, 2, 1), kind(kernel, stride, padding))
    torch.manual_seed(0)
    assert_same_as_torch(module, (*size, 2))


@given(inputs=st.integers(1, 20), outputs=st.integers(1, 9), bias=st.booleans())
def test_linear_equals_torch(inputs: int, outputs: int, bias: bool) -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Flatten(), nn.Linear(inputs, outputs, bias=bias))
    assert_same_as_torch(module, (1, 1, inputs))


@given(shape=st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(1, 5)))
def test_flatten_permutes_the_next_linear_layer(shape: Shape) -> None:
    torch.manual_seed(0)
    features = shape[0] * shape[1] * shape[2]
    module = nn.Sequential(nn.Flatten(), nn.Linear(features, 4), nn.ReLU(), nn.Linear(4, 3))
    assert_same_as_torch(module, shape)


@pytest.mark.parametrize(
    "between",
    [
        (nn.Flatten(), nn.ReLU()),
        (nn.ReLU(), nn.Flatten(), nn.Identity(), nn.Dropout()),
        (nn.Flatten(), nn.Flatten()),
        (nn.Dropout2d(), nn.Flatten(), nn.Dropout(), nn.ReLU()),
    ],
)
def test_flatten_permutation_survives_layers_between(between: tuple[nn.Module, ...]) -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 2, 3), *between, nn.Linear(4 * 3 * 2, 5))
    assert_same_as_torch(module, (6, 5, 3))


@pytest.mark.parametrize(
    "tail",
    [
        lambda self, x: self.fc(torch.flatten(functional.relu(self.conv(x)), 1)),
        lambda self, x: self.fc(torch.relu(self.conv(x)).flatten(1)),
        lambda self, x: self.fc(torch.flatten(self.conv(x).relu(), start_dim=1, end_dim=-1)),
        lambda self, x: self.fc(functional.relu(self.conv(x), inplace=True).flatten(1, -1)),
        lambda self, x: self.fc(self.conv(x).relu_().flatten(start_dim=1)),
        lambda self, x: self.fc(input=torch.relu(self.conv(input=x)).flatten(1)),
    ],
)
def test_functional_relu_and_flatten(tail: Callable[..., object]) -> None:
    torch.manual_seed(0)
    module = Calls(tail, conv=nn.Conv2d(3, 2, 3), fc=nn.Linear(24, 5))
    graph = assert_same_as_torch(module, (6, 5, 3))
    assert [type(node.op).__name__ for node in graph.nodes] == [
        *("Conv2d", "Relu", "Flatten", "Linear")
    ]


@pytest.mark.parametrize("affine", [True, False])
def test_batch_norms_equal_torch_and_fold_exactly(affine: bool) -> None:
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(3, 4, 3, bias=False),
        randomized(nn.BatchNorm2d(4, affine=affine)),
        randomized(nn.BatchNorm2d(4, eps=0.1)),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(4 * 4 * 3, 5),
        randomized(nn.BatchNorm1d(5, affine=affine)),
    )
    graph = assert_same_as_torch(module, (6, 5, 3))
    folded = fold_affines(graph)
    assert [node.name for node in folded.nodes] == ["n_0", "n_3", "n_5_flatten", "n_5"]
    assert not any(isinstance(node.op, Affine) for node in folded.nodes)
    x = np.random.default_rng(0).integers(0, 256, (4, 6, 5, 3), dtype=np.uint8)
    assert np.abs(folded.run(x)["output"] - graph.run(x)["output"]).max() < 1e-5


def test_batch_norms_stay_where_no_layer_can_take_them() -> None:
    module = nn.Sequential(
        randomized(nn.BatchNorm2d(3)),
        nn.Conv2d(3, 2, 1),
        nn.ReLU(),
        randomized(nn.BatchNorm2d(2)),
    )
    graph = assert_same_as_torch(module, (4, 4, 3))
    assert fold_affines(graph) == graph


def test_a_layer_that_others_read_keeps_its_batch_norm() -> None:
    module = Calls(
        lambda self, x: (y := self.conv(x)) + self.norm(y),
        conv=nn.Conv2d(3, 3, 1),
        norm=randomized(nn.BatchNorm2d(3)),
    )
    graph = assert_same_as_torch(module, (4, 4, 3))
    assert fold_affines(graph) == graph


def test_a_module_called_twice_makes_two_nodes() -> None:
    module = Calls(
        lambda self, x: self.relu(self.b(self.relu(self.a(x)))),
        a=nn.Conv2d(3, 3, 1),
        b=nn.Conv2d(3, 3, 1),
        relu=nn.ReLU(),
    )
    graph = assert_same_as_torch(module, (4, 4, 3))
    assert [node.name for node in graph.nodes] == ["a", "relu", "b", "relu_1"]


def test_tracing_leaves_the_module_in_its_mode() -> None:
    module = nn.Sequential(nn.ReLU(), nn.Dropout())
    module.train()
    module[0].eval()
    graph_of(module)
    assert [m.training for m in module.modules()] == [True, False, True]


def test_evaluation_branches_are_taken() -> None:
    module = Calls(
        lambda self, x: self.aux(x) if self.training else self.body(x),
        aux=nn.LSTM(3, 3),
        body=nn.ReLU(),
    )
    assert [node.name for node in graph_of(module.train()).nodes] == ["body"]


def test_names_are_made_safe() -> None:
    names = ("Conv.Block", "2nd", "module", "a-b; $finish", "Ünïcode", "_x", 'q"\nimport os', "clk")
    layers = nn.ModuleDict()

    def forward(self: nn.Module, x: torch.Tensor) -> torch.Tensor:
        for name in expected:
            x = layers.get_submodule(name)(x)
        return x

    expected = [name.replace(".", "·") for name in names]
    for name in expected:
        layers.add_module(name, nn.ReLU())
    nodes = graph_of(Calls(forward, layers=layers)).nodes
    assert [node.name.removeprefix("layers_") for node in nodes] == [
        *("conv_block", "2nd", "module", "a_b___finish", "_n_code", "_x", "q__import_os", "clk")
    ]
    alone = nn.Sequential()
    alone.add_module("module", nn.ReLU())
    alone.add_module("input", nn.ReLU())
    assert [node.name for node in graph_of(alone).nodes] == ["n_module", "n_input"]


def test_names_that_become_equal_are_numbered() -> None:
    module = nn.Sequential()
    for name in ("a-b", "a+b", "A_B", "a_b_1"):
        module.add_module(name, nn.ReLU())
    assert [n.name for n in graph_of(module).nodes] == ["a_b", "a_b_1", "a_b_2", "a_b_1_1"]


def test_a_name_too_long_is_refused() -> None:
    long = "x" * (MAX_NODE_LENGTH + 1)
    module = nn.Sequential()
    module.add_module(long, nn.ReLU())
    with refuses(
        f"{long}: a name of {MAX_NODE_LENGTH + 1} characters; use at most {MAX_NODE_LENGTH}"
    ):
        graph_of(module)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (
            nn.Conv2d(3, 2, 3, padding=1, padding_mode="reflect"),
            "unsupported padding_mode='reflect'; use padding_mode='zeros'",
        ),
        (nn.Conv2d(2, 2, 3), "weights take 2 channels, the input has 3; check the model"),
        (
            nn.Conv2d(3, 2, 9),
            "kernel 9 exceeds the padded input height 6 + 0; use a kernel of at most 6",
        ),
        (
            nn.Conv2d(3, 2, (1, 7), padding=(0, 0)),
            "kernel 7 exceeds the padded input width 5 + 0; use a kernel of at most 5",
        ),
        (nn.Conv2d(3, 2, 3, padding=4), "padding 4 is not smaller than the kernel 3; use 0 to 2"),
        (nn.MaxPool2d(2, ceil_mode=True), "unsupported ceil_mode=True; use ceil_mode=False"),
        (nn.AvgPool2d(2, ceil_mode=True), "unsupported ceil_mode=True; use ceil_mode=False"),
        (
            nn.MaxPool2d(2, return_indices=True),
            "unsupported return_indices=True; use return_indices=False",
        ),
        (
            nn.AvgPool2d(2, divisor_override=3),
            "unsupported divisor_override=3; use divisor_override=None",
        ),
        (nn.MaxPool2d((2, 2, 2)), "kernel_size=(2, 2, 2); use an integer or a pair of them"),
        (nn.MaxPool2d(3, padding=3), "padding 3 is not smaller than the kernel 3; use 0 to 2"),
        (
            nn.AvgPool2d(0),
            "kernel (0, 0), stride (0, 0), padding (0, 0); "
            "kernel, stride and dilation must be at least 1, padding at least 0",
        ),
        (nn.BatchNorm2d(5), "normalizes 5 channels, the input has 3; check the model"),
        (
            nn.BatchNorm2d(3, track_running_stats=False),
            "has no running statistics; track_running_stats=True",
        ),
        (nn.Flatten(0), "unsupported start_dim=0; use start_dim=1"),
        (nn.Flatten(1, 2), "unsupported end_dim=2; use end_dim=-1"),
        (
            nn.Linear(3, 2),
            "weights take a vector of 3, the input is [3, 6, 5]; "
            "put a Flatten before it, or check the input size",
        ),
        (nn.Softplus(), f"unsupported module Softplus; {SUPPORTED}"),
        (
            nn.PixelShuffle(2),
            "unsupported module PixelShuffle; use Upsample, or strided convolutions",
        ),
        (
            nn.LayerNorm(5),
            "unsupported module LayerNorm; use BatchNorm, whose scale is fixed",
        ),
        (nn.Conv3d(3, 3, 1), "unsupported module Conv3d; use 1-D or 2-D layers"),
        (
            nn.AdaptiveAvgPool2d((2, 1)),
            "unsupported output_size=(2, 1); use output_size=1",
        ),
        (nn.Softmax(0), "unsupported dim=0; use dim=1"),
        (nn.Upsample(scale_factor=1.5), "scales by [1.5, 1.5]; use whole factors"),
        (
            nn.Upsample(scale_factor=2, mode="bilinear"),
            "unsupported mode='bilinear'; use mode='nearest'",
        ),
        (nn.ChannelShuffle(2), "2 groups of 3 channels; use a divisor of them"),
        (
            nn.AdaptiveMaxPool2d(1, return_indices=True),
            "unsupported return_indices=True; use return_indices=False",
        ),
        (nn.Conv1d(3, 2, 1), "kernel_size=(1,); use an integer or a pair of them"),
        (nn.ConstantPad2d(1, float("inf")), "pads with inf; use a finite value"),
        (nn.ZeroPad2d(-3), "leaves nothing; keep at least one element"),
        (nn.ZeroPad2d((1, 1, 1, 1, 1, 1)), "pads the channels; pads rows and columns only"),
        (
            nn.LSTM(3, 3),
            "unsupported module LSTM; recurrence and attention are not supported",
        ),
        (
            nn.GRUCell(3, 3),
            "unsupported module GRUCell; recurrence and attention are not supported",
        ),
        (
            nn.TransformerEncoderLayer(3, 1),
            "unsupported module TransformerEncoderLayer; "
            "recurrence and attention are not supported",
        ),
    ],
)
def test_layers_that_are_refused(layer: nn.Module, message: str) -> None:
    with refuses(f"layer: {message}"):
        graph_of(Calls(lambda self, x: self.layer(x), layer=layer))


def test_count_include_pad_is_free_without_padding() -> None:
    module = nn.Sequential(nn.AvgPool2d(2, count_include_pad=False))
    assert_same_as_torch(module, (6, 5, 3))


def test_attention_is_refused_by_name_however_it_is_called() -> None:
    message = "unsupported module MultiheadAttention; recurrence and attention are not supported"
    attention = nn.MultiheadAttention(3, 1)
    for call in (
        lambda self, x: self.attention(x, x, x),
        lambda self, x: self.attention(query=x, key=x, value=x),
    ):
        with refuses(f"attention: {message}"):
            graph_of(Calls(call, attention=attention))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda self, x: x.cumsum(1), f"cumsum: unsupported call 'cumsum'; {SUPPORTED}"),
        (lambda self, x: torch.exp(x), f"exp: unsupported call 'exp'; {SUPPORTED}"),
        (
            lambda self, x: functional.interpolate(x, 2, antialias=True),
            f"interpolate: arguments ['antialias', 'scale_factor', 'size']; {SUPPORTED}",
        ),
        (
            lambda self, x: x.view(-1, 45),
            "view: shape [2, 45] of [1, 3, 6, 5], for a batch of 1; "
            "keep the batch as the first dimension",
        ),
        (
            lambda self, x: x.view(-1, -1),
            "view: shape [-1, -1]; use integers, one of them −1 at most",
        ),
        (lambda self, x: x[0], "getitem: index 0; use slices, x[:, a:b]"),
        (
            lambda self, x: x[0:1],
            "getitem: index slice(0, 1, None); keep the batch as the first dimension",
        ),
        (
            lambda self, x: torch.cat([x, x]),
            "cat: dim=0; use 1 to 3; the batch is dimension 0",
        ),
        (
            lambda self, x: torch.cat(self.a(x), 1),
            "cat: joins no list of computed values; give a list of them",
        ),
        (
            lambda self, x: torch.cat([self.a(x), x[:, :, :2]], 1),
            "cat: joins [3, 6, 5], [3, 2, 5]; they may differ in the joined dimension only",
        ),
        (
            lambda self, x: self.a(x) + x[:, :2],
            "add: adds [3, 6, 5] and [2, 6, 5]; give two inputs of the same shape",
        ),
        (
            lambda self, x: torch.add(x, x, alpha=2),
            "add: alpha=2; use alpha=1",
        ),
        (
            lambda self, x: x + "y",
            "add: with a str; use numbers, or a layer with parameters",
        ),
        (
            lambda self, x: self.a(x) * x,
            "mul: a product of two computed values; "
            "use factors that are constants, or functions of the same value as x · sigmoid(x)",
        ),
        (
            lambda self, x: self.a(x) / x,
            "truediv: a quotient of computed values; divide computed values by numbers",
        ),
        (
            lambda self, x: 1 / x,
            "truediv: a division that is not by a number; divide computed values by numbers",
        ),
        (
            lambda self, x: x.permute(1, 0, 2, 3),
            "permute: dims [1, 0, 2, 3]; keep the batch as the first dimension",
        ),
        (
            lambda self, x: torch.mean(x),
            "mean: dim=None; average rows and columns, dim=(2, 3)",
        ),
        (
            lambda self, x: x.split(2, 1)[0] + x.split([1, 1], 1)[0],
            "split_1: splits 3 into (1, 1); give sizes that add up",
        ),
        (
            lambda self, x: functional.dropout(x),
            "dropout: training=True; pass training=self.training",
        ),
        (
            lambda self, x: functional.pad(x, (1, 1), mode="reflect"),
            "pad: pads with other values than a constant; use mode='constant'",
        ),
        (
            lambda self, x: self.a(x.transpose(1, 2)),
            "a: rearranges a map (6, 5, 3) to (3, 5, 6) across rows, columns and channels; "
            "keep pixels and channels apart, or flatten it for a fully connected layer",
        ),
        (
            lambda self, x: self.a(x.reshape(1, 3, 5, 6)),
            "a: rearranges a map (6, 5, 3) to (5, 6, 3) across rows, columns and channels; "
            "keep pixels and channels apart, or flatten it for a fully connected layer",
        ),
        (lambda self, x: x.dtype, f"getattr_1: reads 'dtype'; {SUPPORTED}"),
        (
            lambda self, x: torch.flatten(x),
            "flatten: unsupported start_dim=0, end_dim=-1; use 1 and -1",
        ),
        (
            lambda self, x: self.a(x.shape),
            f"a: has no single tensor input; {SUPPORTED}",
        ),
        (
            lambda self, x: torch.relu(x.shape),
            f"relu: has no tensor as its first argument; {SUPPORTED}",
        ),
        (
            lambda self, x: functional.conv2d(x, self.a.weight),
            f"a_weight: reads 'a.weight' outside a layer; {SUPPORTED}",
        ),
        (lambda self, x: x.shape, "output: is no tensor; return the outputs of layers"),
        (lambda self, x: x, "net: the network has no layers; give at least one layer"),
        (
            lambda self, x: self.a(x) if x.sum() > 0 else x,
            "net: cannot be traced (symbolically traced variables cannot be used as inputs to "
            f"control flow); {TRACING_HINT}",
        ),
        (
            lambda self, x: self.missing(x),
            f"net: cannot be traced ('Calls' object has no attribute 'missing'); {TRACING_HINT}",
        ),
        (
            lambda self, x: self.a(x) if len(x) > 1 else x,
            "net: cannot be traced ('len' is not supported in symbolic tracing by default. If you "
            "want this call to be recorded, please call torch.fx.wrap('len') at module scope); "
            f"{TRACING_HINT}",
        ),
    ],
)
def test_calls_that_are_refused(call: Callable[..., object], message: str) -> None:
    with refuses(message):
        graph_of(Calls(call, a=nn.Conv2d(3, 3, 1), b=nn.ReLU()))


def test_a_loop_over_the_input_is_refused() -> None:
    module = Calls(lambda self, x: [self.a(row) for row in x], a=nn.ReLU())
    with pytest.raises(Exception, match=r"^net: cannot be traced \(Proxy object cannot be iter"):
        graph_of(module)


def test_what_no_output_needs_is_dropped() -> None:
    module = Calls(lambda self, x: (self.a(x), self.b(x))[1], a=nn.Conv2d(3, 3, 1), b=nn.ReLU())
    assert [node.name for node in graph_of(module).nodes] == ["b"]


class Two(nn.Module):
    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return functional.relu(x) - y


def test_every_argument_is_an_input() -> None:
    sources = GraphInput((4, 3, 2)), GraphInput((4, 3, 2), scale=0.5)
    graph = from_torch(Two(), "net", *sources)
    assert [source.name for source in graph.inputs] == ["x", "y"]
    x = np.arange(24, dtype=np.uint8).reshape(1, 4, 3, 2)
    assert np.array_equal(graph.run({"x": x, "y": x})["output"], x - x / 2)
    with refuses("y: an input of unknown shape; give its shape"):
        graph_of(Two())
    with refuses("net: takes fewer inputs; give one for each argument"):
        from_torch(nn.ReLU(), "net", *sources)


def test_a_root_that_is_a_layer_reads_its_own_parameters() -> None:
    with refuses(f"weight: reads 'weight' outside a layer; {SUPPORTED}"):
        graph_of(nn.Conv2d(3, 2, 3))


def test_the_name_of_the_network_is_made_safe() -> None:
    graph = from_torch(nn.Sequential(nn.ReLU()), "My Net", INPUT)
    assert (graph.name, graph.nodes[0].op) == ("my_net", Relu())
