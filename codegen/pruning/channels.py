"""What operators do with channels: keep each one apart, move them, or mix them.

An operator that stands in neither tuple mixes them: what it reads and makes is never pruned.
"""

from __future__ import annotations

from shiftloom.codegen.ops import (
    Add,
    Affine,
    AvgPool2d,
    Bipolar,
    Clip,
    Concat,
    Crop,
    Flatten,
    HardSigmoid,
    HardSwish,
    LeakyRelu,
    MaxPool2d,
    Pad,
    Permute,
    PRelu,
    Product,
    Quantize,
    Relu,
    Shift,
    Sigmoid,
    Tanh,
    Upsample,
)

APART = (
    *(Relu, Clip, LeakyRelu, PRelu, HardSwish, HardSigmoid, Sigmoid, Tanh, Product),
    *(Affine, Quantize, Bipolar, MaxPool2d, AvgPool2d, Shift, Crop, Pad, Upsample),
)
"""Channel c of the result follows from channel c of the one input alone."""
MOVING = (Add, Concat, Permute, Flatten)
"""Channels are added one to one, put together, reordered, or spread over a vector."""
