"""``maskdet settings``: its options."""

from __future__ import annotations


def settings() -> None:
    """Prints the monitor's settings file: every setting with its default and what it means."""
    from maskdet.system.console import print_data
    from maskdet.system.resources import shipped

    print_data((shipped("configs") / "monitor.yaml").read_text("utf-8"))
