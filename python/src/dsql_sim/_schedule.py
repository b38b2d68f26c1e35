"""The faults of a failure: smaller schedules of them, and the file that keeps what is left."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Plan:
    """A run that is to be made."""

    seed: int
    #: The virtual time that the code under test may spend asleep, in seconds.
    limit: float
    #: ``"swarm"``, lines of fault verbs, or a schedule: one entry for each fault with its end.
    faults: str | list[str] | None = None
    #: The Regions of random faults.
    regions: list[str] | None = None
    #: Whether it was read from a file that keeps a failure.
    is_kept: bool = False

    @property
    def is_swept(self) -> bool:
        """Whether its faults were drawn, so that they are worth keeping."""
        return self.faults == "swarm" or self.is_kept


class Candidate:
    """A smaller schedule, for the caller to try."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.has_failed = False

    def fails(self, has_failed: bool) -> bool:
        """Notes whether the test fails with it as it did before."""
        self.has_failed = has_failed
        return has_failed


def smaller_schedules(schedule: list[str]) -> Iterator[Candidate]:
    """Smaller schedules, one after the other, each of them smaller than the last one that failed."""
    nothing = Candidate([])
    yield nothing
    if nothing.has_failed:
        return
    position = 0
    while position < len(schedule) and len(schedule) > 1:
        candidate = Candidate(schedule[:position] + schedule[position + 1 :])
        yield candidate
        if candidate.has_failed:
            # A fault that was needed beside the removed one may be needed no longer.
            schedule, position = candidate.lines, 0
        else:
            position += 1


def kept_file(test: Path, name: str) -> Path:
    """The file that keeps the failure of a test, beside it."""
    safe = re.sub(r"[^\w.-]+", "-", name).strip("-")
    return test.parent / "dsql-failures" / f"{test.stem}.{safe}.scenario"


def write_kept(path: Path, test: str, plan: Plan) -> None:
    """Keeps a plan."""
    path.parent.mkdir(exist_ok=True)
    entries = "".join(f"\n{entry}\n" for entry in plan.faults or [])
    head = f"# The seed and the faults under which {test} failed. It is run with them first."
    path.write_text(f"{head}\n\nseed {plan.seed}\n{entries}")


def read_kept(path: Path, limit: float) -> Plan | None:
    """The plan that was kept, with this limit of its waits."""
    if not path.exists():
        return None
    text = "\n".join(line for line in path.read_text().splitlines() if not line.startswith("#"))
    head, *entries = [entry.strip() for entry in re.split(r"\n\s*\n", text) if entry.strip()]
    seed = re.fullmatch(r"seed (\d+)", head)
    if seed is None:
        raise ValueError(f"{path}: expected `seed NUMBER` first, not `{head}`")
    return Plan(int(seed[1]), limit, entries, is_kept=True)
