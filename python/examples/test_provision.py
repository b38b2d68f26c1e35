"""The careful function under the faults of many seeds."""

import provision
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

# One attempt of three seconds: the functions have retries of their own.
ONCE = Config(read_timeout=3, connect_timeout=3, retries={"total_max_attempts": 1})


def check(dsql, function):
    """There is the pair, or an error and nothing else; without faults, there is the pair."""
    east, ohio = (dsql.client(region, config=ONCE) for region in ("us-east-1", "us-east-2"))
    try:
        expected = sorted(function(east, ohio))
    except (BotoCoreError, ClientError, TimeoutError):
        if not dsql.schedule:
            raise
        expected = []
    assert dsql.verdict().holds
    left = sorted(cluster["identifier"] for clusters in dsql.state().values() for cluster in clusters)
    assert left == expected


@pytest.mark.dsql(seeds=200, faults="swarm")
def test_the_careful_function_leaves_a_pair_or_nothing(dsql):
    check(dsql, provision.careful)


@pytest.mark.parametrize("function", [provision.forgetful, provision.leaky, provision.careful])
def test_without_faults_there_is_a_pair(dsql, function):
    check(dsql, function)
