"""A live page for fuzzers: ``python -m tests.web.live.api.fuzz_target FOLDER``."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from maskdet.errors import ConfigError
from tests.web.live.pages import ScriptedAlarms, ScriptedControl, alarm, scene, serving_live
from tests.web.servers import encoded


def report(first: str | None, last: str | None) -> str:
    if first == "wrong":
        raise ConfigError("--from wrong: no day")
    return "<p>report</p>"


def main() -> None:
    """Serves until standard input ends; everybody may log in as operator."""
    folder = Path(sys.argv[1])
    (folder / "clips").mkdir()
    (folder / "clips" / "a.mp4").write_bytes(bytes(100))
    (folder / "alarm.jpg").write_bytes(encoded(".jpg"))
    kept = alarm(snapshot=str(folder / "alarm.jpg"), clip=str(folder / "clips" / "a.mp4"))
    with serving_live(
        folder,
        users={"oleg": "operator"},
        alarms=ScriptedAlarms(kept),
        report=report,
        export=lambda first, last: "time,utc\r\n",
        control=ScriptedControl(),
    ) as page:
        page.see(image=scene(0))
        print(page.url, flush=True)
        done = threading.Thread(target=sys.stdin.read)
        done.start()
        done.join()


if __name__ == "__main__":
    main()
