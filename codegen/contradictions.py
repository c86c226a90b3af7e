"""Settings that contradict each other: a key that means nothing beside another one is refused."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from shiftloom.codegen.errors import ShiftloomError, shown

Meanings = Mapping[str, tuple[str, tuple[str, ...]]]
"""Of a key: the key that it depends on, and the values of that with which it means something."""
_QSQ = "format", ("auto", "qsq")
LAYER: Meanings = {
    "phi": _QSQ,
    "vector": _QSQ,
    "axis": _QSQ,
    "weight_bits": ("format", ("int", "pow2", "csd")),
    "granularity": ("format", ("int",)),
    "digits": ("format", ("csd",)),
    "scales": ("format", ("ternary",)),
    "percentile": ("quantizer", ("percentile",)),
    "alpha": ("quantizer", ("paper",)),
    "gate": ("pe", ("csd",)),
    "digit": ("pe", ("auto", "constant")),
    "requant_dsp": ("requant", ("mult_shift",)),
    "requant": ("weights", ("rom",)),
    "weights": ("pe", ("auto", "shift")),
}
WEIGHTS = (
    *("format", "weight_bits", "granularity", "phi", "vector", "axis", "digits", "scales"),
    *("quantizer", "percentile", "alpha", "alpha_bits", "pe", "gate", "folding", "digit"),
    *("weights", "dataflow"),
)
"""Keys of a layer that are about its weights."""
_CHANNELS = ("filter_l1", "filter_fpgm", "channel")
ZEROS = ("magnitude", "nm", "block")
"""Methods of pruning that set weights to 0."""
ENGINES = ("dadiannao", "systolic")
"""The dataflows that run several layers on one engine."""
_MEMORY = ("systolic",)
TARGET: Mapping[str, tuple[str, ...]] = {
    "array": ENGINES,
    "stationary": _MEMORY,
    "weight_ports": _MEMORY,
    "memory_gbs": _MEMORY,
}
"""Of a key of `target` that is about engines: the dataflows that it means something for."""
_BY_SHARE = "method", ("magnitude", "block", *_CHANNELS)
_REMOVING = "method", _CHANNELS
_NM = "method", ("nm",)
SECTIONS: Mapping[str, Meanings] = {
    "calibration": {"percentile": ("method", ("percentile",))},
    "pruning": {
        "share": _BY_SHARE,
        "scope": _BY_SHARE,
        "n": _NM,
        "m": _NM,
        "block": ("method", ("block",)),
        "minimum": _REMOVING,
        "multiple": _REMOVING,
        "keep": ("method", (*ZEROS, *_CHANNELS)),
    },
}
_HARMLESS = {"alpha": "least_squares", "requant": "mult_shift", "weights": "rom"}
"""Values that say what is done anyway."""


def check(where: str, given: Mapping[str, object], settings: object, meant: Meanings) -> None:
    """Refuse what an entry gives in vain beside its `settings`, those that it inherits included.

    What it inherits itself may be meant for other layers; null leaves a choice open.
    """
    for key, value in given.items():
        if value is None or key not in meant or _HARMLESS.get(key) == value:
            continue
        other, useful = meant[key]
        found = getattr(settings, other)
        if found not in useful:
            raise ShiftloomError(
                f"{where}.{key}",
                f"{shown(value)} means nothing with {other}: {found}",
                f"leave it out, or use {other}: {' or '.join(useful)}",
            )


def check_target(where: str, given: Mapping[str, object], dataflows: Collection[str]) -> None:
    """Refuse what a target gives for dataflows that neither it nor a layer has."""
    for key, useful in TARGET.items():
        if given.get(key) is not None and not set(useful) & set(dataflows):
            either = " or ".join(useful)
            raise ShiftloomError(
                f"{where}.{key}",
                f"{shown(given[key])} means nothing without a layer of dataflow: {either}",
                f"leave it out, or use dataflow: {either} in the target or a layer",
            )
