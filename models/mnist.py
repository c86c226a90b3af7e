"""MNIST (LeCun, Cortes, Burges): 60,000 training and 10,000 test images of 28x28 grey pixels.

The test set is shipped beside this file, with the first 512 training images for calibration; the
training set is fetched once and cached. Every file, wherever it comes from, must have the SHA-256
of the original.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import numpy as np

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.fileset import write_file
from shiftloom.models.idx import parse_gz
from shiftloom.models.splits import Images, Labels, Split

Fetch = Callable[[str, int], bytes]

SHIPPED = Path(__file__).parent / "data" / "mnist"
CACHE = Path.home() / ".cache" / "shiftloom" / "mnist"
SOURCES = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
TIMEOUT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class IdxFile:
    """One original file: its name, its array's shape, its compressed bytes and their digest."""

    name: str
    shape: tuple[int, ...]
    size: int
    sha256: str


FILES: dict[Split, tuple[IdxFile, IdxFile]] = {
    "train": (
        IdxFile(
            "train-images-idx3-ubyte.gz",
            (60_000, 28, 28),
            9_912_422,
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        ),
        IdxFile(
            "train-labels-idx1-ubyte.gz",
            (60_000,),
            28_881,
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        ),
    ),
    "test": (
        IdxFile(
            "t10k-images-idx3-ubyte.gz",
            (10_000, 28, 28),
            1_648_877,
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        ),
        IdxFile(
            "t10k-labels-idx1-ubyte.gz",
            (10_000,),
            4_542,
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        ),
    ),
    "calibration": (
        IdxFile(
            "calibration-images-idx3-ubyte.gz",
            (512, 28, 28),
            80_875,
            "5836b4a65aedbf4bb372f7f2599854feaac87ede4dc8f4334c607dc43979122e",
        ),
        IdxFile(
            "calibration-labels-idx1-ubyte.gz",
            (512,),
            275,
            "7bf710b82e1a99b5287ab1145032d5aef6b146380a9df319f80c3b253bdd3713",
        ),
    ),
}


def download(url: str, limit: int) -> bytes:
    """At most `limit` bytes of what `url` gives; raises OSError where it cannot be had."""
    with urlopen(url, timeout=TIMEOUT_SECONDS) as response:
        content: bytes = response.read(limit)
    return content


def load(
    split: Split,
    data_dir: Path | None = None,
    *,
    cache_dir: Path = CACHE,
    fetch: Fetch = download,
) -> tuple[Images, Labels]:
    """Images [N, 28, 28, 1] and labels [N], both uint8, in the original order.

    Looks only in `data_dir` and its `mnist/` where that is given; otherwise in the cache, then
    among the shipped files, then at the public sources (and caches what it got). Raises
    ShiftloomError for a file that is missing, damaged or not the original.
    """
    if split not in FILES:
        known = ", ".join(FILES)
        raise ShiftloomError(f"MNIST split {split!r}", "is not known", f"use one of: {known}")
    if split == "calibration":  # ours, so it is in no folder of the original files
        data_dir = SHIPPED
    images, labels = (_read(_find(file, data_dir, cache_dir, fetch), file) for file in FILES[split])
    return images[..., np.newaxis], labels


def _find(file: IdxFile, data_dir: Path | None, cache_dir: Path, fetch: Fetch) -> Path:
    if data_dir is not None:
        return _given(file, data_dir)
    for folder in (cache_dir, SHIPPED):
        if (folder / file.name).is_file():
            return folder / file.name
    target = cache_dir / file.name
    write_file(target, _fetch(file, fetch))
    return target


def _given(file: IdxFile, data_dir: Path) -> Path:
    for path in (data_dir / file.name, data_dir / "mnist" / file.name):
        if path.is_file():
            return path
    wanted = ", ".join(each.name for split in ("train", "test") for each in FILES[split])
    raise ShiftloomError(
        str(data_dir / file.name), "is not there", f"the data folder holds MNIST as {wanted}"
    )


def _fetch(file: IdxFile, fetch: Fetch) -> bytes:
    failures = []
    for source in SOURCES:
        try:
            content = fetch(source + file.name, file.size + 1)
        except (OSError, URLError) as error:
            failures.append(f"{source}: {error}")
            continue
        found = hashlib.sha256(content).hexdigest()
        if found == file.sha256:
            return content
        failures.append(f"{source}: SHA-256 {found}, expected {file.sha256}")
    raise ShiftloomError(
        file.name,
        f"cannot be downloaded ({'; '.join(failures)})",
        "give a folder that holds it with --data",
    )


def _read(path: Path, file: IdxFile) -> Images:
    try:
        packed = path.read_bytes()
    except OSError as error:
        raise ShiftloomError(str(path), f"cannot be read ({error.strerror})") from error
    array = parse_gz(str(path), packed, file.shape)
    found = hashlib.sha256(packed).hexdigest()
    if found != file.sha256:
        raise ShiftloomError(
            str(path),
            f"has SHA-256 {found}, expected {file.sha256}",
            "it is not the original MNIST file: replace it, or delete it if it lies in the cache",
        )
    return array
