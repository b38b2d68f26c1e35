"""A run: its world, its faults and its verdict."""

import subprocess
import unittest

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

import dsql_sim
from dsql_sim._server import binary


def test_each_run_has_a_world_of_its_own(dsql):
    assert dsql.state() == {}
    dsql.client("us-east-1").create_cluster()
    with pytest.raises(dsql_sim.ServerError, match="did you mean `crash`"):
        dsql.faults("crush us-east-1")


test_each_run_has_a_world_of_its_own_again = test_each_run_has_a_world_of_its_own


def test_faults_are_injected_and_end(dsql):
    client = dsql.client("us-east-1")
    dsql.faults("fail us-east-1 ListClusters error=ValidationException times=1")
    with pytest.raises(client.exceptions.ValidationException):
        client.list_clusters()
    client.list_clusters()
    dsql.crash("us-east-1")
    dsql.restart("us-east-1")
    dsql.faults("drop us-east-1->client-1", "at +1h heal")
    dsql.heal()
    assert client.list_clusters()["clusters"] == []
    assert any("crash" in line for line in dsql.trace())


@pytest.mark.filterwarnings("ignore::dsql_sim.VirtualTimeWarning")
def test_a_verdict_ends_the_run(dsql, tmp_path):
    client = dsql.client("us-east-1")
    client.create_cluster()
    dsql.faults("throttle eu-west-1 ListClusters times=1")
    verdict = dsql.verdict()
    assert verdict.holds and verdict.events > 0
    assert verdict.idle_faults == ["throttle eu-west-1 ListClusters"]
    assert dsql.verdict() is verdict
    scenario = tmp_path / "run.scenario"
    scenario.write_text(verdict.scenario)
    replay = subprocess.run([binary(), "run", "--format", "json", scenario], capture_output=True, text=True)
    assert f'"hash":"{verdict.hash}"' in replay.stdout
    with pytest.raises(dsql_sim.ServerError, match="POST /_sim/reset"):
        dsql.advance("1s")
    with pytest.raises(ClientError, match="POST /_sim/reset"):
        config = Config(retries={"total_max_attempts": 1})
        dsql.client("us-east-1", config=config).list_clusters()


def test_an_invariant_that_does_not_hold_is_raised_at_the_end(tmp_path):
    bug = tmp_path / "bug.scenario"
    bug.write_text("mutant protection-ignored\n")
    with pytest.raises(dsql_sim.InvariantViolation, match="protected-not-deleted") as raised:
        with dsql_sim.simulation(serve=["--scenario", str(bug)]) as dsql:
            client = dsql.client("us-east-1")
            alone = client.create_cluster(multiRegionProperties={"witnessRegion": "us-west-2"})
            client.delete_cluster(identifier=alone["identifier"])
    assert not raised.value.verdict.holds


def test_the_seed_of_the_environment_is_the_default(monkeypatch):
    monkeypatch.setenv("DSQL_SIM_SEED", "7")
    with dsql_sim.simulation() as dsql:
        assert dsql.seed == 7
    monkeypatch.setenv("DSQL_SIM_SEED", "lucky")
    with pytest.raises(ValueError, match="lucky"):
        with dsql_sim.simulation():
            pass


def test_a_seed_draws_faults_that_can_be_given_back():
    for seed in range(20):
        with dsql_sim.simulation(seed, "swarm", regions=["eu-west-1", "eu-west-2", "eu-west-3"]) as dsql:
            drawn, verdict = dsql.schedule, dsql.verdict()
        assert not any("us-east-1" in entry for entry in drawn)
        with dsql_sim.simulation(seed, drawn) as dsql:
            assert dsql.verdict() == verdict


class InUnittest(unittest.TestCase):
    def test_a_context_manager_does_for_other_frameworks(self):
        with dsql_sim.simulation(seed=7, faults="drop us-east-1->client-1 times=1") as dsql:
            identifier = dsql.client("us-east-1").create_cluster()["identifier"]
            self.assertEqual([it["identifier"] for it in dsql.state()["us-east-1"]], [identifier])
