"""Random affine augmentation of image batches, in plain torch."""

from __future__ import annotations

import math

import torch
from torch.nn import functional

from shiftloom.models.recipe import Augmentation


def augment(
    images: torch.Tensor, settings: Augmentation, generator: torch.Generator
) -> torch.Tensor:
    """Each image of [N, C, H, W] rotated, sheared, scaled and shifted at random; edges give 0.

    Five uniform numbers in [-1, 1) are drawn per image: u for the angle, scale, shear and shift.
    """
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
