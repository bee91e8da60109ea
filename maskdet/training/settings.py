"""Settings of a training run: `configs/*.yaml` other than the monitor's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields as dataclass_fields
from dataclasses import is_dataclass
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ClassVar,
    Literal,
    Self,
    TypeAlias,
    cast,
    get_type_hints,
)

from pydantic import (
    Discriminator,
    Field,
    PositiveFloat,
    PositiveInt,
    Tag,
    create_model,
    field_validator,
    model_validator,
)

from maskdet.config import Settings
from maskdet.config_texts import matching
from maskdet.datasets.samples import check_scene
from maskdet.detections import CLASS_NAMES
from maskdet.model.class_names import ClassMeaning
from maskdet.model.network_plans import FasterRCNNPlan, RetinaNetPlan

Precision: TypeAlias = Literal["float32", "mixed_bfloat16", "mixed_float16"]


class DataSettings(Settings):
    """One set of annotated images.

    Attributes:
        source: its labels, a file or a folder, relative to the data folder; empty: the data folder
            itself.
        list: a text file below the data folder that names the images to take; empty: all.
        format: of the labels; auto: by the files.
        classes: the mask state of each class name that does not speak for itself; not_a_face: its
            boxes are left out.
        class_list: a file that lists the classes, relative to the data folder; empty: the one
            beside the labels, where the format has such a file.
        labeled: the classes this data set labels; a face of another one hides under these names.
        teacher: a model, by name or folder, that finds which faces are of the classes this data
            set does not label; see `maskdet.training.pseudo_labels`; empty: nobody does.
        finder: a model, by name or folder, that finds faces which the labels leave out: they are
            learned neither as faces nor as background; empty: all that is not labeled is
            background.
        without_faces: none of the images below `source`, a folder, shows a face, and none needs
            labels: things that a model takes for faces.
        share: how often its images are drawn, relative to their number.
        scene: a regular expression whose first group, found in an image's path, names the person
            or the scene that it shows; empty: each image is a scene of its own.
        max_per_scene: images that a scene counts as at most, so that one person of whom there are
            hundreds is not what a network learns.
        about: what it is, where it comes from, under which license; for the model card.
    """

    RENAMED: ClassVar[Mapping[str, str]] = {"labelled": "labeled"}

    source: str = ""
    list: str = ""
    format: Literal["auto", "voc", "csv", "retinanet", "tfrecord", "coco", "yolo"] = "auto"
    classes: dict[str, ClassMeaning] = {}
    class_list: str = ""
    labeled: tuple[str, ...] = CLASS_NAMES
    teacher: str = ""
    finder: str = ""
    without_faces: bool = False
    share: PositiveFloat = 1.0
    scene: str = ""
    max_per_scene: PositiveInt = 20
    about: str = ""

    @model_validator(mode="after")
    def _check_without_faces(self) -> Self:
        about_labels = ("class_list", "classes", "finder", "format", "labeled", "list", "teacher")
        defaults = {name: type(self).model_fields[name].default for name in about_labels}
        given = [name for name in about_labels if getattr(self, name) != defaults[name]]
        if self.without_faces and given:  # a run's own settings name all with their defaults
            raise ValueError(f"without_faces needs no labels: leave out {', '.join(given)}")
        return self

    @field_validator("scene")
    @classmethod
    def _check_scene(cls, value: str) -> str:
        return check_scene(value)


class NetworkGroup(Settings):
    """The settings of a network, whichever it is."""

    kind: str


def _group(plan: type, base: type[Settings], kind: str = "") -> type[Any]:
    """Settings with the fields and defaults of a plan; the data decide about the classes."""
    types = get_type_hints(plan)
    fields: dict[str, Any] = {"kind": (Literal[kind], kind)} if kind else {}
    for option in dataclass_fields(plan):
        if option.name == "classes":
            continue
        if is_dataclass(inner := types[option.name]):
            made = _group(cast(type, inner), Settings)
            fields[option.name] = (made, made())
        else:
            checked = {int: PositiveInt, float: PositiveFloat}.get(inner, inner)
            fields[option.name] = (checked, option.default)
    return create_model(f"{plan.__name__}Settings", __base__=base, **fields)


RetinaNetSettings = _group(RetinaNetPlan, NetworkGroup, "retinanet")
FasterRCNNSettings = _group(FasterRCNNPlan, NetworkGroup, "faster_rcnn")


def _kind(value: Any) -> str:
    """Which network is meant: RetinaNet by default."""
    kind = value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None)
    return str(kind or "retinanet")


if TYPE_CHECKING:
    NetworkSettings: TypeAlias = NetworkGroup
else:
    NetworkSettings = Annotated[
        Annotated[RetinaNetSettings, Tag("retinanet")]
        | Annotated[FasterRCNNSettings, Tag("faster_rcnn")],
        Discriminator(
            _kind,
            custom_error_type="network_kind",
            custom_error_message="must have the kind retinanet or faster_rcnn",
        ),
    ]


class AugmentationSettings(Settings):
    """See `maskdet.training.augmentation.views.Augmentation`.

    Attributes:
        sizes: sides of views that batches take by chance; empty: `size` alone.
        paste: share of images with pasted faces; see `maskdet.training.augmentation.copy_paste`.
        scatter: share of images with small faces pasted where there is none; see there.
    """

    RENAMED: ClassVar[Mapping[str, str]] = {"colour": "color"}

    size: PositiveInt = 448
    sizes: tuple[PositiveInt, ...] = ()
    long_side: PositiveInt = 640
    scale: tuple[PositiveFloat, PositiveFloat] = (0.5, 1.6)
    mosaic: float = Field(default=0.4, ge=0, le=1)
    rotation: float = Field(default=10.0, ge=0, le=45)
    stretch: float = Field(default=1.0, ge=1, le=4)
    color: float = Field(default=0.6, ge=0, le=1)
    degrade: float = Field(default=0.25, ge=0, le=1)
    conditions: float = Field(default=0.0, ge=0, le=1)
    close_up: float = Field(default=0.0, ge=0, le=1)
    crowd: float = Field(default=0.0, ge=0, le=1)
    background: float = Field(default=0.0, ge=0, le=1)
    paste: float = Field(default=0.0, ge=0, le=1)
    scatter: float = Field(default=0.0, ge=0, le=1)


class DistillationSettings(Settings):
    """See `maskdet.training.batches.distillation`.

    Attributes:
        teacher: a RetinaNet with the same anchors, by name or folder; empty: there is none.
        reuse: how often each batch that it answers is used: where it is slow, more than once.
        precision: Keras' dtype policy of the teacher.
    """

    teacher: str = ""
    reuse: PositiveInt = 1
    precision: Precision = "float32"


class ScheduleSettings(Settings):
    """Settings of the steps of learning.

    Attributes:
        steps: batches in all.
        minutes: ends the run earlier: its learning rate falls by the clock then, if time is short.
        batch: images in a batch.
        rate: highest learning rate.
        warm_up: steps until it is reached; from then on it falls along half a cosine.
        final: what share of `rate` is left at the end.
        weight_decay: of AdamW (Loshchilov & Hutter 2019).
        clip: largest norm of all gradients together.
        average: decay of the running mean of the weights that is evaluated and kept.
        start_share: share in those weights of the ones that the run began from (`start`): what was
            learned before is kept beside what is learned now (Wortsman et al. 2022).
        rare: how many times more often an image is drawn that shows the rarest class.
        freeze_stem: the backbone's stages at strides 2 and 4 stay as they were.
        freeze_batch_norm: the backbone's batch norms stay as they were.
        freeze_head_norm: so do the ones behind it; for a run that goes on from weights (`start`).
        evaluate_every: steps from one evaluation to the next.
        save_every: steps from one checkpoint to the next.
        processes: that make the batches; 0: threads do; none given: threads on up to four cores,
            else a process for each core but one.
        seed: of everything that is drawn.
    """

    steps: PositiveInt = 20000
    minutes: PositiveFloat | None = None
    batch: PositiveInt = 8
    rate: PositiveFloat = 1e-3
    warm_up: int = Field(default=300, ge=0)
    final: float = Field(default=0.01, ge=0, le=1)
    weight_decay: float = Field(default=0.02, ge=0)
    clip: PositiveFloat = 10.0
    average: float = Field(default=0.998, ge=0, lt=1)
    start_share: float = Field(default=0, ge=0, lt=1)
    rare: PositiveFloat = 2.5
    freeze_stem: bool = True
    freeze_batch_norm: bool = True
    freeze_head_norm: bool = False
    evaluate_every: PositiveInt = 500
    save_every: PositiveInt = 250
    processes: int | None = Field(default=None, ge=0)
    seed: int = Field(default=0, ge=0)


class TrainingSettings(Settings):
    """A whole training run.

    Attributes:
        name: of the model; its folder below the output folder.
        description: a sentence about the model, for its card.
        train: what is learned from.
        validation: list of the images that choose the best weights, or labels in any format, as
            `source` of a set; empty: the first set's own part, or a tenth of it by a fixed draw.
        imagenet: a local file of the backbone's ImageNet weights; empty: Keras downloads them;
            none: random weights instead.
        start: weights (`.weights.h5`) of an earlier run of the same network to start from, or a
            model's folder: what fits of that model is taken, be it another network.
        network: kind and plan of the network.
        augmentation: how views of images are made.
        schedule: steps, learning rate and rhythm.
        distillation: a heavier network whose answers are learned, too.
        evaluation_size: long side in pixels of the input for evaluation, and of the exported model.
        precision: Keras' dtype policy.
    """

    name: Annotated[
        str,
        matching(r"\w[\w.+-]*", "letters, digits, _ . + -, with a letter, a digit or _ first"),
    ] = "retinanet-mobilenet"
    description: str = ""
    train: tuple[DataSettings, ...] = (DataSettings(),)
    validation: str = ""
    imagenet: str = ""
    start: str = ""
    network: NetworkSettings = RetinaNetSettings()
    augmentation: AugmentationSettings = AugmentationSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    distillation: DistillationSettings = DistillationSettings()
    evaluation_size: PositiveInt = 640
    precision: Precision = "float32"
