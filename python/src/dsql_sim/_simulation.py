"""A run of the simulation: a fresh world, with the process of the test in its virtual time."""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3
import botocore.session
from botocore.config import Config

from . import _botocore
from ._clock import Clock, VirtualTime, VirtualTimeError, active
from ._server import Server, shared

_ACCESS_KEY = "AKIADSQLSIMEXAMPLE"

# The virtual time that code under test may spend asleep, in seconds.
DAY = 24 * 60 * 60

# What a program sees that builds its clients by itself. No real credentials leave the machine.
_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": _ACCESS_KEY,
    "AWS_SECRET_ACCESS_KEY": "dsql-sim",
    "AWS_EC2_METADATA_DISABLED": "true",
}
_CLEARED = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL")


@dataclass(frozen=True)
class Verdict:
    """The verdict of a run: what its invariants say, and what shows it again."""

    #: The invariants that were violated, each as ``{"invariant": …, "message": …}``.
    violations: list[dict[str, str]]
    #: The fingerprint of every event of the run, as 16 hexadecimal digits.
    hash: str
    #: The number of events.
    events: int
    #: The last lines of the trace, oldest first.
    trace: list[str]
    #: The run as a scenario, which ``dsql-sim run FILE`` replays to the same hash.
    scenario: str
    #: The faults that never acted.
    idle_faults: list[str]

    @property
    def holds(self) -> bool:
        """Whether every invariant held."""
        return not self.violations


class InvariantViolation(AssertionError):
    """An invariant of the simulation did not hold in the run."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict
        said = "\n".join(f"{it['invariant']}: {it['message']}" for it in verdict.violations)
        super().__init__(f"{said}\n\nThe end of the trace:\n" + "\n".join(verdict.trace))


class DeterminismError(AssertionError):
    """Two runs of a test with one seed differ, so that the test depends on something else."""


@dataclass
class Simulation:
    """A run, between a reset of the world and its verdict, from :func:`simulation` or the fixture ``dsql``."""

    #: The seed of every draw.
    seed: int
    #: The faults of the run, each with its end: lines of fault verbs with their times.
    schedule: list[str]
    _server: Server = field(repr=False)
    _clock: Clock = field(repr=False)
    _clients: list[Any] = field(default_factory=list, repr=False)
    _verdict: Verdict | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """The endpoint of every Region, for clients that are not built with :meth:`client`."""
        return self._server.url

    def client(self, region: str, *, access_key: str = _ACCESS_KEY, config: Config | None = None, **more: Any) -> Any:
        """A boto3 client of ``dsql`` in a Region. Access keys of twelve digits are accounts."""
        client = _session().client(
            "dsql",
            region_name=region,
            endpoint_url=self.url,
            aws_access_key_id=access_key,
            aws_secret_access_key="dsql-sim",
            config=config,
            **more,
        )
        self._clients.append(client)
        return client

    def faults(self, *lines: str) -> None:
        """Injects faults: lines such as ``drop us-east-1->client-1`` or ``at +30s restart us-east-1``."""
        self._post("faults", faults=list(lines))

    def crash(self, node: str) -> None:
        """Crashes the control plane of a Region (``us-east-1``) or a witness node (``us-east-1/witness``)."""
        self.faults(f"crash {node}")

    def restart(self, node: str) -> None:
        """Starts a node again."""
        self.faults(f"restart {node}")

    def heal(self) -> None:
        """Ends every rule of the network and every injected error."""
        self.faults("heal")

    def advance(self, by: str | float | datetime.timedelta) -> None:
        """Lets virtual time pass: ``"5m"``, a number of seconds, or a ``timedelta``."""
        if isinstance(by, str):
            self._post("advance", by=by)
        else:
            self._clock.advance(by.total_seconds() if isinstance(by, datetime.timedelta) else float(by))

    def elapsed(self) -> float:
        """The virtual time since the beginning of the run, in seconds."""
        return self._clock.nanoseconds() / 1e9

    def state(self) -> dict[str, list[dict[str, Any]]]:
        """The clusters of every Region, as GetCluster shows them."""
        clusters: dict[str, list[dict[str, Any]]] = {}
        path = "state"
        while True:
            page = self._server.get(path)
            for region, more in page["clusters"].items():
                clusters.setdefault(region, []).extend(more)
            if "nextToken" not in page:
                return clusters
            path = f"state?next-token={page['nextToken']}"

    def trace(self) -> list[str]:
        """The lines of the trace so far, oldest first."""
        lines: list[str] = self._server.get("trace")["lines"]
        return lines

    def verdict(self) -> Verdict:
        """Ends the run: heals every fault, demands that the world converges, and says whether the invariants held.

        The world can be read afterwards, but calls, faults and advances are refused.
        """
        if self._verdict is None:
            answer = self._server.post("verdict")
            self._clock.touch()
            self._verdict = Verdict(
                violations=answer["violations"],
                hash=answer["hash"],
                events=answer["events"],
                trace=answer["trace"],
                scenario=answer["scenario"],
                idle_faults=answer["idleFaults"],
            )
        return self._verdict

    def _post(self, path: str, **body: Any) -> None:
        self._server.post(path, **body)
        self._clock.touch()

    def _end(self) -> Verdict:
        verdict = self.verdict()
        for client in self._clients:
            client.close()
        return verdict


_boto_session: boto3.session.Session | None = None


def _session() -> boto3.session.Session:
    """One session for all tests: it has read the model of the API, and nothing else of it matters."""
    global _boto_session
    if _boto_session is None:
        _boto_session = boto3.session.Session(botocore_session=botocore.session.Session())
    return _boto_session


def seed_of_environment() -> int | None:
    """The seed of ``DSQL_SIM_SEED``."""
    text = os.environ.get("DSQL_SIM_SEED")
    if text is None:
        return None
    if not text.isdigit():
        raise ValueError(f"DSQL_SIM_SEED is a number from 0, not {text!r}")
    return int(text)


@contextmanager
def simulation(
    seed: int | None = None,
    faults: str | Iterable[str] | None = None,
    *,
    regions: Iterable[str] | None = None,
    limit: float = DAY,
    serve: Iterable[str] = (),
) -> Iterator[Simulation]:
    """A fresh world, with this process in its virtual time until the end of the block.

    ``seed`` defaults to ``DSQL_SIM_SEED``, or else 0. ``faults`` is ``"swarm"`` for random recoverable faults about
    ``regions``, or lines of fault verbs. ``limit`` is the virtual time, in seconds, that the code under test may spend
    asleep: a wait for something that does not come ends with :class:`VirtualTimeError`. ``serve`` has further
    arguments of ``dsql-sim serve``.

    At the end of the block an invariant that did not hold raises :class:`InvariantViolation`, unless the block has
    raised something itself.
    """
    if active() is not None:
        raise VirtualTimeError("a simulation is under way already. To proceed, end it before another one")
    seed = seed if seed is not None else seed_of_environment() or 0
    server = shared(tuple(serve))
    body: dict[str, Any] = {"seed": seed}
    if faults is not None:
        body["faults"] = faults if isinstance(faults, str) else "\n".join(faults)
    if regions is not None:
        body["regions"] = list(regions)
    schedule = server.post("reset", **body)["faults"]
    clock = Clock(server, seed, limit)
    run = Simulation(seed=seed, schedule=[it for it in schedule if it], _server=server, _clock=clock)
    time = VirtualTime(clock, seed)
    environment = _environment({**dict.fromkeys(_CLEARED), **_ENVIRONMENT, "AWS_ENDPOINT_URL_DSQL": server.url})
    default_session, boto3.DEFAULT_SESSION = boto3.DEFAULT_SESSION, None
    time.begin()
    _botocore.begin(server.url)
    has_raised = True
    try:
        yield run
        has_raised = False
    finally:
        _botocore.end()
        time.end()
        boto3.DEFAULT_SESSION = default_session
        _environment(environment)
        verdict = run._end()
        if not has_raised:
            if not verdict.holds:
                raise InvariantViolation(verdict)
            if clock.misuse:
                raise VirtualTimeError(clock.misuse[0])


def _environment(values: Mapping[str, str | None]) -> dict[str, str | None]:
    """Sets variables (``None`` removes one), and returns what they were."""
    before = {name: os.environ.get(name) for name in values}
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    return before
