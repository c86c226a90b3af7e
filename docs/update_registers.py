"""Write docs/registers.md from the register description: python docs/update_registers.py.

The figures of the shells come from docs/shells.json, which

    python benchmarks/shells.py --json docs/shells.json

writes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from shiftloom.codegen import (
    load_registers,
    memory_registers,
    quality_registers,
    registers,
    shell_registers,
)
from shiftloom.codegen.quality import Scalable

TARGET = Path(__file__).with_name("registers.md")
MEASURED = Path(__file__).with_name("shells.json")
INTRODUCTION = """\
# Registers

The control registers of every accelerator, on AXI4-Lite, 32 bits a word. This page is made by
`docs/update_registers.py` from `codegen/registers.py`, which also makes the RTL and the
`registers.json` of a build. An access to an address without a register answers with SLVERR.

"""
MEMORY = """
## Designs with external memory

They have these besides. `bus_error` stays until `CONTROL.soft_reset`, which begins anew; then it
can be cleared. A soft reset lets the bus finish what is under way. A frame with a `bus_error` still
comes out, with wrong data; a `misaligned` frame is dropped and gives no output.

Write `MEMORY_BASE` before the first frame: its value after `aresetn`, 0, is an address like
any other. `host/accelerator.json` says under `memory` how many `bytes` from there on belong to the
accelerator. `MEMORY_BASE` + `bytes` must stay below 2^32, because addresses have 32 bits.

"""
QUALITY = """
## Designs with signed digits

A unit of `pe: csd` or `requant: csd` multiplies by the K most significant non-zero signed digits of
its operand. Such units have a register each, in the order of the design. Here are those of a design
with three, one for each kind of operand; `host/accelerator.json` lists those of a build under
`quality`. After `aresetn` a register holds the number of digits with which all is exact, as it is
with any larger one. `CONTROL.soft_reset` leaves it alone. With 0 every product is 0.

A unit takes K at the first beat of each frame that it sees. A value written while no frame is under
way is that of the next frame in all units. Written while frames are under way, it holds from the
next frame on that reaches the unit.

"""
EXAMPLE = (
    Scalable("conv1", "conv1", "weight", 4),
    Scalable("relu1_requant", "conv1", "m", 4),
    Scalable("fc2", "fc2", "alpha", 3),
)


LOADING = """
## Designs with weights to load

They have these where a layer has `weights: ram`. Set `LOAD_CONTROL.hold`, wait for `STATUS.held`,
write `LOAD_ADDRESS` once for each memory and its words piece by piece to `LOAD_DATA`, and clear
`hold`. Frames that come meanwhile wait at the input: no frame sees some of the old words and some
of the new. No reset brings the first words back. The rest is in
[loading weights](loading-weights.md).

"""


SHELLS = """
## Shells

`rtl/NAME_board.sv` is the accelerator with a shell around it, what joins it to a board: `mm` moves
frames between memory and the accelerator by DMA of its own, `axis` has streams of 64 bits for a
vendor's DMA core, `serial` a line with a UART. `target.shell` chooses one. Its registers follow
those of the accelerator in the same window.

A frame in memory, or in the streams of `axis`, is its bytes as they are, filled up to a multiple of
8. An output beat takes whole bytes, the lowest first.

In `axis`, TLAST before the last word of a frame ends it: `ERRORS.short_frame` tells, what is
missing counts as zeros, and the next word begins the next frame. No error tells where nothing but a
part of its last beat is missing. TLAST on the last word of a frame may be there or not. The last
word of every `BATCH` frames that come out has TLAST.

In `mm`, a batch stays queued until the response to its last write has come. Reading of the second
batch begins while the first one is computed: no clock is lost between them. The last frame must end
below 2^32. A frame that the core drops, as `misaligned`, gives no output: its batch does not end.

"""
RESETS = """\
To reset all, set `shell_reset`, write `CONTROL.soft_reset`, wait until `moving` is 0, and clear
`shell_reset`. That works at any moment; the frame that the core was in the middle of is ended, so
clear `ERRORS` after it. Registers that were written keep their values, and so does `INTERRUPT`. In
`axis` what is offered is given up, so reset the DMA core before `shell_reset` is cleared.

"""


CELLS = """\
For LeNet-5 as it is built by default, `python benchmarks/shells.py` measures this. Cells by Yosys,
core not included:

| shell | LUT | FF | BRAM |
| --- | ---: | ---: | ---: |
"""
CLOCKS = """
Clocks with `mm` by the latency of the memory: of a frame alone, from `START` to the interrupt, and
from frame to frame, in a batch and in one that is queued behind another. The core alone takes a
frame every {} clocks.

| latency | frame alone | in a batch | behind a batch |
| ---: | ---: | ---: | ---: |
"""


def figures(found: dict[str, Any]) -> str:
    """What benchmarks/shells.py measured: cells of each shell, and clocks with `mm`."""
    cells = (
        f"| `{e['shell']}` | {e['lut']:,} | {e['ff']:,} | {e['bram36']:g} |\n"
        for e in found["cells"]
    )
    clocks = (
        f"| {e['latency']} | {e['single']:,} | {e['interval']:g} | {e['queued']:g} |\n"
        for e in found["mm"]
    )
    return "".join((CELLS, *cells, CLOCKS.format(found["planned_interval"]), *clocks, "\n"))


def page() -> str:
    """The page as it must be."""
    memory = registers.to_markdown(memory_registers.memory_registers())
    loading = registers.to_markdown(load_registers.LOAD_REGISTERS)
    quality = registers.to_markdown(quality_registers.quality_registers(EXAMPLE))
    parts = (INTRODUCTION, registers.to_markdown(), MEMORY, memory, LOADING, loading)
    shells = (
        f"### `{shell}`\n\n{registers.to_markdown(shell_registers.shell_registers(shell))}"
        for shell in shell_registers.NUMBERS
    )
    measured = figures(json.loads(MEASURED.read_text("utf-8")))
    return "".join((*parts, QUALITY, quality, SHELLS, measured, RESETS, "\n".join(shells)))


if __name__ == "__main__":
    TARGET.write_text(page(), "utf-8")
