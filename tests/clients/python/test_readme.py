"""What the README says of clients can be pasted, and works."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from server import BINARY

CLIENTS = Path(__file__).parent.parent
README = (CLIENTS.parent.parent / "README.md").read_text()
PASTED = {
    "readme/cluster.sh": ["bash", "-e", CLIENTS / "readme/cluster.sh"],
    "readme/pair.py": [sys.executable, CLIENTS / "readme/pair.py"],
    "javascript/cluster.mjs": ["node", CLIENTS / "javascript/cluster.mjs"],
    "rust/examples/cluster.rs": [
        *("cargo", "run", "--locked", "--quiet", "--example", "cluster"),
        *("--manifest-path", CLIENTS / "rust/Cargo.toml"),
    ],
}


def environment(**more):
    programs = [str(Path(sys.executable).parent), str(Path(BINARY).parent), os.environ["PATH"]]
    credentials = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any"}
    kept = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    return {**kept, **credentials, "PATH": ":".join(programs), **more}


@pytest.mark.parametrize("file", PASTED)
def test_what_the_readme_says_works(serve, file):
    server = serve()
    assert (CLIENTS / file).read_text() in README
    ran = subprocess.run(PASTED[file], env=environment(AWS_ENDPOINT_URL_DSQL=server.url))
    assert ran.returncode == 0


def test_the_fixture_of_the_readme_works():
    for file in "conftest.py", "test_orders.py":
        assert (CLIENTS / "readme" / file).read_text() in README
    tests = [sys.executable, "-m", "pytest", "-q", CLIENTS / "readme" / "test_orders.py"]
    assert subprocess.run(tests, env=environment()).returncode == 0
