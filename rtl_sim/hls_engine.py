"""The HLS C++ of a design, compiled with g++ and run over whole test sets, one process a core.

The open `ap_int` and `hls_stream` simulation headers come from the hls4ml package, which is found
but never imported. A frame is its beats one after another, a beat whole bytes with the least
significant first: the format of the RTL engine and of the board.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.rtl_sim import tools
from shiftloom.rtl_sim.cache import Cache, digest_of

__all__ = ["CXX_FLAGS", "HlsEngine", "compile_cpp"]

CXX_FLAGS = (
    *("-std=c++17", "-O3", "-Wall", "-Wextra", "-Werror"),
    *("-Wno-unknown-pragmas", "-Wno-unused-label"),  # HLS pragmas and the labels of its reports
    *("-Wno-uninitialized", "-Wno-maybe-uninitialized"),  # inside ap_int: it starts unset, as wires
)
BLOCKS_PER_WORKER = 8
_PROGRAM = "program"
_SHOWN_LINES = 3

Bytes = NDArray[np.uint8]
Words = NDArray[np.int64]
Progress = Callable[[int, int], None]


def compile_cpp(
    node: str,
    sources: Sequence[Path],
    include: Sequence[Path],
    cache: Cache,
    flags: Sequence[str] = CXX_FLAGS,
) -> Path:
    """The program made of `sources`, from the cache or newly compiled.

    The digest covers the sources, every header below `include`, the flags, the compiler and the
    simulation headers. Raises ToolMissing, or ShiftloomError for `node` with g++'s first errors.
    """
    compiler, headers = tools.require("g++"), tools.require("hls4ml")
    own = [path for folder in include for path in sorted(folder.glob("*.h*"))]
    names = (f"{path.name}\n" for path in (*sources, *own))
    versions = (compiler.version, headers.version)
    digest = digest_of(*flags, *versions, *names, *sources, *own)
    command = [compiler.path, *flags, "-isystem", headers.path]
    command += [f"-I{folder.resolve()}" for folder in include]
    command += [str(source.resolve()) for source in sources]
    build = partial(_compile, node, command)
    return cache.get_or_build(f"hls-{digest}", build) / _PROGRAM


def _compile(node: str, command: Sequence[str], folder: Path) -> None:
    """Run g++ in `folder`, which receives the program."""
    done = subprocess.run(
        [*command, "-o", _PROGRAM], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if "error" in line]
        shown = "; ".join(errors[:_SHOWN_LINES]) or f"g++ ended with {done.returncode}"
        raise ShiftloomError(node, f"the HLS C++ does not compile: {shown}")


@dataclass(frozen=True, slots=True)
class HlsEngine:
    """The design `name`, generated into `source_dir`: `<name>.cpp`, `batch.cpp` and headers.

    The library's headers stand beside them or in `lib/`. Widths are bits of a beat, whole bytes;
    beats are beats a frame. `workers` processes run side by side, one a core if None. `image` is
    the file with the first bytes of the external memory, of a design that has one; each process
    has a memory of its own. `quality` says how many digits each unit keeps that can be told.
    """

    name: str
    source_dir: Path
    in_width: int
    in_beats: int
    out_width: int
    out_beats: int
    cache: Cache
    workers: int | None = None
    image: Path | None = None
    quality: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a port that is no whole number of bytes, and empty frames."""
        for side, width, beats in (
            ("input", self.in_width, self.in_beats),
            ("output", self.out_width, self.out_beats),
        ):
            if width < 8 or width % 8:
                problem = f"the {side} is {width} bits wide"
                raise ShiftloomError(self.name, problem, "use a positive multiple of 8")
            if beats < 1:
                problem = f"the {side} has {beats} beats a frame"
                raise ShiftloomError(self.name, problem, "use 1 or more")

    @property
    def frame_bytes(self) -> int:
        """Bytes of an input frame."""
        return self.in_beats * self.in_width // 8

    @property
    def result_bytes(self) -> int:
        """Bytes of an output frame."""
        return self.out_beats * self.out_width // 8

    def compile(self) -> Path:
        """The program that runs frames, from the cache or newly compiled."""
        sources = [self.source_dir / f"{self.name}.cpp", self.source_dir / "batch.cpp"]
        for source in sources:
            if not source.is_file():
                problem = f"{source.name} is not in {self.source_dir}"
                raise ShiftloomError(self.name, problem, "generate the HLS C++ first")
        folders = [self.source_dir, self.source_dir / "lib"]
        include = [folder for folder in folders if folder.is_dir()]
        return compile_cpp(self.name, sources, include, self.cache)

    def run(self, frames: Words, progress: Progress | None = None) -> Words:
        """Run integers [N, in_beats], one a beat; returns [N, out_beats] in two's complement.

        For ports of at most 64 bits. `progress(done, total)` is called as blocks finish.
        """
        self._check_words(frames)
        words = np.ascontiguousarray(frames, "<i8").view(np.uint8).reshape(*frames.shape, 8)
        given = words[..., : self.in_width // 8].reshape(len(frames), self.frame_bytes)
        size = self.out_width // 8
        padded = np.zeros((len(frames), self.out_beats, 8), np.uint8)
        padded[..., 8 - size :] = self.run_bytes(given, progress).reshape(*padded.shape[:2], size)
        return padded.view("<i8")[..., 0] >> np.int64(64 - self.out_width)

    def _check_words(self, frames: Words) -> None:
        """Refuse integers that are no frames, and ports wider than an integer."""
        for side, width in (("input", self.in_width), ("output", self.out_width)):
            if width > 64:
                problem = f"a beat of the {side} has {width} bits, more than an integer's 64"
                raise ShiftloomError(self.name, problem, "use run_bytes")
        if frames.ndim != 2 or frames.shape[1] != self.in_beats:
            problem = f"frames are {list(frames.shape)}"
            raise ShiftloomError(self.name, problem, f"pass [N, {self.in_beats}]")
        outside = frames[(frames < -(1 << self.in_width - 1)) | (frames >= 1 << self.in_width)]
        if outside.size:
            problem = f"{outside[0]} does not fit into a beat of {self.in_width} bits"
            raise ShiftloomError(self.name, problem)

    def run_bytes(self, frames: Bytes, progress: Progress | None = None) -> Bytes:
        """Run frames [N, frame_bytes]; returns [N, result_bytes].

        Raises ShiftloomError where a frame does not give exactly its beats, or the model of
        `hls::stream` complains (a stream read while empty, or not emptied).
        """
        if frames.dtype != np.uint8 or frames.ndim != 2 or frames.shape[1] != self.frame_bytes:
            problem = f"frames are {frames.dtype} {list(frames.shape)}"
            raise ShiftloomError(self.name, problem, f"pass uint8 [N, {self.frame_bytes}]")
        program, done = self.compile(), 0
        results = np.empty((len(frames), self.result_bytes), np.uint8)
        workers = self.workers or len(os.sched_getaffinity(0))
        count = min(len(frames), workers * BLOCKS_PER_WORKER)
        bounds = np.linspace(0, len(frames), count + 1, dtype=int).tolist()
        with ThreadPoolExecutor(workers) as pool:
            parts = [slice(start, stop) for start, stop in pairwise(bounds)]
            blocks = {pool.submit(self._run_block, program, frames[part]): part for part in parts}
            try:
                for block in as_completed(blocks):
                    results[blocks[block]] = block.result()
                    done += len(results[blocks[block]])
                    if progress is not None:
                        progress(done, len(frames))
            finally:
                pool.shutdown(cancel_futures=True)
        return results

    def _run_block(self, program: Path, frames: Bytes) -> Bytes:
        """One process over `frames`; the thread that waits for it holds no lock."""
        with tempfile.TemporaryDirectory(prefix="shiftloom-hls-") as folder:
            given, made = Path(folder, "frames.bin"), Path(folder, "outputs.bin")
            np.ascontiguousarray(frames).tofile(given)
            memory = () if self.image is None else (self.image.resolve(),)
            command = [program, given, made, *memory, *map(str, self.quality)]
            ended = subprocess.run(command, capture_output=True, text=True, check=False)
            complaint = (ended.stderr + ended.stdout).strip().splitlines()
            if ended.returncode or complaint:
                problem = complaint[0] if complaint else f"ended with {ended.returncode}"
                raise ShiftloomError(self.name, f"HLS C++ simulation: {problem}")
            result = np.fromfile(made, np.uint8)
        if result.size != len(frames) * self.result_bytes:
            wanted = f"not {len(frames) * self.result_bytes}"
            problem = f"{len(frames)} frames gave {result.size} output bytes, {wanted}"
            raise ShiftloomError(self.name, problem, "give the widths and beats of this build")
        return result.reshape(len(frames), self.result_bytes)
