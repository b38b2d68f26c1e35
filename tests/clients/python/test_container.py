"""The commands of the Dockerfile work outside a container: the build, the start, the health check."""

import json
import os
import platform
import re
import shlex
import signal
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LINES = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if line and not line.startswith("#")]


def instructions(name):
    return [line.removeprefix(name).strip() for line in LINES if line.startswith(name + " ")]


def arguments(name):
    """The JSON form of an instruction's command, in the last line of this name."""
    return json.loads(re.search(r"\[.*\]$", instructions(name)[-1]).group())


@pytest.fixture(scope="module")
def binary(tmp_path_factory):
    build, copy = instructions("RUN")
    # Not the build directory of the image, which is that of a developer here.
    target = ROOT / "target/clients/container"
    environment = {**os.environ, "CARGO_TARGET_DIR": str(target)}
    subprocess.run(["bash", "-c", build], cwd=ROOT, env=environment, check=True)
    made, place = shlex.split(copy.replace("$(uname -m)", platform.machine()).removeprefix("cp "))
    assert (made.split("/")[0], place) == ("target", arguments("ENTRYPOINT")[0])
    return target / Path(*Path(made).parts[1:])


def test_the_binary_needs_no_library(binary):
    linked = subprocess.run(["ldd", binary], capture_output=True, text=True)
    assert re.search("statically linked|not a dynamic executable", linked.stdout + linked.stderr)


def test_the_container_starts_is_healthy_and_stops(binary):
    port = instructions("EXPOSE")[0]
    command = [binary, *arguments("CMD")]
    check = [binary, *arguments("HEALTHCHECK")[1:]]
    assert command[command.index("--port") + 1] == port and check[-1].endswith(f":{port}")
    # A free port in place of that of the container, which may be taken on this machine.
    command[command.index("--port") + 1] = "0"
    without = subprocess.run(command, capture_output=True, text=True)
    assert without.returncode == 2 and "--token" in without.stderr
    environment = {"DSQL_SIM_TOKEN": "s3cret"}
    server = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    url = server.stdout.readline().split()[-1]
    try:
        while subprocess.run([*check[:-1], url], env={}).returncode != 0:
            assert server.poll() is None
            time.sleep(0.1)
        request = urllib.request.Request(f"{url}/_sim/state", headers={"Authorization": "Bearer s3cret"})
        assert json.load(urllib.request.urlopen(request))["clusters"] == {}
    finally:
        server.send_signal(signal.SIGTERM)
    assert server.wait(timeout=60) == 0
    assert subprocess.run([*check[:-1], url], env={}).returncode == 1
