"""The pytest plugin: the fixture ``dsql``, and tests that run under many seeds.

A test with the marker ``@pytest.mark.dsql(seeds=200, faults="swarm")``, or any test with the fixture under
``--dsql-seeds 0..200``, is run once for each seed, fixtures included, and is one test in the report. The first failure
ends it. Its faults are then removed one by one as long as the test fails in the same way, and what is left is kept in a
file beside the test, which is run first from then on.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from ._schedule import Plan, kept_file, read_kept, smaller_schedules, write_kept
from ._server import ServerError, binary
from ._simulation import DAY, DeterminismError, InvariantViolation, Simulation, Verdict, seed_of_environment, simulation

SWARM = "swarm"


@dataclass
class _Run:
    """What a run of a test has shown."""

    plan: Plan
    schedule: list[str]
    verdict: Verdict | None = None


_PLAN = pytest.StashKey[Plan]()
_RUN = pytest.StashKey[_Run]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("dsql-sim", "Amazon Aurora DSQL, simulated")
    group.addoption(
        "--dsql-seeds",
        metavar="A..B",
        type=_read_seeds,
        help="run each test with the fixture dsql under the seeds from A to B, without B; one number is one seed",
    )
    group.addoption(
        "--dsql-faults",
        metavar="FAULTS",
        help="the faults of tests whose marker has none: 'swarm', or lines of fault verbs (default with --dsql-seeds: "
        "swarm)",
    )
    group.addoption(
        "--dsql-check",
        action="store_true",
        help="run each seed twice, and fail tests whose two runs differ",
    )
    group.addoption(
        "--dsql-report",
        metavar="DIR",
        help="write the page of each failed test into this folder: one file of HTML with what happened in its run",
    )
    parser.addini("dsql_serve", "further arguments of `dsql-sim serve`", type="args", default=[])


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "dsql(seeds, faults, regions, limit): run the test under the seeds (a number, or a range) with these faults "
        "('swarm', or lines of fault verbs) about these Regions; limit is the virtual time, in seconds, "
        "that it may spend asleep",
    )


def _read_seeds(text: str) -> range:
    one = re.fullmatch(r"(\d+)(?:\.\.(\d+))?", text)
    if one is None:
        raise ValueError(f"seeds are given as 0..200, not {text!r}")
    first = int(one[1])
    seeds = range(first, int(one[2]) if one[2] else first + 1)
    if not seeds:
        raise ValueError(f"there is no seed in {text!r}")
    return seeds


@pytest.fixture
def dsql(request: pytest.FixtureRequest) -> Iterator[Simulation]:
    """A fresh simulation of Amazon Aurora DSQL, in whose virtual time the test runs."""
    item = request.node
    plan = item.stash[_PLAN]
    serve = tuple(request.config.getini("dsql_serve"))
    faults = plan.faults if isinstance(plan.faults, str) or plan.faults is None else "\n".join(plan.faults)
    with simulation(plan.seed, faults, regions=plan.regions, limit=plan.limit, serve=serve) as run:
        item.stash[_RUN] = _Run(plan, plan.faults if isinstance(plan.faults, list) else run.schedule)
        try:
            yield run
        finally:
            item.stash[_RUN].verdict = run.verdict()


def _plans(item: pytest.Item) -> list[Plan]:
    """The runs of a test, in order."""
    marker = item.get_closest_marker("dsql")
    unknown = set(marker.kwargs) - {"seeds", "faults", "regions", "limit"} if marker else set()
    if unknown or (marker and marker.args):
        raise pytest.UsageError(f"{item.nodeid}: the marker dsql takes seeds=, faults=, regions= and limit=")
    given = marker.kwargs if marker else {}
    option = item.config.getoption("--dsql-seeds")
    faults = given.get("faults", item.config.getoption("--dsql-faults"))
    if faults is None and option is not None:
        faults = SWARM
    # Regions are those of random faults; other faults name theirs.
    regions = given.get("regions") if faults == SWARM else None
    limit = given.get("limit", DAY)
    try:
        if option is None and (seed := seed_of_environment()) is not None:
            return [Plan(seed, limit, faults, regions)]
        kept = read_kept(kept_file(item.path, item.name), limit)
    except ValueError as error:
        raise pytest.UsageError(f"{item.nodeid}: {error}") from error
    seeds = option if option is not None else _marked_seeds(item, given.get("seeds", 1))
    plans = [Plan(seed, limit, faults, regions) for seed in seeds]
    return [kept, *plans] if kept is not None else plans


def _marked_seeds(item: pytest.Item, seeds: object) -> range:
    """The seeds that a marker names."""
    if isinstance(seeds, int):
        seeds = range(seeds)
    # A test without a seed would pass without a run.
    if not isinstance(seeds, range) or not seeds or min(seeds) < 0:
        raise pytest.UsageError(
            f"{item.nodeid}: the seeds of the marker dsql are a number from 1, as in seeds=200, or a range, "
            f"as in seeds=range(7, 9)"
        )
    return seeds


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    if "dsql" not in getattr(item, "fixturenames", ()):
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    reports = _run_plans(item)
    # Each run has torn down its own fixtures; those of the module and the session end here, as with any test.
    end = pytest.CallInfo.from_call(lambda: item.session._setupstate.teardown_exact(nextitem), when="teardown")
    if end.excinfo is not None:
        reports[-1] = item.ihook.pytest_runtest_makereport(item=item, call=end)
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def _run_plans(item: pytest.Item) -> list[pytest.TestReport]:
    """Runs a test under each of its plans, up to the first that does not pass. Returns the reports of the last run."""
    spent = 0.0
    reports: list[pytest.TestReport] = []
    is_checked = item.config.getoption("--dsql-check")
    for plan in _plans(item):
        reports = _run_once(item, plan)
        spent += sum(report.duration for report in reports)
        if all(report.passed for report in reports) and is_checked:
            reports = _run_again(item, plan)
        if _is_unexpected_pass(reports):
            # The test is expected to fail under one of the seeds, and not under each.
            continue
        if not all(report.passed for report in reports):
            if any(report.failed for report in reports):
                reports = _explain(item, plan, reports)
            break
    for report in reports:
        if report.when == "call":
            report.duration = max(report.duration, spent)
    return reports


class _Sibling:
    """A stand-in for a next test of the same parents, so that the fixtures of a run end with it and no others do."""

    def __init__(self, item: pytest.Item) -> None:
        self._chain = [*item.listchain()[:-1], self]

    def listchain(self) -> list[Any]:
        return self._chain


def _run_once(item: pytest.Item, plan: Plan) -> list[pytest.TestReport]:
    item.stash[_PLAN] = plan
    item.stash[_RUN] = _Run(plan, [])
    return runtestprotocol(item, log=False, nextitem=_Sibling(item))  # type: ignore[arg-type]


def _is_unexpected_pass(reports: list[pytest.TestReport]) -> bool:
    """Whether a run has passed that the strict marker xfail expects to fail."""
    return any(report.failed and str(report.longrepr).startswith("[XPASS(strict)]") for report in reports)


def _run_again(item: pytest.Item, plan: Plan) -> list[pytest.TestReport]:
    """Runs a plan a second time, which must come to the same."""
    first = item.stash[_RUN].verdict
    again = _run_once(item, plan)
    second = item.stash[_RUN].verdict
    if first is None or second is None or first.hash == second.hash:
        return again
    call = pytest.CallInfo.from_call(lambda: _raise_difference(plan.seed, first, second), when="call")
    report = item.ihook.pytest_runtest_makereport(item=item, call=call)
    return [report if it.when == "call" else it for it in again]


def _raise_difference(seed: int, first: Verdict, second: Verdict) -> None:
    lines = zip_longest(first.scenario.splitlines(), second.scenario.splitlines(), fillvalue="(the end)")
    differs = next(((one, other) for one, other in lines if one != other), ("", ""))
    raise DeterminismError(
        f"two runs with the seed {seed} differ: {first.hash} and {second.hash}.\n"
        f"  first:  {differs[0]}\n  second: {differs[1]}\n"
        "The test depends on something beside the seed. Usual suspects: os.urandom and secrets, the order of a set, "
        "threads, the real time of another process, and state that one run leaves to the next."
    )


def _explain(item: pytest.Item, plan: Plan, reports: list[pytest.TestReport]) -> list[pytest.TestReport]:
    """Shrinks the faults of a failure, keeps what is left, and adds to the report what shows it again."""
    failure = _likeness(reports)
    schedule = item.stash[_RUN].schedule
    drawn = len(schedule)
    run = item.stash[_RUN]
    is_shrunk = False
    # A failure of the two runs of a check is not one of its faults.
    if schedule and "DeterminismError" not in failure:
        for smaller in smaller_schedules(schedule):
            candidate = replace(plan, faults=smaller.lines, regions=None)
            again = _run_once(item, candidate)
            if smaller.fails(_likeness(again) == failure):
                reports, run, schedule, is_shrunk = again, item.stash[_RUN], smaller.lines, True
    text = [f"seed {plan.seed}, {_counted(len(schedule), 'fault')}" + (f" of {drawn}" if is_shrunk else "")]
    text += [f"  {line}" for entry in schedule for line in entry.splitlines()]
    if run.schedule and plan.is_swept:
        path = kept_file(item.path, item.name)
        write_kept(path, item.nodeid, replace(plan, faults=schedule, regions=None))
        text.append(f"kept in {_shown(item, path)}, and run first from now on")
    text.append(f"reproduce: {_reproduce_line(item, plan)}")
    if run.verdict is not None:
        scenario = _write_scenario(item, plan, run.verdict)
        text.append(f"scenario:  dsql-sim run {_shown(item, scenario)}")
        if folder := item.config.getoption("--dsql-report"):
            text.append(f"page:      {_shown(item, _write_page(item, scenario, Path(folder)))}")
        text += ["", "The end of the trace:", *run.verdict.trace]
    failed = next(report for report in reports if report.failed)
    failed.sections.append(("dsql-sim", "\n".join(text)))
    return reports


def _likeness(reports: list[pytest.TestReport]) -> str:
    """What two reports of the same failure have in common: the phase, the place and the kind of the error."""
    for report in reports:
        if report.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            if crash is None:
                return f"{report.when}: {report.longrepr}"
            message = crash.message.splitlines()[0] if crash.message else ""
            kind = message.partition(":")[0]
            # The sentence of an invariant is its name; other messages have values of the run in them.
            named = message.partition(": ")[2].partition(":")[0] if InvariantViolation.__name__ in kind else ""
            return f"{report.when} {crash.path}:{crash.lineno} {kind} {named}"
    return ""


def _reproduce_line(item: pytest.Item, plan: Plan) -> str:
    test = f"{_shown(item, item.path)}::{item.nodeid.partition('::')[2]}"
    if plan.is_kept:
        return f"pytest '{test}'"
    marker = item.get_closest_marker("dsql")
    is_marked = marker is not None and "faults" in marker.kwargs
    option = "" if is_marked or plan.faults is None else f" --dsql-faults {shlex.quote(str(plan.faults))}"
    return f"DSQL_SIM_SEED={plan.seed} pytest '{test}'{option}"


def _write_scenario(item: pytest.Item, plan: Plan, verdict: Verdict) -> Path:
    name = re.sub(r"[^\w.-]+", "-", item.nodeid)
    cache = getattr(item.config, "cache", None)
    folder = cache.mkdir("dsql-sim") if cache is not None else item.config.rootpath / ".dsql-sim"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.{plan.seed}.scenario"
    path.write_text(verdict.scenario)
    return path


def _write_page(item: pytest.Item, scenario: Path, folder: Path) -> Path:
    folder = item.config.invocation_params.dir / folder
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / f"{scenario.stem}.html"
    # The code of the command is that of the run, which may fail as the test did: the page is what counts.
    written = subprocess.run([binary(), "report", scenario, "-o", page], capture_output=True, text=True, check=False)
    if not page.exists():
        raise ServerError(f"dsql-sim report has written no page: {written.stderr}")
    return page


def _shown(item: pytest.Item, path: Path) -> Path:
    """The path as it is typed from the directory of the invocation."""
    invoked = item.config.invocation_params.dir
    return path.relative_to(invoked) if path.is_relative_to(invoked) else path


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
