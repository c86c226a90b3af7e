"""TFC_2W2A, the 2-bit multi-layer perceptron of the QONNX model zoo for MNIST."""

from __future__ import annotations

from shiftloom.models.network import OnnxNetwork

TFC_2W2A = OnnxNetwork(
    name="tfc_2w2a",
    doc="TFC_2W2A on MNIST: 784-64-64-64-10 with 2-bit weights and activations (QONNX)",
    file="qonnx/TFC_2W2A.onnx",
    sha256="db8de1cba8f808b23a4993ceb770910d99cc217186c663a36771b55cfcf69a8c",
    input_name="0",
    input_shape=(28, 28, 1),
    dataset="mnist",
    outputs=10,
    input_scale=1 / 255,
)
