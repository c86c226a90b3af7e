"""Place and route on an ECP5: a clock rate, a utilization and a bitstream, from a tiny top."""

from __future__ import annotations

from pathlib import Path

import pytest

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.rtl_sim.implement import implement_ecp5, wrapper


@pytest.mark.usefixtures("synthesizer")
@pytest.mark.parametrize(
    ("parameters", "wrapped"), [({}, False), ({"BITS": 32}, True)], ids=["plain", "wrapped"]
)
def test_a_tiny_top_is_implemented(
    source: Path, tmp_path: Path, parameters: dict[str, int], wrapped: bool
) -> None:
    out = tmp_path / "deep" / "ecp5"
    found = implement_ecp5((source,), "plus_two", out, device="25k", parameters=parameters)
    assert found.wrapped == wrapped
    assert list(found.fmax_mhz) == ["clk" if wrapped else "aclk"]
    assert 50 < next(iter(found.fmax_mhz.values())) < 1000
    assert found.utilization["TRELLIS_FF"][0] >= 46
    assert (found.utilization["TRELLIS_IO"][0] == 3) == wrapped
    assert found.bitstream.stat().st_size > 100_000
    assert sorted(path.name for path in out.iterdir()) == ["plus_two.bit", "report.json"]
    assert [path.name for path in out.parent.iterdir()] == ["ecp5"]


@pytest.mark.usefixtures("synthesizer")
def test_a_failed_run_leaves_the_last_result(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "ecp5"
    out.mkdir()
    (out / "plus_two.bit").touch()
    with pytest.raises(ShiftloomError, match=r"plus_two: no result after 0\.01 s"):
        implement_ecp5((source,), "plus_two", out, timeout=0.01)
    assert [path.name for path in tmp_path.iterdir()] == ["ecp5"]
    assert [path.name for path in out.iterdir()] == ["plus_two.bit"]


def test_an_unknown_device_is_refused(source: Path, tmp_path: Path) -> None:
    with pytest.raises(ShiftloomError, match="no ECP5 device '100k'; use 25k, 45k, 85k"):
        implement_ecp5((source,), "plus_two", tmp_path, device="100k")


def test_a_wrapper_needs_its_clock_and_plain_ports() -> None:
    ports = {"clk": ("input", 1), "pad": ("inout", 1)}
    with pytest.raises(ShiftloomError, match="has no clock input 'aclk'; name its clock"):
        wrapper("top", ports, "aclk", {})
    with pytest.raises(ShiftloomError, match="port pad is inout; use inputs and outputs only"):
        wrapper("top", ports, "clk", {})
