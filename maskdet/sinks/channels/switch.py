"""Outputs that are on while an alarm is open: a light or a gate over HTTP, a serial line, a pin."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterable
from typing import Any, Protocol

from maskdet.alarm import AlarmMessage
from maskdet.errors import reason_of
from maskdet.sinks.channels.channel import REQUEST_TIMEOUT_S, ChannelError
from maskdet.sinks.channels.web_hook import request

_GPIO_ADVICE = "on a Raspberry Pi, install gpiozero and lgpio (Raspberry Pi OS has them)"


class Output(Protocol):
    """Something that can be switched."""

    def switch(self, on: bool) -> None:
        """Switches it.

        Raises:
            ChannelError: it cannot be switched now.
        """

    def close(self) -> None:
        """Lets go of it."""


class Switch:
    """Switches an output on with the first open alarm and off with the last; a `Channel`."""

    def __init__(self, output: Output, open_alarms: Iterable[str] = ()) -> None:
        """Switches nothing yet.

        Args:
            output: what to switch.
            open_alarms: numbers of the alarms of the run before that are not cleared.
        """
        self._output = output
        self._open = set(open_alarms)

    def send(self, message: AlarmMessage) -> None:
        """Switches as an alarm begins or is cleared; a test switches on and off."""
        if message.phase == "test":
            self._output.switch(True)
            self._output.switch(False)
            return
        number = message.alarm.alarm_id
        is_over = message.phase == "cleared"
        after = self._open - {number} if is_over else self._open | {number}
        self._output.switch(bool(after))
        self._open = after

    def close(self) -> None:
        """Lets go of the output; it stays as it is."""
        self._output.close()


class HttpOutput:
    """A relay with two addresses, as Shelly, Tasmota and door controllers have."""

    def __init__(self, on: str, off: str, *, method: str = "GET") -> None:
        """Takes the addresses.

        Args:
            on: requested to switch on; empty: nothing is done.
            off: requested to switch off; empty: nothing is done.
            method: of HTTP.
        """
        self._urls, self._method = (off, on), method

    def switch(self, on: bool) -> None:
        """Requests the address."""
        if url := self._urls[on]:
            request(self._method, url, REQUEST_TIMEOUT_S)

    def close(self) -> None:
        """Holds nothing."""


class SerialOutput:
    """A serial line that gets a text for each state, as USB relays take."""

    def __init__(self, port: str, on: str, off: str, *, baud: int = 9600) -> None:
        r"""Opens nothing yet.

        Args:
            port: ``/dev/ttyUSB0``, ``COM3`` …
            on: bytes as text, with escapes such as ``\xa0\x01``.
            off: likewise.
            baud: of the line.
        """
        self._port, self._baud = port, baud
        self._texts = (_bytes(off), _bytes(on))

    def switch(self, on: bool) -> None:
        """Writes the text; the line is opened for it alone, as others may unplug it."""
        try:
            from serial import Serial, SerialException
        except ImportError:
            advice = "install pyserial, which comes with maskdet's extra 'alerts'"
            raise ChannelError("pyserial is not installed", advice) from None
        try:
            with Serial(self._port, self._baud, timeout=2, write_timeout=2) as line:
                line.write(self._texts[on])
                line.flush()
        except (SerialException, OSError) as error:
            advice = "check cable and rights (group dialout on Linux)"
            raise ChannelError(f"{self._port}: {reason_of(error)}", advice) from None

    def close(self) -> None:
        """Holds nothing."""


class PinOutput:
    """A pin of a Raspberry Pi, by gpiozero."""

    def __init__(self, pin: int | str, *, active_high: bool = True) -> None:
        """Takes no pin yet.

        Args:
            pin: number of the GPIO, or a name that gpiozero knows.
            active_high: on is 3.3 V; False: on is 0 V.
        """
        self._pin, self._active_high = pin, active_high
        self._device: Any = None

    def switch(self, on: bool) -> None:
        """Sets the pin, which is kept until the end."""
        try:
            from gpiozero import BadPinFactory, DigitalOutputDevice, PinFactoryFallback
        except ImportError:
            raise ChannelError("gpiozero is not installed", _GPIO_ADVICE) from None
        warnings.simplefilter("ignore", PinFactoryFallback)  # a line for each that it tries
        try:
            if self._device is None:
                self._device = DigitalOutputDevice(self._pin, active_high=self._active_high)
            self._device.value = on
        except BadPinFactory:
            raise ChannelError("this machine has no pins to switch", _GPIO_ADVICE) from None
        except Exception as error:  # of gpiozero's many kinds
            raise ChannelError(f"GPIO {self._pin}: {reason_of(error)}", "check the pin") from None

    def close(self) -> None:
        """Gives the pin back."""
        if self._device is not None:
            with contextlib.suppress(Exception):
                self._device.close()


def _bytes(text: str) -> bytes:
    return text.encode("latin-1", "backslashreplace").decode("unicode_escape").encode("latin-1")
