"""The three bugs of the examples are found, and their faults are few."""

import re
import shutil
from pathlib import Path

EXAMPLES = Path(__file__).parent.parent / "examples"


def test_each_bug_is_found_and_its_faults_are_three_at_most(pytester):
    for name in ("provision.py", "test_provision.py", "find_bugs.py"):
        shutil.copy(EXAMPLES / name, pytester.path)
    result = pytester.runpytest_subprocess("find_bugs.py")
    result.assert_outcomes(failed=3)
    text = result.stdout.str()
    assert all(int(count) <= 3 for count in re.findall(r"^seed \d+, (\d+) fault", text, re.MULTILINE))
    lines = re.findall(r"^reproduce: DSQL_SIM_SEED=(\d+) pytest '(.*)'$", text, re.MULTILINE)
    assert len(lines) == 3
    for seed, test in lines:
        pytester._monkeypatch.setenv("DSQL_SIM_SEED", seed)
        pytester.runpytest_subprocess(test).assert_outcomes(failed=1)
