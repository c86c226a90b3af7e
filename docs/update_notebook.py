"""Write docs/lenet5.ipynb, a package's notebook with outputs: python docs/update_notebook.py.

LeNet-5 for the PYNQ-Z2 with 1,000 images of MNIST, run on the simulated board by the Python that
`make board` sets up. A test compares its cells with those that a package gets.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import shiftloom
from shiftloom import flow, packaging
from shiftloom.opened import OpenedBuild, open_build
from shiftloom.simulated_board import simulated_bitstream
from shiftloom.simulation import default_cache

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "docs" / "lenet5.ipynb"
PYTHON = ROOT / ".venv-board" / "bin" / "python"
IMAGES = 1000
RUN = """\
import sys
import nbformat
from nbclient import NotebookClient

notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, timeout=600, kernel_name="python3", record_timing=False).execute()
nbformat.write(notebook, sys.argv[1])
"""


def build(folder: Path) -> OpenedBuild:
    """LeNet-5 with default settings."""
    config = shiftloom.parse_config({})
    graph, frames = flow.load_network("lenet5"), flow.calibration_frames("lenet5")
    shiftloom.build(shiftloom.quantize(graph, frames, config), config, folder)
    return open_build(folder)


def executed(opened: OpenedBuild, folder: Path) -> dict[str, Any]:
    """The notebook of its package, with outputs, after the package was installed in `folder`."""
    bitfile = simulated_bitstream(opened, default_cache())
    archive = folder / "package.zip"
    archive.write_bytes(packaging.package(opened, bitfile, count=IMAGES).data)
    subprocess.run([PYTHON, archive, "--directory", folder / "board"], check=True)
    installed = folder / "board" / opened.design.name / "current"
    name = f"{opened.design.name}.ipynb"
    subprocess.run([PYTHON, "-c", RUN, name], cwd=installed, check=True)
    found: dict[str, Any] = json.loads((installed / name).read_text("utf-8"))
    for cell in found["cells"]:
        cell["metadata"] = {}
        if "outputs" in cell:
            cell["outputs"] = [each for each in cell["outputs"] if _is_text(each)]
    return found


def _is_text(output: dict[str, Any]) -> bool:
    """Whether it is no script for the browser, as pynq brings."""
    return output["output_type"] == "stream" or "text/plain" in output.get("data", {})


if __name__ == "__main__":
    with TemporaryDirectory() as work:
        made = executed(build(Path(work) / "lenet5"), Path(work))
    text = json.dumps(made, indent=1, sort_keys=True, ensure_ascii=False)
    TARGET.write_text(text + "\n", "utf-8")
