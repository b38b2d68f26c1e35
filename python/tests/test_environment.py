"""A seed gives the same run in every process, whatever its environment."""

import os
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parent.parent / "examples"

PROGRAM = """
import logging, sys
if "--log" in sys.argv:
    logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
import dsql_sim, provision, test_provision
for seed in range(60):
    with dsql_sim.simulation(seed, "swarm") as dsql:
        test_provision.check(dsql, provision.careful)
    print(seed, dsql.verdict().hash)
"""


def hashes(*arguments, **environment):
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=EXAMPLES,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    return run.stdout.splitlines()


def test_sixty_seeds_have_the_same_hashes_in_different_environments(tmp_path):
    first = hashes(PYTHONHASHSEED="1", TZ="UTC")
    assert len(set(first)) == 60
    other = {"PYTHONHASHSEED": "2", "TZ": "Asia/Kolkata", "HOME": str(tmp_path), "AWS_REGION": "eu-west-1"}
    assert hashes(**other) == first
    assert hashes("--log", AWS_PROFILE="nobody") == first
