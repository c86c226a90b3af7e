"""Random augmentation of image batches: whole pixels in NumPy, affine changes in plain torch."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch.nn import functional

from shiftloom.models.recipe import Augmentation
from shiftloom.models.splits import Images


def move(frames: Images, settings: Augmentation, generator: torch.Generator, blank: int) -> Images:
    """Raw frames [N, H, W, C], each cropped, mirrored and erased at random; edges are `blank`."""
    count, height, width, _ = frames.shape
    if settings.crop:
        shift = _integers((2, count), 2 * settings.crop + 1, generator)
        border = (settings.crop, settings.crop)
        padded = np.pad(frames, ((0, 0), border, border, (0, 0)), constant_values=blank)
        rows = shift[0][:, None] + np.arange(height)
        columns = shift[1][:, None] + np.arange(width)
        frames = padded[np.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]]
    if settings.flip:
        mirrored = _integers((count,), 2, generator).astype(bool)
        frames = np.where(mirrored[:, None, None, None], frames[:, :, ::-1], frames)
    if settings.erase:
        top = _integers((count, 1), height, generator) - settings.erase // 2
        left = _integers((count, 1), width, generator) - settings.erase // 2
        in_rows = (np.arange(height) >= top) & (np.arange(height) < top + settings.erase)
        in_columns = (np.arange(width) >= left) & (np.arange(width) < left + settings.erase)
        erased = in_rows[:, :, None] & in_columns[:, None, :]
        frames = np.where(erased[..., None], np.asarray(blank, frames.dtype), frames)
    return frames


def _integers(shape: tuple[int, ...], below: int, generator: torch.Generator) -> Images:
    return torch.randint(below, shape, generator=generator).numpy()


def augment(
    images: torch.Tensor, settings: Augmentation, generator: torch.Generator
) -> torch.Tensor:
    """Each image of [N, C, H, W] rotated, sheared, scaled and shifted at random; edges give 0.

    Without any of these the images are left as they are.

    Five uniform numbers in [-1, 1) are drawn per image: u for the angle, scale, shear and shift.
    """
    if not (settings.rotate_degrees or settings.shift_pixels or settings.scale or settings.shear):
        return images
    count, _, height, width = images.shape
    u = 2 * torch.rand(5, count, generator=generator) - 1
    angle = u[0] * math.radians(settings.rotate_degrees)
    scale = 1 + u[1] * settings.scale
    shear = u[2] * settings.shear
    cos, sin = scale * torch.cos(angle), scale * torch.sin(angle)
    # Normalised coordinates run over [-1, 1]: a shift of one pixel is 2 / size.
    rows = (
        torch.stack((cos, cos * shear - sin, u[3] * settings.shift_pixels * 2 / width)),
        torch.stack((sin, sin * shear + cos, u[4] * settings.shift_pixels * 2 / height)),
    )
    theta = torch.stack(rows).permute(2, 0, 1)
    grid = functional.affine_grid(theta, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, align_corners=False)
