"""Proofs about streams: an offered beat stays, and the FIFO keeps every beat in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shiftloom.rtl_sim.proofs.proof import Mutant, Proof, bind

_MOVES = "!m_tvalid || m_tready;"  # the one enable of a unit, which a mutant makes 1


def _stable(
    unit: str,
    mutant: Mutant | None = None,
    *,
    inputs: Sequence[str] = ("s",),
    outputs: Sequence[str] = ("m",),
    depth: int = 2,
    parameters: Mapping[str, int] | None = None,
) -> Proof:
    """An offered beat of `unit` stays until it is taken; from any state where two clocks do.

    The default mutant lets the unit move on when the beat that it offers is not taken.
    """
    return Proof(
        name="-".join([unit, "stable", *(f"{v}" for v in (parameters or {}).values())]),
        claim=f"{unit}: tvalid and tdata of {' and '.join(outputs)} stay until tready",
        top=unit,
        properties="stream_stable",
        depth=depth,
        mutant=mutant or Mutant(unit, _MOVES, "1'b1;"),
        start="any state" if depth == 2 else "reset",
        parameters=parameters or {},
        beside="".join(_bound(unit, name, name in inputs) for name in (*inputs, *outputs)),
    )


def _bound(unit: str, stream: str, is_assumed: bool) -> str:
    beat = (f".{pin}({stream}_{pin})" for pin in ("tdata", "tvalid", "tready"))
    pins = ", ".join([".clk(clk)", ".rst(rst)", *beat])
    bits: dict[str, int | str] = {"BITS": f"$bits({stream}_tdata)"}
    settings = bits | {"IS_ASSUMED": int(is_assumed)}
    return bind(unit, "stream_stable", settings, f"i_{stream}_stable", pins)


def _fifo(width: int, depth: int) -> Proof:
    words = ", ".join(f"gen_distributed.mem[{index}]" for index in reversed(range(depth)))
    sizes = {"WIDTH": width, "DEPTH": depth}
    return Proof(
        name=f"sl_fifo-order-{width}-{depth}",
        claim="sl_fifo: beats come out in order, each once; the flags say how many are held",
        top="sl_fifo",
        properties="fifo_order",
        depth=4,
        induction=1,
        mutant=Mutant("sl_fifo", "(pointer == AW'(DEPTH - 1)) ?", "(pointer == AW'(DEPTH - 2)) ?"),
        parameters=sizes,
        beside=bind("sl_fifo", "fifo_order", sizes, pins=f".words({{{words}}}), .*"),
    )


_MATRIX = Mutant("sl_mvu_control", _MOVES, "1'b1;")
_NARROWING = {"IN_ELEMS": 6, "OUT_ELEMS": 2}
STREAM_PROOFS = (
    _fifo(4, 2),
    _fifo(8, 5),
    _fifo(8, 16),
    _stable(
        "sl_fifo",
        Mutant("sl_fifo", "read_d = pop ?", "read_d = m_tvalid ?"),
        depth=8,
        parameters={"WIDTH": 4, "DEPTH": 3},
    ),
    _stable("sl_width", Mutant("sl_width", "if (m_tready) m_tvalid", "m_tvalid")),
    _stable(
        "sl_width",
        Mutant("sl_width", "(m_tready && last)", "last"),
        parameters=_NARROWING,
    ),
    _stable("sl_extend"),
    _stable("sl_fork", Mutant("sl_fork", "m0_tvalid && !m0_tready", "1'b0"), outputs=("m0", "m1")),
    _stable(
        "sl_frame_split",
        Mutant("sl_frame_split", "(!m0_tvalid || m0_tready) && ", ""),
        outputs=("m0", "m1"),
    ),
    _stable("sl_concat", inputs=("s0", "s1")),
    _stable("sl_add", inputs=("s0", "s1")),
    _stable("sl_axis_framer", inputs=("s_axis",)),
    _stable("sl_memory_gate"),
    _stable("sl_mvu_shift", _MATRIX),
    _stable("sl_mvu_dsp", _MATRIX),
    _stable("sl_mvu_xnor", _MATRIX),
    _stable("sl_mvu_csd", _MATRIX),
    _stable("sl_mvu_filter_csd", _MATRIX),
    _stable("sl_mvu_channel_csd", _MATRIX),
    _stable("sl_dw_shift", _MATRIX),
    _stable("sl_dw_dsp", _MATRIX),
    _stable("sl_requant"),
    _stable("sl_requant", parameters={"C_BITS": 12, "USE_DSP": 1}),
    _stable("sl_requant_csd"),
    _stable("sl_thresholds"),
    _stable("sl_pool"),
    _stable("sl_reduce"),
    _stable("sl_window_reduce"),
    _stable("sl_window", Mutant("sl_window_slice", "held_q && m_tready", "held_q")),
    _stable("sl_vector_buffer"),
    _stable("sl_taps"),
    _stable("sl_argmax"),
    _stable("sl_crop"),
    _stable("sl_gather"),
)
