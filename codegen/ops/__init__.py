"""Operators: shape rule, float reference, lowering to integer units."""

from shiftloom.codegen.ops.add import Add
from shiftloom.codegen.ops.affine import Affine
from shiftloom.codegen.ops.argmax import ArgMax
from shiftloom.codegen.ops.clip import Clip
from shiftloom.codegen.ops.concat import Concat
from shiftloom.codegen.ops.conv import Conv2d
from shiftloom.codegen.ops.conv_transpose import ConvTranspose2d
from shiftloom.codegen.ops.crop import Crop
from shiftloom.codegen.ops.flatten import Flatten
from shiftloom.codegen.ops.linear import Linear
from shiftloom.codegen.ops.pad import Pad
from shiftloom.codegen.ops.permute import Permute
from shiftloom.codegen.ops.pool import AvgPool2d, MaxPool2d
from shiftloom.codegen.ops.product import Product
from shiftloom.codegen.ops.quantize import Bipolar, Quantize
from shiftloom.codegen.ops.relu import Relu
from shiftloom.codegen.ops.shift import Shift
from shiftloom.codegen.ops.softmax import Softmax
from shiftloom.codegen.ops.tables import HardSigmoid, HardSwish, LeakyRelu, PRelu, Sigmoid, Tanh
from shiftloom.codegen.ops.upsample import Upsample

OPS = (
    *(Conv2d, ConvTranspose2d, Linear, MaxPool2d, AvgPool2d, Shift),
    *(Relu, Clip, LeakyRelu, PRelu, HardSwish, HardSigmoid, Sigmoid, Tanh, Product),
    *(Affine, Quantize, Bipolar, Add, Softmax, ArgMax),
    *(Flatten, Concat, Permute, Crop, Pad, Upsample),
)

__all__ = [
    "OPS",
    "Add",
    "Affine",
    "ArgMax",
    "AvgPool2d",
    "Bipolar",
    "Clip",
    "Concat",
    "Conv2d",
    "ConvTranspose2d",
    "Crop",
    "Flatten",
    "HardSigmoid",
    "HardSwish",
    "LeakyRelu",
    "Linear",
    "MaxPool2d",
    "PRelu",
    "Pad",
    "Permute",
    "Product",
    "Quantize",
    "Relu",
    "Shift",
    "Sigmoid",
    "Softmax",
    "Tanh",
    "Upsample",
]
