"""Synthesis for Xilinx 7-series by Yosys: what a module costs, and its longest logic path.

Counting rule. LUT = LUT1 to LUT6 cells, plus the LUTs that memories and shift registers occupy
(`LUTS_AS_MEMORY`). Inverters (INV) count nothing, since the LUT or flip-flop behind them absorbs
them, nor do MUXF7 and MUXF8, which a slice has beside its LUTs. LUTs that placement adds as
route-throughs before carry chains are not known here. A RAMB18 is half a block RAM.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.rtl_sim import tools, yosys
from shiftloom.rtl_sim.cache import Cache, digest_of
from shiftloom.rtl_sim.levels import longest_path
from shiftloom.rtl_sim.netlist import Netlist, read

LUTS_AS_MEMORY = {
    "RAM32X1S": 1,
    "RAM64X1S": 1,
    "RAM128X1S": 2,
    "RAM256X1S": 4,
    "RAM32X1D": 2,
    "RAM64X1D": 2,
    "RAM128X1D": 4,
    "RAM32M": 4,
    "RAM64M": 4,
    "SRL16E": 1,
    "SRLC16E": 1,
    "SRLC32E": 1,
}
_XC7 = "synth_xilinx -family xc7 -flatten -noiopad -noclkbuf -run prepare:"
"""Without the first step, which reads all cells of the vendor: longer than a small unit takes."""
_CELLS = "+/xilinx/cells_sim.v"
"""The cells that Yosys maps to."""
FAMILIES = {"xc7": _XC7, "xc7_nodsp": f"{_XC7} -nodsp"}
TIMEOUT = 3600.0

_LUTS = tuple(f"LUT{size}" for size in range(1, 7))
_FLIP_FLOPS = ("FDRE", "FDSE", "FDCE", "FDPE")


@dataclass(frozen=True, slots=True)
class Resources:
    """Cells of a netlist; `lut` includes `lutram`, the LUTs used as memory or shift register.

    `cells` holds the count of every primitive, `bram36` counts a RAMB18 as 0.5.
    """

    lut: int
    ff: int
    dsp: int
    bram36: float
    lutram: int
    carry: int
    cells: dict[str, int]


def read_design(top: str, sources: Sequence[Path], parameters: Mapping[str, int]) -> str:
    """The opening of a script that one of FAMILIES ends."""
    design = yosys.read_design(top, sources, parameters)
    return f"read_verilog -lib -specify {_CELLS}\n{design}"


def synthesize(
    sources: Sequence[Path],
    top: str,
    *,
    cache: Cache,
    family: str = "xc7",
    parameters: Mapping[str, int] | None = None,
    timeout: float = TIMEOUT,
) -> Resources:
    """What `top` costs, flattened.

    Raises ShiftloomError with the message of Yosys, or when it takes longer than `timeout` seconds.
    """
    folder = _flat(sources, top, cache, family, parameters or {}, timeout)
    return count_cells(_cell_counts(_load(folder / "stat.json"), top))


def synthesize_units(
    sources: Sequence[Path],
    top: str,
    *,
    cache: Cache,
    family: str = "xc7",
    parameters: Mapping[str, int] | None = None,
    timeout: float = TIMEOUT,
) -> dict[str, Resources]:
    """What each instance in `top` costs, by instance name; `top` itself stands for its own cells.

    Each unit is flattened within its boundary, across which nothing is optimised: the sum is a
    little more than `synthesize` finds.
    """
    design = read_design(top, sources, parameters or {})
    script = (
        f"{design}setattr -mod -set keep_hierarchy 1 {top}/t:* %M\n{_pass(top, family)}\n"
        f"tee -q -o stat.json stat -json\nselect {top}\nwrite_json -selected top.json\n"
    )
    folder = _run(top, sources, script, cache, timeout)
    stat = _load(folder / "stat.json")
    cells = _load(folder / "top.json")["modules"][top]["cells"]
    modules = {name.removeprefix("\\") for name in stat["modules"]}
    kinds = {name: cell["type"] for name, cell in sorted(cells.items())}
    own = Counter(kind for kind in kinds.values() if kind not in modules and kind[0] != "$")
    units = {name: _cell_counts(stat, kind) for name, kind in kinds.items() if kind in modules}
    return {name: count_cells(counts) for name, counts in {top: own, **units}.items()}


def logic_levels(
    sources: Sequence[Path],
    top: str,
    *,
    cache: Cache,
    parameters: Mapping[str, int] | None = None,
    timeout: float = TIMEOUT,
) -> int:
    """The most LUT, CARRY4, MUXF and LUT-memory-read cells in a row between registers or ports.

    It shares the run of Yosys with `synthesize`. Raises ShiftloomError on a combinational loop.
    """
    folder = _flat(sources, top, cache, "xc7", parameters or {}, timeout)
    netlist = json.loads(gzip.decompress((folder / "netlist.json.gz").read_bytes()))
    return longest_path(top, netlist["modules"][top]["cells"])


def netlist(
    sources: Sequence[Path],
    top: str,
    *,
    cache: Cache,
    family: str = "xc7",
    parameters: Mapping[str, int] | None = None,
    timeout: float = TIMEOUT,
) -> Netlist:
    """The cells and nets of `top`, for `glitches.activity`; it shares the run of `synthesize`."""
    folder = _flat(sources, top, cache, family, parameters or {}, timeout)
    found = json.loads(gzip.decompress((folder / "netlist.json.gz").read_bytes()))
    return read(top, found["modules"][top])


def count_cells(cells: Mapping[str, int]) -> Resources:
    """Apply the counting rule to the number of each primitive."""
    memory = sum(luts * cells.get(name, 0) for name, luts in LUTS_AS_MEMORY.items())
    return Resources(
        lut=sum(cells.get(name, 0) for name in _LUTS) + memory,
        ff=sum(cells.get(name, 0) for name in _FLIP_FLOPS),
        dsp=cells.get("DSP48E1", 0),
        bram36=cells.get("RAMB36E1", 0) + cells.get("RAMB18E1", 0) / 2,
        lutram=memory,
        carry=cells.get("CARRY4", 0),
        cells=dict(sorted(cells.items())),
    )


def _pass(top: str, family: str) -> str:
    if family not in FAMILIES:
        known = ", ".join(FAMILIES)
        raise ShiftloomError(top, f"no synthesis for the family {family!r}", f"use {known}")
    return f"{FAMILIES[family]} -top {top}"


def _flat(
    sources: Sequence[Path],
    top: str,
    cache: Cache,
    family: str,
    parameters: Mapping[str, int],
    timeout: float,
) -> Path:
    """The folder with `stat.json` and `netlist.json.gz` of the flattened top."""
    sources = yosys.reached(top, sources)
    design = read_design(top, sources, parameters)
    outputs = "tee -q -o stat.json stat -json\nwrite_json netlist.json\n"
    return _run(top, sources, f"{design}{_pass(top, family)}\n{outputs}", cache, timeout)


def _run(top: str, sources: Sequence[Path], script: str, cache: Cache, timeout: float) -> Path:
    """The folder with what the script has written, from the cache or newly run."""

    def build(folder: Path) -> None:
        yosys.run_script(top, sources, script, folder, timeout)
        netlist = folder / "netlist.json"
        if netlist.exists():  # tens of megabytes for a large top
            (folder / "netlist.json.gz").write_bytes(gzip.compress(netlist.read_bytes(), 1))
            netlist.unlink()

    digest = digest_of(script, tools.require("pyosys").version, *sources)
    return cache.get_or_build(f"synth-{digest}", build)


def _cell_counts(stat: Mapping[str, Any], module: str) -> Counter[str]:
    """The primitives in a module and all below it, from the JSON of Yosys' `stat`.

    Yosys' own bookkeeping cells (`$scopeinfo`) are no hardware and left out.
    """
    modules = {name.removeprefix("\\"): content for name, content in stat["modules"].items()}
    total: Counter[str] = Counter()
    for kind, number in modules[module]["num_cells_by_type"].items():
        name = kind.removeprefix("\\")
        if name.startswith("$") and name not in modules:
            continue
        below = _cell_counts(stat, name) if name in modules else {kind: 1}
        for primitive, each in below.items():
            total[primitive] += number * each
    return total


def _load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
