"""The lowered design: streams and module instances, the same value behind RTL and HLS C++."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.quality import Scalable
from shiftloom.codegen.values import Array, Shape

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

RomStyle = Literal["auto", "block", "distributed", "logic"]
"""`logic` registers the address, not the word: synthesis merges the table into its readers."""


@dataclass(frozen=True, slots=True)
class Stream:
    """A link between two units: `elements` of `bits` bits a beat, `beats` a frame, NHWC order.

    `tensor` names the integer node whose values it carries one by one, or is empty where they
    are repeated (windows); `shape` counts the elements of a frame as (height, width, channels).
    """

    name: str
    tensor: str
    shape: Shape
    elements: int
    bits: int
    signed: bool

    @property
    def width(self) -> int:
        """Bits of a beat."""
        return self.elements * self.bits

    @property
    def pixels(self) -> int:
        """Pixels of a frame."""
        return self.shape[0] * self.shape[1]

    @property
    def folds(self) -> int:
        """Beats of a pixel."""
        return self.shape[2] // self.elements

    @property
    def beats(self) -> int:
        """Beats of a frame."""
        height, width, channels = self.shape
        return height * width * channels // self.elements


@dataclass(frozen=True, slots=True)
class Rom:
    """A generated memory module: word i holds `fields[i]`, field 0 in the low bits.

    `fields` is an integer array [depth, lanes]; each lane takes `bits` bits, two's complement. With
    `bank`, a power of two, every so many words are a memory of their own; not where it is loaded.
    """

    module: str
    fields: Array
    bits: int
    style: RomStyle = "auto"
    bank: int = 0

    @property
    def depth(self) -> int:
        """Number of words."""
        return int(self.fields.data.shape[0])

    @property
    def width(self) -> int:
        """Bits of a word."""
        return int(self.fields.data.shape[1]) * self.bits

    @property
    def address_bits(self) -> int:
        """Bits of the address, at least 1."""
        return max(1, (self.depth - 1).bit_length())

    def words(self) -> tuple[str, ...]:
        """Each word in hexadecimal, without prefix."""
        digits = -(-self.width // 4)
        mask = (1 << self.bits) - 1
        result = []
        for row in self.fields.data.tolist():
            word = 0
            for lane, value in enumerate(row):
                word |= (value & mask) << (lane * self.bits)
            result.append(f"{word:0{digits}x}")
        return tuple(result)


@dataclass(frozen=True, slots=True)
class RomBank:
    """Many memories in one generated module, their addresses and words side by side on its ports.

    Memory i has address field i (`address_bits` each, upper ones 0) and data field i.
    """

    module: str
    roms: tuple[Rom, ...]
    address_bits: int

    @property
    def width(self) -> int:
        """Bits of all words side by side."""
        return sum(rom.width for rom in self.roms)


@dataclass(frozen=True, slots=True)
class Load:
    """What a memory holds that can be loaded at run time, and in which order.

    One number of each width in `fields` for every code, output or channel: they are `axes` in the
    shape of an array, and row by row the words after its axes are put in `order`. A bias counts
    `constant` more than that of the layer, and `per_negative` more for each weight below 0.
    """

    content: Literal["codes", "bias", "constants"]
    axes: tuple[int, ...]
    order: tuple[int, ...]
    fields: tuple[int, ...]
    per_negative: int = 0
    constant: int = 0


@dataclass(frozen=True, slots=True)
class RomPort:
    """A memory wired to an instance's ports `<prefix>_addr`, `_data`, read under `<enable>_en`.

    With `load` it is a `Rom` whose words are the first ones only.
    """

    prefix: str
    rom: Rom | RomBank
    enable: str
    load: Load | None = None


class Renderable(Protocol):
    """A unit whose module is generated: it gives its template's context."""

    def context(self, banner: str) -> DataclassInstance:
        """A frozen dataclass for the templates."""


@dataclass(frozen=True, slots=True)
class Generated:
    """Module `module`, rendered from `templates/{rtl,hls}/<template>.*.j2`."""

    template: str
    module: str
    unit: Renderable


@dataclass(frozen=True, slots=True)
class Instance:
    """One RTL module with its streams, parameters and memories.

    Its stream ports are `s_*` and `m_*`, or `s0_*`, `s1_*` and `m0_*`, `m1_*` where there are two.
    `node` names the integer node it belongs to. With `masters` it has that many 64-bit AXI4 masters
    `m<i>_axi_*`, the inputs `memory_base` (byte address of its memory) and `memory_rst` (reset of
    the bus; `rst` is high at a soft reset, too), and the output `memory_error`. With `quality` it
    has the input `quality`, the digits that it keeps, and takes it at the first beat of a frame.
    """

    name: str
    node: str
    module: str
    parameters: tuple[tuple[str, int], ...]
    sources: tuple[str, ...]
    sinks: tuple[str, ...]
    roms: tuple[RomPort, ...] = ()
    reports_bad_code: bool = False
    generated: Generated | None = None
    masters: int = 0
    quality: bool = False


@dataclass(frozen=True, slots=True)
class HlsArray:
    """A constant array of an HLS unit, values in the shape of the C++ array."""

    name: str
    ctype: str
    values: Array


@dataclass(frozen=True, slots=True)
class HlsCall:
    """One HLS function call: template arguments as in the RTL, then streams, memories and arrays.

    The streams stand in the order sources, sinks. With `masters` they are followed by as many
    pointers `ap_uint<64>*`, all to the first word of the design's memory. With `quality` the last
    argument is an `ap_uint<4>`, the digits that it keeps.
    """

    function: str
    header: str
    template_args: tuple[int, ...]
    sources: tuple[str, ...]
    sinks: tuple[str, ...]
    arrays: tuple[HlsArray, ...] = ()
    generated: Generated | None = None
    masters: int = 0
    quality: bool = False


@dataclass(frozen=True, slots=True)
class Fifo:
    """An HLS stream's depth: the streams `source` and `sink` are one hls::stream there."""

    source: str
    sink: str
    depth: int


ADDRESS_LIMIT = 1 << 32
"""Addresses of the external memory are below: MEMORY_BASE and all ports have 32 bits."""


@dataclass(frozen=True, slots=True)
class Memory:
    """External memory of `size` bytes, which begins with `image`, behind `ports` AXI4 masters.

    The accelerator reads and writes nothing outside of it, and nothing before a frame has begun.
    """

    size: int
    image: bytes
    ports: int

    def __post_init__(self) -> None:
        """Refuse a memory that is not of whole words or does not hold its image."""
        if self.size < 1 or self.size % 8:
            raise ShiftloomError(
                "memory", f"{self.size} bytes are no whole words", "use a positive multiple of 8"
            )
        if self.size >= ADDRESS_LIMIT:
            raise ShiftloomError(
                "memory",
                f"{self.size} bytes, MEMORY_BASE reaches {ADDRESS_LIMIT - 1} bytes",
                "give fewer layers the dataflow that uses it, or fewer weight bits",
            )
        if len(self.image) > self.size:
            raise ShiftloomError(
                "memory",
                f"an image of {len(self.image)} bytes in {self.size}",
                f"use {len(self.image)} bytes or more",
            )
        if self.ports < 1:
            raise ShiftloomError("memory", f"{self.ports} ports", "use 1 or more")


@runtime_checkable
class UsesMemory(Protocol):
    """A unit with AXI4 masters: it says what memory the design must have."""

    def external_memory(self) -> Memory:
        """Size, first content, and one port for each master of its `instance()`."""


def memory_of(units: Iterable[object]) -> Memory | None:
    """The memory that one of the units asks for, if any."""
    return next((u.external_memory() for u in units if isinstance(u, UsesMemory)), None)


@dataclass(frozen=True, slots=True)
class Design:
    """Everything the emitted files depend on; `digest` covers the canonical plan and the weights.

    The first stream is the framed input, the last one the logits. `quality` says of each instance
    with such a port, in their order, what it cuts.
    """

    name: str
    digest: str
    clock_mhz: float
    part: str
    streams: tuple[Stream, ...]
    instances: tuple[Instance, ...]
    calls: tuple[HlsCall, ...]
    fifos: tuple[Fifo, ...]
    memory: Memory | None = None
    quality: tuple[Scalable, ...] = ()

    def __post_init__(self) -> None:
        """Refuse masters of two units, those without ports, and a quality without a register."""
        users = [instance for instance in self.instances if instance.masters]
        if len(users) > 1:
            raise ShiftloomError(
                users[1].name,
                f"has AXI4 masters, and so has {users[0].name}",
                "only one unit of a design can use external memory",
            )
        masters = users[0].masters if users else 0
        if masters != self.masters:
            problem = f"{masters} AXI4 masters, and a memory of {self.masters} ports"
            raise ShiftloomError(self.name, problem, "give each master a port")
        scalable = sum(instance.quality for instance in self.instances)
        if scalable != len(self.quality):
            problem = f"{scalable} units with a quality, and {len(self.quality)} registers"
            raise ShiftloomError(self.name, problem, "give each unit a register")

    @property
    def masters(self) -> int:
        """How many AXI4 masters it has: one for each port of its memory."""
        return self.memory.ports if self.memory else 0

    @property
    def source(self) -> Stream:
        """The input stream."""
        return self.streams[0]

    @property
    def sink(self) -> Stream:
        """The output stream."""
        return self.streams[-1]
