"""Settings that contradict each other: a key that means nothing beside another one is refused."""

from __future__ import annotations

from collections.abc import Mapping

from shiftloom.codegen.errors import ShiftloomError

_QSQ = "format", ("auto", "qsq")
_MEANT: dict[str, tuple[str, tuple[str, ...]]] = {
    "phi": _QSQ,
    "vector": _QSQ,
    "axis": _QSQ,
    "weight_bits": ("format", ("int", "pow2", "csd")),
    "granularity": ("format", ("int",)),
    "digits": ("format", ("csd",)),
    "scales": ("format", ("ternary",)),
    "percentile": ("quantizer", ("percentile",)),
    "alpha": ("quantizer", ("paper",)),
    "digit": ("pe", ("auto", "constant")),
    "requant_dsp": ("requant", ("mult_shift",)),
}
"""Of a key: the key that it depends on, and the values of that with which it means something."""
_HARMLESS = {"alpha": "least_squares"}
"""Values that say what is done anyway."""


def check(where: str, given: Mapping[str, object], settings: object) -> None:
    """Refuse what an entry gives in vain beside its `settings`, those that it inherits included.

    What it inherits itself may be meant for other layers; null leaves a choice open.
    """
    for key, value in given.items():
        if value is None or key not in _MEANT or _HARMLESS.get(key) == value:
            continue
        other, useful = _MEANT[key]
        found = getattr(settings, other)
        if found not in useful:
            raise ShiftloomError(
                f"{where}.{key}",
                f"{value!r} means nothing with {other}: {found}",
                f"leave it out, or use {other}: {' or '.join(useful)}",
            )
