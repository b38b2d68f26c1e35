"""The blocks of the README and of docs/ that are about clients can be pasted, and work."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from server import BINARY

CLIENTS = Path(__file__).parent.parent
ROOT = CLIENTS.parent.parent
PAGES = [page.read_text() for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]]
PASTED = {
    "docs/cluster.sh": ["bash", "-e", CLIENTS / "docs/cluster.sh"],
    "docs/faults.sh": ["bash", "-e", CLIENTS / "docs/faults.sh"],
    "docs/pair.py": [sys.executable, CLIENTS / "docs/pair.py"],
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


def is_shown(file):
    text = (CLIENTS / file).read_text()
    return any(text in page for page in PAGES)


@pytest.mark.parametrize("file", PASTED)
def test_a_block_of_the_docs_works(serve, file):
    server = serve(replay=file != "docs/faults.sh")
    assert is_shown(file)
    ran = subprocess.run(PASTED[file], env=environment(AWS_ENDPOINT_URL_DSQL=server.url))
    assert ran.returncode == 0


def test_the_fixture_of_the_docs_works():
    for file in "conftest.py", "test_orders.py":
        assert is_shown(f"docs/{file}")
    tests = [sys.executable, "-m", "pytest", "-q", CLIENTS / "docs" / "test_orders.py"]
    assert subprocess.run(tests, env=environment()).returncode == 0


def test_the_server_of_the_docs_starts():
    assert is_shown("docs/start.sh")
    start, cluster = CLIENTS / "docs/start.sh", CLIENTS / "docs/cluster.sh"
    script = f"set -e; . {start}; trap 'kill $!' EXIT; sleep 1; . {cluster}"
    assert subprocess.run(["bash", "-c", script], env=environment()).returncode == 0


def test_the_stepped_server_of_the_docs_has_a_run(tmp_path):
    assert is_shown("docs/stepped.sh")
    script = f"set -e; trap 'kill $!' EXIT; . {CLIENTS / 'docs/stepped.sh'}"
    ran = subprocess.run(["bash", "-c", script], env=environment(), cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert '"hasEnded":true' in ran.stdout
