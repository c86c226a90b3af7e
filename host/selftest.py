"""Frames of a package through the accelerator, every output integer compared with the expected.

`python -m shiftloom.host.selftest FOLDER` runs it; FOLDER is an installed package. The exit code is
1 where it failed, 0 where it passed or could not run.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from shiftloom.host import VERSION, bitstream
from shiftloom.host.bitstream import BitstreamError

Ints = npt.NDArray[Any]
State = Literal["passed", "failed", "skipped"]
PACKAGE, ACCELERATOR = "package.json", "host/accelerator.json"


class Runs(Protocol):
    """What the self-test uses of `shiftloom.host.accelerator.Accelerator`."""

    def predict(self, x: Any) -> Any:
        """Output integers of the frames [N, ...] of one input, or of several by name."""

    def load_weights(self, path: Path) -> None:
        """Load the weights of a file."""

    def close(self) -> None:
        """Leave the accelerator."""


@dataclass(frozen=True)
class Outcome:
    """How a self-test ended, and why; `mismatches` counts wrong integers of all `frames`."""

    state: State
    reason: str
    frames: int = 0
    mismatches: int = 0


class _SkippedError(Exception):
    """There is no accelerator to test, and this is why."""


def run(folder: Path, opened: Callable[[Path], Runs] | None = None) -> Outcome:
    """Test the package in `folder`; `opened` gives its accelerator, that of the driver by default.

    Whatever goes wrong is a failure with a reason; nothing is raised.
    """
    try:
        return _run(folder, opened or _accelerator)
    except _SkippedError as error:
        return Outcome("skipped", str(error))
    except Exception as error:  # of the driver, of pynq, of the files: all end the test
        return Outcome("failed", f"{type(error).__name__}: {error}")


def _run(folder: Path, opened: Callable[[Path], Runs]) -> Outcome:
    package = json.loads((folder / PACKAGE).read_text("utf-8"))
    if package["shiftloom"] != VERSION:
        raise ValueError(f"this driver is of version {VERSION}, the package {package['shiftloom']}")
    described = json.loads((folder / ACCELERATOR).read_text("utf-8"))
    if described["digest"] != package["digest"]:
        found, wanted = described["digest"][:16], package["digest"][:16]
        raise ValueError(f"{ACCELERATOR} is of the design {found}, the package of {wanted}")
    _check_overlay(folder, package)
    inputs, expected = _arrays(folder, "input", described), _arrays(folder, "output", described)
    accelerator = opened(folder)
    try:
        weights = folder / "weights" / f"{package['name']}.slw"
        if weights.is_file():
            accelerator.load_weights(weights)
        frames = inputs if len(inputs) > 1 else next(iter(inputs.values()))
        return _compared(accelerator.predict(frames), expected)
    finally:
        accelerator.close()


def _check_overlay(folder: Path, package: Mapping[str, Any]) -> None:
    """Refuse a bitstream that is damaged or of another part; skip where there is none."""
    bit, hwh = (folder / "overlay" / f"{package['name']}.{kind}" for kind in ("bit", "hwh"))
    missing = [path.name for path in (bit, hwh) if not path.is_file()]
    if missing:
        names = " and no ".join(missing)
        raise _SkippedError(f"there is no {names}; put it into {folder / 'overlay'}")
    try:
        bitstream.check_files(bit, hwh, package["part"])
    except BitstreamError as error:
        raise ValueError(f"overlay/{error}") from error


def _arrays(folder: Path, kind: str, described: Mapping[str, Any]) -> dict[str, Ints]:
    """The frames of every input, or the integers of every output, by name."""
    return {
        tensor["name"]: np.load(folder / "selftest" / f"{kind}{index}.npy", allow_pickle=False)
        for index, tensor in enumerate(described[f"{kind}s"])
    }


def _accelerator(folder: Path) -> Runs:
    """The accelerator by the driver, which is imported here only: a stand-in needs none of it."""
    driver = import_module("shiftloom.host.accelerator")
    try:
        made: Runs = driver.Accelerator(folder)
    except Exception as error:
        if isinstance(error.__cause__, ImportError) and error.__cause__.name == "pynq":
            reason = f"{sys.executable} has no pynq: this is no board, or not its Python"
            raise _SkippedError(reason) from error
        raise
    return made


def _compared(found: Any, expected: Mapping[str, Ints]) -> Outcome:
    """Every integer of every output; the first one that is wrong is named."""
    named = found if isinstance(found, Mapping) else {next(iter(expected)): found}
    count, wrong, first = 0, 0, ""
    for name, right in expected.items():
        count = len(right)
        made = np.asarray(named[name]).reshape(count, -1)
        places = np.argwhere(made != right.reshape(count, -1))
        wrong += len(places)
        if len(places) and not first:
            frame, element = places[0].tolist()
            pair = made[frame, element], right.reshape(count, -1)[frame, element]
            first = f"frame {frame}, {name}[{element}] is {pair[0]}, {pair[1]} is right"
    if wrong:
        return Outcome("failed", f"{wrong} wrong integers; {first}", count, wrong)
    return Outcome("passed", f"{count} frames, every output integer right", count)


def main(arguments: Sequence[str] | None = None) -> int:
    """Test a folder, print how it went, and give the exit code."""
    parser = argparse.ArgumentParser(description="Tests an installed Shiftloom package.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    options = parser.parse_args(arguments)
    tested = run(options.folder)
    plain = json.dumps(asdict(tested), sort_keys=True)
    print(plain if options.json else f"Self-test {tested.state}: {tested.reason}")
    return int(tested.state == "failed")


if __name__ == "__main__":
    sys.exit(main())
