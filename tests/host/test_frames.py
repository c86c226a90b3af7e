"""Frames and bytes: every layout against a plain loop, and what is refused, message by message."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from shiftloom.host.errors import InputError
from shiftloom.host.frames import Tensor, checked, empty, filled_up, pack, unpack, widen

SHAPES = {"x": (2, 3, 1), "y": (1, 1, 5)}
BROKEN = 7
"""What the bytes hold that nothing may touch."""


class Old(np.ndarray[Any, Any]):
    """An array whose `view` is that of NumPy 1.21."""

    def view(self, *given: Any) -> Any:
        size = np.dtype(given[0]).itemsize
        if size != self.itemsize and not self.flags.c_contiguous:
            raise ValueError("a dtype of a different size, and not C-contiguous")
        return super().view(*given)


def tensors(bits: int, *, signed: bool) -> list[Tensor]:
    return [Tensor(name, shape, bits, signed) for name, shape in SHAPES.items()]


def values(given: list[Tensor], count: int, dtype: Any = np.int64) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    found = {}
    for each in given:
        low, high = each.limits
        array = rng.integers(low, high + 1, (count, *each.shape))
        array.reshape(-1)[:2] = low, high
        found[each.name] = array.astype(dtype)
    return found


def plain(given: list[Tensor], arrays: dict[str, np.ndarray], frame: int) -> bytes:
    """The bytes of a frame, element by element."""
    return b"".join(
        int(q).to_bytes(each.bits // 8, "little", signed=each.signed)
        for each in given
        for q in arrays[each.name][frame].ravel()
    )


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("dtype", [np.int64, np.float64, None])
def test_packs_as_a_plain_loop_does(bits: int, signed: bool, dtype: Any) -> None:
    given = tensors(bits, signed=signed)
    x = values(given, 5, dtype or given[0].dtype)
    size = sum(each.nbytes for each in given)
    out = np.full((4, filled_up(size)), BROKEN, np.uint8)
    pack(given, checked(given, x), 1, 4, out)
    assert [row.tobytes() for row in out[:3, :size]] == [plain(given, x, n) for n in (1, 2, 3)]
    assert (out[:3, size:] == BROKEN).all()
    assert (out[3] == BROKEN).all()


@pytest.mark.parametrize("padding", [0, 3])
def test_packs_into_rows_of_any_length_by_an_old_numpy(padding: int) -> None:
    given = [Tensor("x", (1, 1, 3), 8, False), Tensor("y", (2, 1, 2), 16, True)]
    x = values(given, 4)
    out = np.full((4, 11 + padding), BROKEN, np.uint8)
    pack(given, checked(given, x), 0, 4, out.view(Old))
    assert [row.tobytes() for row in out[:, :11]] == [plain(given, x, n) for n in range(4)]
    assert (out[:, 11:] == BROKEN).all()


@pytest.mark.parametrize("padding", [0, 3])
@pytest.mark.parametrize("beat_bytes", [2, 3, 4, 8])
def test_reads_rows_of_any_length_by_an_old_numpy(beat_bytes: int, padding: int) -> None:
    x = values([Tensor("x", (1, 1, 5), 8 * beat_bytes, True)], 4)["x"].reshape(4, 5)
    raw = np.full((4, 5 * beat_bytes + padding), BROKEN, np.uint8)
    raw[:, : 5 * beat_bytes] = (
        x.astype("<i8").view(np.uint8).reshape(4, 5, 8)[..., :beat_bytes].reshape(4, -1)
    )
    out = np.full((4, 7), BROKEN, np.int64)
    widen(raw.view(Old)[:, : 5 * beat_bytes], beat_bytes, True, out.view(Old)[:, 1:6])
    assert np.array_equal(out[:, 1:6], x)
    assert (out[:, [0, 6]] == BROKEN).all()


def test_bytes_need_not_lie_one_behind_the_other() -> None:
    raw, out = np.arange(24, dtype=np.uint8).reshape(2, 12), np.zeros((2, 4), np.int64)
    widen(raw[:, ::3], 1, False, out)
    assert out.tolist() == raw[:, ::3].tolist()


@pytest.mark.parametrize("change", [np.asfortranarray, lambda x: x[::-1], lambda x: x.byteswap()])
def test_packs_any_order_of_the_elements(change: Callable[[np.ndarray], np.ndarray]) -> None:
    given = [Tensor("x", (3, 4, 2), 16, True)]
    x = change(values(given, 4, np.int16)["x"])
    swapped = x.view(x.dtype.newbyteorder()) if x.dtype.isnative else x
    for array in (x, swapped):
        out = np.empty((4, 48), np.uint8)
        pack(given, checked(given, array), 0, 4, out)
        assert np.array_equal(out.view("<i2").reshape(4, 3, 4, 2), array)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("beat_bytes", range(1, 9))
@pytest.mark.parametrize("narrower", [0, 5])
def test_unpacks_as_a_plain_loop_does(beat_bytes: int, signed: bool, narrower: int) -> None:
    given = tensors(8 * beat_bytes - narrower, signed=signed)
    size = sum(each.size for each in given) * beat_bytes
    if given[0].limits[1] > np.iinfo(np.int64).max:
        given = tensors(63, signed=signed)
    x = values(given, 3)
    rows = [
        b"".join(
            int(q).to_bytes(beat_bytes, "little", signed=signed)
            for each in given
            for q in x[each.name][n].ravel()
        )
        for n in range(3)
    ]
    raw = np.full((3, filled_up(size)), BROKEN, np.uint8)
    raw[:, :size] = [np.frombuffer(row, np.uint8) for row in rows]
    found = empty(given, 5)
    for array in found.values():
        array[...] = BROKEN
    unpack(given, beat_bytes, raw, found, 1)
    for each in given:
        assert found[each.name].dtype == each.dtype
        assert np.array_equal(found[each.name][1:4], x[each.name])
        assert (found[each.name][[0, 4]] == BROKEN).all()


@pytest.mark.parametrize(
    ("bits", "signed", "dtype"),
    [(4, False, "u1"), (8, True, "i1"), (9, True, "i2"), (17, False, "u4"), (33, True, "i8")],
)
def test_outputs_have_the_smallest_type(bits: int, signed: bool, dtype: str) -> None:
    assert Tensor("y", (1,), bits, signed).dtype == np.dtype(dtype)


def test_widens_into_part_of_a_larger_array() -> None:
    raw = np.array([[0xFE, 0xFF, 0xFF], [1, 2, 3]], np.uint8)
    out = np.zeros((2, 3), np.int64)
    widen(raw, 3, True, out[:, 1:2])
    assert out.tolist() == [[0, -2, 0], [0, 0x030201, 0]]
    widen(raw, 3, False, out[:, 1:2])
    assert out.tolist() == [[0, 0xFFFFFE, 0], [0, 0x030201, 0]]


def test_real_numbers_by_channel_and_all_alike() -> None:
    q = np.array([[[[0, 10]]], [[[2, 20]]]], np.uint8)
    one = Tensor("y", (1, 1, 2), 8, False, (0.5,), 2)
    assert one.real(q).ravel().tolist() == [-1.0, 4.0, 0.0, 9.0]
    each = Tensor("y", (1, 1, 2), 8, False, (0.5, 2.0), 0)
    assert each.real(q).ravel().tolist() == [0.0, 20.0, 1.0, 40.0]


def refused(given: list[Tensor], x: Any) -> str:
    with pytest.raises(InputError) as caught:
        checked(given, x)
    return str(caught.value)


def test_refuses_other_names_and_shapes() -> None:
    two = tensors(8, signed=False)
    x = values(two, 2)
    assert refused(two, x["x"]) == "the design has 2 inputs; give a mapping with x, y"
    assert refused(two, {**x, 3: x["x"], "z": x["x"]}) == "no input is named 3; there are x, y"
    assert refused(two, {**x, "z": x["x"]}) == "no input is named 'z'; there are x, y"
    assert refused(two, {"x": x["x"]}) == "y: has no frames; give integers [N, 1, 1, 5]"
    assert refused(two, {**x, "y": x["y"][:1]}) == (
        "inputs of different length: 2 of x, 1 of y; give as many frames of each"
    )
    assert refused(two[:1], x["x"][0]) == ("x: has shape [2, 3, 1]; give integers [N, 2, 3, 1]")
    assert refused(two[:1], [[1, 2], [3]]) == "x: is no array; give integers [N, 2, 3, 1]"
    assert refused(two[:1], np.uint8(3)) == "x: has shape []; give integers [N, 2, 3, 1]"


@pytest.mark.parametrize("dtype", ["bool", "complex128", "<U1", "object"])
def test_refuses_what_is_no_number(dtype: str) -> None:
    x = np.zeros((1, 2, 3, 1)).astype(dtype)
    assert refused(tensors(8, signed=False)[:1], x) == (
        f"x: has elements of {x.dtype}; give integers [N, 2, 3, 1]"
    )


@pytest.mark.parametrize(
    ("bits", "signed", "value", "dtype", "kind"),
    [
        (8, False, 256, np.int64, "8 bits unsigned hold 0 to 255"),
        (8, False, -1, np.int8, "8 bits unsigned hold 0 to 255"),
        (8, True, 128, np.uint8, "8 bits signed hold -128 to 127"),
        (8, True, -129, np.float32, "8 bits signed hold -128 to 127"),
        (16, False, 65536, np.uint64, "16 bits unsigned hold 0 to 65535"),
        (16, True, 1 << 62, np.float64, "16 bits signed hold -32768 to 32767"),
    ],
)
def test_refuses_values_beyond_the_limits(
    bits: int, signed: bool, value: int, dtype: Any, kind: str
) -> None:
    x = np.zeros((70_000, 2, 3, 1), dtype)
    x[-1, 1, 2, 0] = value
    assert refused(tensors(bits, signed=signed)[:1], x) == f"x: has a value of {value}; {kind}"


@pytest.mark.parametrize(
    ("value", "text"),
    [(1e300, "1e+300"), (-1e300, "-1e+300"), (1e20, "1e+20"), (9e18, "9000000000000000000")],
)
def test_large_values_are_shown_in_few_digits(value: float, text: str) -> None:
    x = np.zeros((3, 2, 3, 1))
    x[2, 0, 0, 0] = value
    assert refused(tensors(8, signed=False)[:1], x) == (
        f"x: has a value of {text}; 8 bits unsigned hold 0 to 255"
    )


@pytest.mark.parametrize(("value", "text"), [(0.5, "0.5"), (np.nan, "nan"), (np.inf, "inf")])
def test_refuses_fractions(value: float, text: str) -> None:
    x = np.zeros((3, 2, 3, 1))
    x[2, 0, 0, 0] = value
    assert refused(tensors(8, signed=False)[:1], x) == (
        f"x: has a value of {text}, which is no whole number; "
        "round, or give the integers that the network was calibrated with"
    )


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32])
@pytest.mark.parametrize("beat_bytes", [1, 3, 4])
def test_nothing_larger_than_a_batch_is_made(dtype: Any, beat_bytes: int) -> None:
    """Besides the results: 25,000 frames are several times the bound in any type."""
    frames, batch, shape = 25_000, 256, (28, 28, 1)
    given, taken = [Tensor("x", shape, 8, False)], [Tensor("y", shape, 32, True)]
    x = np.ones((frames, *shape), dtype)
    out = np.zeros((batch, given[0].nbytes), np.uint8)
    raw = np.zeros((batch, taken[0].size * beat_bytes), np.uint8)
    results = empty(taken, frames)
    tracemalloc.start()
    try:
        arrays = checked(given, x)
        for start in range(0, frames - batch, batch):
            pack(given, arrays, start, start + batch, out)
            unpack(taken, beat_bytes, raw, results, start)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_what_fits_is_not_copied() -> None:
    x = np.zeros((2, 2, 3, 1), np.uint8)
    assert checked(tensors(8, signed=False)[:1], x)["x"] is x
