"""A generated constant matrix unit: its sums, and the handshakes of the compiler's model.

The environment variable CASE holds JSON: `beats` to send, `expected` beats, and the `kind`,
`params` and `state` of the model.
"""

from __future__ import annotations

import json
import os
from typing import Any

from shiftloom.codegen.dataflows.streaming.timing.model import Kind, Model
from shiftloom.rtl_sim.benches.streams import check_stream, paced_test
from shiftloom.rtl_sim.benches.twin import Twin


@paced_test
async def gives_every_sum(dut: Any, idle: str, stall: str) -> None:
    """One beat of sums for each vector, whatever the pace."""
    case = json.loads(os.environ["CASE"])
    model = Model(Kind(case["kind"]), tuple(case["params"]), tuple(case["state"]))
    beats, expected = case["beats"], case["expected"]
    await check_stream(dut, beats, expected, idle, stall, agents=[Twin(dut, model)])
