"""The reason why a broker cannot be reached, found by connecting to it once."""

from __future__ import annotations

import socket
import ssl

from maskdet.errors import reason_of

_TIMEOUT_S = 2.0


def tls_problem(address: tuple[str, int], tls: ssl.SSLContext | None) -> tuple[str, str]:
    """The problem and its remedy; the latter empty where only the settings as a whole help.

    Args:
        address: host and port.
        tls: certificates to trust; None where nothing is to be encrypted.
    """
    try:
        with socket.create_connection(address, timeout=_TIMEOUT_S) as link:
            if tls is not None:
                return _failed_handshake(link, address[0], tls)
            if _speaks_tls(link):
                return "it expects TLS", "set tls: true"
    except OSError as error:
        return reason_of(error), ""
    return "no answer yet", ""


def _failed_handshake(link: socket.socket, host: str, tls: ssl.SSLContext) -> tuple[str, str]:
    try:
        tls.wrap_socket(link, server_hostname=host).close()
    except ssl.SSLCertVerificationError as error:
        return error.verify_message, ""
    except (ConnectionError, ssl.SSLEOFError):  # what a broker without TLS does
        return "it has no TLS on this port", "name the port with TLS, mostly 8883, or leave tls out"
    return "no answer yet", ""


def _speaks_tls(link: socket.socket) -> bool:
    """Whether a handshake is answered; whose certificate it is does not matter."""
    anybody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    try:
        anybody.wrap_socket(link).close()
    except OSError:
        return False
    return True
