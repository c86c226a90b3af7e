"""Operators, one file each: shape rule, float reference, lowering to integer units."""

from shiftloom.codegen.ops.batch_norm import BatchNorm
from shiftloom.codegen.ops.conv import Conv2d
from shiftloom.codegen.ops.flatten import Flatten
from shiftloom.codegen.ops.linear import Linear
from shiftloom.codegen.ops.pool import AvgPool2d, MaxPool2d
from shiftloom.codegen.ops.relu import Relu

OPS = (Conv2d, Linear, MaxPool2d, AvgPool2d, Relu, BatchNorm, Flatten)

__all__ = ["OPS", "AvgPool2d", "BatchNorm", "Conv2d", "Flatten", "Linear", "MaxPool2d", "Relu"]
