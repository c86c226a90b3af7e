"""Training recipes: how a shipped checkpoint was made, as data."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shiftloom.codegen import config
from shiftloom.codegen.config import PruningConfig
from shiftloom.codegen.errors import ShiftloomError, key_of, shown
from shiftloom.codegen.values import nearest

SHIPPED = Path(__file__).parent / "recipes"


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Augmentation(_Strict):
    """Random change of each training image: affine ones are drawn uniformly from ± their bounds.

    A `crop` shifts by whole pixels up to its bound, a `flip` mirrors half of the images, and an
    `erase` blanks a square of that size around any pixel.
    """

    rotate_degrees: float = Field(default=0, ge=0, le=90)
    shift_pixels: float = Field(default=0, ge=0, le=14)
    scale: float = Field(default=0, ge=0, lt=1)
    shear: float = Field(default=0, ge=0, lt=1)
    crop: int = Field(default=0, ge=0, le=16)
    flip: bool = False
    erase: int = Field(default=0, ge=0, le=64)


class Optimizer(_Strict):
    """AdamW or SGD with Nesterov momentum 0.9.

    Over the share `warmup` of the training the rate rises linearly to its peak, then it falls to
    zero as half a cosine. Weight decay acts on weights, not on biases.
    """

    kind: Literal["adamw", "sgd"]
    peak_rate: float = Field(gt=0, le=10)
    warmup: float = Field(ge=0, lt=1)
    weight_decay: float = Field(ge=0)


class Teacher(_Strict):
    """Distillation (Hinton et al., arXiv:1503.02531): a network whose softened outputs count.

    The loss is (1 − share) · cross entropy + share · temperature² · KL(teacher, student).
    """

    network: str
    share: float = Field(gt=0, le=1)
    temperature: float = Field(ge=0.1, le=100)


class Tuning(_Strict):
    """Training of a quantized network, which starts from the weights of a trained one.

    `quantization` holds sections of a configuration file. Ranges, biases and α are trained at
    `scale_rate` times the rate of the weights. `normalized` puts batch normalization back while it
    trains; `layers` names those that learn, null for all. Where `quantization` prunes, it does so
    in `rounds`: round r of R prunes r/R of the share, starts from what the round before gave, and
    trains for all epochs.
    """

    start: str
    quantization: dict[str, Any]
    scale_rate: float = Field(gt=0, le=100)
    normalized: bool = True
    layers: Annotated[tuple[str, ...], Field(strict=False, min_length=1)] | None = None
    rounds: int = Field(default=1, ge=1, le=100)


class Recipe(_Strict):
    """All that decides the trained weights, besides the data and the machine's arithmetic."""

    seed: int = Field(ge=0, lt=2**31)
    epochs: int = Field(ge=1)
    batch: int = Field(ge=1)
    validation_images: int = Field(ge=1, description="held out from the end of the training set")
    average_decay: float = Field(ge=0, lt=1, description="of the moving average of the weights")
    label_smoothing: float = Field(ge=0, lt=1)
    precision: Literal["float32", "bfloat16"] = Field(
        default="float32", description="of the products; sums and weights stay float32"
    )
    optimizer: Optimizer
    augmentation: Augmentation
    teacher: Teacher | None = None
    tuning: Tuning | None = None

    def digest(self) -> str:
        """SHA-256 over the canonical JSON of every field."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


def load_recipe(name: str, path: Path | None = None) -> Recipe:
    """The recipe in `path`, or the shipped one of the network `name`.

    Raises ShiftloomError naming the file, the key, its value and what is allowed.
    """
    source = SHIPPED / f"{name}.yaml" if path is None else path
    content = config.read(source)
    try:
        recipe = Recipe.model_validate(content)
    except ValidationError as error:
        raise _refusal(source, error) from error
    if recipe.tuning is not None:
        where = f"{source}: tuning"
        pruning = config.parse(recipe.tuning.quantization, f"{where}.quantization").pruning
        _check_rounds(f"{where}.rounds", recipe.tuning.rounds, pruning)
    return recipe


def _check_rounds(where: str, rounds: int, pruning: PruningConfig) -> None:
    """Refuse several rounds where there is no share that could grow from one to the next."""
    if rounds > 1 and pruning.method in ("none", "nm"):
        raise ShiftloomError(
            where,
            f"{rounds} rounds mean nothing with pruning.method: {pruning.method}",
            "leave it out, or prune a share in quantization",
        )


def _refusal(source: Path, error: ValidationError) -> ShiftloomError:
    """The first unknown key (a typing error also leaves its right name missing), else the first."""
    errors = error.errors(include_url=False)
    unknown = [each for each in errors if each["type"] == "extra_forbidden"]
    first = (unknown or errors)[0]
    node = ": ".join((str(source), *(key_of(part) for part in first["loc"])))
    if unknown:
        parents: dict[str, type[BaseModel]] = {
            "optimizer": Optimizer,
            "augmentation": Augmentation,
            "teacher": Teacher,
            "tuning": Tuning,
        }
        known = parents.get(str(first["loc"][0]), Recipe).model_fields
        return ShiftloomError(node, "is not a key", nearest(key_of(first["loc"][-1]), known))
    if first["type"] == "missing":
        return ShiftloomError(node, "is missing", "a recipe gives every key without a default")
    return ShiftloomError(node, f"is {shown(first['input'])}", first["msg"])
