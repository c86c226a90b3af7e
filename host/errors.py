"""What the driver raises; each message names the thing, the value, the limit and a way out."""

from __future__ import annotations

_MOST_SHOWN = 60


class AcceleratorError(Exception):
    """Anything that keeps an accelerator from being used as asked."""


class DesignError(AcceleratorError):
    """The files, the bit file and the hardware are not of one design, or of another version."""


class InputError(AcceleratorError, ValueError):
    """An argument is refused, before anything of it has reached the hardware."""


class HardwareError(AcceleratorError):
    """The accelerator has set error bits, or does not keep what was written."""


class BusError(HardwareError):
    """A memory access of the accelerator, or of a DMA core, was answered by an error."""


class SerialError(AcceleratorError):
    """The serial line, or the board at its end, does not do its part."""


class StuckError(AcceleratorError, TimeoutError):
    """The accelerator does not go on; it has been reset, unless the message says that it cannot."""


def shown(value: object) -> str:
    """A value of any kind for a message; the beginning of a long one."""
    try:
        text = repr(value)
    except ValueError:  # an integer of thousands of digits
        return f"a long {type(value).__name__}"
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."
