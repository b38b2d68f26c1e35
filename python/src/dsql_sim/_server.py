"""The simulator as a child process, and its control interface."""

from __future__ import annotations

import atexit
import http.client
import json
import os
import shutil
import subprocess
import sysconfig
import tempfile
import time
from pathlib import Path
from typing import Any

# Taken before any test makes time virtual.
_sleep = time.sleep
_monotonic = time.monotonic

_START_LIMIT = 60.0


class ServerError(RuntimeError):
    """The simulator did not start, or refused a request of the control interface."""


def binary() -> str:
    """The path of the simulator: that of ``DSQL_SIM``, of this installation, or of the search path."""
    named = os.environ.get("DSQL_SIM")
    if named:
        return named
    installed = Path(sysconfig.get_path("scripts")) / "dsql-sim"
    found = str(installed) if installed.exists() else shutil.which("dsql-sim")
    if found is None:
        raise ServerError("the program dsql-sim is not installed. To proceed, set DSQL_SIM to its path")
    return found


class Server:
    """A server with a stepped clock, for many runs one after the other."""

    def __init__(self, arguments: tuple[str, ...] = ()) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="dsql-sim-")
        ready = Path(self._folder.name) / "ready"
        errors = Path(self._folder.name) / "errors"
        command = [binary(), "serve", "--clock", "stepped", "--port", "0", "--until-stdin-closes"]
        command += ["--log", "off", "--ready-file", str(ready), *arguments]
        # A seed of the environment is that of the tests, who give it to each run.
        environment = {key: value for key, value in os.environ.items() if key != "DSQL_SIM_SEED"}
        with errors.open("w") as log:
            # The pipe ends with this process, however that ends, and the server with the pipe.
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=log, env=environment
            )
        limit = _monotonic() + _START_LIMIT
        while not ready.exists():
            if self._process.poll() is not None:
                raise ServerError(f"dsql-sim did not start: {errors.read_text()}")
            if _monotonic() > limit:
                raise ServerError("dsql-sim did not start within a minute")
            _sleep(0.002)
        self.url = ready.read_text().strip()
        host, _, port = self.url.removeprefix("http://").rpartition(":")
        self._connection = http.client.HTTPConnection(host, int(port), timeout=600)

    def get(self, path: str) -> dict[str, Any]:
        """The answer of ``GET /_sim/PATH``."""
        return self._ask("GET", path, None)

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        """The answer of ``POST /_sim/PATH``."""
        return self._ask("POST", path, body)

    def _ask(self, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        data = json.dumps(body).encode() if body else None
        headers = {"Content-Type": "application/json"} if data else {}
        for is_last in (False, True):
            try:
                self._connection.request(method, f"/_sim/{path}", body=data, headers=headers)
                answer = self._connection.getresponse()
                content: dict[str, Any] = json.loads(answer.read())
                break
            except (http.client.RemoteDisconnected, ConnectionError) as error:
                # The server closes a connection that is idle for half a minute.
                self._connection.close()
                if is_last:
                    raise ServerError(f"dsql-sim has ended: {error!r}") from error
        if answer.status != 200:
            raise ServerError(content.get("message", str(content)))
        return content

    def stop(self) -> None:
        """Ends the process."""
        self._connection.close()
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()


_shared: dict[tuple[int, tuple[str, ...]], Server] = {}


def shared(arguments: tuple[str, ...] = ()) -> Server:
    """The server of this process with these arguments; it is started at the first use."""
    # A forked process has a server of its own: two processes on one clock would disturb each other.
    key = (os.getpid(), arguments)
    if key not in _shared:
        _shared[key] = Server(arguments)
        atexit.register(_stop, key)
    return _shared[key]


def _stop(key: tuple[int, tuple[str, ...]]) -> None:
    server = _shared.pop(key, None)
    if server is not None and key[0] == os.getpid():
        server.stop()
