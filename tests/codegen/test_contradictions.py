"""Settings that contradict each other are refused, with what would give them a meaning."""

from __future__ import annotations

import pytest
from refusals import refuses

from shiftloom.codegen.config import LayerConfig, parse
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.formats import Int, Qsq
from shiftloom.codegen.quantizers import Options


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            {"format": "int", "phi": 2},
            "phi: 2 means nothing with format: int; leave it out, or use format: auto or qsq",
        ),
        (
            {"format": "csd", "vector": 8},
            "vector: 8 means nothing with format: csd; leave it out, or use format: auto or qsq",
        ),
        (
            {"format": "binary", "axis": "filter"},
            "axis: 'filter' means nothing with format: binary; "
            "leave it out, or use format: auto or qsq",
        ),
        (
            {"granularity": "tensor"},
            "granularity: 'tensor' means nothing with format: auto; "
            "leave it out, or use format: int",
        ),
        (
            {"format": "qsq", "weight_bits": 3},
            "weight_bits: 3 means nothing with format: qsq; "
            "leave it out, or use format: int or pow2 or csd",
        ),
        (
            {"format": "ternary", "weight_bits": 2},
            "weight_bits: 2 means nothing with format: ternary; "
            "leave it out, or use format: int or pow2 or csd",
        ),
        (
            {"format": "int", "digits": 2},
            "digits: 2 means nothing with format: int; leave it out, or use format: csd",
        ),
        (
            {"format": "binary", "scales": 2},
            "scales: 2 means nothing with format: binary; leave it out, or use format: ternary",
        ),
        (
            {"format": "int", "percentile": 99.0},
            "percentile: 99.0 means nothing with quantizer: least_squares; "
            "leave it out, or use quantizer: percentile",
        ),
        (
            {"alpha": "paper"},
            "alpha: 'paper' means nothing with quantizer: least_squares; "
            "leave it out, or use quantizer: paper",
        ),
        (
            {"pe": "shift", "digit": 2},
            "digit: 2 means nothing with pe: shift; leave it out, or use pe: auto or constant",
        ),
        (
            {"pe": "dsp", "gate": "row"},
            "gate: 'row' means nothing with pe: dsp; leave it out, or use pe: csd",
        ),
        (
            {"requant": "thresholds", "requant_dsp": True},
            "requant_dsp: True means nothing with requant: thresholds; "
            "leave it out, or use requant: mult_shift",
        ),
        (
            {"format": "int", "quantizer": "paper"},
            "quantizer: int has no quantizer 'paper'; "
            "use one of least_squares, max, percentile, calibrated, adaround",
        ),
    ],
)
@pytest.mark.parametrize("where", ["defaults", "layers.fc"])
def test_settings_that_contradict_each_other_are_refused(
    where: str, entry: dict[str, object], message: str
) -> None:
    data = {"defaults": entry} if where == "defaults" else {"layers": {"fc": entry}}
    with refuses(f"my.yaml: {where}.{message}"):
        parse(data, "my.yaml")


@pytest.mark.parametrize(
    ("section", "entry", "message"),
    [
        (
            "calibration",
            {"method": "max", "percentile": 60},
            "percentile: 60 means nothing with method: max; "
            "leave it out, or use method: percentile",
        ),
        (
            "pruning",
            {"method": "nm", "share": 0.3},
            "share: 0.3 means nothing with method: nm; "
            "leave it out, or use method: "
            "magnitude or block or filter_l1 or filter_fpgm or channel",
        ),
        (
            "pruning",
            {"share": 0.9},
            "share: 0.9 means nothing with method: none; "
            "leave it out, or use method: "
            "magnitude or block or filter_l1 or filter_fpgm or channel",
        ),
        (
            "pruning",
            {"method": "magnitude", "n": 1, "m": 2},
            "n: 1 means nothing with method: magnitude; leave it out, or use method: nm",
        ),
        (
            "pruning",
            {"method": "nm", "block": [4, 4]},
            "block: [4, 4] means nothing with method: nm; leave it out, or use method: block",
        ),
        (
            "pruning",
            {"method": "magnitude", "minimum": 9},
            "minimum: 9 means nothing with method: magnitude; "
            "leave it out, or use method: filter_l1 or filter_fpgm or channel",
        ),
    ],
)
def test_keys_without_their_method_are_refused(
    section: str, entry: dict[str, object], message: str
) -> None:
    with refuses(f"my.yaml: {section}.{message}"):
        parse({section: entry}, "my.yaml")


def test_what_a_layer_inherits_may_be_meant_for_others() -> None:
    loaded = parse(
        {
            "defaults": {"phi": 2, "vector": 9, "axis": "channel", "digit": 2},
            "layers": {"a": {"format": "int", "pe": "shift"}, "b": {"quantizer": "paper"}},
        }
    )
    assert loaded.layer("a").weight_format == Int(8)
    assert loaded.layer("b").weight_format == Qsq(2, 9, "channel")


def test_a_key_is_judged_by_what_its_entry_inherits() -> None:
    with refuses(
        "configuration: layers.fc.phi: 2 means nothing with format: int; "
        "leave it out, or use format: auto or qsq"
    ):
        parse({"defaults": {"format": "int"}, "layers": {"fc": {"phi": 2}}})
    with refuses(
        "configuration: layers.fc.quantizer: qsq has no quantizer 'max'; "
        "use one of least_squares, paper, calibrated, adaround"
    ):
        parse(
            {
                "defaults": {"format": "int", "quantizer": "max"},
                "layers": {"fc": {"format": "qsq"}},
            }
        )


@pytest.mark.parametrize(("key", "value"), [("phi", 2), ("pe", "constant"), ("folding", [1, 1])])
def test_settings_of_weights_where_there_are_none_are_refused(key: str, value: object) -> None:
    config = parse({"layers": {"relu1": {key: value, "m_bits": 9}, "conv1": {key: value}}})
    with pytest.raises(
        ShiftloomError,
        match=rf"^layers\.relu1\.{key}: .* means nothing at a node without weights; leave it out$",
    ):
        config.check_weights({"conv1"})
    config.check_weights({"conv1", "relu1"})
    parse({"defaults": {"pe": "dsp"}, "layers": {"relu1": {"m_bits": 9}}}).check_weights({"conv1"})


def test_null_and_what_is_done_anyway_contradict_nothing() -> None:
    entry = {"format": "int", "vector": None, "alpha": "least_squares"}
    assert parse({"defaults": entry}).defaults == LayerConfig(format="int")


def test_every_key_of_a_layers_weights_reaches_its_quantizer() -> None:
    entry = {"format": "int", "quantizer": "percentile", "percentile": 98.0, "alpha_bits": None}
    assert parse({"defaults": entry}).defaults.quantizing == Options(
        "percentile", alpha_bits=None, percentile=98.0
    )
    entry = {"quantizer": "paper", "alpha": "paper", "alpha_bits": 5}
    assert parse({"defaults": entry}).defaults.quantizing == Options("paper", "paper", 5)
    assert parse({"defaults": {"format": "ternary", "scales": 2}}).defaults.quantizing.scales == 2


@pytest.mark.parametrize(
    ("key", "value", "useful"),
    [
        ("array", [8, 8], "dadiannao or systolic"),
        ("stationary", "output", "systolic"),
        ("weight_ports", 1, "systolic"),
        ("memory_gbs", 1.0, "systolic"),
    ],
)
def test_settings_of_engines_need_one(key: str, value: object, useful: str) -> None:
    message = (
        f"configuration: target.{key}: {value!r} means nothing without a layer of dataflow: "
        f"{useful}; leave it out, or use dataflow: {useful} in the target or a layer"
    )
    with refuses(message):
        parse({"target": {key: value}})
    with refuses(message):
        parse({"target": {key: value, "dataflow": "pipeline"}})
    for kind in useful.split(" or "):
        parse({"target": {key: value, "dataflow": kind}})
        parse({"target": {key: value}, "defaults": {"dataflow": kind}})
        parse({"target": {key: value}, "layers": {"a": {"dataflow": kind}}})
