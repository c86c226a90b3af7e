"""The known networks. To add one: one file that defines it, one line in a tuple here."""

from __future__ import annotations

from shiftloom.codegen.errors import ShiftloomError, shown
from shiftloom.codegen.values import nearest
from shiftloom.models.autoencoder import AUTOENCODER
from shiftloom.models.convnet import CONVNET, CONVNET_W2, CONVNET_W3
from shiftloom.models.dsnet import DSNET
from shiftloom.models.lenet5 import LENET5, LENET5_SPARSE, LENET5_W2, LENET5_W3
from shiftloom.models.mlperf_tiny import MLPERF_DS_CNN, MLPERF_RESNET8
from shiftloom.models.mobilenet_v1 import MOBILENET_V1_025
from shiftloom.models.network import Network, OnnxNetwork, TunedNetwork
from shiftloom.models.resnet import RESNET8, RESNET8_W3, RESNET18, RESNET20, RESNET20_W3A4
from shiftloom.models.shiftnet import SHIFTNET
from shiftloom.models.tfc import TFC_2W2A

__all__ = [
    "NETWORKS",
    "ONNX_NETWORKS",
    "TUNED_NETWORKS",
    "Network",
    "OnnxNetwork",
    "TunedNetwork",
    "base",
    "get",
    "known",
    "trainable",
]

NETWORKS: tuple[Network, ...] = (
    LENET5,
    CONVNET,
    RESNET8,
    RESNET20,
    RESNET18,
    DSNET,
    SHIFTNET,
    MOBILENET_V1_025,
    AUTOENCODER,
)
ONNX_NETWORKS: tuple[OnnxNetwork, ...] = (MLPERF_RESNET8, MLPERF_DS_CNN, TFC_2W2A)
TUNED_NETWORKS: tuple[TunedNetwork, ...] = (
    LENET5_W3,
    LENET5_W2,
    LENET5_SPARSE,
    CONVNET_W3,
    CONVNET_W2,
    RESNET8_W3,
    RESNET20_W3A4,
)
_ALL: tuple[Network | OnnxNetwork | TunedNetwork, ...] = (
    *NETWORKS,
    *ONNX_NETWORKS,
    *TUNED_NETWORKS,
)


def get(name: str) -> Network | OnnxNetwork | TunedNetwork:
    """The network of that name; raises ShiftloomError with the nearest and all known names."""
    for network in _ALL:
        if network.name == name:
            return network
    names = [network.name for network in _ALL]
    raise ShiftloomError(f"network {shown(name)}", "is not known", nearest(name, names))


def base(name: str) -> Network | OnnxNetwork:
    """The network of that name, or the one that it was tuned from."""
    network = get(name)
    return base(network.base) if isinstance(network, TunedNetwork) else network


def known(name: str) -> str | None:
    """The name if it is a known network's, else None."""
    return name if name in {network.name for network in _ALL} else None


def trainable(name: str) -> Network:
    """The torch network of that name; raises ShiftloomError for one that is an ONNX file."""
    network = get(name)
    if isinstance(network, Network):
        return network
    names = ", ".join(each.name for each in NETWORKS)
    what = "comes as a trained ONNX file" if isinstance(network, OnnxNetwork) else "is tuned"
    raise ShiftloomError(f"network {name!r}", what, f"use one of: {names}")
