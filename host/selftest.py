"""Frames of a package through the accelerator, every output integer compared with the expected.

`python -m shiftloom.host.selftest FOLDER` runs it; FOLDER is an installed package. The exit code is
1 where it failed, 0 where it passed or could not run. NumPy is imported where it is needed only: a
Python without it is told apart from an accelerator that fails.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from shiftloom.host import VERSION, bitstream
from shiftloom.host.bitstream import BitstreamError
from shiftloom.host.container import WeightsError
from shiftloom.host.errors import AcceleratorError, shown

if TYPE_CHECKING:
    import numpy.typing as npt

    Ints = npt.NDArray[Any]
State = Literal["passed", "failed", "skipped"]
PACKAGE, ACCELERATOR = "package.json", "host/accelerator.json"
NUMPY = (1, 21)
"""The oldest that the driver runs on."""
_MOST_SAID = 100
"""Characters of what a library says."""
_AGAIN = "package the build and install it again"
_EXPORT = "export both files again, for this board, and package them"
_PYTHON = "give deploy the Python that has NumPy and pynq by --python, or run the package by it"


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
    """There is no accelerator to test, this is why, and this is what to do next."""


class _FailedError(Exception):
    """The package is not as it should be: why, and what to do next."""


def run(folder: Path, opened: Callable[[Path], Runs] | None = None) -> Outcome:
    """Test the package in `folder`; `opened` gives its accelerator, that of the driver by default.

    Whatever goes wrong is a failure with a reason; nothing is raised.
    """
    try:
        return _run(folder, opened or _accelerator)
    except _SkippedError as error:
        return Outcome("skipped", str(error))
    except (_FailedError, AcceleratorError) as error:
        return Outcome("failed", str(error))
    except Exception as error:  # of the driver, of pynq, of the files: all end the test
        return Outcome("failed", f"{type(error).__name__}: {error}")


def _run(folder: Path, opened: Callable[[Path], Runs]) -> Outcome:
    package = _entries(folder, PACKAGE, ("name", "digest", "shiftloom", "part"))
    if package["shiftloom"] != VERSION:
        found = shown(package["shiftloom"])
        raise _FailedError(f"this driver is of version {VERSION}, the package of {found}; {_AGAIN}")
    described = _entries(folder, ACCELERATOR, ("digest", "inputs", "outputs"))
    if described["digest"] != package["digest"]:
        found, wanted = (shown(str(each["digest"])[:16]) for each in (described, package))
        problem = f"{ACCELERATOR} is of the design {found}, the package of {wanted}"
        raise _FailedError(f"{problem}; {_AGAIN}")
    _check_overlay(folder, package)
    _check_numpy()
    inputs, expected = _arrays(folder, "input", described), _arrays(folder, "output", described)
    accelerator = opened(folder)
    try:
        _load_weights(accelerator, folder / "weights" / f"{package['name']}.slw")
        frames = inputs if len(inputs) > 1 else next(iter(inputs.values()))
        return _compared(accelerator.predict(frames), expected)
    finally:
        accelerator.close()


def _entries(folder: Path, name: str, needed: Sequence[str]) -> Mapping[str, Any]:
    """The object in a file of JSON, which has the entries that are needed."""
    try:
        found = json.loads((folder / name).read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(name, error) from error
    lacking = [each for each in needed if not isinstance(found, dict) or each not in found]
    if lacking:
        raise _FailedError(f"{name}: has no {', '.join(lacking)}; {_AGAIN}")
    return dict(found)


def _damaged(name: str, error: Exception) -> _FailedError:
    """The refusal of a file that cannot be read."""
    reason = error.strerror if isinstance(error, OSError) else str(error)[:_MOST_SAID]
    return _FailedError(f"{name}: is missing or damaged ({reason}); {_AGAIN}")


def _load_weights(accelerator: Runs, weights: Path) -> None:
    """Load those of the package, where it has any."""
    if not weights.is_file():
        return
    try:
        accelerator.load_weights(weights)
    except WeightsError as error:
        raise _FailedError(f"weights/{weights.name}: {error}; {_AGAIN}") from error


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
        raise _FailedError(f"overlay/{error}; {_EXPORT}") from error


def _check_numpy() -> None:
    """Skip where this Python has no NumPy, or one that is too old for the driver."""
    needed = f"the driver needs NumPy {'.'.join(map(str, NUMPY))} or newer"
    try:
        found = str(import_module("numpy").__version__)
    except ImportError as error:
        reason = f"{sys.executable} has no NumPy that can be imported, {needed}"
        raise _SkippedError(f"{reason}; {_PYTHON}") from error
    if tuple(map(int, found.split(".")[:2])) < NUMPY:
        raise _SkippedError(f"{sys.executable} has NumPy {found}, {needed}; {_PYTHON}")


def _arrays(folder: Path, kind: str, described: Mapping[str, Any]) -> dict[str, Ints]:
    """The frames of every input, or the integers of every output, by name."""
    names = [tensor["name"] for tensor in described[f"{kind}s"]]
    return {name: _array(folder, f"selftest/{kind}{i}.npy") for i, name in enumerate(names)}


def _array(folder: Path, name: str) -> Ints:
    """The array in a file, which has no pickled objects."""
    from numpy.lib import format as npy

    try:
        with (folder / name).open("rb") as file:
            found: Ints = npy.read_array(file, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise _damaged(name, error) from error
    return found


def _accelerator(folder: Path) -> Runs:
    """The accelerator by the driver, which is imported here only: a stand-in needs none of it."""
    driver = import_module("shiftloom.host.accelerator")
    try:
        made: Runs = driver.Accelerator(folder)
    except Exception as error:
        if isinstance(error.__cause__, ImportError) and error.__cause__.name == "pynq":
            reason = f"{sys.executable} has no pynq: this is no board, or not its Python"
            raise _SkippedError(f"{reason}; {_PYTHON}") from error
        raise
    return made


def _compared(found: Any, expected: Mapping[str, Ints]) -> Outcome:
    """Every integer of every output; the first one that is wrong is named."""
    import numpy as np

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
