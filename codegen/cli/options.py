"""The options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

NetworkName = Annotated[
    str | None, typer.Argument(metavar="NETWORK", help="Name of a network in models/, as lenet5.")
]
Model = Annotated[
    Path | None, typer.Option(metavar="FILE", help="An ONNX, QONNX or TFLite file instead.")
]
Calibration = Annotated[
    Path | None,
    typer.Option(help="Calibration frames, .npz or .npy; default: the network's own."),
]
FrameFile = Annotated[
    Path | None,
    typer.Option("--frames", help="Test frames `x` and labels `y`, .npz, or .npy of frames."),
]
Folder = Annotated[Path, typer.Argument(help="Build folder.")]
Json = Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")]
Checkpoint = Annotated[
    Path | None, typer.Option(help="state_dict (.pt); default: the shipped one.")
]
ConfigFile = Annotated[Path | None, typer.Option("--config", help="Settings, .yaml or .toml.")]
BoardName = Annotated[str | None, typer.Option(help="Board, see `shiftloom boards`.")]
Fps = Annotated[float | None, typer.Option(help="Frames/s to reach; default: the fastest plan.")]
Data = Annotated[Path | None, typer.Option(help="Folder with the original data files.")]
Images = Annotated[int | None, typer.Option(min=1, help="Test images; default: all.")]
CacheFolder = Annotated[
    Path | None, typer.Option("--cache", help="Folder of compiled simulations and synthesis.")
]
