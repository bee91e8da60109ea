"""``python -m maskdet train``: a run that can be watched, interrupted and taken up again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from maskdet.config import write_yaml
from maskdet.datasets.image_files import list_images
from maskdet.datasets.random_split import VALIDATION_LIST
from maskdet.datasets.samples import Sample
from maskdet.errors import ConfigError, DatasetError, ModelError, SinkError, reason_of
from maskdet.model.card import CARD_NAME, read_card
from maskdet.runtimes.spec import MODELS, find_model
from maskdet.system.atomic_files import write_whole
from maskdet.system.console import as_typed
from maskdet.system.extras import extra_of, missing_line
from maskdet.system.file_names import in_shell
from maskdet.system.processes.signals import StopRequest
from maskdet.training.earlier_run import require_no_checkpoint
from maskdet.training.own_data import adapted
from maskdet.training.progress import ProgressDisplay
from maskdet.training.pseudo_labels import OpenDetector
from maskdet.training.settings import TrainingSettings

if TYPE_CHECKING:
    from maskdet.training.run_log import RunLog

LEARNING = {"matcher", "box_loss", "box_weight", "class_loss"}
"""Options of a network that change how weights are learned and not which there are."""


def run(
    settings: TrainingSettings,
    data: Path,
    output: Path,
    *,
    resume: bool,
    command: str,
    open_detector: OpenDetector | None = None,
) -> int:
    """Trains; returns the exit status: 0 at the end of the schedule, 128 + signal if interrupted.

    Args:
        settings: of the run.
        data: folder of the annotated images.
        output: folder of the run; the model is in a folder of its own below, named as `settings`
            have it.
        resume: go on from the checkpoint in `output`, if there is one.
        command: how a person trains this model again, for its card.
        open_detector: opens the teachers that settings name; None: they may name none.

    Raises:
        ConfigError: settings do not fit, or a run is in `output` already.
        DatasetError: the data cannot be used.
        SinkError: `output` cannot be written.
    """
    _require_data(data)
    if not resume:
        require_no_checkpoint(output, settings.name)
    _require_backend()
    console = Console(stderr=True)
    interrupt = StopRequest(
        "stopping after this step or evaluation; a second Ctrl-C ends at once, and --resume then "
        "goes on from the last checkpoint"
    )
    settings, changes = adapted(settings, data, is_model=_is_model, find_start=_find_start)
    _print(console, changes)
    from maskdet.training import run as train

    try:
        output.mkdir(parents=True, exist_ok=True)
        write_whole(output / "settings.yaml", write_yaml(settings.model_dump(mode="json")))
        with interrupt.listening(), _logging(settings, output, command, console) as log:
            trainer = train.run(
                settings,
                data,
                output,
                log,
                resume=resume,
                stopping=interrupt,
                open_detector=open_detector,
            )
    except KeyboardInterrupt:
        console.print("ended at once; --resume goes on from the last checkpoint")
        return interrupt.status
    except OSError as error:
        raise _unwritable(output, error) from None
    if interrupt() and not trainer.is_over:
        _print(
            console, [f"stopped after step {trainer.step}; the same command with --resume goes on"]
        )
        return interrupt.status
    _print(console, last_words(settings, data, output))
    return 0


def _print(console: Console, lines: Sequence[str]) -> None:
    """Prints lines as they are, which may hold paths."""
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def last_words(settings: TrainingSettings, data: Path, output: Path) -> list[str]:
    """Where the model is, and the commands that take it further."""
    model = in_shell(str(output / settings.name))
    images = settings.validation or str(output / VALIDATION_LIST)
    source = data / settings.train[0].source if not settings.validation else data
    arguments = f"--model {model} --data {in_shell(str(source))} --images {in_shell(images)}"
    return [
        f"done; the model is in {output / settings.name}",
        "next:",
        f"  {as_typed('evaluate')} {arguments}",
        f"  {as_typed('export')} --model {model} --to litert{_int8(settings, data)}",
        f"  {as_typed('monitor')} --model {model}",
    ]


def _int8(settings: TrainingSettings, data: Path) -> str:
    """The options of `export` for full-integer files, where there can be some."""
    folder = data if data.is_dir() else data.parent
    if settings.network.kind != "retinanet" or not list_images(folder):
        return ""  # coordinates do not survive eight bits; pictures within records are not files
    return f" --int8 --calibrate {in_shell(str(folder))}"


@contextmanager
def _logging(
    settings: TrainingSettings, output: Path, command: str, console: Console
) -> Iterator[RunLog]:
    """All that listens to the run: the terminal, the log, the folder of the best model."""
    from maskdet.training.run_log import RunLog

    schedule, keep = settings.schedule, partial(_keep, settings, output, command)
    with (
        ProgressDisplay(console, schedule.steps, schedule.batch, schedule.minutes) as display,
        closing(RunLog(output, display, keep)) as log,
    ):
        yield log


def _keep(
    settings: TrainingSettings,
    output: Path,
    command: str,
    step: int,
    metrics: dict[str, float],
    weights: Path,
    samples: Sequence[Sample],
) -> None:
    """Writes the model folder of a new best; see `maskdet.training.run_log.Improved`."""
    from maskdet.training.model_folder import write_model

    measured = {
        "pictures": settings.validation or f"a part of the data; {VALIDATION_LIST} of the run",
        "images": len(samples),
        "faces": sum(len(sample.boxes) for sample in samples),
        "step": step,
        **metrics,
    }
    write_model(output / settings.name, weights, settings, metrics=measured, command=command)


def _unwritable(output: Path, error: OSError) -> SinkError:
    """The error of a run's folder that cannot be written, with what to do."""
    place = error.filename or output
    in_the_way = isinstance(error, FileExistsError | NotADirectoryError)
    hint = "choose another --output" if in_the_way else "make room, or choose --output"
    return SinkError(f"{place}: {reason_of(error)}; {hint}")


def _is_model(name: str) -> bool:
    """Whether there is a model of that name or path."""
    try:
        return find_model(name).is_dir()
    except ModelError:
        return False


def _find_start(settings: TrainingSettings) -> str:
    """The folder of a model that ships with this very network; the one of that name first."""
    from maskdet.networks.plans import plan_to_options
    from maskdet.training.run import plan_of

    options = plan_to_options(plan_of(settings.network))
    weights = {name: value for name, value in options.items() if name not in LEARNING}
    folders = sorted(MODELS.glob(f"*/{CARD_NAME}"), key=lambda f: f.parent.name != settings.name)
    for folder in (file.parent for file in folders):
        try:
            card = read_card(folder)
        except ModelError:
            continue  # a broken one is no start
        same = card.network == settings.network.kind and "keras" in card.files
        if same and all(card.options.get(name) == value for name, value in weights.items()):
            return str(folder)
    return ""


def _require_data(data: Path) -> None:
    """Refuses a folder of images that is not there.

    Raises:
        DatasetError: there is none.
    """
    if not data.exists():
        raise DatasetError(
            f"{data}: no such data folder; give --data DIR, the folder of your labeled pictures"
        )


def _require_backend() -> None:
    """Turns a missing Keras back-end into a line.

    Raises:
        ConfigError: it cannot be imported.
    """
    from maskdet.runtimes.tensorflow_import import quiet_import

    try:
        with quiet_import():
            import keras

            keras.ops.zeros(1)  # looks for a GPU, which TensorFlow reports in lines of its own
    except ImportError as error:
        missing = error.name or str(error)
        extra = extra_of(missing)
        fix = missing_line(missing, extra) if extra else f"{missing} is not installed"
        raise ConfigError(
            f"Keras cannot start: {fix}; or choose another back-end: KERAS_BACKEND=tensorflow, "
            "jax or torch"
        ) from None


def command_of(config: Path | None, overrides: Sequence[str]) -> str:
    """The training command as a card may hold it, without this machine's folders."""
    words = ["python -m maskdet train"]
    if config is not None:
        words.append(f"--config {config.name if config.is_absolute() else config.as_posix()}")
    for override in overrides:
        key, _, value = override.partition("=")
        words.append(f"--set {key}={Path(value).name if Path(value).is_absolute() else value}")
    return " ".join([*words, "--data DIR"])
