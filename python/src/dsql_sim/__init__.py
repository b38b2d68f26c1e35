"""Amazon Aurora DSQL, simulated for tests: boto3 in virtual time, from a seed, under faults.

The pytest fixture ``dsql`` is a :class:`Simulation`. Other test frameworks use :func:`simulation`.
"""

from ._clock import VirtualTimeError, VirtualTimeWarning
from ._server import ServerError
from ._simulation import DeterminismError, InvariantViolation, Simulation, Verdict, simulation

__all__ = [
    "DeterminismError",
    "InvariantViolation",
    "ServerError",
    "Simulation",
    "Verdict",
    "VirtualTimeError",
    "VirtualTimeWarning",
    "simulation",
]
