"""All checks one after another, each line as soon as it is known."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path

from maskdet.commands.doctor import cameras, certificate, codecs, detection, display, storage
from maskdet.commands.doctor.finding import Finding, Health, broken, ok
from maskdet.errors import MaskdetError
from maskdet.runtimes.spec import Device
from maskdet.system.atomic_files import write_or_print
from maskdet.system.console import bug_line, say
from maskdet.system.extras import EXTRAS, install_command
from maskdet.system.redaction import mask_password

Check = Callable[[], Iterable[Finding]]
PACKAGES = ("ai-edge-litert", "av", "numpy", "opencv-python")
_ALIASES = {"opencv-python": ("opencv-python-headless", "opencv-contrib-python")}


def run(
    *,
    model: str,
    device: Device,
    sources: Sequence[str] = (),
    folder: Path = Path("."),
    config: Path | None = None,
    json_file: str | None = None,
) -> int:
    """Examines this machine.

    Args:
        model: what to detect with.
        device: auto, cpu or gpu: gpu makes a missing one a fault.
        sources: cameras or streams to open beside the webcams that are there.
        folder: where recordings go.
        config: the monitor's settings, whose TLS certificate is checked; None: none is.
        json_file: all of it as JSON into this file; ``-`` is standard output, which then holds
            nothing else.

    Returns:
        The exit status: 0, or 2 if something is broken that is needed.

    Raises:
        SinkError: the JSON cannot be written.
    """
    checks: list[tuple[str, Check]] = [
        ("packages", _packages),
        ("display", display.check),
        ("codecs", _codecs),
        ("camera", cameras.webcams),
        *((mask_password(source), partial(cameras.source, source)) for source in sources),
        ("recordings", partial(storage.check, folder)),
        *([(certificate.NAME, partial(certificate.check, config))] if config else []),
        ("detection", partial(detection.check, model, device)),
    ]
    findings: list[Finding] = []
    for finding in _findings(checks):
        findings.append(finding)
        if json_file == "-":
            say(finding.line())
        else:
            print(mask_password(finding.line()), flush=True)
    broken_findings = [finding for finding in findings if finding.health is Health.BROKEN]
    if json_file is not None:
        _write(json_file, findings)
    return 2 if broken_findings else 0


def _findings(checks: Iterable[tuple[str, Check]]) -> Iterator[Finding]:
    for name, check in checks:
        try:
            yield from check()
        except MaskdetError as error:
            yield broken(name, " ".join(str(error).split()))
        except Exception as error:  # a doctor looks on
            yield broken(name, bug_line(error))


def _write(file: str, findings: Sequence[Finding]) -> None:
    report = {
        "ok": all(finding.health is not Health.BROKEN for finding in findings),
        "checks": [
            {"name": f.name, "health": f.health.value, "text": f.text, "fix": f.fix}
            for f in findings
        ],
    }
    text = mask_password(json.dumps(report, indent=2, ensure_ascii=False)) + "\n"
    write_or_print(file, text, folder="require")


def _packages() -> Iterator[Finding]:
    yield ok("system", f"{platform.platform()}, Python {platform.python_version()}")
    found = {name: _version(name) for name in PACKAGES}
    missing = [name for name, number in found.items() if number is None]
    if missing:
        fix = f"pip install {' '.join(missing)}"
        yield broken("packages", f"{', '.join(missing)}: not installed", fix)
    else:
        yield ok("packages", _numbered(found))
    packages = packages_distributions()
    for extra, modules in EXTRAS.items():
        missing = [one for one in modules if one not in packages]
        if not missing:
            names = dict.fromkeys(packages[one][0] for one in modules)
            yield ok(f"extra {extra}", _numbered({name: version(name) for name in names}))
        else:
            lacks = "" if len(missing) == len(modules) else f"{', '.join(missing)}: "
            text = f"{lacks}not installed, and not needed"
            yield Finding(f"extra {extra}", Health.ABSENT, text, install_command(extra))


def _numbered(found: Mapping[str, str | None]) -> str:
    """Packages with their versions, in a line."""
    return ", ".join(f"{name} {number}" for name, number in found.items())


def _version(name: str) -> str | None:
    for each in (name, *_ALIASES.get(name, ())):
        try:
            return version(each)
        except PackageNotFoundError:
            continue
    return None


def _codecs() -> Iterator[Finding]:
    pip = "pip install --force-reinstall av opencv-python"
    for title, encoder in codecs.CODECS.items():
        wrong = codecs.try_codec(encoder)
        if wrong is None:
            yield ok(title, "encoded by FFmpeg (av), decoded by OpenCV")
        elif title == codecs.RECORDED or not wrong.encoding:
            yield broken(title, str(wrong), pip)
        else:
            yield Finding(title, Health.ABSENT, str(wrong), "only decoding of it is needed")
