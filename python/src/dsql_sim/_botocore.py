"""botocore's HTTP sessions in virtual time: the client's time-outs are those of the simulation, not of the socket."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from botocore.httpsession import DEFAULT_TIMEOUT, URLLib3Session

from . import _clock

# The time-out of a real socket, in seconds. The server answers in milliseconds; a lost answer closes the connection.
_SOCKET_TIMEOUT = 600
# The longest time-out that the server takes, for clients without one.
_LONGEST_MS = 24 * 60 * 60 * 1000

_real_init = URLLib3Session.__init__
_real_send = URLLib3Session.send
_url = ""


def _init(self: Any, *arguments: Any, **named: Any) -> None:
    # The third parameter, after `verify` and `proxies`.
    timeout = named.pop("timeout", None)
    if len(arguments) > 2:
        timeout, arguments = arguments[2], (*arguments[:2], _SOCKET_TIMEOUT, *arguments[3:])
    else:
        named["timeout"] = _SOCKET_TIMEOUT
    self._dsql_timeout = timeout
    _real_init(self, *arguments, **named)


def _read_timeout_ms(session: Any) -> int:
    """The time that a client waits for an answer, in milliseconds."""
    timeout = getattr(session, "_dsql_timeout", None)
    if timeout is None:
        timeout = DEFAULT_TIMEOUT
    seconds: float | None = timeout[1] if isinstance(timeout, (tuple, list)) else timeout
    if seconds is None:
        return _LONGEST_MS
    return max(1, min(_LONGEST_MS, round(seconds * 1000)))


def _send(self: Any, request: Any) -> Any:
    clock = _clock.active()
    if clock is None or not request.url.startswith(_url):
        return _real_send(self, request)
    clock.warn_of_other_thread()
    time_out = _read_timeout_ms(self)
    request.headers["x-dsql-sim-client-timeout"] = f"{time_out}ms"
    # The request was signed just now, with the present time.
    begins = clock.nanoseconds()
    try:
        return _real_send(self, request)
    except ConnectionClosedError as error:
        clock.touch()
        if clock.nanoseconds() - begins < time_out * 1_000_000:
            # The node is down, and refuses the connection.
            raise
        # The simulated network has lost the answer, and the client has waited for it.
        raise ReadTimeoutError(endpoint_url=request.url, error=error) from error
    finally:
        clock.touch()


def begin(url: str) -> None:
    """Sessions that call ``url`` are virtual from now on."""
    global _url
    _url = url
    URLLib3Session.__init__ = _init
    URLLib3Session.send = _send


def end() -> None:
    """Sessions are real again."""
    URLLib3Session.__init__ = _real_init
    URLLib3Session.send = _real_send
