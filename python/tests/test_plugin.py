"""Tests under many seeds: what fails is shrunk, shown and kept."""

import re

import pytest

LOST = """
    import pytest
    from botocore.config import Config

    ONCE = Config(read_timeout=2, retries={{"total_max_attempts": 1}})

    @pytest.mark.dsql({marker})
    def test_every_answer_arrives(dsql):
        client = dsql.client("us-east-1", config=ONCE)
        for _ in range(40):
            client.list_clusters()
            dsql.advance("1s")
"""


@pytest.fixture
def run(pytester):
    def run(*arguments, **environment):
        for name, value in environment.items():
            pytester._monkeypatch.setenv(name, value)
        result = pytester.runpytest_subprocess("-p", "no:randomly", *arguments)
        for name in environment:
            pytester._monkeypatch.delenv(name)
        return result

    pytester._monkeypatch.delenv("DSQL_SIM_SEED", raising=False)
    return run


def test_the_page_of_a_failure_is_written_into_the_folder_that_is_named(pytester, run):
    pytester.makepyfile(test_lost=LOST.format(marker='seeds=200, faults="swarm", regions=["us-east-1"] * 3'))
    found = run("--dsql-report", "pages")
    found.assert_outcomes(failed=1)
    page = pytester.path / re.search(r"page:      (.*)$", found.stdout.str(), re.MULTILINE)[1]
    assert page.parent == pytester.path / "pages"
    assert page.read_text().startswith("<!DOCTYPE html>")


def test_a_failure_is_found_by_a_seed_shrunk_kept_and_brought_back(pytester, run):
    pytester.makepyfile(test_lost=LOST.format(marker='seeds=200, faults="swarm", regions=["us-east-1"] * 3'))
    found = run()
    found.assert_outcomes(failed=1)
    found.stdout.fnmatch_lines(
        ["seed * of *", "kept in dsql-failures/test_lost.*", "reproduce: *", "The end of the trace:"]
    )
    text = found.stdout.str()
    assert int(re.search(r"seed \d+, (\d+) fault", text)[1]) <= 3
    seed = re.search(r"reproduce: DSQL_SIM_SEED=(\d+) pytest '(.*)'$", text, re.MULTILINE)
    # The line that was printed, and without it the kept faults, which are run first.
    run(seed[2], DSQL_SIM_SEED=seed[1]).assert_outcomes(failed=1)
    again = run()
    again.assert_outcomes(failed=1)
    assert "reproduce: pytest" in again.stdout.str()
    scenario = re.search(r"scenario:  dsql-sim run (.*)$", text, re.MULTILINE)[1]
    assert (pytester.path / scenario).read_text().startswith("# Recorded")
    # A kept failure that is mended passes, and stays.
    pytester.makepyfile(test_lost=LOST.format(marker='seeds=3, faults="swarm"').replace("range(40)", "range(0)"))
    run().assert_outcomes(passed=1)
    assert list((pytester.path / "dsql-failures").iterdir())


def test_the_option_gives_seeds_and_faults_to_every_test(pytester, run):
    pytester.makepyfile(
        """
        def test_seeds(dsql):
            with open("seeds", "a") as file:
                file.write(f"{dsql.seed} {bool(dsql.schedule)}\\n")
        """
    )
    run("--dsql-seeds", "10..30").assert_outcomes(passed=1)
    seeds = [line.split() for line in (pytester.path / "seeds").read_text().splitlines()]
    assert [int(seed) for seed, _ in seeds] == list(range(10, 30))
    assert "True" in {has_faults for _, has_faults in seeds}
    (pytester.path / "seeds").unlink()
    run().assert_outcomes(passed=1)
    run("--dsql-seeds", "7", "--dsql-faults", "").assert_outcomes(passed=1)
    run(DSQL_SIM_SEED="5").assert_outcomes(passed=1)
    assert (pytester.path / "seeds").read_text() == "0 False\n7 False\n5 False\n"
    assert run("--dsql-seeds", "9..3").ret == pytest.ExitCode.USAGE_ERROR


def test_each_seed_has_fixtures_of_its_own_and_the_module_has_one(pytester, run):
    pytester.makepyfile(
        """
        import pytest

        log = []

        @pytest.fixture(scope="module")
        def module():
            log.append("module")
            yield
            log.append("end of module")
            print(log)

        @pytest.fixture
        def cluster(dsql, module):
            identifier = dsql.client("us-east-1").create_cluster()["identifier"]
            log.append("cluster")
            yield identifier
            log.append("end of cluster")

        @pytest.mark.dsql(seeds=2)
        def test_one(dsql, cluster):
            assert [it["identifier"] for it in dsql.state()["us-east-1"]] == [cluster]

        def test_other(module):
            assert log == ["module", *["cluster", "end of cluster"] * 2]

        class TestClass:
            @pytest.mark.dsql(seeds=range(3, 5))
            @pytest.mark.parametrize("number", [1, 2])
            def test_method(self, dsql, number):
                assert dsql.seed in (3, 4)
        """
    )
    run().assert_outcomes(passed=4)


def test_an_invariant_that_does_not_hold_fails_the_test_that_broke_it(pytester, run):
    pytester.path.joinpath("bug.scenario").write_text("mutant protection-ignored\n")
    pytester.makeini("[pytest]\ndsql_serve = --scenario bug.scenario\n")
    pytester.makepyfile(
        """
        def test_breaks(dsql):
            client = dsql.client("us-east-1")
            alone = client.create_cluster(multiRegionProperties={"witnessRegion": "us-west-2"})
            client.delete_cluster(identifier=alone["identifier"])

        def test_holds(dsql):
            dsql.client("us-east-1").create_cluster()
        """
    )
    result = run()
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*InvariantViolation: protected-not-deleted:*", "*The end of the trace:*"])


def test_a_check_finds_a_test_that_depends_on_more_than_its_seed(pytester, run):
    pytester.makepyfile(
        """
        import os

        def test_leaks(dsql):
            dsql.client("us-east-1").create_cluster(tags={"random": os.urandom(4).hex()})

        def test_does_not(dsql):
            dsql.client("us-east-1").create_cluster(tags={"fixed": "1"})
        """
    )
    result = run("--dsql-check")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*DeterminismError: two runs with the seed 0 differ*", "*os.urandom*"])
    run().assert_outcomes(passed=2)


def test_skips_expected_failures_and_errors_of_fixtures_are_those_of_pytest(pytester, run):
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.dsql(seeds=5)
        def test_skipped(dsql):
            pytest.skip("not here")

        @pytest.mark.xfail(strict=True)
        @pytest.mark.dsql(seeds=5)
        def test_expected(dsql):
            assert dsql.seed < 3

        @pytest.fixture
        def broken(dsql):
            raise OSError

        @pytest.mark.dsql(seeds=5)
        def test_error(broken):
            pass

        @pytest.mark.dsql(sedes=5)
        def test_misspelt(dsql):
            pass
        """
    )
    result = run("-k", "not misspelt")
    result.assert_outcomes(skipped=1, xfailed=1, errors=1)
    assert "the marker dsql takes" in run("-k", "misspelt").stderr.str() + run("-k", "misspelt").stdout.str()


@pytest.mark.parametrize("seeds", ["0", "-1", "'0..5'", "range(5, 5)", "range(-2, 2)", "None"])
def test_a_marker_without_a_seed_is_refused(pytester, run, seeds):
    pytester.makepyfile(
        test_marked=f"""
        import pytest

        @pytest.mark.dsql(seeds={seeds})
        def test_never_runs(dsql):
            pass
        """
    )
    refused = run()
    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    refused.stderr.fnmatch_lines(["ERROR: test_marked.py::test_never_runs: the seeds of the marker dsql *"])


def test_a_seed_or_a_kept_file_that_cannot_be_read_is_refused(pytester, run):
    pytester.makepyfile(test_read="def test_never_runs(dsql):\n    pass\n")
    kept = pytester.mkdir("dsql-failures") / "test_read.test_never_runs.scenario"
    kept.write_text("crash us-east-1\n")
    for refused, reason in [
        (run(DSQL_SIM_SEED="seven"), "DSQL_SIM_SEED is a number from 0, not 'seven'"),
        (run(), "*expected `seed NUMBER` first, not `crash us-east-1`"),
    ]:
        assert refused.ret == pytest.ExitCode.USAGE_ERROR
        refused.stderr.fnmatch_lines([f"ERROR: test_read.py::test_never_runs: {reason}"])


def test_xdist_has_a_server_for_each_worker(pytester, run):
    pytest.importorskip("xdist")
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.dsql(seeds=10, faults="swarm")
        @pytest.mark.parametrize("number", range(6))
        def test_many(dsql, number):
            dsql.client("us-east-1").list_clusters() if not dsql.schedule else None

        def test_fails(dsql):
            assert dsql.seed == 1
        """
    )
    result = run("-n", "2")
    result.assert_outcomes(passed=6, failed=1)
    result.stdout.fnmatch_lines(["reproduce: DSQL_SIM_SEED=0 pytest *"])
