"""Recipes: what a training run is made of. `trainer.recipe_file` reads them from TOML.

`task` says what is trained, and with that which other keys there are: "bank", a network with the style vectors of its
painters; "quantize", the same made ready for int8; "adain", a network for any style; "perceptual", the small network
that measures losses.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from artem_vr.nets.johnson import Output, Upsampling
from artem_vr.styles import IDENTITY


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StyleRecipe(_Strict):
    """One painting: what it is called, what it is, and how large its brush strokes shall be."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    painting: str
    title: str
    artist: str
    year: str
    short_side: int = Field(default=400, ge=64, le=2048)
    style_weight: float = Field(default=1.0, gt=0)


class NetworkRecipe(_Strict):
    """Which generator, and its shape."""

    kind: Literal["compact", "johnson"] = "compact"
    channels: int = Field(default=32, ge=4, le=256)
    blocks: int = Field(default=5, ge=1, le=20)
    inner: int = Field(default=0, ge=0, le=1024)
    """Channels inside a residual block, 0 for as many as outside."""
    deep_channels: int = Field(default=64, ge=4, le=256)
    """Of the compact network alone, as are the next two."""
    shallow_blocks: int = Field(default=1, ge=0, le=20)
    tail_channels: int = Field(default=16, ge=4, le=256)
    upsampling: Upsampling = "nearest"
    """Of johnson alone, as are the next two."""
    output: Output = "linear"
    margin: int = Field(default=0, ge=0, le=64)


class LossRecipe(_Strict):
    """The weights of the loss terms (see `trainer.losses`); a tap with no entry is not computed."""

    form: Literal["moments", "gram"] = "moments"
    """How content and style are measured: by this project's relative measures, or by the published squared errors."""
    balance: bool = False
    """Whether content, style and variation are first brought to 1 each, as measured with the untrained network."""
    content: dict[str, float] = Field(default={"relu3_1": 1.0}, min_length=1)
    style_taps: dict[str, float] = Field(
        default={"relu1_1": 1.0, "relu2_1": 1.0, "relu3_1": 1.0, "relu4_1": 1.0}, min_length=1
    )
    """How much each tap counts in the style loss: the first ones hold colour and grain, the last ones strokes."""
    style: float = Field(default=4.0, ge=0)
    total_variation: float = Field(default=0.2, ge=0)
    tone: float = Field(default=1.0, ge=0)
    patch: float = Field(default=0.0, ge=0)
    palette: float = Field(default=0.0, ge=0)
    grid: float = Field(default=0.0, ge=0)
    lattice: float = Field(default=0.0, ge=0)
    constant_grid: float = Field(default=0.0, ge=0)
    """Of a grid that is the same all over the picture as it is shown: real detail averages out far better there."""
    grid_share: float = Field(default=0.0, ge=0)
    weave: float = Field(default=0.0, ge=0)
    overflow: float = Field(default=1.0, ge=0)
    teacher: float = Field(default=0.0, ge=0)
    """Of the distance from what the bank named by `teacher` paints."""


class PruningRecipe(_Strict):
    """Which share of a finished bank's channels is cut before it is trained on (see `trainer.pruning`)."""

    inner: float = Field(default=0.0, ge=0, le=0.9)
    """Inside residual blocks."""
    trunk: float = Field(default=0.0, ge=0, le=0.9)
    """Everywhere else that can be cut."""

    @property
    def any(self) -> bool:
        """Whether anything is cut."""
        return self.inner > 0 or self.trunk > 0


class CalmRecipe(_Strict):
    """Training for calm (see `trainer.calm`): the weights of its terms, and the pictures that it makes for them."""

    temporal: float = Field(default=0.0, ge=0)
    noise: float = Field(default=0.0, ge=0)
    stereo: float = Field(default=0.0, ge=0)
    places: int = Field(default=256, ge=1, le=4096)
    """In how many places of the scene pairs of views are drawn, before the first step."""
    views: str = ""
    """A file of views that were drawn before (`ScenePairs.save`), for a machine without OpenGL; `places` is then how
    many there are."""
    share: float = Field(default=0.25, gt=0, le=4)
    """How many of them a step takes, for each of its photographs."""
    furthest: float = Field(default=12.0, ge=0, le=64)
    """How far the middle of a photograph moves at most along each side, in pixels."""
    sensor_noise: float = Field(default=0.016, ge=0, le=0.2)
    """The deviation of a sensor's noise, of values in [0, 1]."""

    @property
    def any(self) -> bool:
        """Whether any term counts."""
        return max(self.temporal, self.noise, self.stereo) > 0


class DataRecipe(_Strict):
    """Where the photographs, the paintings and the perceptual network are, relative to `root`, and the terms of use."""

    root: str
    photos: str = "photos"
    """A folder tree, an archive, or tar shards such as "photos/shard-{000000..000009}.tar" (`trainer.data.sources`)."""
    paintings: str = "paintings"
    perceptual: str = "vgg19"
    """A file, or "small", "vgg16" or "vgg19" (`trainer.perceptual_files`)."""
    terms: str
    share: float = Field(default=1.0, gt=0, le=1)
    """How much of the photographs to use: 0.1 is every tenth."""
    crop: int = Field(default=256, ge=32, le=1024, multiple_of=4)
    smooth_share: float = Field(default=0.1, ge=0, le=1)
    workers: int = Field(default=1, ge=0, le=64)
    """Threads that decode the next steps' pictures while a step is computed; 0: the step itself does."""
    cache_mb: int = Field(default=0, ge=0)
    """Megabytes of decoded pictures to keep in memory."""


class RunRecipe(_Strict):
    """What every training run has."""

    task: str
    name: str
    steps: int = Field(ge=1)
    batch: int = Field(default=4, ge=1)
    optimizer: Literal["muon", "adam"] = "muon"
    """Muon (`trainer.muon`) had brought a bank's loss to 2.51 where Adam had it at 2.97, after 400 steps each."""
    learning_rate: float = Field(default=3e-3, gt=0)
    schedule: Literal["cosine", "constant", "inverse"] = "cosine"
    """What the rate does after the warm-up: half a cosine to a hundredth, nothing, or rate / (1 + decay * step)."""
    decay: float = Field(default=0.0, ge=0)
    warmup: int = Field(default=100, ge=0)
    gradient_clip: float = Field(default=1.0, gt=0)
    seed: int = Field(default=0, ge=0)
    precision: Literal["float32", "bfloat16"] = "bfloat16"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where it runs: "auto" is an NVIDIA GPU where there is one, else the processor."""
    licence: str = "MIT for the weights; see the terms of the training data"
    data: DataRecipe


class StylesRecipe(RunRecipe):
    """A run whose network paints in the styles of paintings."""

    styles: list[StyleRecipe] = Field(min_length=1)

    @field_validator("styles")
    @classmethod
    def _each_name_once(cls, styles: list[StyleRecipe]) -> list[StyleRecipe]:
        names = [style.name for style in styles]
        for name in names:
            if name == IDENTITY:
                raise ValueError(f"the name '{IDENTITY}' is taken by the untouched picture")
            if names.count(name) > 1:
                raise ValueError(f"two styles are called '{name}'")
        return styles


class BankRecipe(StylesRecipe):
    """What a bank is made of and judged by: a network and a style vector for each painting."""

    style_rate_factor: float = Field(default=3.0, gt=0)
    """Style vectors learn this much faster than weights: each sees only its own share of the pictures."""
    start: str = ""
    """A bank to begin from (its path): weights and the styles of the same names are taken over. Else random weights."""
    prune: PruningRecipe = PruningRecipe()
    """What to cut out of `start` first; `network` is then what is left of it, whatever the recipe says."""
    teacher: str = ""
    """A bank (its path) whose pictures this one learns to paint, as far as `losses.teacher` weighs."""
    network: NetworkRecipe = NetworkRecipe()
    losses: LossRecipe = LossRecipe()
    calm: CalmRecipe = CalmRecipe()

    @model_validator(mode="after")
    def _complete(self) -> "BankRecipe":
        if self.prune.any and not self.start:
            raise ValueError("prune cuts a finished bank: set start to its path")
        if bool(self.teacher) != bool(self.losses.teacher):
            raise ValueError("teacher, the path of a bank, and losses.teacher, its weight, go together: set both")
        return self


class Recipe(BankRecipe):
    """A run that trains a bank."""

    task: Literal["bank"] = "bank"


class QuantizationRecipe(BankRecipe):
    """Calibrates a finished bank, the shipped one unless `start` names another, for int8; no step is trained."""

    task: Literal["quantize"]
    photographs: int = Field(default=100, ge=1)
    """How many to calibrate on."""


class AdainRecipe(StylesRecipe):
    """A run that trains the decoder of an AdaIN network; `styles` are those that its file then names."""

    task: Literal["adain"]
    encoder: str = "vgg19"
    """Whose layers up to relu4_1 see the pictures: a file, or "small" or "vgg19", as `data.perceptual`."""
    content: float = Field(default=1.0, ge=0)
    style: float = Field(default=10.0, ge=0)
    total_variation: float = Field(default=0.0, ge=0)
    painting_side: tuple[int, int] = (300, 600)
    """Between which short sides, in pixels, the paintings are scaled before a crop is taken."""


class PerceptualRecipe(RunRecipe):
    """A run that distils a small perceptual network from larger ones."""

    task: Literal["perceptual"]
    teachers: list[str] = Field(default=["vgg19"], min_length=1)
    """Files or names, as `data.perceptual`; each tap is learned from the first one that has it."""
    widths: tuple[int, int, int, int, int] = (16, 32, 64, 128, 128)
    depths: tuple[int, int, int, int, int] = (2, 2, 2, 2, 1)
    """Channels and 3x3 convolutions of the five scales."""
    taps: dict[str, float] = Field(
        default={"relu1_1": 1.0, "relu2_1": 1.0, "relu3_1": 1.0, "relu4_1": 1.0, "relu5_1": 1.0}, min_length=1
    )
    gram: float = Field(default=1.0, ge=0)
    """The weight of the error of Gram matrices beside that of the activations."""


AnyRecipe = Recipe | AdainRecipe | PerceptualRecipe
"""What the training loop runs."""
TASKS: dict[str, type[Recipe] | type[AdainRecipe] | type[PerceptualRecipe] | type[QuantizationRecipe]] = {
    "bank": Recipe,
    "quantize": QuantizationRecipe,
    "adain": AdainRecipe,
    "perceptual": PerceptualRecipe,
}
