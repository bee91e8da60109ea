"""A command, a sound, e-mail through apprise, a serial line."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from maskdet.errors import ConfigError
from maskdet.sinks.channels import sound as sound_channel
from maskdet.sinks.channels.channel import ChannelError
from maskdet.sinks.channels.command import CommandChannel
from maskdet.sinks.channels.notify import Notify
from maskdet.sinks.channels.sound import Sound, player_of, write_tones
from maskdet.sinks.channels.switch import PinOutput, SerialOutput, Switch
from maskdet.system.secrets import Secrets
from tests.helpers.monitors import ROOT
from tests.sinks.channels.messages import message
from tests.sinks.channels.servers import (
    HookServer,
    hook_server,
    mail_server,
    wait_until,
)

pytestmark = pytest.mark.timeout(60)
HAS_PINS = Path("/dev/gpiochip0").exists()


def test_a_command_gets_the_message_and_no_shell_reads_it(tmp_path: Path):
    out = tmp_path / "out.json"
    code = f"import sys; open({str(out)!r}, 'w').write(sys.argv[1] + chr(10) + sys.stdin.read())"
    CommandChannel([sys.executable, "-c", code, "{{camera}}; rm -rf $HOME"]).send(
        message(snapshot="/there/a.jpg")
    )
    first, second = out.read_text().splitlines()
    assert first == 'hall "1"; rm -rf $HOME'
    assert json.loads(second)["snapshot"] == "/there/a.jpg"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["/no/such/program"], "cannot be started: No such file"),
        ([sys.executable, "-c", "import sys; sys.exit('no light')"], "status 1: no light"),
        ([sys.executable, "-c", "import time; time.sleep(60)"], "ended after 0.5 s"),
    ],
)
def test_a_command_that_fails_says_why(arguments: list[str], reason: str):
    with pytest.raises(ChannelError, match=reason):
        CommandChannel(arguments, timeout_s=0.5).send(message())


def fake_player(folder: Path, script: str) -> None:
    player = folder / "paplay"
    player.write_text(f"#!/bin/sh\n{script}\n")
    player.chmod(0o755)


def test_a_sound_is_played_by_the_systems_player(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    fake_player(tmp_path, f'cat "$1" > {tmp_path}/played.wav')
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    sound = Sound()
    sound.send(message())
    expected = tmp_path / "tones.wav"
    write_tones(expected)
    assert (tmp_path / "played.wav").read_bytes() == expected.read_bytes()
    (tmp_path / "played.wav").unlink()
    shutil.rmtree(sound._folder.name)  # as systemd does with what is ten days old in /tmp
    sound.send(message())
    assert (tmp_path / "played.wav").read_bytes() == expected.read_bytes()
    sound.close()
    with pytest.raises(ChannelError, match=r"no\.wav is not there"):
        Sound("no.wav").send(message())


def test_a_sound_device_that_is_missing_is_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    fake_player(tmp_path, "echo 'Connection failure: Connection refused' >&2; exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    sound = Sound()
    with pytest.raises(ChannelError, match="paplay: Connection failure: .*check the sound device"):
        sound.send(message())
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ChannelError, match="no player is installed"):
        sound.send(message())
    sound.close()


@pytest.mark.parametrize(
    ("system", "installed", "player"),
    [
        ("win32", [], None),
        ("win32", ["ffplay"], None),
        ("darwin", ["afplay", "ffplay"], ("afplay",)),
        ("linux", ["aplay", "paplay", "pw-play", "ffplay"], ("pw-play",)),
        ("linux", ["aplay", "paplay"], ("paplay",)),
        ("linux", ["ffplay", "aplay"], ("aplay", "-q")),
        ("linux", ["ffplay"], ("ffplay", "-nodisp", "-autoexit", "-loglevel", "error")),
        ("freebsd14", ["ffplay"], ("ffplay", "-nodisp", "-autoexit", "-loglevel", "error")),
    ],
)
def test_the_player_of_each_system(system: str, installed: list[str], player: tuple | None):
    assert player_of(system, lambda name: f"/bin/{name}" if name in installed else None) == player


@pytest.mark.parametrize("system", ["darwin", "linux"])
def test_a_system_without_a_player_is_a_line(system: str):
    with pytest.raises(ChannelError) as caught:
        player_of(system, lambda name: None)
    assert str(caught.value) == (
        "no player is installed; install one of afplay, pw-play, paplay, aplay, ffplay"
    )


def test_a_missing_sound_device_of_windows_is_a_line(monkeypatch: pytest.MonkeyPatch):
    """Its call, as Python's documentation has it: RuntimeError where there is no device."""

    class Winsound:
        SND_FILENAME, SND_NODEFAULT = 0x20000, 0x2
        played: ClassVar[list[tuple[str, int]]] = []
        error: ClassVar[Exception | None] = None

        @classmethod
        def PlaySound(cls, path: str, flags: int) -> None:  # noqa: N802
            if cls.error is not None:
                raise cls.error
            cls.played.append((Path(path).name, flags))

    monkeypatch.setitem(sys.modules, "winsound", Winsound)
    monkeypatch.setattr(sound_channel.sys, "platform", "win32")
    sound = Sound()
    sound.send(message())
    assert Winsound.played == [("alarm.wav", 0x20002)]
    Winsound.error = RuntimeError("Failed to play sound")
    with pytest.raises(ChannelError, match="no sound: Failed to play sound; check the sound"):
        sound.send(message())
    sound.close()


def test_a_real_player_without_a_device(monkeypatch: pytest.MonkeyPatch):
    """FFmpeg's player, which CI has: into nothing, and where a device is wanted that is not."""
    if shutil.which("ffplay") is None:
        pytest.skip("no ffplay")
    monkeypatch.setattr(sound_channel, "PLAYERS", sound_channel.PLAYERS[-1:])
    monkeypatch.setenv("SDL_AUDIODRIVER", "dummy")
    sound = Sound()
    sound.send(message())
    monkeypatch.setenv("SDL_AUDIODRIVER", "alsa")
    monkeypatch.setenv("AUDIODEV", "no-such-device")
    with pytest.raises(
        ChannelError, match="ffplay: no sound device can be opened; check the sound"
    ):
        sound.send(message())
    sound.close()


def test_a_mail_goes_through_apprise_with_the_picture(tmp_path: Path):
    still = tmp_path / "a.jpg"
    still.write_bytes(b"\xff\xd8\xff\xe0" + bytes(200))
    with mail_server() as (port, mails):
        url = f"mailto://127.0.0.1:{port}?from=me@example.org&to=you@example.org&mode=insecure"
        Notify(url).send(message(snapshot=str(still)))
    (mail,) = mails
    assert "Subject: maskdet: no mask" in mail and "person 7" in mail and "a.jpg" in mail


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """Messages that get to the root's handlers; pytest's own also takes those that do not."""
    found: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: found.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger().addHandler(handler)
    yield found
    logging.getLogger().removeHandler(handler)


def test_a_service_that_refuses_is_a_line_and_apprise_stays_quiet(
    logged: list[str], capfd: pytest.CaptureFixture, refusing_port: int
):
    with hook_server() as server:
        server.statuses = [403]
        url = server.url.replace("http://", "json://")
        with pytest.raises(ChannelError, match="403"):
            Notify(url).send(message())
        server.statuses = [200]
        Notify(url).send(message())
        assert json.loads(server.requests[0].body)["title"] == "maskdet: no mask"
    with pytest.raises(ChannelError) as caught:
        Notify(f"json://127.0.0.1:{refusing_port}").send(message())
    assert "\n" not in str(caught.value)
    with pytest.raises(ChannelError, match="knows no such address"):
        Notify("nonsense").send(message())
    assert not logged and capfd.readouterr() == ("", "")


def test_each_of_two_services_that_refuse_at_one_time_has_its_own_reason():
    with hook_server() as first, hook_server() as second:
        reasons = {}

        def send(server: HookServer) -> None:
            with pytest.raises(ChannelError) as caught:
                Notify(server.url.replace("http://", "json://")).send(message())
            reasons[server.statuses[0]] = caught.value.reason

        first.statuses, second.statuses = [403], [418]
        senders = [threading.Thread(target=send, args=(one,)) for one in (first, second)]
        for server in (first, second):
            server.hang.set()
        for sender in senders:
            sender.start()
        wait_until(lambda: first.attempts and second.attempts)
        for server in (first, second):
            server.hang.clear()
        for sender in senders:
            sender.join(30)
    assert "403" in reasons[403] and "418" not in reasons[403]
    assert "418" in reasons[418] and "403" not in reasons[418]


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="no pseudo terminals")
def test_a_relay_on_a_serial_line():
    main, side = os.openpty()
    relay = Switch(SerialOutput(os.ttyname(side), r"\xa0\x01", "off\\n"))
    relay.send(message())
    assert os.read(main, 10) == b"\xa0\x01"
    relay.send(message("cleared"))
    assert os.read(main, 10).rstrip() == b"off"
    os.close(main)
    os.close(side)
    with pytest.raises(ChannelError, match="/dev/no-such-line: .*check cable"):
        SerialOutput("/dev/no-such-line", "a", "b").switch(True)


def test_a_pin_by_gpiozeros_own_pins_without_hardware(monkeypatch: pytest.MonkeyPatch):
    """Its simulator: this kernel has no pins. On, off, reversed, given back, refused."""
    gpiozero = pytest.importorskip("gpiozero")
    factory = pytest.importorskip("gpiozero.pins.mock").MockFactory()
    monkeypatch.setattr(gpiozero.Device, "pin_factory", factory)
    light = factory.pin(17)
    relay = Switch(PinOutput(17))
    relay.send(message())
    assert (light.function, light.state) == ("output", True)
    relay.send(message("cleared"))
    assert not light.state
    with pytest.raises(ChannelError, match="GPIO17 is already in use .*check the pin"):
        PinOutput("GPIO17").switch(True)
    relay.close()
    assert light.function == "input"
    low = PinOutput(17, active_high=False)
    low.switch(True)
    assert not light.state
    low.switch(False)
    assert light.state
    low.close()
    with pytest.raises(ChannelError, match="GPIO99 is not a valid pin name; check the pin"):
        PinOutput("GPIO99").switch(True)


@pytest.mark.parametrize(
    "prepare",
    [
        "sys.modules['gpiozero'] = None",
        pytest.param("", marks=pytest.mark.skipif(HAS_PINS, reason="there are pins")),
    ],
    ids=["no library", "no pins"],
)
def test_a_machine_without_pins_is_a_line(prepare: str):
    code = (
        f"import sys; {prepare}\n"
        "from maskdet.sinks.channels.switch import PinOutput\n"
        "try: PinOutput(17).switch(True)\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=ROOT
    )
    assert done.stderr == ""
    assert re.fullmatch(
        "ChannelError (gpiozero is not installed|this machine has no pins to switch); "
        r"on a Raspberry Pi, install gpiozero and lgpio \(Raspberry Pi OS has them\)\n",
        done.stdout,
    )


def test_secrets_come_from_environment_or_a_file_that_nobody_else_may_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    file = tmp_path / "secrets"
    file.write_text("# of the door\nHOOK_KEY = top-secret\n\n")
    if sys.platform != "win32":
        file.chmod(0o640)
        with pytest.raises(ConfigError, match=r"can be read by others \(rights 0640\): chmod 600"):
            Secrets(file)
    file.chmod(stat.S_IRUSR | stat.S_IWUSR)
    monkeypatch.setenv("OTHER", "from-environment")
    secrets = Secrets(file)
    assert secrets.fill("a ${HOOK_KEY} ${OTHER}", "x") == "a top-secret from-environment"
    assert secrets.mask("no top-secret, from-environment") == "no ***, ***"
    monkeypatch.setenv("LONGER", "from-environment-2")  # one secret may begin another
    secrets.fill("${LONGER}", "x")
    assert secrets.mask("no from-environment-2, from-environment") == "no ***, ***"
    with pytest.raises(ConfigError, match=r"channel 'a', url: \$\{NONE\} is not in .*secrets and"):
        secrets.fill("${NONE}", "channel 'a', url")
    file.write_bytes(b"\xef\xbb\xbfHOOK_KEY=top-secret\r\n")  # as Notepad writes it
    assert Secrets(file).fill("${HOOK_KEY}", "x") == "top-secret"
    file.write_text("nonsense\n")
    with pytest.raises(ConfigError, match="secrets:1: expected NAME=value"):
        Secrets(file)
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        Secrets(tmp_path / "none")
