"""Identifiers: names from a model are made safe once, and checked before any rendering."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable

from shiftloom.codegen.errors import ShiftloomError

MAX_LENGTH = 120
"""Of an identifier in a generated file."""
MAX_NODE_LENGTH = 48
"""Of a node's name; the generated names append to it."""
_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*")

_SYSTEMVERILOG = """
accept_on alias always always_comb always_ff always_latch and assert assign assume automatic before
begin bind bins binsof bit break buf bufif0 bufif1 byte case casex casez cell chandle checker class
clocking cmos config const constraint context continue cover covergroup coverpoint cross deassign
default defparam design disable dist do edge else end endcase endchecker endclass endclocking
endconfig endfunction endgenerate endgroup endinterface endmodule endpackage endprimitive endprogram
endproperty endsequence endspecify endtable endtask enum event eventually expect export extends
extern final first_match for force foreach forever fork forkjoin function generate genvar global
highz0 highz1 if iff ifnone ignore_bins illegal_bins implements implies import incdir include
initial inout input inside instance int integer interconnect interface intersect join join_any
join_none large let liblist library local localparam logic longint macromodule matches medium
modport module nand negedge nettype new nexttime nmos nor noshowcancelled not notif0 notif1 null or
output package packed parameter pmos posedge primitive priority program property protected pull0
pull1 pulldown pullup pure rand randc randcase randsequence rcmos real realtime ref reg reject_on
release repeat restrict return rnmos rpmos rtran rtranif0 rtranif1 s_always s_eventually s_nexttime
s_until s_until_with scalared sequence shortint shortreal showcancelled signed small soft solve
specify specparam static string strong strong0 strong1 struct super supply0 supply1 sync_accept_on
sync_reject_on table tagged task this throughout time timeprecision timeunit tran tranif0 tranif1
tri tri0 tri1 triand trior trireg type typedef union unique unique0 unsigned until until_with
untyped use uwire var vectored virtual void wait wait_order wand weak weak0 weak1 while wildcard
wire with within wor xnor xor
"""
_CPP = """
alignas alignof and_eq asm auto bitand bitor bool catch char char16_t char32_t compl concept
const_cast constexpr consteval constinit co_await co_return co_yield decltype delete double
dynamic_cast explicit float friend goto inline long mutable namespace noexcept not_eq nullptr
operator or_eq private public register reinterpret_cast requires short sizeof static_assert
static_cast switch template thread_local throw true false try typeid typename using volatile
wchar_t xor_eq main std hls sl ap_int ap_uint
"""
_TCL = "proc set expr foreach puts eval exec source open close file info"
_FILES = "batch testbench"
"""Sources that stand beside those named after the design."""
_PORTS = "s_axis m_axis"
"""Ports of the accelerator, beside which a node's stream may stand under the node's own name..."""
_NUMBERED_PORT = re.compile(r"(?:memory|quality)[0-9]+")
"""... and those of the function in HLS C++."""
KEYWORDS = frozenset(f"{_SYSTEMVERILOG} {_CPP} {_TCL}".split())
RESERVED = KEYWORDS | frozenset(f"{_FILES} {_PORTS}".split())
_LIBRARY = "sl_"


def is_keyword(name: str) -> bool:
    """Whether a language has the word; what names neither file nor stream may be any other."""
    return name in KEYWORDS


def is_reserved(name: str) -> bool:
    """Whether a language has the word, or every accelerator a file or a port of that name."""
    return name in RESERVED or _NUMBERED_PORT.fullmatch(name) is not None


def check_identifier(name: str, node: str, is_taken: Callable[[str], bool] = is_reserved) -> str:
    """Return `name` if it may stand in HDL, C++ and Tcl; else raise ShiftloomError for `node`."""
    if len(name) > MAX_LENGTH or not _IDENTIFIER.fullmatch(name):
        raise ShiftloomError(
            node,
            f"the name {name[:64]!r} cannot be used in HDL",
            f"use lower-case letters, digits and _, starting with a letter, at most {MAX_LENGTH}",
        )
    if is_taken(name):
        raise ShiftloomError(node, f"the name {name!r} is a reserved word", "rename it")
    return name


def safe_identifier(name: str) -> str:
    """A model's own name as an identifier: lower case, other characters as _; checked."""
    safe = re.sub(r"[^a-z0-9_]", "_", name.lower())
    taken = is_reserved(safe) or safe == "input" or safe.startswith(_LIBRARY)
    if taken or not safe[:1].isalpha():
        safe = f"n_{safe}"
    if len(safe) > MAX_NODE_LENGTH:
        raise ShiftloomError(
            name[:64], f"a name of {len(name)} characters", f"use at most {MAX_NODE_LENGTH}"
        )
    return check_identifier(safe, name[:64])


class UniqueNames:
    """Safe identifiers for names of a model, each given once."""

    def __init__(self, *taken: str) -> None:
        self._taken = set(taken)

    def claim(self, name: str) -> str:
        """`name` as an identifier, cut to the limit from the left; numbered if it is taken."""
        base = short_identifier(name)
        result = base
        for call in itertools.count(1):
            if result not in self._taken:
                break
            result = f"{base[: MAX_NODE_LENGTH - len(str(call)) - 1]}_{call}"
        self._taken.add(result)
        return result


def short_identifier(name: str) -> str:
    """`name` as an identifier; of a long one the end, which says most in a hierarchy of scopes."""
    safe = re.sub(r"[^a-z0-9_]", "_", name.lower())
    if len(safe) > MAX_NODE_LENGTH - 2:
        safe = safe[-(MAX_NODE_LENGTH - 2) :].lstrip("_0123456789")
    return safe_identifier(safe or "n")
