"""Damage by curvature: traces of the loss's Hessian over each layer's weights.

HAWQ-V2 (Dong et al., arXiv:1911.03852): a layer whose n weights W become Q(W) adds about
½ · trace / n · ‖Q(W) − W‖² to the loss. The trace is Hutchinson's estimate, the mean of zᵀHz over
random signs z.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import torch

from shiftloom.codegen import fitted as fitting
from shiftloom.codegen.graph import IntFrames
from shiftloom.models.sensitivity import objective
from shiftloom.models.sensitivity.alone import Progress, Reals, Settled, module_of
from shiftloom.models.sensitivity.objective import Batch
from shiftloom.models.tuning.module import GraphModule

PROBES = 8
"""Random signs a batch."""


def damages(
    variants: Sequence[Settled],
    layers: Sequence[str],
    frames: Mapping[str, IntFrames],
    seed: int,
    progress: Progress,
) -> Reals:
    """What rounding each layer's weights alone adds to the loss a frame, [layers, variants]."""
    module = module_of(variants[0], ())
    parts = objective.batches(module, frames, None)
    found = traces(module, layers, parts, seed, PROBES, progress)
    graph = variants[0].quantized.graph
    real = {n.name: fitting.kernel(n.op) for n in graph.nodes if isinstance(n.op, fitting.Layer)}
    return np.array(
        [
            [
                0.5 * trace / real[name].size * _squared_error(variant, name, real[name])
                for variant in variants
            ]
            for name, trace in zip(layers, found, strict=True)
        ]
    )


def traces(
    module: GraphModule,
    layers: Sequence[str],
    parts: Sequence[Batch],
    seed: int,
    probes: int,
    progress: Progress,
) -> Reals:
    """Of the Hessian of the loss a frame, the trace over each layer's real weights, [layers].

    All layers are probed at once: what couples two of them has the mean 0.
    """
    random = torch.Generator().manual_seed(seed)
    weights = [module.layer(name).weights for name in layers]
    latent = [each.latent for each in weights]
    alpha = [each.log_alpha.detach().exp()[each.index] for each in weights]
    total = np.zeros(len(layers))
    for index, batch in enumerate(parts):
        slopes = torch.autograd.grad(
            objective.loss(module, batch), latent, create_graph=True, materialize_grads=True
        )
        for probe in range(probes):
            signs = [torch.randint(0, 2, a.shape, generator=random) * 2 - 1 for a in alpha]
            along = [z / a for z, a in zip(signs, alpha, strict=True)]  # W = latent · α
            total += _curvatures(slopes, latent, along)
            progress(index * probes + probe + 1, len(parts) * probes)
    return total / probes / sum(len(batch.wanted) for batch in parts)


def _curvatures(
    slopes: Sequence[torch.Tensor], at: Sequence[torch.Tensor], along: Sequence[torch.Tensor]
) -> Reals:
    """Each layer's part of vᵀHv."""
    bent = torch.autograd.grad(slopes, at, along, retain_graph=True, materialize_grads=True)
    return np.array([float((v * h).sum()) for v, h in zip(along, bent, strict=True)])


def _squared_error(variant: Settled, name: str, real: npt.NDArray[np.floating]) -> float:
    return float(np.square(variant.quantized.fitted.weights[name].real - real).sum())
