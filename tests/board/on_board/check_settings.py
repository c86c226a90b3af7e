"""Weights that are loaded, and qualities that are chosen, while the accelerator runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Case, equal

from shiftloom.host.container import WeightsError
from shiftloom.host.simulated import SimulatedBoard


def test_other_weights_give_their_outputs(designs: Path, board: SimulatedBoard) -> None:
    case = Case(designs / "loaded")
    data = case.data()
    assert not equal(data["y"], data["other"])
    with case.open() as accelerator:
        assert equal(accelerator.predict(data["x"]), data["y"])
        accelerator.load_weights(case.folder / "other.slw")
        assert equal(accelerator.predict(data["x"]), data["other"])


def test_weights_corrupted_in_transit_are_refused_whole(
    designs: Path, board: SimulatedBoard, tmp_path: Path
) -> None:
    case = Case(designs / "loaded")
    data, content = case.data(), bytearray((case.folder / "other.slw").read_bytes())
    content[-20] ^= 4
    (tmp_path / "bad.slw").write_bytes(content)
    with case.open() as accelerator:
        with pytest.raises(WeightsError, match="CRC-32"):
            accelerator.load_weights(tmp_path / "bad.slw")
        assert equal(accelerator.predict(data["x"]), data["y"])


def test_every_quality_gives_its_outputs(designs: Path, board: SimulatedBoard) -> None:
    case = Case(designs / "digits")
    data = case.data()
    with case.open() as accelerator:
        most = max(accelerator.quality.values())
        for k in range(1, most + 1):
            accelerator.quality = k
            assert equal(accelerator.predict(data["x"]), data[f"y{k}"]), k
        assert not equal(data["y1"], data[f"y{most}"])
