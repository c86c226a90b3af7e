"""The reference networks of MLPerf Tiny as int8 Q/DQ ONNX files (Apache-2.0)."""

from __future__ import annotations

from shiftloom.models.network import OnnxNetwork

MLPERF_RESNET8 = OnnxNetwork(
    name="mlperf_resnet8",
    doc="ResNet-8 of MLPerf Tiny on CIFAR-10, int8: 32x32 colour pixels, 10 classes",
    file="mlperf-tiny/resnet.onnx",
    sha256="b89bed41a8d954b831701175c4c4b478921cb39147674cbf8419808f62deacb7",
    input_name="input_1",
    input_shape=(32, 32, 3),
    dataset="cifar10",
    outputs=10,
)

MLPERF_DS_CNN = OnnxNetwork(
    name="mlperf_ds_cnn",
    doc="DS-CNN of MLPerf Tiny for keyword spotting, int8: MFCC maps of 49x10, 12 words",
    file="mlperf-tiny/kws_ref_model.onnx",
    sha256="90ff4364c2fbca1cdf3f62266a5997be63b5431d7a041a8ed95e43785e0a80ef",
    input_name="input_1",
    input_shape=(49, 10, 1),
    dataset="kws",
    outputs=12,
    input_signed=True,
    input_scale=0.5847029,
    input_zero=83,
)
