"""The quality of a design on a device without hardware: read, set, and refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import driver_designs as designs
import numpy as np
import pytest
from driver_designs import Bench, bench

from shiftloom.host.errors import HardwareError, InputError


@pytest.fixture
def graded(tmp_path: Path, monkeypatch: Any) -> Bench:
    return bench(tmp_path, monkeypatch, quality=designs.quality())


def test_quality_for_all_and_by_node(graded: Bench) -> None:
    with graded.open() as accelerator:
        assert accelerator.quality == {"conv": 4, "conv_requant": 3}
        accelerator.quality = 2
        assert accelerator.quality == {"conv": 2, "conv_requant": 2}
        accelerator.quality = {"conv_requant": 1}
        assert accelerator.quality == {"conv": 2, "conv_requant": 1}
        accelerator.reset()
        assert accelerator.quality == {"conv": 2, "conv_requant": 1}


def test_quality_takes_integers_of_numpy(graded: Bench) -> None:
    with graded.open() as accelerator:
        accelerator.quality = np.int64(2)
        accelerator.quality = {"conv": np.uint8(1)}
        assert accelerator.quality == {"conv": 1, "conv_requant": 2}
    written = [word for name, word in graded.device.log if name.startswith("QUALITY")]
    assert [type(word) for word in written] == [int] * 3


@pytest.mark.parametrize("value", [0, 16, 2.0, True, "2", np.int64(0)])
def test_refuses_a_quality(graded: Bench, value: Any) -> None:
    with graded.open() as accelerator:
        with pytest.raises(InputError) as caught:
            accelerator.quality = {"conv": 1, "conv_requant": value}
        assert accelerator.quality["conv"] == 4
    hint = "give an integer from 1 to 15; 3 are exact"
    assert str(caught.value) == f"conv_requant: quality of {value!r}; {hint}"


def test_refuses_a_quality_of_other_units(graded: Bench) -> None:
    with graded.open() as accelerator, pytest.raises(InputError) as caught:
        accelerator.quality = {"fc": 2}
    assert str(caught.value) == ("no unit 'fc' keeps signed digits; there are conv, conv_requant")


def test_a_quality_is_read_back(graded: Bench) -> None:
    graded.device.deaf = frozenset({"QUALITY1"})
    with graded.open() as accelerator, pytest.raises(HardwareError) as caught:
        accelerator.quality = 2
    assert str(caught.value) == (
        "conv_requant: wrote 2 to QUALITY1, read 3; check that the bit file is of this build"
    )


def test_a_design_without_digits_has_no_quality(tmp_path: Path, monkeypatch: Any) -> None:
    with bench(tmp_path, monkeypatch).open() as accelerator:
        assert accelerator.quality == {}
        with pytest.raises(InputError) as caught:
            accelerator.quality = 3
    assert str(caught.value) == ("no unit keeps signed digits; build with pe: csd or requant: csd")
