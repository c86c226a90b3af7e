"""Random plans: foldings, windows and lanes that the scheduler would never choose together."""

from __future__ import annotations

from math import gcd

import numpy as np

from shiftloom.codegen.dataflows.streaming import foldings
from shiftloom.codegen.dataflows.streaming.compose import Choices
from shiftloom.codegen.dataflows.streaming.stages import divisors
from shiftloom.codegen.pe import PES
from shiftloom.codegen.plan import LanePlan, MacPlan, RequantPlan
from shiftloom.codegen.qgraph import ArgMax, Gather, Mac, QGraph, Requantize


def random_choices(qgraph: QGraph, rng: np.random.Generator) -> Choices:
    """Any folding, window and number of lanes that each unit can have."""
    macs, requants, lanes = [], [], []
    for node in qgraph.nodes:
        sources = [qgraph.tensor(name) for name in node.sources]
        if isinstance(node.unit, Mac):
            macs.append(_folding(node.name, node.unit, rng))
        elif isinstance(node.unit, Requantize):
            count = int(rng.choice(divisors(node.out.shape[2])))
            requants.append(RequantPlan(node.name, "mult_shift", count, bool(rng.integers(2))))
        elif not isinstance(node.unit, Gather):
            common = gcd(node.out.shape[2], *(tensor.shape[2] for tensor in sources))
            common = sources[0].shape[2] if isinstance(node.unit, ArgMax) else common
            lanes.append(LanePlan(node.name, int(rng.choice(divisors(common)))))
    return Choices(tuple(macs), tuple(requants), tuple(lanes))


def _folding(name: str, mac: Mac, rng: np.random.Generator) -> MacPlan:
    outputs = int(mac.weights.data.shape[0])
    found = [
        MacPlan(name, pe.kind, p, s, window)
        for pe in PES
        for p in divisors(outputs)
        for s in divisors(mac.lanes)
        if pe.supports(mac, p, s, x)
        for window in foldings.windows(MacPlan(name, pe.kind, p, s), mac)
    ]
    kinds = sorted({plan.kind for plan in found})
    chosen = str(rng.choice(kinds))
    some = [plan for plan in found if plan.kind == chosen]
    return some[int(rng.integers(len(some)))]
