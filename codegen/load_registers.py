"""The control registers that designs with weights to load at run time have besides the others."""

from __future__ import annotations

from shiftloom.codegen.loading import MEMORY_BITS, PIECE_BITS, WORD_BITS
from shiftloom.codegen.registers import Field, Register

LOAD_REGISTERS = (
    Register(
        *("STATUS", 0x14, "ro", "State of the core"),
        (Field("held", 1, 1, "LOAD_CONTROL.hold is set and no frame is under way"),),
    ),
    Register(
        *("ERRORS", 0x18, "w1c", "Errors since they were cleared"),
        (
            Field(
                *("load_refused", 5, 1),
                "LOAD_DATA without STATUS.held, or beyond a memory; nothing was written",
            ),
        ),
        cleared_by="clear_errors",
    ),
    Register(
        *("LOAD_CONTROL", 0x30, "rw", "Whether weights may be loaded"),
        (Field("hold", 0, 1, "frames under way end, no further one begins"),),
    ),
    Register(
        *(
            "LOAD_ADDRESS",
            0x34,
            "wo",
            "Where LOAD_DATA goes; host/accelerator.json has the memories",
        ),
        (
            Field("load_word", 0, WORD_BITS, "word of the memory"),
            Field("load_memory", WORD_BITS, MEMORY_BITS, "number of the memory"),
        ),
        strobe="load_start",
    ),
    Register(
        *("LOAD_DATA", 0x38, "wo", "Next piece of a word, lowest first; the last one writes it"),
        (Field("load_data", 0, PIECE_BITS, "behind a whole word the next word follows"),),
        strobe="load_push",
    ),
)
"""What is added: STATUS and ERRORS with their further bits alone, and registers of their own."""
