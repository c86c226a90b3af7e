"""The block design around an accelerator: which cells there are, and what joins them.

A board's processing system is a row of `_SYSTEMS`. All cells run on its one clock and reset.
"""

from __future__ import annotations

from dataclasses import dataclass

from shiftloom.codegen import registers
from shiftloom.codegen.boards import Board, Processor

ACCELERATOR, DMA, INTERRUPTS = "accelerator", "dma", "interrupts"
"""Cells by whose names the host finds them in the .hwh."""
_DMA_CLOCKS = ("s_axi_lite_aclk", "m_axi_mm2s_aclk", "m_axi_s2mm_aclk")
_WINDOW = 1 << registers.ADDRESS_BITS


@dataclass(frozen=True, slots=True)
class Setting:
    """A property of the processing system."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Link:
    """Two interface pins that are joined."""

    source: str
    sink: str


@dataclass(frozen=True, slots=True)
class Joint:
    """A SmartConnect: so many masters lead to it, and it leads to so many slaves."""

    name: str
    masters: int
    slaves: int
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Address:
    """A segment in the address space of a master."""

    space: str
    segment: str
    offset: str
    range: str


@dataclass(frozen=True, slots=True)
class Memory:
    """Of the segments at a memory port, the `name` of the one that a master sees."""

    space: str
    port: str
    name: str


@dataclass(frozen=True, slots=True)
class BlockDesign:
    """The processing system `core` with its settings, pads and pins; joints, clocks, addresses."""

    core: str
    settings: tuple[Setting, ...]
    pads: tuple[str, ...]
    clock: str
    reset: str
    interrupt: str
    clocks: tuple[str, ...]
    resets: tuple[str, ...]
    joints: tuple[Joint, ...]
    addresses: tuple[Address, ...]
    memories: tuple[Memory, ...]


@dataclass(frozen=True, slots=True)
class _System:
    """A processing system: its core, settings that all designs need, and pins.

    Texts of memory ports hold the number of the port in place of {}. In `use`, `width` and
    `segments` the ports count from `first` on. `addresses` are those of the accelerator, the
    interrupt controller and the DMA core.
    """

    core: str
    settings: tuple[tuple[str, str], ...]
    frequency: str
    clock: str
    reset: str
    interrupt: str
    control: str
    control_clock: str
    memory: str
    memory_clock: str
    low: str
    first: int
    use: str
    width: str
    segments: str
    pads: tuple[str, ...]
    addresses: tuple[int, int, int]


_SYSTEMS: dict[Processor, _System] = {
    "zynq7": _System(
        core="processing_system7",
        settings=(
            ("PCW_USE_M_AXI_GP0", "1"),
            ("PCW_USE_FABRIC_INTERRUPT", "1"),
            ("PCW_IRQ_F2P_INTR", "1"),
        ),
        frequency="PCW_FPGA0_PERIPHERAL_FREQMHZ",
        clock="FCLK_CLK0",
        reset="FCLK_RESET0_N",
        interrupt="IRQ_F2P",
        control="M_AXI_GP0",
        control_clock="M_AXI_GP0_ACLK",
        memory="S_AXI_HP{}",
        memory_clock="S_AXI_HP{}_ACLK",
        low="HP{}_DDR_LOWOCM",
        first=0,
        use="PCW_USE_S_AXI_HP{}",
        width="PCW_S_AXI_HP{}_DATA_WIDTH",
        segments="S_AXI_HP{}",
        pads=("DDR", "FIXED_IO"),
        addresses=(0x43C0_0000, 0x4180_0000, 0x4040_0000),
    ),
    "zynqmp": _System(
        core="zynq_ultra_ps_e",
        settings=(
            ("PSU__USE__M_AXI_GP0", "1"),
            ("PSU__USE__M_AXI_GP1", "0"),
            ("PSU__USE__M_AXI_GP2", "0"),
            ("PSU__USE__IRQ0", "1"),
            ("PSU__USE__FABRIC__RST", "1"),
            ("PSU__FPGA_PL0_ENABLE", "1"),
        ),
        frequency="PSU__CRL_APB__PL0_REF_CTRL__FREQMHZ",
        clock="pl_clk0",
        reset="pl_resetn0",
        interrupt="pl_ps_irq0",
        control="M_AXI_HPM0_FPD",
        control_clock="maxihpm0_fpd_aclk",
        memory="S_AXI_HP{}_FPD",
        memory_clock="saxihp{}_fpd_aclk",
        low="HP{}_DDR_LOW",
        first=2,
        use="PSU__USE__S_AXI_GP{}",
        width="PSU__SAXIGP{}__DATA_WIDTH",
        segments="SAXIGP{}",
        pads=(),
        addresses=(0xA000_0000, 0xA002_0000, 0xA001_0000),
    ),
}


@dataclass(frozen=True, slots=True)
class _Master:
    """A master of a memory port: its interface pin, its address space, the number of the port."""

    pin: str
    space: str
    port: int


@dataclass(frozen=True, slots=True)
class _Parts:
    """What the cells of a block design follow from."""

    system: _System
    has_dma: bool
    masters: tuple[_Master, ...]
    ports: int


def master_names(masters: int) -> tuple[str, ...]:
    """The buses of an accelerator to memory."""
    return tuple(f"m{master}_axi" for master in range(masters))


def block_design(processor: Processor, board: Board, clock_mhz: float, masters: int) -> BlockDesign:
    """The block design of an accelerator with so many masters, for the shell of the board.

    They and those of the DMA core, which the shell `axis` needs, share the memory ports in turn.
    """
    parts = _parts(_SYSTEMS[processor], board, masters)
    system, joints = parts.system, (_control(parts), *_memory_joints(parts))
    return BlockDesign(
        core=system.core,
        settings=_settings(parts, clock_mhz),
        pads=system.pads,
        clock=system.clock,
        reset=system.reset,
        interrupt=system.interrupt,
        clocks=_clocks(parts, joints),
        resets=_resets(parts, joints),
        joints=joints,
        addresses=(*_registers(parts), *_memory_addresses(parts, board.memory_mib)),
        memories=tuple(
            Memory(each.space, _segments(system, each.port), system.low.format(each.port))
            for each in parts.masters
        ),
    )


def _parts(system: _System, board: Board, masters: int) -> _Parts:
    has_dma = board.shell == "axis"
    own = [(f"{ACCELERATOR}/{name}",) * 2 for name in master_names(masters)]
    channels = ("MM2S", "S2MM") if has_dma else ()
    pins = (*own, *((f"{DMA}/M_AXI_{each}", f"{DMA}/Data_{each}") for each in channels))
    ports = min(len(pins), board.memory_ports)
    found = tuple(_Master(pin, space, i % ports) for i, (pin, space) in enumerate(pins))
    return _Parts(system, has_dma, found, ports)


def _settings(parts: _Parts, clock_mhz: float) -> tuple[Setting, ...]:
    system = parts.system
    used = range(system.first, system.first + parts.ports)
    ports = ((system.use.format(i), system.width.format(i)) for i in used)
    return (
        Setting(system.frequency, f"{clock_mhz:g}"),
        *(Setting(name, value) for name, value in system.settings),
        *(each for use, width in ports for each in (Setting(use, "1"), Setting(width, "64"))),
    )


def _control(parts: _Parts) -> Joint:
    """From the processor to the registers of the cells."""
    slaves = [f"{ACCELERATOR}/s_axi", f"{INTERRUPTS}/s_axi"]
    if parts.has_dma:
        slaves.append(f"{DMA}/S_AXI_LITE")
    links = (
        Link(f"ps/{parts.system.control}", "control/S00_AXI"),
        *(Link(f"control/M{i:02}_AXI", slave) for i, slave in enumerate(slaves)),
    )
    return Joint("control", 1, len(slaves), links)


def _memory_joints(parts: _Parts) -> tuple[Joint, ...]:
    """From the masters to the memory ports."""
    joints = []
    for port in range(parts.ports):
        name = f"memory{port}"
        pins = [master.pin for master in parts.masters if master.port == port]
        links = (
            *(Link(pin, f"{name}/S{i:02}_AXI") for i, pin in enumerate(pins)),
            Link(f"{name}/M00_AXI", f"ps/{parts.system.memory.format(port)}"),
        )
        joints.append(Joint(name, len(pins), 1, links))
    return tuple(joints)


def _clocks(parts: _Parts, joints: tuple[Joint, ...]) -> tuple[str, ...]:
    """Pins on the clock."""
    dma = _DMA_CLOCKS if parts.has_dma else ()
    return (
        f"ps/{parts.system.control_clock}",
        *(f"ps/{parts.system.memory_clock.format(port)}" for port in range(parts.ports)),
        "reset/slowest_sync_clk",
        f"{ACCELERATOR}/aclk",
        f"{INTERRUPTS}/s_axi_aclk",
        *(f"{DMA}/{pin}" for pin in dma),
        *(f"{joint.name}/aclk" for joint in joints),
    )


def _resets(parts: _Parts, joints: tuple[Joint, ...]) -> tuple[str, ...]:
    """Pins on the reset, active low."""
    dma = (f"{DMA}/axi_resetn",) if parts.has_dma else ()
    own = (f"{ACCELERATOR}/aresetn", f"{INTERRUPTS}/s_axi_aresetn")
    return (*own, *dma, *(f"{joint.name}/aresetn" for joint in joints))


def _registers(parts: _Parts) -> tuple[Address, ...]:
    """Where the processor finds the registers of the cells."""
    own, interrupts, dma = (f"0x{address:08X}" for address in parts.system.addresses)
    streams = (Address("ps/Data", f"{DMA}/S_AXI_LITE/Reg", dma, "64K"),)
    return (
        Address("ps/Data", f"{ACCELERATOR}/s_axi/reg0", own, f"{_WINDOW >> 10}K"),
        Address("ps/Data", f"{INTERRUPTS}/S_AXI/Reg", interrupts, "64K"),
        *(streams if parts.has_dma else ()),
    )


def _memory_addresses(parts: _Parts, mib: int) -> tuple[Address, ...]:
    """The memory, from address 0 on, for each master."""
    size = f"{mib}M" if mib % 1024 else f"{mib // 1024}G"
    return tuple(
        Address(each.space, _segment(parts.system, each.port), "0x00000000", size)
        for each in parts.masters
    )


def _segments(system: _System, port: int) -> str:
    """The folder of a memory port's segments."""
    return f"ps/{system.segments.format(port + system.first)}"


def _segment(system: _System, port: int) -> str:
    """The segment of the memory, or of what of it lies below 4 GiB."""
    return f"{_segments(system, port)}/{system.low.format(port)}"
