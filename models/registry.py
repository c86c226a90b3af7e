"""The known networks. To add one: one file that defines it, one line in a tuple here."""

from __future__ import annotations

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.values import nearest
from shiftloom.models.autoencoder import AUTOENCODER
from shiftloom.models.convnet import CONVNET
from shiftloom.models.lenet5 import LENET5
from shiftloom.models.mlperf_tiny import MLPERF_DS_CNN, MLPERF_RESNET8
from shiftloom.models.mobilenet_v1 import MOBILENET_V1_025
from shiftloom.models.network import Network, OnnxNetwork
from shiftloom.models.resnet import RESNET8, RESNET20
from shiftloom.models.tfc import TFC_2W2A

__all__ = ["NETWORKS", "ONNX_NETWORKS", "Network", "OnnxNetwork", "get", "known", "trainable"]

NETWORKS: tuple[Network, ...] = (LENET5, CONVNET, RESNET8, RESNET20, MOBILENET_V1_025, AUTOENCODER)
ONNX_NETWORKS: tuple[OnnxNetwork, ...] = (MLPERF_RESNET8, MLPERF_DS_CNN, TFC_2W2A)


def get(name: str) -> Network | OnnxNetwork:
    """The network of that name; raises ShiftloomError with the nearest and all known names."""
    networks: tuple[Network | OnnxNetwork, ...] = (*NETWORKS, *ONNX_NETWORKS)
    for network in networks:
        if network.name == name:
            return network
    names = [network.name for network in networks]
    raise ShiftloomError(f"network {name!r}", "is not known", nearest(name, names))


def known(name: str) -> str | None:
    """The name if it is a known network's, else None."""
    names = {each.name for each in NETWORKS} | {each.name for each in ONNX_NETWORKS}
    return name if name in names else None


def trainable(name: str) -> Network:
    """The torch network of that name; raises ShiftloomError for one that is an ONNX file."""
    network = get(name)
    if isinstance(network, Network):
        return network
    names = ", ".join(each.name for each in NETWORKS)
    raise ShiftloomError(
        f"network {name!r}", "comes as a trained ONNX file", f"use one of: {names}"
    )
