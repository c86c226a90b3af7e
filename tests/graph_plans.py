"""Random plans: foldings, windows and lanes that the scheduler would never choose together."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from math import gcd

import numpy as np

from shiftloom.codegen.dataflows.pipeline import transposed
from shiftloom.codegen.dataflows.streaming import foldings
from shiftloom.codegen.dataflows.streaming.compose import Choices
from shiftloom.codegen.dataflows.streaming.composers import is_dot
from shiftloom.codegen.dataflows.streaming.stages import divisors
from shiftloom.codegen.pe import PES, ConstantMatrix
from shiftloom.codegen.plan import LanePlan, MacPlan, RequantPlan
from shiftloom.codegen.qgraph import ArgMax, Gather, Mac, QGraph, Requantize
from shiftloom.codegen.values import IntType


def random_choices(
    qgraph: QGraph, rng: np.random.Generator, dataflow: str = "streaming"
) -> Choices:
    """Any folding, window and number of lanes that each unit can have; kinds of PE take turns."""
    macs: list[MacPlan] = []
    requants, lanes = [], []
    for node in qgraph.nodes:
        sources = [qgraph.tensor(name) for name in node.sources]
        if isinstance(node.unit, Mac):
            found = _foldings(node.name, node.unit, sources[0].type, dataflow)
            uses = Counter(plan.kind for plan in macs)
            least = min(uses[plan.kind] for plan in found)
            found = [plan for plan in found if uses[plan.kind] == least]
            macs.append(found[int(rng.integers(len(found)))])
        elif isinstance(node.unit, Requantize):
            count = int(rng.choice(divisors(node.out.shape[2])))
            requants.append(RequantPlan(node.name, "mult_shift", count, bool(rng.integers(2))))
        elif not isinstance(node.unit, Gather):
            common = gcd(node.out.shape[2], *(tensor.shape[2] for tensor in sources))
            common = sources[0].shape[2] if isinstance(node.unit, ArgMax) else common
            lanes.append(LanePlan(node.name, int(rng.choice(divisors(common)))))
    return Choices(tuple(macs), tuple(requants), tuple(lanes))


def _foldings(name: str, mac: Mac, x: IntType, dataflow: str) -> list[MacPlan]:
    """All foldings of a matrix product with every window that each can have, or without one."""
    is_chain = dataflow == "pipeline" and not is_dot(mac)
    plans = (
        plan
        for kind in PES
        for pe in divisors(int(mac.weights.data.shape[0]))
        for simd in divisors(transposed.terms(mac) if is_chain else mac.lanes)
        for plan in (MacPlan(name, kind.kind, pe, simd, "transposed" if is_chain else "parallel"),)
        if foldings.supports(kind.supports, mac, plan, x)
    )
    return [
        replace(plan, window=window, digit=digit)
        for plan in plans
        for window in foldings.windows(plan, mac)
        for digit in (
            0,
            *(ConstantMatrix.digits_of(mac, x.bits) if plan.kind == "constant" else ()),
        )
    ]
