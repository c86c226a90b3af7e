"""Toggles of netlists: exact values, glitches where paths differ, and what cannot be simulated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.rtl_sim import netlist, synth
from shiftloom.rtl_sim.cache import Cache
from shiftloom.rtl_sim.glitches import activity

PRODUCT = """
module known #(parameter int W = 8) (
  input logic clk, input logic rst, input logic en, input logic [W-1:0] x,
  input logic signed [W-1:0] w, output logic signed [2*W-1:0] p, output logic [W-1:0] idle
);
  logic [W-1:0] x_q;
  logic signed [W-1:0] w_q;
  always_ff @(posedge clk) begin
    if (rst) idle <= '1;
    else if (en) idle <= idle + 1'b1;
    if (en) begin
      x_q <= x;
      w_q <= w;
      p <= (2*W)'($signed({1'b0, x_q}) * w_q);
    end
  end
endmodule
"""


def cell(kind: str, inputs: dict[str, Any], outputs: dict[str, Any], **more: str) -> dict[str, Any]:
    pins = {name: [net] for name, net in (inputs | outputs).items()}
    directions = dict.fromkeys(inputs, "input") | dict.fromkeys(outputs, "output")
    return {
        "type": kind,
        "parameters": more,
        "port_directions": directions,
        "connections": pins,
    }


def module(cells: dict[str, Any], **ports: tuple[str, int]) -> dict[str, Any]:
    listed = {
        name: {"direction": direction, "bits": [net]} for name, (direction, net) in ports.items()
    }
    return {"cells": cells, "ports": listed}


PULSE = module(
    {
        "inverter": cell("INV", {"I": 10}, {"O": 11}),
        "both": cell("LUT2", {"I0": 10, "I1": 11}, {"O": 12}, INIT="1000"),
    },
    a=("input", 10),
    y=("output", 12),
)
"""y = a and not a: 0 for ever, but for a unit behind every rising edge."""


def test_a_late_path_makes_a_pulse() -> None:
    a = np.array([[0, 1, 1, 0, 1]])
    found = activity(netlist.read("pulse", PULSE), {"a": a}, skip=1)
    assert found.clocks == 4
    assert found.settled_toggles * 4 == 3  # the inverter
    assert found.toggles * 4 == 3 + 2 * 2  # and a pulse for each rising edge
    assert found.pin_toggles * 4 == 3 + 2 * 2
    assert not found.outputs["y"].any()
    assert found.enabled_share == 0


def test_skipped_clocks_do_not_count() -> None:
    a = np.array([[0, 1, 1, 0, 1]])
    found = activity(netlist.read("pulse", PULSE), {"a": a}, skip=2)
    assert (found.clocks, found.toggles * 3) == (3, 2 + 2)


def test_a_wide_multiplexer_selects() -> None:
    mux = module(
        {"mux": cell("MUXF7", {"I0": 10, "I1": 11, "S": 12}, {"O": 13})},
        a=("input", 10),
        b=("input", 11),
        s=("input", 12),
        y=("output", 13),
    )
    a, b, s = (np.array([[n >> bit & 1 for n in range(8)]]) for bit in range(3))
    found = activity(netlist.read("mux", mux), {"a": a, "b": b, "s": s}, skip=0)
    assert (found.outputs["y"] == np.where(s, b, a)).all()


def test_a_shift_register_delays() -> None:
    address = {f"A{place}": bit for place, bit in enumerate("0100")}
    pins = {"CLK": 9, "CE": 11, "D": 10, **address}
    line = module(
        {"line": cell("SRL16E", pins, {"Q": 12})},
        clk=("input", 9),
        a=("input", 10),
        en=("input", 11),
        y=("output", 12),
    )
    a, en = np.array([[1, 0, 1, 1, 0, 0, 0, 0]]), np.array([[1, 1, 1, 0, 1, 1, 1, 1]])
    found = activity(netlist.read("line", line), {"a": a, "en": en}, skip=0)
    assert found.outputs["y"].tolist() == [[0, 0, 0, 1, 1, 0, 1, 0]]
    assert found.settled.sum() == 3 * 4  # each of the three bits
    free = module({"line": cell("SRL16E", pins | {"A2": 13}, {"Q": 12})}, a=("input", 10))
    with pytest.raises(ShiftloomError, match=r"^line: has a SRL16E"):
        netlist.read("line", free)


@pytest.mark.usefixtures("synthesizer")
def test_a_product_is_exact_and_glitches(tmp_path: Path, cache: Cache) -> None:
    """Values, enables and resets as the RTL means them; each register toggles as its bits do."""
    source = tmp_path / "known.sv"
    source.write_text(PRODUCT)
    net = synth.netlist([source], "known", cache=cache, family="xc7_nodsp")
    rng = np.random.default_rng(3)
    lanes, clocks = 16, 40
    x, w = rng.integers(0, 256, (lanes, clocks)), rng.integers(-128, 128, (lanes, clocks))
    en, rst = rng.integers(0, 4, (lanes, clocks)) > 0, np.zeros((lanes, clocks), bool)
    rst[:, 0] = True
    found = activity(net, {"x": x, "w": w, "en": en, "rst": rst}, skip=0)
    for lane in range(lanes):
        x_q = w_q = p = idle = 0
        for clock in range(clocks):
            assert found.outputs["p"][lane, clock] == p & 0xFFFF
            assert found.outputs["idle"][lane, clock] == idle
            if en[lane, clock]:
                p, x_q, w_q = x_q * w_q, int(x[lane, clock]), int(w[lane, clock])
            if rst[lane, clock]:
                idle = 255
            elif en[lane, clock]:
                idle = idle + 1 & 255
    turned = found.outputs["p"][:, 1:] ^ found.outputs["p"][:, :-1]
    assert found.settled[net.outputs["p"]].sum() == np.bitwise_count(turned).sum()
    assert (found.unit_delay >= found.settled).all()
    assert found.toggles > 1.3 * found.settled_toggles
    assert 0.7 < found.enabled_share < 0.8


def test_an_unknown_cell_is_refused() -> None:
    block = module({"block": cell("DSP48E1", {"A": 10}, {"P": 11})}, a=("input", 10))
    message = (
        "^block: has a DSP48E1; the simulation knows LUTs, MUXF7, MUXF8, INV, CARRY4, FDRE, FDSE "
        "and SRL16E of fixed length$"
    )
    with pytest.raises(ShiftloomError, match=message):
        netlist.read("block", block)


def test_a_loop_does_not_settle() -> None:
    ring = module({"inverter": cell("INV", {"I": 11}, {"O": 11})}, a=("input", 10))
    message = "^ring: does not settle; it has a combinational loop$"
    with pytest.raises(ShiftloomError, match=message):
        activity(netlist.read("ring", ring), {"a": np.zeros((1, 2), int)}, skip=0)


def test_inputs_must_be_those_of_the_netlist() -> None:
    net = netlist.read("pulse", PULSE)
    with pytest.raises(ShiftloomError, match=r"^pulse: got values of b; give those of a$"):
        activity(net, {"b": np.zeros((1, 2), int)}, skip=0)
    message = r"^pulse: values of unequal or too small shapes; give \[lanes, over 2\]$"
    with pytest.raises(ShiftloomError, match=message):
        activity(net, {"a": np.zeros((1, 2), int)}, skip=2)
