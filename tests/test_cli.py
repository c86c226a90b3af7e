"""The command line as a user meets it: figures, files, one-line errors, exit codes."""

from __future__ import annotations

import errno
import json
import sys
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
from torch import nn

import shiftloom
from shiftloom.codegen import cli, fileset
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.rtl_sim import tools


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The exit code of `shiftloom <arguments>`."""
    monkeypatch.setattr(sys, "argv", ["shiftloom", *arguments])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    return int(stop.value.code or 0)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LeNet-5 build folder, made by the command."""
    parent = tmp_path_factory.mktemp("out")
    with pytest.MonkeyPatch.context() as patch:
        assert (
            run(patch, "build", "lenet5", "-o", str(parent), "--json", str(parent / "b.json")) == 0
        )
    return parent / "lenet5"


def test_build_writes_a_complete_build_and_its_figures(built: Path) -> None:
    fileset.verify(built)
    for name in ("rtl/lenet5.sv", "hls/lenet5.cpp", "design.json", "registers.json"):
        assert (built / name).is_file()
    figures = json.loads((built.parent / "b.json").read_text())
    assert figures["cycles_per_frame"] == 784
    assert figures["bottleneck_utilization"] >= 0.95
    assert figures["predicted"]["lut"] <= 0.6 * 53_200
    assert figures["weight_bits"] == 3 * 61_470 + 32 * 236
    assert figures["dram_energy_saving"] == pytest.approx(1 - 191_962 / (32 * 61_470))


def test_build_again_replaces_the_build_with_the_same_bytes(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {p: p.read_bytes() for p in sorted(built.rglob("*")) if p.is_file()}
    assert run(monkeypatch, "build", "lenet5", "-o", str(built.parent)) == 0
    assert {p: p.read_bytes() for p in sorted(built.rglob("*")) if p.is_file()} == before
    assert [p.name for p in built.parent.iterdir() if p.name.startswith(".")] == []


def test_quantize_reports_accuracy_and_profile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "q.json"
    assert run(monkeypatch, "quantize", "lenet5", "--json", str(target)) == 0
    figures = json.loads(target.read_text())
    assert figures["images"] == 10_000
    assert figures["accuracy"]["float"] >= 0.990
    assert figures["accuracy"]["quantized"] >= 0.990
    assert {row["node"] for row in figures["profile"]} >= {"pool1_requant", "fc3_requant"}


def test_boards_lists_the_known_boards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "boards.json"
    assert run(monkeypatch, "boards", "--json", str(target)) == 0
    assert "pynq-z2" in {board["name"] for board in json.loads(target.read_text())}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["build", "lenet"], "network 'lenet': is not known; did you mean 'lenet5'?"),
        (
            ["build", "lenet5", "--board", "pynqz2"],
            "board 'pynqz2': unknown; did you mean 'pynq-z2'?",
        ),
        (["build", "lenet5", "--target-fps", "0"], "--target-fps: 0; give a positive rate"),
        (["build", "lenet5", "--target-fps", "1e6"], "clocks, 1e+06 frames/s at 125 MHz allow 125"),
        (["simulate", "nowhere"], "nowhere: is no complete build; run shiftloom build again"),
        (
            ["simulate", "nowhere", "--backend", "vhdl"],
            "--backend: unknown backend 'vhdl'; use rtl",
        ),
        (["build", "lenet5", "--config", "none.yaml"], "none.yaml: cannot be read (No such file"),
        (["build", "lenet5", "--checkpoint", "model.pt2"], "model.pt2"),
    ],
)
def test_a_refusal_is_one_line_with_exit_code_2(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, *arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_unknown_config_key_names_the_nearest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "c.yaml"
    settings.write_text("layers:\n  conv2:\n    activation_bit: 4\n")
    assert run(monkeypatch, "build", "lenet5", "--config", str(settings), "-o", str(tmp_path)) == 2
    error = capsys.readouterr().err
    assert "layers.conv2.activation_bit: unknown key; did you mean 'activation_bits'?" in error


def test_settings_of_weights_need_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "c.yaml"
    settings.write_text("layers: {relu1: {pe: constant}}")
    assert run(monkeypatch, "build", "lenet5", "--config", str(settings), "-o", str(tmp_path)) == 2
    assert capsys.readouterr().err == (
        "shiftloom: layers.relu1.pe: 'constant' means nothing at a node without weights; "
        "leave it out\n"
    )


def test_impossible_folding_lists_what_would_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "c.yaml"
    settings.write_text("layers:\n  conv2:\n    folding: [3, 25]\n")
    assert run(monkeypatch, "build", "lenet5", "--config", str(settings), "-o", str(tmp_path)) == 2
    error = capsys.readouterr().err
    assert "conv2: folding PE=3, SIMD=25 does not divide 16 outputs × 150 terms" in error
    assert "use PE of 1, 2, 4, 8, 16" in error
    assert not (tmp_path / "lenet5").exists()


def test_full_disk_leaves_the_old_build(
    built: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = Path.write_bytes

    def full(path: Path, data: bytes) -> int:
        if path.name == "design.json":
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(path, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    assert run(monkeypatch, "build", "lenet5", "-o", str(built.parent)) == 2
    assert "cannot be written: No space left on device" in capsys.readouterr().err
    monkeypatch.undo()
    fileset.verify(built)
    assert [p.name for p in built.parent.iterdir() if p.name.startswith(".")] == []


def test_interrupted_build_leaves_the_old_build(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(path: Path, data: bytes) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_bytes", interrupt)
    assert run(monkeypatch, "build", "lenet5", "-o", str(built.parent)) in (1, 130)
    monkeypatch.undo()
    fileset.verify(built)
    assert [p.name for p in built.parent.iterdir() if p.name.startswith(".")] == []


def test_a_changed_build_is_refused(
    built: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    target = built / "rtl" / "lenet5.sv"
    original = target.read_bytes()
    target.write_bytes(original + b"// changed\n")
    try:
        assert run(monkeypatch, "simulate", str(built), "--images", "1") == 2
        assert "lenet5.sv: was changed since the build" in capsys.readouterr().err
    finally:
        target.write_bytes(original)


def test_a_missing_tool_is_named(
    built: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def missing(name: str) -> tools.ToolStatus:
        raise ShiftloomError(name, "not found", f"install {name}")

    monkeypatch.setattr(tools, "require", missing)
    arguments = ["simulate", str(built), "--images", "1", "--cache", str(tmp_path)]
    assert run(monkeypatch, *arguments) == 2
    assert "not found; install" in capsys.readouterr().err


def test_an_input_that_is_no_byte_is_refused(tmp_path: Path) -> None:
    network = nn.Sequential(OrderedDict(flatten=nn.Flatten(), fc=nn.Linear(4, 2)))
    source = shiftloom.GraphInput(shape=(2, 2, 1), bits=4)
    frames = np.zeros((1, 2, 2, 1), np.uint8)
    config = shiftloom.Config()
    quantized = shiftloom.quantize(shiftloom.from_torch(network, "tiny", source), frames, config)
    with pytest.raises(
        ShiftloomError, match=r"^input: elements of 4 bits; the stream takes 8 or 16 bits$"
    ):
        shiftloom.build(quantized, config, tmp_path / "tiny")


def test_a_plan_of_another_design_is_refused(
    built: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Even where the manifest was made to agree, the design's digest does not."""
    kept = {path: path.read_bytes() for path in (built / "design.json", built / fileset.MANIFEST)}
    try:
        plan = json.loads(kept[built / "design.json"])
        plan["interval"] = 1
        (built / "design.json").write_bytes(fileset.json_bytes(plan))
        files = {
            path.relative_to(built).as_posix(): path.read_bytes()
            for path in built.rglob("*")
            if path.is_file() and path.name != fileset.MANIFEST
        }
        (built / fileset.MANIFEST).write_bytes(fileset.with_manifest(files)[fileset.MANIFEST])
        assert run(monkeypatch, "simulate", str(built), "--images", "1") == 2
        assert "design.json: is not the plan of this build; build again" in capsys.readouterr().err
    finally:
        for path, content in kept.items():
            path.write_bytes(content)


def test_a_profile_of_several_inputs_is_refused(tmp_path: Path) -> None:
    import onnx
    from onnx import TensorProto, helper

    shape = [1, 1, 4, 4]
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in "ab"]
    graph = helper.make_graph(
        [helper.make_node("Add", ["a", "b"], ["s"])],
        "two",
        inputs,
        [helper.make_tensor_value_info("s", TensorProto.FLOAT, shape)],
    )
    onnx.save(helper.make_model(graph), tmp_path / "two.onnx")
    frames = np.zeros((2, 4, 4, 1), np.uint8)
    np.savez(tmp_path / "two.npz", a=frames + 1, b=frames + 2)
    given = str(tmp_path / "two.npz")
    arguments = ["quantize", "--model", str(tmp_path / "two.onnx"), "--calibration", given]
    with pytest.raises(
        ShiftloomError, match=r"^two: has 2 inputs, a profile compares networks of one; build it "
    ):
        cli.app([*arguments, "--frames", given], standalone_mode=False)
