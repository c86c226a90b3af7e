"""Configuration: frozen dataclasses, loaded from YAML or TOML, with overrides by node name."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from shiftloom.codegen import contradictions, files, strict_yaml
from shiftloom.codegen.boards import Shell
from shiftloom.codegen.calibration import Method
from shiftloom.codegen.errors import ShiftloomError, key_of, shown
from shiftloom.codegen.formats import Binary, Csd, Format, Int, Pow2, Qsq, Ternary
from shiftloom.codegen.formats.integer import Granularity
from shiftloom.codegen.formats.qsq import Axis
from shiftloom.codegen.plan import ClockGate, Gate
from shiftloom.codegen.quantizers import AlphaRule, Options, Word, check_word
from shiftloom.codegen.values import nearest

WeightFormat = Literal["auto", "qsq", "int", "pow2", "csd", "ternary", "binary"]
PeKind = Literal["auto", "shift", "constant", "dsp", "xnor", "csd"]
PruningMethod = Literal["none", "magnitude", "nm", "block", "filter_l1", "filter_fpgm", "channel"]
BlockSide = Annotated[int, Field(strict=True, ge=1, le=4096)]
Flag = Annotated[bool, Field(strict=True)]
Text = Annotated[str, Field(strict=True)]
Share = Annotated[float, Field(strict=True, gt=0, le=1, allow_inf_nan=False)]
ShareOrNone = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]


def _whole(value: object) -> object:
    """Refuse what equals an integer and is none, which `Literal` takes."""
    if isinstance(value, bool | float):
        raise PydanticCustomError("int_type", "Input should be a valid integer")
    return value


@dataclass(frozen=True, slots=True)
class LayerConfig:
    """Settings of one layer; a value given under `layers.<node>` replaces the default."""

    format: WeightFormat = "auto"
    """Number format of the weights; `auto` keeps an imported model's integers, else takes `qsq`."""
    weight_bits: Annotated[int, Field(strict=True, ge=2, le=8)] | None = None
    """Width of the weights: of `int` and `csd` 2 to 8, null for 8; of `pow2` 2 to 5, null for 4."""
    granularity: Granularity = "channel"
    """In the format `int`: one α for each output `channel`, or one for the `tensor`."""
    phi: Annotated[Literal[1, 2, 4], BeforeValidator(_whole)] = 4
    """Largest QSQ level."""
    vector: Annotated[int, Field(strict=True, ge=1, le=1 << 20)] | None = None
    """Weights that share one α; null means the whole axis."""
    axis: Axis = "output"
    """Direction of the QSQ vectors."""
    digits: Annotated[int, Field(strict=True, ge=1, le=4)] = 2
    """In the format `csd`: most non-zero signed digits of a weight."""
    scales: Annotated[Literal[1, 2], BeforeValidator(_whole)] = 1
    """In the format `ternary`: one scale, or one for positive and one for negative weights."""
    quantizer: Word = "least_squares"
    """`least_squares`; of `int` also the clips `max` and `percentile`; of `qsq` also `paper`, the
    thresholds of eq. 10. `calibrated` and `adaround` take the levels and biases that change the
    outputs on the calibration frames least, by coordinate descent or by relaxed rounding."""
    percentile: Annotated[float, Field(strict=True, gt=50, le=100)] = 99.9
    """Of the magnitudes, for the quantizer `percentile`."""
    alpha: AlphaRule = "least_squares"
    """In the paper's mode: `paper` takes eq. 9 literally."""
    alpha_bits: Annotated[int, Field(strict=True, ge=2, le=24)] | None = 16
    """Mantissa width of α; null for the fewest that add at most 1 % to the squared error."""
    activation_bits: Annotated[int, Field(strict=True, ge=1, le=8)] = 8
    """Width of the activations this layer makes; 1 keeps the sign of values that have one."""
    m_bits: Annotated[int, Field(strict=True, ge=4, le=17)] = 8
    """Width of the requantization multiplier M."""
    requant: Literal["mult_shift", "thresholds", "csd"] = "mult_shift"
    """Hardware of the requantization; `csd` multiplies by the signed digits of M, as many as its
    quality keeps."""
    requant_dsp: Flag | None = None
    """Multiply by M on DSP blocks (true) or in LUTs (false); null lets the cost model choose."""
    pe: PeKind = "auto"
    """Processing element; `auto` lets the cost model choose. `csd` multiplies by signed digits,
    of the weights or of the α of short vectors, as many as the quality of the layer keeps."""
    weights: Literal["rom", "ram"] = "rom"
    """Where codes, biases, M and C are: in constant memories, or in such that can be loaded at run
    time with those of other weights."""
    gate: Gate = "product"
    """With `pe: csd`: which registers hold where there is nothing to multiply."""
    folding: (
        tuple[Annotated[int, Field(strict=True, ge=1)], Annotated[int, Field(strict=True, ge=1)]]
        | None
    ) = None
    """(PE, SIMD) of the matrix unit; null lets the scheduler choose."""
    dataflow: Text | None = None
    """How this layer becomes hardware; null takes `target.dataflow`."""
    digit: Annotated[int, Field(strict=True, ge=1, le=8)] | None = None
    """Bits of each activation that `pe: constant` takes a clock; null lets the scheduler choose."""

    @property
    def weight_format(self) -> Format:
        """The weight format of the layer."""
        makers: dict[str, Callable[[], Format]] = {
            "int": lambda: Int(self.weight_bits or 8, self.granularity),
            "pow2": lambda: Pow2(self.weight_bits or 4),
            "csd": lambda: Csd(self.weight_bits or 8, self.digits),
            "ternary": Ternary,
            "binary": Binary,
        }
        return makers.get(self.format, lambda: Qsq(self.phi, self.vector, self.axis))()

    def takes(self, made: Format) -> bool:
        """Whether weights of that format are what is asked for.

        Of `ternary` with two scales the quantizer chooses the levels.
        """
        if self.format == "ternary" and self.scales == 2:
            return isinstance(made, Ternary)
        return made == self.weight_format

    @property
    def quantizing(self) -> Options:
        """How the weights are quantized, besides their format."""
        return Options(self.quantizer, self.alpha, self.alpha_bits, self.percentile, self.scales)


@dataclass(frozen=True, slots=True)
class CalibrationConfig:
    """How activation ranges are found."""

    method: Method = "mse"
    percentile: Annotated[float, Field(strict=True, gt=50, le=100)] = 99.9
    frames: Annotated[int, Field(strict=True, ge=1)] = 512
    seed: Annotated[int, Field(strict=True, ge=0, lt=1 << 63)] = 0


@dataclass(frozen=True, slots=True)
class PruningConfig:
    """What is left out of the network before it is quantized."""

    method: PruningMethod = "none"
    """Zeros in the weights (`magnitude`, `nm`, `block`), or channels removed (the others)."""
    share: Annotated[float, Field(strict=True, ge=0, lt=1, allow_inf_nan=False)] = 0.5
    """Of the weights, the blocks, or the channels that can be removed; not in `nm`."""
    scope: Literal["layer", "global"] = "layer"
    """The share of each layer, or of all together; layers tied by a sum are one."""
    n: Annotated[int, Field(strict=True, ge=1, le=1024)] = 2
    """In `nm`: the most weights that stay of every M..."""
    m: Annotated[int, Field(strict=True, ge=2, le=1024)] = 4
    """... in a row along the input channels."""
    block: tuple[BlockSide, BlockSide] = (16, 16)
    """In `block`: input and output channels of a block; an engine skips those of its array."""
    minimum: Annotated[int, Field(strict=True, ge=1)] = 1
    """Channels that stay at least, everywhere."""
    multiple: Annotated[int, Field(strict=True, ge=1)] = 1
    """What the channels that stay are a multiple of, in each layer that loses some."""
    keep: tuple[Text, ...] = ()
    """Layers whose weights and filters all stay."""

    @property
    def removes_channels(self) -> bool:
        """Whether layers become smaller; else their weights become 0, or stay."""
        return self.method != "none" and not self.makes_zeros

    @property
    def makes_zeros(self) -> bool:
        """Whether weights become 0."""
        return self.method in contradictions.ZEROS


@dataclass(frozen=True, slots=True)
class RepairConfig:
    """What is done to the float network, and to biases, against the errors of quantized weights."""

    equalize: Flag = False
    """Equal ranges of the channels between layers; the float function stays."""
    bias_correction: Flag = False
    """Take the mean error of each output channel on the calibration frames out of the bias."""


@dataclass(frozen=True, slots=True)
class TargetConfig:
    """The board and what the scheduler aims at: a rate, or the fastest plan within the shares.

    The resources are used in proportion to their shares of the board; a share of 0 means none.
    """

    board: Text = "pynq-z2"
    clock_mhz: Annotated[float, Field(strict=True, gt=0, le=1000, allow_inf_nan=False)] | None = (
        None
    )
    """Assumed clock; null takes the board's default."""
    fps: Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)] | None = None
    """Frames a second to reach; null takes the fastest plan within the shares."""
    objective: Literal["interval", "latency"] = "interval"
    """What makes the frames a second: the clocks between frames back to back (`interval`), or all
    the clocks of a frame alone, from its first input to its last output (`latency`)."""
    dataflow: Text = "streaming"
    """How loop nests become hardware."""
    array: (
        tuple[Annotated[int, Field(strict=True, ge=1)], Annotated[int, Field(strict=True, ge=1)]]
        | None
    ) = None
    """Rows and columns of an engine's array; null lets the scheduler choose."""
    stationary: Literal["weight", "output"] = "weight"
    """What stays in the array of `systolic` while the rest moves."""
    weight_ports: Annotated[Literal[1, 2], BeforeValidator(_whole)] | None = None
    """Memory ports that bring the weights of `systolic`; null lets the scheduler choose."""
    memory_gbs: Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)] | None = None
    """Gigabytes a second of the external memory; null takes 8 bytes a clock of every port."""
    clock_gate: ClockGate = "enable"
    """What stops the clock of the multipliers of `pe: csd` while no beat is inside."""
    shell: Shell | None = None
    """What joins the accelerator to the board; null takes the board's."""
    lut_share: Share = 0.8
    ff_share: Share = 0.8
    dsp_share: ShareOrNone = 1.0
    bram_share: ShareOrNone = 1.0


@dataclass(frozen=True, slots=True)
class Config:
    """Everything a build depends on besides the network and the calibration frames."""

    target: TargetConfig = field(default_factory=TargetConfig)
    calibration: CalibrationConfig = field(default_factory=CalibrationConfig)
    defaults: LayerConfig = field(default_factory=LayerConfig)
    layers: dict[str, LayerConfig] = field(default_factory=dict)
    pruning: PruningConfig = field(default_factory=PruningConfig)
    repair: RepairConfig = field(default_factory=RepairConfig)

    def layer(self, node: str) -> LayerConfig:
        """Settings of a node: its override, or the defaults."""
        return self.layers.get(node, self.defaults)

    @property
    def dataflows(self) -> frozenset[str]:
        """The dataflows that are named for the network or for layers."""
        layers = (self.defaults, *self.layers.values())
        return frozenset({self.target.dataflow, *(e.dataflow for e in layers if e.dataflow)})

    def dataflow(self, node: str) -> str:
        """The dataflow of a layer: its own, or the target's."""
        return self.layer(node).dataflow or self.target.dataflow

    def check_layers(self, nodes: tuple[str, ...]) -> None:
        """Refuse overrides of nodes that the network does not have."""
        for name in self.layers:
            if name not in nodes:
                raise ShiftloomError(
                    f"layers.{key_of(name)}", "no such layer", nearest(key_of(name), nodes)
                )

    def check_weights(self, nodes: Collection[str]) -> None:
        """Refuse overrides of how weights are quantized or multiplied at all but these nodes."""
        for name, layer in self.layers.items():
            given = [
                key
                for key in contradictions.WEIGHTS
                if getattr(layer, key) != getattr(self.defaults, key)
            ]
            if given and name not in nodes:
                raise ShiftloomError(
                    f"layers.{key_of(name)}.{given[0]}",
                    f"{shown(getattr(layer, given[0]))} means nothing at a node without weights",
                    "leave it out",
                )


_ADAPTER: TypeAdapter[Config] = TypeAdapter(Config)
_SECTIONS = {
    "target": TargetConfig,
    "calibration": CalibrationConfig,
    "defaults": LayerConfig,
    "pruning": PruningConfig,
    "repair": RepairConfig,
}


def load(path: Path, base: Mapping[str, Any] | None = None) -> Config:
    """Read a .yaml, .yml or .toml file; raises ShiftloomError naming the key at fault.

    What the file leaves out is taken from `base`, plain data as `parse` takes it.
    """
    data = read(path)
    return parse(_over(base or {}, data) if isinstance(data, dict) else data, str(path))


def read(path: Path) -> Any:
    """The plain data of a .yaml, .yml or .toml file, an empty mapping for an empty one.

    Raises ShiftloomError naming the file, and line and column of what it does not read: YAML has no
    aliases and no key twice.
    """
    readers: dict[str, Callable[[str], Any]] = {
        ".toml": tomllib.loads,
        ".yaml": strict_yaml.load,
        ".yml": strict_yaml.load,
    }
    if path.suffix not in readers:
        raise ShiftloomError(str(path), f"suffix {path.suffix!r}", "use .yaml, .yml or .toml")
    content = files.read(path, files.MAX_TEXT, "split it, or give another file")
    try:
        data = readers[path.suffix](content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        deep = isinstance(error, RecursionError)
        problem = "nested too deep" if deep else str(error).partition(";")[0]
        raise ShiftloomError(str(path), f"is not valid {path.suffix[1:]}: {problem}") from error
    return {} if data is None else data


def _over(base: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """`data` put over `base`, section by section."""
    both = {key for key in data if isinstance(data[key], dict) and isinstance(base.get(key), dict)}
    return {**base, **data, **{key: _over(base[key], data[key]) for key in both}}


def parse(data: object, source: str = "configuration") -> Config:
    """Build a Config from plain data; layer overrides inherit what they leave out."""
    if not isinstance(data, dict):
        raise ShiftloomError(source, f"holds a {type(data).__name__}", "write key: value pairs")
    _check_keys(data, Config, source, "")
    for section, kind in _SECTIONS.items():
        _check_keys(data.get(section, {}), kind, source, f"{section}.")
    layers = data.get("layers", {})
    if not isinstance(layers, dict):
        raise ShiftloomError(f"{source}: layers", "is no mapping", "write one entry a node name")
    defaults = data.get("defaults", {})
    for name, layer in layers.items():
        _check_keys(layer, LayerConfig, source, f"layers.{key_of(name)}.")
    merged = {name: {**defaults, **layer} for name, layer in layers.items()}
    try:
        config = _ADAPTER.validate_python({**data, "layers": merged})
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(key_of(part) for part in first["loc"])
        message = first["msg"][0].lower() + first["msg"][1:]
        raise ShiftloomError(f"{source}: {key}", shown(first["input"]), message) from error
    for section, table in contradictions.SECTIONS.items():
        given, settings = data.get(section, {}), getattr(config, section)
        contradictions.check(f"{source}: {section}", given, settings, table)
    contradictions.check_target(f"{source}: target", data.get("target", {}), config.dataflows)
    _check_entry(f"{source}: defaults", defaults, config.defaults)
    for name, layer in layers.items():
        _check_entry(f"{source}: layers.{key_of(name)}", layer, config.layers[name])
    return config


def _check_entry(where: str, given: dict[str, Any], layer: LayerConfig) -> None:
    contradictions.check(where, given, layer, contradictions.LAYER)
    try:
        fmt = layer.weight_format
    except ShiftloomError as error:  # in the words of the format, whose widths have other names
        key = error.node.partition(".")[2]
        key = "weight_bits" if key in ("bits", "width") else key
        raise ShiftloomError(f"{where}.{key}", error.problem, error.hint) from error
    check_word(f"{where}.quantizer", fmt, layer.quantizer)


def _check_keys(data: Any, kind: type, source: str, prefix: str) -> None:
    if not isinstance(data, dict):
        where = f"{source}: {prefix.rstrip('.')}"
        raise ShiftloomError(where, f"holds a {type(data).__name__}", "write key: value pairs")
    known = tuple(f.name for f in fields(kind))
    for key in data:
        if key not in known:
            where = f"{source}: {prefix}{key_of(key)}"
            raise ShiftloomError(where, "unknown key", nearest(key_of(key), known))
