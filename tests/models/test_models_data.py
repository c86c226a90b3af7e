"""CIFAR-10, keyword spotting, noise and frames of the user: what they hold, what is refused."""

from __future__ import annotations

import re
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.models import cifar10, datasets, folder, frames, kws, noise

SHAPE = (4, 3, 2)


def test_cifar10_splits(data: Path) -> None:
    test, labels = cifar10.load("test", data)
    assert test.shape == (1000, 32, 32, 3)
    assert labels[:10].tolist() == [3, 8, 8, 0, 6, 6, 1, 6, 3, 1]
    calibration, own = cifar10.load("calibration", data)
    assert len(calibration) == len(own) == 512
    held = cifar10.load("validation", data)
    assert len(held[0]) == len(held[1]) == 5000
    assert not (calibration[:, None] == test[None, :50]).all(axis=(2, 3, 4)).any()


def test_cifar10_without_pillow(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(
        ShiftloomError,
        match=r"^CIFAR-10: is in PNG files, and Pillow is not there; pip install shiftloom",
    ):
        cifar10.load("test", data)


def test_keyword_spotting(data: Path) -> None:
    maps, labels = kws.load("test", data)
    assert (maps.shape, maps.dtype) == ((1000, 49, 10, 1), np.int8)
    assert np.bincount(labels).tolist() == [92, 92, 81, 89, 70, 84, 75, 78, 84, 89, 80, 86]
    calibration, _ = kws.load("calibration", data)
    assert (calibration == maps[: datasets.SHARED["kws"]]).all()


def test_keyword_spotting_has_no_training_data(data: Path) -> None:
    with pytest.raises(ShiftloomError, match=r"^KWS split 'train': is not there; use test or cal"):
        kws.load("train", data)


def test_noise_is_seeded_and_its_splits_differ() -> None:
    load = noise.loader((8, 8, 3))
    one, labels = load("test", None)
    assert labels is None
    assert (one == load("test", None)[0]).all()
    assert (one[:32] != load("calibration", None)[0]).mean() > 0.9
    assert 30 < one.std() < 70


def test_no_data_folder(tmp_path: Path) -> None:
    with pytest.raises(ShiftloomError) as caught:
        cifar10.load("test", tmp_path / "none")
    assert str(caught.value) == (
        f"cifar10/cifar10_batch_50.png: is needed, but there is no data folder {tmp_path}/none; "
        "give one with --data FOLDER"
    )


def test_missing_file_of_the_data_folder(tmp_path: Path) -> None:
    with pytest.raises(ShiftloomError, match=r"kws01_int8\.npz: is not there; the data folder ho"):
        kws.load("test", tmp_path)


def test_changed_file_of_the_data_folder(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"other")
    with pytest.raises(ShiftloomError, match=r"has SHA-256 d9298a1\w+, expected 00; replace it by"):
        folder.read(path, "00")


def test_unreadable_file_of_the_data_folder(tmp_path: Path) -> None:
    with pytest.raises(ShiftloomError, match=r"cannot be read \(Is a directory\)"):
        folder.read(tmp_path, "00")


def test_frames_and_labels_of_the_user(tmp_path: Path) -> None:
    x = np.arange(48, dtype=np.uint8).reshape(2, 24)
    np.savez(tmp_path / "a.npz", x=x, y=np.array([1, 0]))
    found, labels = frames.load(tmp_path / "a.npz", SHAPE)
    assert found.shape == (2, *SHAPE)
    assert labels is not None
    assert labels.tolist() == [1, 0]
    np.save(tmp_path / "a.npy", x)
    assert frames.load(tmp_path / "a.npy", SHAPE)[1] is None


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"frames": np.zeros(3)}, r"a\.npz: holds frames; name the frames 'x' and the labels 'y'$"),
        ({"x": np.zeros((2, 24))}, r"a\.npz: holds frames of float64; give raw integers$"),
        ({"x": np.zeros((2, 23), int)}, r"frames of shape \(2, 23\); give \[N, 4, 3, 2\]$"),
        (
            {"x": np.zeros((2, 2, 4, 3), int)},
            r"frames of shape \(2, 2, 4, 3\); give \[N, 4, 3, 2\]$",
        ),
        (
            {"x": np.zeros((2, 24), int), "y": np.zeros(2)},
            r"a\.npz: holds labels of float64; give class numbers$",
        ),
        ({"x": np.zeros((0, 24), int)}, r"frames of shape \(0, 24\); give \[N, 4, 3, 2\]$"),
        (
            {"x": np.zeros((2, 24), int), "y": np.zeros(3, int)},
            r"labels of shape \(3,\); give one for each of 2$",
        ),
        ({"x": np.array([None])}, r"a\.npz: holds frames of object; give raw integers$"),
    ],
)
def test_frames_that_do_not_fit(
    arrays: dict[str, np.ndarray], message: str, tmp_path: Path
) -> None:
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(ShiftloomError, match=message):
        frames.load(tmp_path / "a.npz", SHAPE)


def test_files_that_hold_no_frames(tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_text("no numbers")
    with pytest.raises(ShiftloomError, match=r"a\.npy: is no \.npy or \.npz file of numbers"):
        frames.load(tmp_path / "a.npy", SHAPE)
    with pytest.raises(ShiftloomError, match=r"b\.npy: cannot be read"):
        frames.load(tmp_path / "b.npy", SHAPE)
    with pytest.raises(ShiftloomError, match=r"^/dev/zero: is no regular file; check the path$"):
        frames.load(Path("/dev/zero"), SHAPE)
    np.savez_compressed(tmp_path / "c.npz", x=np.zeros((400, 24), np.uint8))
    content = bytearray((tmp_path / "c.npz").read_bytes())
    content[60:90] = bytes(30)
    (tmp_path / "c.npz").write_bytes(content)
    with pytest.raises(ShiftloomError, match=r"c\.npz: is no \.npy or \.npz file of numbers \(Err"):
        frames.load(tmp_path / "c.npz", SHAPE)


HUGE = 1 << 40


def bomb(path: Path, **headers: tuple[str, tuple[int, ...]]) -> None:
    """A .npz file of arrays that are there by their headers only."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, (kind, shape) in headers.items():
            with archive.open(f"{name}.npy", "w") as member:
                header = {"descr": kind, "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(member, header)


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({"x": ("|u1", (HUGE, 24))}, "frames of shape (1099511627776, 24) take more than 4 GiB; "),
        ({"x": ("|u1", (2, HUGE))}, "frames of shape (2, 1099511627776); give [N, 4, 3, 2]"),
        ({"x": ("<f8", (HUGE, 24))}, "holds frames of float64; give raw integers"),
        ({"x": ("|u1", (9, 24))}, "is no .npy or .npz file of numbers ("),
    ],
)
def test_frames_are_judged_by_their_header(
    headers: dict[str, tuple[str, tuple[int, ...]]], message: str, tmp_path: Path
) -> None:
    bomb(tmp_path / "a.npz", **headers)
    with pytest.raises(ShiftloomError, match=re.escape(f"a.npz: {message}")):
        frames.load(tmp_path / "a.npz", SHAPE)


def test_only_the_arrays_that_are_used_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, x=np.ones((2, 24), np.uint8), other=np.array([None]))
    assert frames.load(path, SHAPE)[1] is None
    np.savez(path, x=np.ones((2, 24), np.uint8))
    with zipfile.ZipFile(path, "a") as archive, archive.open("y.npy", "w") as member:
        header = {"descr": "|u1", "fortran_order": False, "shape": (HUGE,)}
        np.lib.format.write_array_header_1_0(member, header)
    with pytest.raises(ShiftloomError, match=r"labels of shape \(1099511627776,\); give one for "):
        frames.load(path, SHAPE)


TWO = {"left": (2, 2, 1), "right": (1, 1, 3)}


def test_several_inputs_are_read_by_name(tmp_path: Path) -> None:
    left, right = np.zeros((4, 2, 2, 1), np.uint8), np.ones((4, 3), np.uint8)
    np.savez(tmp_path / "a.npz", left=left, right=right, y=np.arange(4))
    found, labels = frames.load_inputs(tmp_path / "a.npz", TWO)
    assert {name: x.shape for name, x in found.items()} == {
        name: (4, *shape) for name, shape in TWO.items()
    }
    assert labels is not None
    assert labels.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"left": (4, 2, 2, 1)}, "holds left, no frames of the input 'right'; save arrays left, "),
        ({"left": (4, 2, 2, 1), "right": (3, 3)}, "holds 4 of left, 3 of right; give as many "),
        ({"left": (4, 2, 3, 1), "right": (4, 3)}, r"left of shape \(4, 2, 3, 1\); give \[N, 2, 2"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(
    tmp_path: Path, arrays: dict[str, tuple[int, ...]], message: str
) -> None:
    file = tmp_path / "a.npz"
    np.savez(file, **{name: np.zeros(shape, np.uint8) for name, shape in arrays.items()})
    with pytest.raises(ShiftloomError, match=message):
        frames.load_inputs(file, TWO)
