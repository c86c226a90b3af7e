"""A wrong number is found where it first appears, on the stream of the node that made it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from small_top import PLUS_TWO, Mutant

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.rtl_sim.cache import Cache
from shiftloom.rtl_sim.engine import SimTop, Trace, trace
from shiftloom.rtl_sim.locate import Mismatch, Stream, first_mismatch, unpack, write_reproducer

SHAPE = (2, 3, 4)
STREAMS = tuple(
    Stream(probe, node, SHAPE, elements=2, bits=8, signed=False)
    for probe, node in (("first", "conv1"), ("queue", "relu1"), ("second", "conv2"))
)
FRAME = np.arange(24, dtype=np.uint8)
SECOND = "plus_one #(.BITS(BITS), .ELEMS(ELEMS)) u_second"
BAD_SECOND = SECOND.replace("plus_one", "plus_bad")


def _expected(frames: NDArray[np.uint8]) -> dict[str, NDArray[np.int64]]:
    """What each stream of the small top carries, in order first, queue, second."""
    added = {"first": 1, "queue": 1, "second": 2}
    shape = (*frames.shape[:-1], *SHAPE)
    return {
        name: (frames.astype(np.int64) + one).reshape(shape) % 256 for name, one in added.items()
    }


def _second_unit(old: str, new: str) -> str:
    """The text of the second unit as a module of its own, with `old` replaced."""
    text = PLUS_TWO.read_text(encoding="utf-8")
    unit = text[text.index("module plus_one") :]
    unit = unit[: unit.index("endmodule") + len("endmodule")]
    assert old in unit
    return unit.replace("plus_one", "plus_bad").replace(old, new)


def _with_bad_second(mutant: Mutant, old: str, new: str) -> SimTop:
    """The small top with a broken second unit."""
    top = mutant(SECOND, BAD_SECOND)
    with top.sources[0].open("a", encoding="utf-8") as handle:
        handle.write(_second_unit(old, new))
    return top


def test_a_right_top_has_no_mismatch(top: SimTop, cache: Cache) -> None:
    traces = trace(top, FRAME, cache=cache)
    assert first_mismatch(traces, STREAMS, _expected(FRAME)) is None
    assert np.array_equal(traces["second"].cycles, np.arange(12) + 3)
    both = np.stack([FRAME, FRAME + np.uint8(200)])
    assert first_mismatch(trace(top, both, cache=cache), STREAMS, _expected(both)) is None


def test_a_wrong_sum_is_located(mutant: Mutant, cache: Cache) -> None:
    top = _with_bad_second(mutant, "+ 1'b1", "+ (s_tdata[i*BITS +: BITS] != 8'd15)")
    found = first_mismatch(trace(top, FRAME, cache=cache), STREAMS, _expected(FRAME))
    assert found == Mismatch("conv2", "second", 0, 1, 0, 2, cycle=10, expected=16, got=15)
    assert str(found) == (
        "conv2: frame 0 (y 1, x 0, channel 2) on second, cycle 10: got 15, expected 16"
    )


def test_a_fault_that_only_the_second_frame_shows(mutant: Mutant, cache: Cache) -> None:
    top = _with_bad_second(mutant, "+ 1'b1", "+ (s_tdata[i*BITS +: BITS] != 8'd115)")
    frames = np.stack([FRAME, FRAME + np.uint8(100)])
    found = first_mismatch(trace(top, frames, cache=cache), STREAMS, _expected(frames))
    assert found is not None
    assert (found.node, found.frame, found.y, found.x, found.channel) == ("conv2", 1, 1, 0, 2)


def test_a_swallowed_last_beat_is_located(mutant: Mutant, cache: Cache) -> None:
    top = mutant("(s_tvalid && s_tready) write_q", "(s_tvalid && s_tready && s_tdata[0]) write_q")
    frame = FRAME * np.uint8(2)  # odd after the first stage
    frame[22] = 1
    traces = trace(top, frame, cache=cache, max_idle=100)
    found = first_mismatch(traces, STREAMS, _expected(frame))
    assert found == Mismatch("relu1", "queue", 0, 1, 2, 2, cycle=None, expected=2, got=None)
    assert str(found).endswith("on queue, nothing came, expected 2")


def test_a_unit_that_stops_accepting_is_located(mutant: Mutant, cache: Cache) -> None:
    stuck = "s_tready = (!m_tvalid || m_tready) && m_tdata[7:0] != 8'd8"
    top = _with_bad_second(mutant, "s_tready = !m_tvalid || m_tready", stuck)
    frames = np.stack([FRAME, FRAME])
    traces = trace(top, frames, cache=cache, max_idle=100)
    assert [traces[name].offered for name in ("first", "queue", "second")] == [True, True, True]
    found = first_mismatch(traces, STREAMS, _expected(frames))
    assert found is not None
    assert found.node == "conv2"


def _trace(values: list[int], *, offered: bool = False) -> Trace:
    """A trace of one-byte beats, one a clock from cycle 5."""
    data = np.array(values, dtype=np.uint8).reshape(-1, 1)
    return Trace(np.arange(5, 5 + len(values)), data, offered)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2, 3, 4], None),
        ([1, 2, 7, 4], Mismatch("add", "add", 0, 1, 0, 0, 7, 3, 7)),
        ([1, 2, 3], Mismatch("add", "add", 0, 1, 1, 0, None, 4, None)),
        ([1, 2, 3, 4, 9], Mismatch("add", "add", 1, 0, 0, 0, 9, None, 9)),
    ],
    ids=["same", "wrong", "short", "long"],
)
def test_kinds_of_mismatch(values: list[int], expected: Mismatch | None) -> None:
    stream = Stream("add", "add", (2, 2, 1), elements=1, bits=8, signed=True)
    wanted = np.array([1, 2, 3, 4]).reshape(2, 2, 1)
    assert first_mismatch({"add": _trace(values)}, (stream,), {"add": wanted}) == expected


def test_a_stream_held_up_from_behind_is_not_blamed() -> None:
    streams = tuple(Stream(n, n, (1, 1, 3), elements=1, bits=8, signed=False) for n in "ab")
    wanted = {name: np.array([[[1, 2, 3]]]) for name in "ab"}
    traces = {"a": _trace([1, 2], offered=True), "b": _trace([1])}
    assert str(first_mismatch(traces, streams, wanted)).startswith("b:")
    traces = {"a": _trace([1, 2], offered=True), "b": _trace([1], offered=True)}
    assert str(first_mismatch(traces, streams, wanted)).startswith("a:")


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize(("elements", "bits"), [(1, 1), (3, 5), (4, 8), (2, 20), (7, 13)])
def test_unpack_reverses_packing(elements: int, bits: int, signed: bool) -> None:
    low = -(1 << bits - 1) if signed else 0
    values = np.random.default_rng(bits).integers(low, low + (1 << bits), (6, elements))
    size = (elements * bits + 7) // 8
    beats = [
        sum((int(v) & (1 << bits) - 1) << i * bits for i, v in enumerate(beat)) for beat in values
    ]
    packed = np.frombuffer(b"".join(b.to_bytes(size, "little") for b in beats), np.uint8)
    found = unpack(packed.reshape(-1, size), elements, bits, signed)
    assert np.array_equal(found, values.reshape(-1))


@pytest.mark.parametrize(
    ("shape", "elements", "message"),
    [
        ((2, 2, 2), 1, r"add: expected numbers are \[2, 2, 2\]; give \[2, 2, 1\], or frames"),
        ((2, 2, 1), 3, r"add: 4 numbers do not fill beats of 3"),
    ],
)
def test_expected_numbers_must_fit(shape: tuple[int, ...], elements: int, message: str) -> None:
    stream = Stream("add", "add", (2, 2, 1), elements=elements, bits=8, signed=False)
    with pytest.raises(ShiftloomError, match=message):
        first_mismatch({"add": _trace([1])}, (stream,), {"add": np.zeros(shape, np.int64)})


def test_a_reproducer_is_written_whole(tmp_path: Path) -> None:
    mismatch = Mismatch("conv2", "second", 0, 1, 0, 2, cycle=10, expected=16, got=15)
    folder = tmp_path / "deep" / "case"
    for command in ("shiftloom check old", "shiftloom check build --frame 3"):
        expected, got = np.arange(3), np.arange(4)
        assert (
            write_reproducer(folder, mismatch, {"image": FRAME}, expected, got, command) == folder
        )
    with np.load(folder / "case.npz") as case:
        assert np.array_equal(case["frames_image"], FRAME)
        assert np.array_equal(case["expected"], np.arange(3))
        assert np.array_equal(case["got"], np.arange(4))
    text = (folder / "README.txt").read_text(encoding="utf-8")
    assert text.startswith(f"{mismatch}\n")
    assert text.endswith("\n    shiftloom check build --frame 3\n")
    assert [path.name for path in folder.parent.iterdir()] == ["case"]
