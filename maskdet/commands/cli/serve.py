"""``maskdet serve``: its options."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

import typer

from maskdet.commands.options import Device, Labels, MinScore, Model, States
from maskdet.contracts import Detector
from maskdet.model.class_names import parse_states
from maskdet.model.decision import DecisionRule
from maskdet.model.registry import DEFAULT_MODEL


def serve(
    host: Annotated[
        str, typer.Option(metavar="H", help="Where to listen; 0.0.0.0: open to the network.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(metavar="P", min=0, max=65535, help="0: any that is free.")
    ] = 8000,
    model: Model = DEFAULT_MODEL,
    labels: Labels = None,
    states: States = None,
    device: Device = "auto",
    min_score: MinScore = None,
    max_mb: Annotated[
        float, typer.Option(metavar="X", min=0.001, max=1000, help="Largest request.")
    ] = 32.0,
    max_megapixels: Annotated[
        float, typer.Option(metavar="X", min=0.001, max=175, help="Largest picture.")
    ] = 50.0,
    max_pictures: Annotated[
        int, typer.Option(metavar="N", min=1, max=1000, help="Most pictures in a request.")
    ] = 20,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Repeatable: a name by which browsers reach the page."),
    ] = None,
    root_path: Annotated[
        str,
        typer.Option(
            metavar="PATH", help="Where a proxy puts the page: /mask; default: from its headers."
        ),
    ] = "",
    privacy: Annotated[
        Literal["normal", "strict"],
        typer.Option(help="strict: every face is covered in what is sent back."),
    ] = "normal",
) -> int:
    """A page, and an HTTP API, where pictures are dropped to see who wears a mask correctly.

    With --live it is the page of a monitor that has no window: maskdet serve --live --help.
    """
    from maskdet.commands.serve import run
    from maskdet.runtimes.loading import open_model
    from maskdet.runtimes.spec import resolve
    from maskdet.web.page_server.public_address import PublicAddress
    from maskdet.web.request_limits import MEGA, Limits

    limits = Limits(
        bytes=round(max_mb * MEGA), pixels=round(max_megapixels * MEGA), images=max_pictures
    )
    address = PublicAddress.of(host, allow_host or (), root_path)
    spec = resolve(
        model, device=device, labels=labels, classes=parse_states(states), min_score=min_score
    )

    def open_detector(rule: DecisionRule) -> Detector:
        return open_model(replace(spec, rule=rule), looks="auto")

    return run(
        open_detector,
        spec.rule,
        host=host,
        port=port,
        address=address,
        limits=limits,
        strict=privacy == "strict",
    )
