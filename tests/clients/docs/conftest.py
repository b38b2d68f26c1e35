import os
import subprocess
import time

import pytest


@pytest.fixture(scope="session", autouse=True)
def dsql(tmp_path_factory):
    """The simulated Regions, ten minutes in a second, as long as the tests run."""
    ready = tmp_path_factory.mktemp("dsql-sim") / "ready"
    command = ["dsql-sim", "serve", "--port", "0", "--speed", "600", "--ready-file", ready, "--until-stdin-closes"]
    # The pipe ends with this process, and the server with the pipe.
    server = subprocess.Popen(command, stdin=subprocess.PIPE)
    while not ready.exists():
        assert server.poll() is None, "dsql-sim did not start"
        time.sleep(0.01)
    os.environ["AWS_ENDPOINT_URL_DSQL"] = ready.read_text().strip()
    yield
    server.terminate()
    assert server.wait() == 0, "an invariant did not hold"
