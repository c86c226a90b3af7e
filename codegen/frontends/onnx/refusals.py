"""Operators that no handler knows: why, and what would help."""

from __future__ import annotations

_RECURRENCE = "recurrence is not supported", "use convolutions over time"
_ATTENTION = "attention is not supported", "use convolutions or fully connected layers"
_CONTROL = "control flow is not supported", "export a feed-forward network, unrolled"
_NORM = "its statistics depend on the data", "use BatchNormalization"
_DYNAMIC = "its scale depends on the data", "quantize with fixed scales, QuantizeLinear"
_TRAINING = "it is an operator of training", "export the model for inference"
_RANDOM = "it is random", "export the model for inference"
_SPATIAL = "it mixes rows and columns with channels", "use strided convolutions, or Upsample"
_SEQUENCE = "sequences are not supported", "use tensors of a fixed shape"
_FUNCTION = "there is no unit for it", "use ReLU, LeakyRelu, HardSwish, Sigmoid or Tanh"
_DATA = "the shape of its result depends on the data", "leave it to the host"

_REASONS: tuple[tuple[tuple[str, str], tuple[str, ...]], ...] = (
    (_RECURRENCE, ("LSTM", "GRU", "RNN", "CausalConvWithState")),
    (
        _ATTENTION,
        ("Attention", "MultiHeadAttention", "LinearAttention", "FlexAttention", "RotaryEmbedding"),
    ),
    (_CONTROL, ("If", "Loop", "Scan", "SequenceMap")),
    (
        _NORM,
        (
            *("LayerNormalization", "RMSNormalization", "InstanceNormalization"),
            *("GroupNormalization", "MeanVarianceNormalization", "LpNormalization", "LRN"),
        ),
    ),
    (_DYNAMIC, ("DynamicQuantizeLinear", "DynamicQuantizeMatMul")),
    (
        _TRAINING,
        (
            *("Adam", "Adagrad", "Momentum", "Gradient", "MaxUnpool"),
            *("NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss"),
        ),
    ),
    (_RANDOM, ("RandomNormal", "RandomUniform", "RandomUniformLike", "Bernoulli", "Multinomial")),
    (_SPATIAL, ("DepthToSpace", "SpaceToDepth", "Col2Im")),
    (
        _SEQUENCE,
        ("SequenceConstruct", "SequenceAt", "SequenceEmpty", "SplitToSequence", "SequenceLength"),
    ),
    (_DATA, ("NonMaxSuppression", "NonZero", "Unique", "Compress", "RoiAlign")),
    (
        ("the softmax of log is the host's work", "end the network with its logits"),
        ("LogSoftmax", "Hardmax"),
    ),
    (
        _FUNCTION,
        (
            *("Elu", "Selu", "Celu", "Gelu", "Mish", "Softplus", "Softsign"),
            *("ThresholdedRelu", "Erf", "Shrink"),
        ),
    ),
    (
        ("sums of all pixels are done as means", "use ReduceMean, or GlobalAveragePool"),
        ("ReduceSum", "ReduceL1", "ReduceL2", "ReduceLogSumExp", "LpPool"),
    ),
    (("products of computed values are not supported", "use constant weights"), ("Einsum",)),
    (("it is an activation of thresholds", "export with Quant nodes"), ("MultiThreshold",)),
)

REFUSED: dict[str, tuple[str, str]] = {kind: reason for reason, kinds in _REASONS for kind in kinds}
"""Reason and rewrite by operator."""

SAME_SHAPE = frozenset(kind for kind, why in REFUSED.items() if why in (_FUNCTION, _NORM))
"""Those whose result has the shape of their first input."""

OTHERS = "there is no unit for it", "see docs/operators.md, or leave it to the host"
