"""The command line: each command puts the parts together and prints what it did.

Every command takes `--json FILE`. Errors are one line on standard error, exit code 2; see the table
in the README. To add a command: a function in the module of its kind, its name in `COMMANDS`.
"""

from __future__ import annotations

import signal
import sys

import typer

from shiftloom.codegen.cli import (
    comparing,
    compressing,
    deploying,
    generating,
    implementing,
    packing,
    paper,
    quality,
    setup,
    training,
)
from shiftloom.codegen.errors import ShiftloomError

COMMANDS = (
    training.check,
    training.train,
    compressing.quantize,
    compressing.prune,
    compressing.search,
    packing.pack,
    packing.unpack,
    packing.inspect,
    generating.build,
    generating.simulate,
    generating.report,
    implementing.implement,
    deploying.package,
    deploying.deploy,
    generating.demo,
    comparing.compare,
    quality.quality,
    paper.paper,
    setup.boards,
    setup.doctor,
    setup.calibrate,
)
"""In the order of `shiftloom --help`."""

INTERRUPTED = 130
"""Exit code of a run that was stopped by Ctrl-C."""

app = typer.Typer(
    name="shiftloom",
    help="Trained neural networks to bit-exact FPGA accelerators.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in COMMANDS:
    app.command()(command)


def main() -> None:
    """Entry point: one-line errors, exit code 2 for a refusal, 130 for an interruption."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        code = app(standalone_mode=False)
        if code == INTERRUPTED:
            raise KeyboardInterrupt
        sys.exit(code)
    except ShiftloomError as error:
        typer.echo(f"shiftloom: {error}", err=True)
        sys.exit(2)
    except typer.TyperException as error:
        message = error.format_message().rstrip(".") or "no command"
        typer.echo(f"shiftloom: {message}; see --help", err=True)
        sys.exit(2)
    except (KeyboardInterrupt, typer.Abort):
        typer.echo("shiftloom: interrupted; nothing half-written was left", err=True)
        sys.exit(INTERRUPTED)
