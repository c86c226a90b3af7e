"""Checkpoints: plain float state_dicts, read without ever executing what a file contains."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from shiftloom.codegen import files
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.fileset import write_file
from shiftloom.codegen.values import nearest
from shiftloom.models.network import Network

if TYPE_CHECKING:
    import torch
    from torch import nn

SHIPPED = Path(__file__).parent / "checkpoints"
RESAVE = "save it with torch.save(module.state_dict(), 'name.pt')"
SIZE_FACTOR = 4
SIZE_SLACK = 1 << 20


def load_checkpoint(network: Network, path: Path | None = None) -> nn.Module:
    """The network in eval mode with the weights of `path`, or its own, as float32.

    Its own are the shipped ones, or the ones it is built with where no checkpoint ships.

    Refused with a ShiftloomError: a .pt2 or any other file that is not a plain state_dict (loading
    executes no code), missing or unexpected keys, other shapes, values that are not finite.
    """
    module = network.build()
    if path is None:
        if network.checkpoint is None:
            return module.eval()
        path = SHIPPED / network.checkpoint
    expected = module.state_dict()
    size = sum(value.nbytes for value in expected.values())
    state = _read(path, SIZE_FACTOR * size + SIZE_SLACK)
    _check_keys(path, network.name, state, expected)
    module.load_state_dict({key: _checked(key, state[key], expected[key]) for key in expected})
    return module.eval()


def read_state(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of any plain state_dict by name, without executing what the file contains.

    Refused with a ShiftloomError: what `load_checkpoint` refuses of a file, and more than 1 GiB.
    """
    import torch

    state = _read(path, files.MAX_MODEL)
    return {key: value for key, value in state.items() if isinstance(value, torch.Tensor)}


def save_checkpoint(state: Mapping[str, torch.Tensor], path: Path) -> None:
    """Write a state_dict atomically; equal weights give equal bytes."""
    import torch

    buffer = io.BytesIO()
    torch.save({key: value.detach().cpu().contiguous() for key, value in state.items()}, buffer)
    write_file(path, buffer.getvalue())


def _read(path: Path, limit: int) -> dict[str, object]:
    """What a state_dict of at most `limit` bytes holds."""
    import torch

    _check_archive(path, limit)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a hostile pickle may raise anything; none of it passes this line
        raise ShiftloomError(
            str(path), f"is damaged or holds more than tensors ({_short(error)})", RESAVE
        ) from error
    if not isinstance(content, Mapping):
        kind = type(content).__name__
        raise ShiftloomError(str(path), f"holds a {kind}, expected a state_dict", RESAVE)
    return {str(key): value for key, value in content.items()}


def _check_archive(path: Path, limit: int) -> None:
    """Refuse by name, container and size, before anything in the file is interpreted."""
    if path.suffix.lower() == ".pt2":
        raise ShiftloomError(
            str(path), "is a .pt2 program, whose loading can execute code", f"instead, {RESAVE}"
        )
    if not path.is_file():
        raise ShiftloomError(str(path), "is not there", "give the path of a .pt file")
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError) as error:
        raise ShiftloomError(
            str(path), f"is damaged or no PyTorch zip file ({_short(error)})", RESAVE
        ) from error
    size = sum(entry.file_size for entry in entries)
    if size > limit:
        raise ShiftloomError(
            str(path), f"unpacks to {size:,} bytes, at most {limit:,} are read", RESAVE
        )
    with zipfile.ZipFile(path) as archive:
        damaged = _damaged_entry(archive)
    if damaged:
        raise ShiftloomError(str(path), f"is damaged: {damaged!r} has a wrong checksum", RESAVE)


def _damaged_entry(archive: zipfile.ZipFile) -> str | None:
    """The first entry whose CRC does not hold; torch does not look at them."""
    try:
        return archive.testzip()
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        return _short(error)


def _check_keys(
    path: Path, name: str, state: Mapping[str, object], expected: Mapping[str, torch.Tensor]
) -> None:
    missing = [key for key in expected if key not in state]
    unexpected = [key for key in state if key not in expected]
    if not missing and not unexpected:
        return
    problem = "; ".join(
        f"{what} {', '.join(repr(key[:80]) for key in keys[:8])}"
        + (f" and {len(keys) - 8} more" if len(keys) > 8 else "")
        for what, keys in (("lacks", missing), ("has unexpected", unexpected))
        if keys
    )
    hint = nearest(unexpected[0], expected) if unexpected else RESAVE
    raise ShiftloomError(str(path), f"does not fit {name}: {problem}", hint)


def _checked(key: str, value: object, expected: torch.Tensor) -> torch.Tensor:
    """`value` as finite float32 of the expected shape; counters of batches stay integers."""
    import torch

    if not isinstance(value, torch.Tensor):
        raise ShiftloomError(key, f"is of type {type(value).__name__}, expected a tensor", RESAVE)
    wanted = "float" if expected.is_floating_point() else "integer"
    fits = value.is_floating_point() or (wanted == "integer" and not value.is_complex())
    if value.layout != torch.strided or not fits or value.is_meta:
        raise ShiftloomError(
            key,
            f"is a {value.dtype} tensor of layout {value.layout} on {value.device}",
            f"expected a dense {wanted} tensor with data",
        )
    if value.shape != expected.shape:
        shapes = tuple(value.shape), tuple(expected.shape)
        raise ShiftloomError(key, f"has shape {shapes[0]}, expected {shapes[1]}", RESAVE)
    if wanted == "integer":
        return value.to(expected.dtype)
    single = value.to(torch.float32)
    bad = torch.nonzero(~torch.isfinite(single))
    if len(bad):
        index = tuple(bad[0].tolist())
        limit = torch.finfo(torch.float32).max
        raise ShiftloomError(
            key,
            f"has {value[index].item()} at {index}, {len(bad)} such values in all",
            f"every weight must be finite, at most {limit:.3g} in magnitude",
        )
    return single


def _short(error: Exception) -> str:
    """The first line of an error's text, at most 120 characters."""
    lines = str(error).splitlines()
    return (lines[0] if lines else type(error).__name__)[:120]
