"""Projects, files and properties of the modelled Vivado."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vendor_block import Block
from vendor_commands import Call, VendorError
from vendor_interpreter import Interpreter

PROPERTIES = {
    "project": {"ip_repo_paths"},
    "fileset": {"top"},
    "file": {"synth_checkpoint_mode"},
    "core": {"version", "display_name", "description"},
    "bus": {"slave_memory_map_ref", "master_address_space_ref"},
    "memory_map": set(),
    "address_block": {"base_address", "range", "width", "usage"},
    "address_space": {"range", "width"},
    "design": {"CFGBVS", "CONFIG_VOLTAGE"},
    "port": {"PACKAGE_PIN", "IOSTANDARD"},
}
"""What may be set of each kind of object; of cells, what `cells.toml` says."""


@dataclass
class Core:
    """A core that is being packaged."""

    top: str
    folder: Path
    row: dict[str, Any]
    vendor: str
    library: str
    parts: dict[str, dict[str, str]] = field(default_factory=dict)
    saved: bool = False

    @property
    def vlnv(self) -> str:
        """Its name in a catalog."""
        version = self.parts.get(f"core:{self.top}", {}).get("version", "")
        return f"{self.vendor}:{self.library}:{self.top}:{version}"


@dataclass
class Project:
    """An open project; objects are texts KIND:NAME."""

    name: str
    folder: Path
    files: list[Path] = field(default_factory=list)
    top: str = ""
    repositories: list[Path] = field(default_factory=list)


class ProjectCommands(Interpreter):
    """`slack` is what every path has, in ns; `inferred` whether the packager maps addresses."""

    def __init__(self, slack: float = 0.1, inferred: bool = True) -> None:
        super().__init__("vivado")
        self.slack, self.inferred = slack, inferred
        self.project: Project | None = None
        self.cores: list[Core] = []
        self.catalog: list[Core] = []
        self.block: Block | None = None
        self.generated = False
        self.steps: list[str] = []
        self.sources: list[Path] = []
        self.clocks: dict[str, tuple[str, str]] = {}
        self.placed: dict[str, dict[str, str]] = {}
        self.top = ""
        self.ports: set[str] = set()
        self.constraints: Path | None = None

    # ------------------------------------------------------------ projects and files

    def do_create_project(self, call: Call) -> None:
        """A project in a folder."""
        if self.project is not None:
            raise VendorError("a project is open")
        name, folder = call.arguments
        if "-part" not in call.values:
            raise VendorError("create_project: no -part")
        self.project = Project(name, Path(folder))
        self.project.folder.mkdir(parents=True, exist_ok=True)

    def do_close_project(self, _: Call) -> None:
        """Close it."""
        self._project()
        self.project = None

    def _project(self) -> Project:
        if self.project is None:
            raise VendorError("no project is open")
        return self.project

    def do_current_project(self, _: Call) -> str:
        """The open one."""
        return f"project:{self._project().name}"

    def do_current_fileset(self, _: Call) -> str:
        """Its sources."""
        self._project()
        return "fileset:sources_1"

    def do_current_design(self, _: Call) -> str:
        """The design."""
        return "design:"

    def do_add_files(self, call: Call) -> None:
        """Sources, which have to be there."""
        self._project().files += [self.existing(name) for name in call.arguments]

    def do_update_compile_order(self, call: Call) -> None:
        """Only of the sources."""
        if call.values.get("-fileset") != "sources_1":
            raise VendorError("update_compile_order: no such fileset")

    def do_read_verilog(self, call: Call) -> None:
        """Sources without a project."""
        for name in call.arguments:
            if name.endswith(".sv") and "-sv" not in call.flags:
                raise VendorError(f"read_verilog: {name} without -sv")
            self.sources.append(self.existing(name))

    def do_read_xdc(self, call: Call) -> None:
        """Constraints, kept until there is a design."""
        self.constraints = self.existing(call.arguments[0])

    def do_get_files(self, call: Call) -> str:
        """Only block designs."""
        if self.block is None or call.arguments != ("system.bd",):
            raise VendorError(f"no file {' '.join(call.arguments)}")
        return "file:system.bd"

    def design(self) -> Block:
        """The open block design; raises VendorError."""
        if self.block is None:
            raise VendorError("no block design is open")
        return self.block

    # ------------------------------------------------------------ properties

    def do_set_property(self, call: Call) -> None:
        """Properties that the object has."""
        if "-dict" in call.values:
            words, objects = self.elements(call.values["-dict"]), call.arguments
        else:
            words, objects = list(call.arguments[:2]), call.arguments[2:]
        if len(words) % 2 or len(objects) != 1:
            raise VendorError(f"set_property: {' '.join(call.arguments)}")
        for target in self.elements(objects[0]):
            kind, _, rest = target.partition(":")
            for name, value in zip(words[::2], words[1::2], strict=True):
                self._set(kind, rest, name, value)

    def _set(self, kind: str, target: str, name: str, value: str) -> None:
        if kind == "bd_cell":
            if not name.startswith("CONFIG."):
                raise VendorError(f"{target} has no property {name}")
            self.design().cell(target).set(name.removeprefix("CONFIG."), value)
            return
        if name not in PROPERTIES.get(kind, ()):
            raise VendorError(f"a {kind} has no property {name}")
        if kind == "project":
            self._project().repositories.append(Path(value))
        elif kind == "fileset":
            self._project().top = value
        elif kind in ("port", "design"):
            self.placed.setdefault(target, {})[name] = value
        elif kind != "file":
            self.cores[-1].parts.setdefault(f"{kind}:{target}", {})[name] = value

    def do_get_property(self, call: Call) -> str:
        """Those that scripts ask for."""
        name, target = call.arguments
        kind, _, rest = target.partition(":")
        known = {
            ("path", "SLACK"): str(self.slack),
            ("bd_segment", "NAME"): rest.rpartition("/")[2],
            ("clock", "SOURCE_PINS"): self.clocks.get(rest, ("", ""))[0],
        }
        if not known.get((kind, name)):
            raise VendorError(f"a {kind} has no property {name}")
        return known[kind, name]
