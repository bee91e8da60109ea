"""Which annotated images `evaluate` and `calibrate` measure a model on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from maskdet.datasets.format_detection import AUTO
from maskdet.datasets.loading import open_data, say_notes
from maskdet.datasets.problems import Problems
from maskdet.datasets.samples import DataSet, Sample, limit_scenes, scene_names
from maskdet.errors import DatasetError
from maskdet.model.class_names import STATE_OPTION
from maskdet.system.console import counted, say


@dataclass(frozen=True)
class Scenes:
    """Which images show the same person or scene, and how many of each are measured.

    Attributes:
        pattern: see `maskdet.datasets.samples.scene_names`.
        limit: images of each; of one camera there are often hundreds, which would be most of
            what is measured.
    """

    pattern: str
    limit: int


@dataclass(frozen=True)
class MeasuredData:
    """The images, as the command's options name them.

    Attributes:
        data: folder of the annotated images, or a file of labels of any format.
        images: list of images relative to `data`, itself as it stands or below `data`; None: all.
        kind: the labels' format; see `maskdet.datasets.formats`.
        classes: a file that lists the classes; None: found automatically.
        states: see `maskdet.model.class_names.map_states`, of the labels' class names.
        scenes: of which no more than so many images are measured; None: all images are.
    """

    data: Path
    images: Path | None = None
    kind: str = AUTO
    classes: Path | None = None
    states: Mapping[str, str] | None = None
    scenes: Scenes | None = None

    def read(self) -> list[Sample]:
        """The annotated images; what is left out of them, or taken together, is named.

        Raises:
            DatasetError: they cannot be used.
        """
        if not self.data.exists():
            raise DatasetError(
                f"{self.data}: no such folder; give the one above images/ and annotations/"
            )
        problems = Problems()
        found, _ = open_data(
            self.data, None, self._list(), kind=self.kind, class_list=self.classes,
            problems=problems,
        )  # fmt: skip
        problems.check()
        samples = self._in_states(found, problems)
        say_notes(problems)
        parts = Counter(sample.part for sample in samples if sample.part)
        if len(parts) > 1:
            listed = ", ".join(f"{part} {count}" for part, count in parts.items())
            say(f"note: the data's parts are measured together ({listed}); --images LIST chooses")
        return samples if self.scenes is None else _limited(samples, self.scenes)

    def _in_states(self, found: DataSet, problems: Problems) -> list[Sample]:
        try:
            return found.in_states(self.states, problems=problems)
        except DatasetError as error:
            raise DatasetError(f"{error} (on a command line: {STATE_OPTION})") from None

    def _list(self) -> Path | None:
        if self.images is None:
            return None
        below = self.data / self.images
        return self.images if self.images.is_file() or not below.is_file() else below


def _limited(samples: list[Sample], scenes: Scenes) -> list[Sample]:
    """No more than so many images of each scene; how many are left out is named.

    Raises:
        DatasetError: no image shows a scene that the pattern names.
    """
    names = scene_names(samples, scenes.pattern)
    if not any(names):
        first = samples[0].file
        raise DatasetError(f"--scene {scenes.pattern}: matches no picture's path, such as {first}")
    kept = limit_scenes(samples, names, scenes.limit)
    left_out = len(samples) - len(kept)
    say(f"note: {counted(left_out, 'picture')} left out, of scenes with more than {scenes.limit}")
    return kept
