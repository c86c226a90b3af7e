"""Vitis HLS as far as our script uses it: the order of steps, and files that have to be there."""

from __future__ import annotations

import re
from pathlib import Path

from vendor_commands import Call, VendorError
from vendor_interpreter import Interpreter

_ORDER = ("open_project", "set_top", "open_solution", "set_part", "create_clock")
_STEPS = ("csim_design", "csynth_design", "cosim_design", "export_design", "exit")


class VitisHls(Interpreter):
    """Each command finds its files, and comes after those that it needs."""

    def __init__(self) -> None:
        super().__init__("hls")
        self.sources: dict[bool, list[str]] = {False: [], True: []}

    def _after(self, call: Call, order: tuple[str, ...]) -> None:
        done = [each.name for each in self.calls[:-1] if each.name in order]
        if done != list(order[: order.index(call.name)]):
            raise VendorError(f"{call.name} after {' '.join(done) or 'nothing'}")

    def _set_up(self, call: Call) -> None:
        self._after(call, _ORDER)

    do_open_project = do_open_solution = do_set_part = do_create_clock = _set_up

    def do_add_files(self, call: Call) -> None:
        """A source or, with -tb, one of the test bench."""
        path = self.existing(call.arguments[0])
        self.sources["-tb" in call.flags].append(path.read_text("utf-8"))

    def do_set_top(self, call: Call) -> None:
        """The function that becomes hardware; its source may follow."""
        self._after(call, _ORDER)
        self.top = call.arguments[0]

    def _step(self, call: Call) -> None:
        if [each.name for each in self.calls if each.name in _ORDER] != list(_ORDER):
            raise VendorError(f"{call.name}: the solution is not set up")
        self._after(call, _STEPS)
        for name in call.values.get("-argv", "").split():
            if not Path(name).is_absolute():
                raise VendorError(f"{call.name}: {name} is not there, where the test bench runs")
            self.existing(name)

    do_cosim_design = do_export_design = do_exit = _step

    def do_csim_design(self, call: Call) -> None:
        """Compile and run the test bench."""
        self._step(call)
        if not any("int main(" in text for text in self.sources[True]):
            raise VendorError("csim_design: the test bench has no main")

    def do_csynth_design(self, call: Call) -> None:
        """Synthesize the top."""
        self._step(call)
        if not any(re.search(rf"^void {self.top}\(", text, re.M) for text in self.sources[False]):
            raise VendorError(f"csynth_design: no function {self.top}")
