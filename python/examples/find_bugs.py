"""Tests that fail: each finds the bug of a function. tests/test_examples.py runs them."""

import provision
import pytest
from test_provision import check


@pytest.mark.dsql(seeds=200, faults="swarm")
@pytest.mark.parametrize("function", [provision.hasty, provision.forgetful, provision.leaky])
def test_there_is_a_pair_or_nothing(dsql, function):
    check(dsql, function)
