"""`shiftloom package`: what is in the archive, the same bytes each time, and what is refused."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import package_files as made
import pytest
import reload_nets as nets
from overlay_files import HWH, bit
from refusals import refuses
from test_cli import run

from shiftloom import flow, packaging
from shiftloom.codegen import fileset, golden
from shiftloom.codegen.cli import deploying
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.host import bitstream
from shiftloom.opened import OpenedBuild, open_build
from shiftloom.packaging import samples


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> OpenedBuild:
    """A build of the small network, whose weights can be loaded."""
    return made.written(tmp_path_factory.mktemp("build"))


def array(content: bytes) -> npt.NDArray[Any]:
    found: npt.NDArray[Any] = np.load(io.BytesIO(content), allow_pickle=False)
    return found


def overlay(folder: Path, data: bytes = bit()) -> Path:
    """A bitstream and its .hwh in a folder."""
    (folder / "top.bit").write_bytes(data)
    (folder / "top.hwh").write_bytes(HWH)
    return folder / "top.bit"


def test_package_has_all_that_the_board_needs(
    build: OpenedBuild,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path, figures = tmp_path / "made.zip", tmp_path / "made.json"
    arguments = (str(build.folder), "--bitfile", str(overlay(tmp_path)), "-o", str(path))
    assert run(monkeypatch, "package", *arguments, "--json", str(figures)) == 0
    found, shown = made.members(path.read_bytes()), capsys.readouterr().out
    assert sorted(found) == [
        "__main__.py",
        "driver/shiftloom_host-0.1.0-py3-none-any.whl",
        "host/accelerator.json",
        "host/registers.h",
        "host/registers.md",
        "host/registers.py",
        "overlay/tiny.bit",
        "overlay/tiny.hwh",
        "package.json",
        "registers.json",
        "selftest/input0.npy",
        "selftest/output0.npy",
        "tiny.ipynb",
        "weights/tiny.slw",
    ]
    manifest = json.loads(found["package.json"])
    assert manifest["files"] == {
        name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in found.items()
        if name != "package.json"
    }
    assert manifest["digest"] == build.design.digest
    assert (found["overlay/tiny.bit"], found["overlay/tiny.hwh"]) == (bit(), HWH)
    assert found["registers.json"] == (build.folder / "registers.json").read_bytes()
    written = json.loads(figures.read_text())
    assert written["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    version = hashlib.sha256(found["package.json"]).hexdigest()[:16]
    assert f"Package: {path}, version {version}" in shown
    assert "overlay/tiny.bit and .hwh" in shown


def test_the_bitstream_may_lie_where_vivado_puts_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = made.written(tmp_path).folder
    results = folder / "vivado"
    results.mkdir(exist_ok=True)
    assert run(monkeypatch, "package", str(folder), "--bitfile", str(overlay(results))) == 0
    found = made.members((tmp_path / "tiny.zip").read_bytes())
    assert (found["overlay/tiny.bit"], found["overlay/tiny.hwh"]) == (bit(), HWH)


def test_same_input_gives_the_same_bytes(build: OpenedBuild, tmp_path: Path) -> None:
    first = packaging.package(build, overlay(tmp_path))
    assert packaging.package(build, overlay(tmp_path)).data == first.data
    other = packaging.package(build, overlay(tmp_path, bit(words=bytes(8))))
    assert other.version != first.version


def test_package_lies_beside_the_build_and_says_where_a_bitstream_goes(
    build: OpenedBuild, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "package", str(build.folder)) == 0
    assert build.folder.with_name("tiny.zip").is_file()
    hint = "put tiny.bit and tiny.hwh into its folder overlay/ on the board"
    assert hint in " ".join(capsys.readouterr().out.split())


def test_expected_integers_are_those_of_the_weights(build: OpenedBuild, tmp_path: Path) -> None:
    path = made.weights(tmp_path)
    own, other = packaging.package(build), packaging.package(build, weights=path)
    first, second = made.members(own.data), made.members(other.data)
    assert second["weights/tiny.slw"] == path.read_bytes() != first["weights/tiny.slw"]
    assert first["selftest/input0.npy"] == second["selftest/input0.npy"]
    frames = array(first["selftest/input0.npy"])
    assert (frames.dtype, frames.shape) == (np.uint8, (16, 6, 6, 1))
    for archive, qgraph in ((first, build.qgraph), (second, build.loaded(path).qgraph)):
        expected = golden.run(qgraph, frames)
        found = array(archive["selftest/output0.npy"])
        assert (found.reshape(expected.shape) == expected).all()
    assert first["selftest/output0.npy"] != second["selftest/output0.npy"]


def test_weights_in_hardware_need_no_file(tmp_path: Path) -> None:
    fileset.write(nets.build(weights="rom").files, tmp_path / "rom")
    found = packaging.package(open_build(tmp_path / "rom"))
    assert (found.weights, [n for n in made.members(found.data) if "slw" in n]) == ("", [])
    with refuses("tiny: has no weights to load; build with weights: ram in a layer"):
        packaging.package(open_build(tmp_path / "rom"), weights=made.weights(tmp_path))


def test_table_names_the_files_of_weights(
    build: OpenedBuild,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fileset.write(nets.build(weights="rom").files, tmp_path / "rom")
    for folder, cells in (
        (tmp_path / "rom", "Weights – in hardware"),
        (build.folder, "Weights weights/tiny.slw those of the build"),
    ):
        assert run(monkeypatch, "package", str(folder), "-o", str(tmp_path / "made.zip")) == 0
        assert cells in " ".join(capsys.readouterr().out.split())
    own = packaging.package(build)
    image = {**own.manifest, "files": {"weights/memory.bin": {"bytes": 1}}}
    rows = deploying._content(replace(own, manifest=image, weights="")).rows
    assert "weights/memory.bin" in str(rows)
    assert "in the external memory" in str(rows)


def test_frames_and_labels_of_a_file_are_taken(build: OpenedBuild, tmp_path: Path) -> None:
    frames, labels = nets.frames(3, 40), np.arange(40, dtype=np.uint8) % 4
    np.savez(tmp_path / "mine.npz", x=frames, y=labels)
    found = packaging.package(build, frames=tmp_path / "mine.npz")
    content = made.members(found.data)
    assert (array(content["selftest/input0.npy"]) == frames[:16]).all()
    assert (array(content["selftest/labels.npy"]) == labels[:16]).all()
    assert found.samples.origin == "those that were given"
    hostile = tmp_path / "a\n# %%\nimport os\n.npz"
    hostile.write_bytes((tmp_path / "mine.npz").read_bytes())
    assert packaging.package(build, frames=hostile).data == found.data
    more = packaging.package(build, frames=tmp_path / "mine.npz", count=100)
    assert (array(made.members(more.data)["selftest/input0.npy"]) == frames).all()


def test_frames_of_a_known_network_are_its_test_set(
    build: OpenedBuild, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = replace(build.qgraph, name="lenet5")
    frames, labels = nets.frames(3, 40), np.arange(40, dtype=np.uint8) % 4
    monkeypatch.setattr(flow, "evaluation_set", lambda name, data: (frames, labels))
    found = samples.samples(named, None, None)
    assert found.origin == "the test set of lenet5"
    assert (found.inputs["input"] == frames[:16]).all()
    assert found.labels is not None

    def lacking(name: str, data: Path | None) -> Any:
        raise ShiftloomError("data", "is missing")

    monkeypatch.setattr(flow, "evaluation_set", lacking)
    assert samples.samples(named, None, None).origin == "random"
    with refuses("data: is missing"):
        samples.samples(named, None, tmp_path)


def _no_hwh(path: Path) -> None:
    path.with_suffix(".hwh").unlink()


def _no_xml(path: Path) -> None:
    path.with_suffix(".hwh").write_bytes(b"<a>")


def _no_cores(path: Path) -> None:
    path.with_suffix(".hwh").write_bytes(b"<a/>")


def _cut(path: Path) -> None:
    path.write_bytes(bit()[:-7])


def _part(path: Path) -> None:
    path.write_bytes(bit("7z010clg400"))


AGAIN = "export both anew, and build for the board that is there"
OVERLAYS: dict[Callable[[Path], None], str] = {
    _no_hwh: "{hwh}: cannot be read (No such file or directory); check the path",
    _no_xml: "{hwh}: is no well-formed XML: no element found: line 1, column 3; " + AGAIN,
    _no_cores: "{hwh}: lists no cores: it is no .hwh of a block design; " + AGAIN,
    _cut: "{bit}: holds 93 bytes of configuration, its header says 100; " + AGAIN,
    _part: "{bit}: is for the part '7z010clg400', the board has xc7z020clg400-1; " + AGAIN,
}


@pytest.mark.parametrize("change", OVERLAYS, ids=lambda change: change.__name__[1:])
def test_wrong_overlay_is_refused(
    change: Callable[[Path], None], build: OpenedBuild, tmp_path: Path
) -> None:
    path = overlay(tmp_path)
    change(path)
    with refuses(OVERLAYS[change].format(bit=path, hwh=path.with_suffix(".hwh"))):
        packaging.package(build, path)


def test_overlay_of_another_name_or_size_is_refused(
    build: OpenedBuild, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = overlay(tmp_path)
    with refuses(f"--bitfile {path}x: suffix '.bitx'; bitstreams are named as .bit"):
        packaging.package(build, Path(f"{path}x"))
    monkeypatch.setattr(bitstream, "MAX_BIT", 64)
    with refuses(f"{path}: is larger than 64 bytes; {AGAIN}"):
        packaging.package(build, path)


def test_weights_for_another_build_are_refused(build: OpenedBuild, tmp_path: Path) -> None:
    path = made.weights(tmp_path)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ShiftloomError) as caught:
        packaging.package(build, weights=path)
    assert str(caught.value).startswith(f"{path}: ")


def test_output_of_another_suffix_is_refused(
    build: OpenedBuild, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "package", str(build.folder), "-o", "x.tar") == 2
    message = "shiftloom: --output x.tar: suffix '.tar'; packages are written as .zip\n"
    assert capsys.readouterr().err == message


def test_serial_shell_is_refused(build: OpenedBuild) -> None:
    board = replace(build.plan.board, shell="serial")
    serial = replace(build, plan=replace(build.plan, board=board))
    hint = "run the driver here, over the line, or build for the shell mm or axis"
    with refuses(f"tiny: no processor beside the shell serial; {hint}"):
        packaging.package(serial)
