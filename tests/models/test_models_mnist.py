"""The MNIST loader: order of places, and every way in which a file can be wrong."""

from __future__ import annotations

import gzip
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.fileset import write_file
from shiftloom.models import mnist
from shiftloom.models.idx import parse_gz

IMAGES, LABELS = mnist.FILES["test"]


def no_network(url: str, limit: int) -> bytes:
    raise OSError("no network")


def shipped(folder: Path) -> Path:
    """A copy of the shipped test set that a test may damage."""
    for file in (IMAGES, LABELS):
        shutil.copyfile(mnist.SHIPPED / file.name, folder / file.name)
    return folder


def test_shipped_test_set() -> None:
    images, labels = mnist.load("test")
    assert images.shape == (10_000, 28, 28, 1)
    assert images.dtype == labels.dtype == np.uint8
    assert labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert np.bincount(labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert images.mean() == pytest.approx(33.7912, abs=1e-4)


def test_shipped_files_have_an_attribution() -> None:
    text = (mnist.SHIPPED / "ATTRIBUTION.md").read_text(encoding="utf-8")
    for word in ("Yann LeCun", "Corinna Cortes", "Christopher J.C. Burges", "CC BY-SA 3.0"):
        assert word in text


def test_given_folder_is_read(tmp_path: Path) -> None:
    images, _ = mnist.load("test", shipped(tmp_path), cache_dir=tmp_path / "none", fetch=no_network)
    assert np.array_equal(images, mnist.load("test")[0])


def test_given_folder_is_not_silently_replaced(tmp_path: Path) -> None:
    with pytest.raises(ShiftloomError) as caught:
        mnist.load("test", tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / IMAGES.name}: is not there; ")


def test_cache_comes_before_the_shipped_files(tmp_path: Path) -> None:
    (tmp_path / IMAGES.name).write_bytes(b"damaged")
    with pytest.raises(ShiftloomError, match=str(tmp_path / IMAGES.name)):
        mnist.load("test", cache_dir=tmp_path, fetch=no_network)


def test_unknown_split() -> None:
    with pytest.raises(
        ShiftloomError, match=r"^MNIST split 'val': .*use one of: train, test, calibration$"
    ):
        mnist.load("val")  # type: ignore[arg-type]


def test_truncated_file(tmp_path: Path) -> None:
    path = shipped(tmp_path) / IMAGES.name
    path.write_bytes(path.read_bytes()[:100_000])
    with pytest.raises(ShiftloomError) as caught:
        mnist.load("test", tmp_path)
    assert caught.value.node == str(path)
    assert caught.value.problem.startswith("is truncated or not gzip data after 100,000 bytes (")


def test_flipped_bit(tmp_path: Path) -> None:
    path = shipped(tmp_path) / LABELS.name
    content = bytearray(path.read_bytes())
    content[2000] ^= 1
    path.write_bytes(content)
    with pytest.raises(ShiftloomError, match="is truncated or not gzip data"):
        mnist.load("test", tmp_path)


def test_other_labels_have_another_checksum(tmp_path: Path) -> None:
    path = shipped(tmp_path) / LABELS.name
    path.write_bytes(gzip.compress(struct.pack(">II", 0x801, 10_000) + bytes(10_000), mtime=0))
    with pytest.raises(ShiftloomError) as caught:
        mnist.load("test", tmp_path)
    assert caught.value.node == str(path)
    assert caught.value.problem.endswith(f"expected {LABELS.sha256}")
    assert caught.value.problem.startswith("has SHA-256 ")


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (struct.pack(">II", 0x803, 4) + bytes(4), "has magic number 00000803, expected 00000801"),
        (b"\0\0\x0d\x01" + bytes(8), "has magic number 00000d01, expected 00000801"),
        (b"", "has magic number , expected 00000801"),
        (b"\0\0\x08\x01\0", "ends inside its header of 8 bytes, after 5"),
        (struct.pack(">II", 0x801, 5) + bytes(5), "holds an array of (5,), expected (4,)"),
        (struct.pack(">II", 0x801, 4) + bytes(3), "holds only 3 data bytes, expected 4"),
        (struct.pack(">II", 0x801, 4) + bytes(9), "holds more than 4 data bytes, expected 4"),
    ],
)
def test_wrong_idx_content(raw: bytes, problem: str) -> None:
    with pytest.raises(ShiftloomError) as caught:
        parse_gz("labels.gz", gzip.compress(raw), (4,))
    assert str(caught.value) == f"labels.gz: {problem}; get the original .gz file again"


def test_right_idx_content() -> None:
    packed = gzip.compress(struct.pack(">IIII", 0x803, 2, 1, 3) + bytes(range(6)))
    assert parse_gz("x", packed, (2, 1, 3)).tolist() == [[[0, 1, 2]], [[3, 4, 5]]]


def test_download_takes_the_first_source_that_is_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = mnist.SHIPPED
    monkeypatch.setattr(mnist, "SHIPPED", tmp_path / "nothing shipped")
    asked: list[str] = []

    def fetch(url: str, limit: int) -> bytes:
        asked.append(url)
        if url.startswith(mnist.SOURCES[0]):
            return b"<html>moved</html>"
        return (original / url.rsplit("/", 1)[1]).read_bytes()[:limit]

    _, labels = mnist.load("test", cache_dir=tmp_path / "cache", fetch=fetch)
    assert len(labels) == 10_000
    assert asked == [source + file.name for file in (IMAGES, LABELS) for source in mnist.SOURCES]
    cached = sorted(entry.name for entry in (tmp_path / "cache").iterdir())
    assert cached == [IMAGES.name, LABELS.name]
    mnist.load("test", cache_dir=tmp_path / "cache", fetch=no_network)


def test_failed_download_names_every_source(tmp_path: Path) -> None:
    with pytest.raises(ShiftloomError) as caught:
        mnist.load("train", cache_dir=tmp_path / "cache", fetch=no_network)
    assert str(caught.value) == (
        f"{mnist.FILES['train'][0].name}: cannot be downloaded "
        f"({mnist.SOURCES[0]}: no network; {mnist.SOURCES[1]}: no network); "
        "give a folder that holds it with --data"
    )
    assert not (tmp_path / "cache").exists()


def test_download_with_a_wrong_checksum_is_not_cached(tmp_path: Path) -> None:
    with pytest.raises(ShiftloomError, match=r"SHA-256 .*, expected 440fcabf"):
        mnist.load("train", cache_dir=tmp_path / "cache", fetch=lambda url, limit: b"wrong")
    assert not (tmp_path / "cache").exists()


def test_failed_write_leaves_nothing(tmp_path: Path) -> None:
    blocked = tmp_path / "taken"
    blocked.mkdir()
    with pytest.raises(ShiftloomError, match=r"taken: is no regular file"):
        write_file(blocked, b"content")
    assert list(tmp_path.iterdir()) == [blocked]
    assert list(blocked.iterdir()) == []
