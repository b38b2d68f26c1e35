"""Virtual time in the process of a test.

While a clock is active, the functions of ``time`` and ``datetime`` that code under test and botocore call are replaced:
reading them gives the virtual time of the simulation, and sleeping lets it pass. The infrastructure around a test
(pytest, threads, sockets) keeps the real functions: it is recognised by the name of the module that calls.
"""

from __future__ import annotations

import datetime as datetime_module
import random
import subprocess
import sys
import threading
import time as time_module
import types
import uuid as uuid_module
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._server import Server

_RealDatetime = datetime_module.datetime
_RealDate = datetime_module.date
_REAL: dict[str, Callable[..., Any]] = {
    name: getattr(time_module, name)
    for name in (
        "sleep",
        "time",
        "time_ns",
        "monotonic",
        "monotonic_ns",
        "perf_counter",
        "perf_counter_ns",
        "localtime",
        "gmtime",
    )
}
_real_uuid4 = uuid_module.uuid4
_real_popen = subprocess.Popen.__init__
_real_asyncio_sleep: Callable[..., Any] = _REAL["sleep"]

# The packages that keep the real time: they wait for threads and sockets, or measure the tests.
_INFRASTRUCTURE = frozenset(
    "_pytest asyncio bdb concurrent coverage dsql_sim execnet faulthandler http importlib logging multiprocessing pdb "
    "pluggy pytest pytest_timeout queue selectors signal socket ssl subprocess tempfile threading unittest urllib "
    "urllib3 xdist".split()
)

# Readings of the clock without a step, after which each further one lets a millisecond pass: a loop that waits for a
# time without sleeping would never end otherwise.
_READINGS = 1000


class VirtualTimeError(RuntimeError):
    """Something that virtual time cannot do, as a sleep in a thread other than that of the test."""


class VirtualTimeWarning(UserWarning):
    """Something that makes a run depend on more than its seed, as calls from several threads."""


class Clock:
    """The virtual time of a run."""

    def __init__(self, server: Server, seed: int, limit: float) -> None:
        self._server = server
        self._limit = limit
        self._slept = 0.0
        self._now = 0
        self._epoch = 0
        self._is_stale = True
        self._readings = 0
        self._thread = threading.get_ident()
        self.random = random.Random(f"dsql-sim {seed}")
        self.misuse: list[str] = []
        self._warnings: set[str] = set()

    def warn(self, message: str) -> None:
        """Warns once in a run."""
        if message not in self._warnings:
            self._warnings.add(message)
            warnings.warn(message, VirtualTimeWarning, stacklevel=3)

    def warn_of_other_thread(self) -> None:
        """Warns of a call that is not made in the thread of the test."""
        if not self.is_own_thread():
            self.warn("calls are made in several threads. They are carried out one by one, as the machine orders them")

    def touch(self) -> None:
        """Notes that a request may have let time pass."""
        self._is_stale = True
        self._readings = 0

    def is_own_thread(self) -> bool:
        """Whether this is the thread of the test."""
        return threading.get_ident() == self._thread

    def nanoseconds(self) -> int:
        """The virtual time since the beginning of the run."""
        if self.is_own_thread():
            if self._is_stale:
                self._read()
            self._readings += 1
            if self._readings > _READINGS:
                readings = self._readings
                self._pass_by(0.001)
                self._readings = readings
        return self._now

    def epoch_nanoseconds(self) -> int:
        """The virtual time of day, since 1970."""
        now = self.nanoseconds()
        return self._epoch + now

    def advance(self, seconds: float) -> None:
        """Lets virtual time pass."""
        # Longer advances than the server takes at once are made in parts.
        left = round(seconds * 1_000_000_000)
        while left > 0:
            part = min(left, 366 * 86_400_000_000_000)
            self._server.post("advance", by=f"{part}ns")
            left -= part
        self._readings = 0
        self._read()

    def _read(self) -> None:
        answer = self._server.get("time")
        self._now = answer["virtualNanoseconds"]
        self._epoch = answer["epochMilliseconds"] * 1_000_000
        self._is_stale = False

    def sleep(self, seconds: float) -> None:
        """``time.sleep`` of the code under test."""
        if not self.is_own_thread():
            name = threading.current_thread().name
            message = (
                f"time.sleep({seconds}) was called in the thread {name}. Virtual time passes in the thread of the test "
                "only: two threads cannot both decide how much. To proceed, call the code in the thread of the test"
            )
            self.misuse.append(message)
            raise VirtualTimeError(message)
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        self._pass_by(seconds)

    def _pass_by(self, seconds: float) -> None:
        """Lets time pass in which the code under test waits."""
        self._slept += seconds
        if self._slept > self._limit:
            raise VirtualTimeError(
                f"the code under test has waited for more than {self._limit:g} seconds of virtual time, perhaps for "
                "something that does not come. To proceed, give the wait an end, or the run a higher limit="
            )
        self.advance(seconds)


_active: Clock | None = None


def active() -> Clock | None:
    """The clock of the run under way."""
    return _active


def _clock_of_caller() -> Clock | None:
    """The clock that the caller of a replaced function sees; ``None`` is the real one."""
    if _active is None:
        return None
    caller = sys._getframe(2).f_globals.get("__name__", "")
    return None if caller.partition(".")[0] in _INFRASTRUCTURE else _active


def _sleep(seconds: float, /) -> None:
    clock = _clock_of_caller()
    if clock is None:
        _REAL["sleep"](seconds)
    else:
        clock.sleep(seconds)


def _time() -> float:
    clock = _clock_of_caller()
    return _REAL["time"]() if clock is None else clock.epoch_nanoseconds() / 1e9


def _time_ns() -> int:
    clock = _clock_of_caller()
    return _REAL["time_ns"]() if clock is None else clock.epoch_nanoseconds()


def _monotonic() -> float:
    clock = _clock_of_caller()
    return _REAL["monotonic"]() if clock is None else clock.nanoseconds() / 1e9


def _monotonic_ns() -> int:
    clock = _clock_of_caller()
    return _REAL["monotonic_ns"]() if clock is None else clock.nanoseconds()


def _perf_counter() -> float:
    clock = _clock_of_caller()
    return _REAL["perf_counter"]() if clock is None else clock.nanoseconds() / 1e9


def _perf_counter_ns() -> int:
    clock = _clock_of_caller()
    return _REAL["perf_counter_ns"]() if clock is None else clock.nanoseconds()


def _localtime(seconds: float | None = None, /) -> time_module.struct_time:
    clock = _clock_of_caller()
    if seconds is None and clock is not None:
        seconds = clock.epoch_nanoseconds() / 1e9
    local: time_module.struct_time = _REAL["localtime"](seconds)
    return local


def _gmtime(seconds: float | None = None, /) -> time_module.struct_time:
    clock = _clock_of_caller()
    if seconds is None and clock is not None:
        seconds = clock.epoch_nanoseconds() / 1e9
    utc: time_module.struct_time = _REAL["gmtime"](seconds)
    return utc


def _uuid4() -> uuid_module.UUID:
    clock = _clock_of_caller()
    if clock is None:
        return _real_uuid4()
    return uuid_module.UUID(int=clock.random.getrandbits(128), version=4)


async def _asyncio_sleep(delay: float, result: Any = None) -> Any:
    if _active is not None and _active.is_own_thread() and delay > 0:
        message = (
            f"asyncio.sleep({delay}) would sleep in real time, in which no virtual time passes. To proceed, test the "
            "code that waits with time.sleep, or let time pass with advance()"
        )
        _active.misuse.append(message)
        raise VirtualTimeError(message)
    return await _real_asyncio_sleep(delay, result)


class _VirtualType(type):
    """The type of the replacements of classes: the instances of the real class are theirs."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _real_class(cls))

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, _real_class(cls))


def _real_class(cls: type) -> type:
    return {"VirtualDatetime": _RealDatetime, "VirtualDate": _RealDate}.get(cls.__name__, object)


class VirtualDatetime(_RealDatetime, metaclass=_VirtualType):
    """``datetime.datetime`` whose present is that of the simulation. Its instances are real ones."""

    def __new__(cls, *arguments: Any, **named: Any) -> Any:
        return _RealDatetime.__new__(_RealDatetime, *arguments, **named)

    @classmethod
    def now(cls, tz: datetime_module.tzinfo | None = None) -> Any:
        clock = _clock_of_caller()
        if clock is None:
            return _RealDatetime.now(tz)
        return _from_nanoseconds(clock.epoch_nanoseconds(), tz)

    @classmethod
    def today(cls) -> Any:
        clock = _clock_of_caller()
        return _RealDatetime.now() if clock is None else _from_nanoseconds(clock.epoch_nanoseconds(), None)

    @classmethod
    def utcnow(cls) -> Any:
        clock = _clock_of_caller()
        utc = datetime_module.timezone.utc
        now = _RealDatetime.now(utc) if clock is None else _from_nanoseconds(clock.epoch_nanoseconds(), utc)
        return now.replace(tzinfo=None)


class VirtualDate(_RealDate, metaclass=_VirtualType):
    """``datetime.date`` whose present is that of the simulation. Its instances are real ones."""

    def __new__(cls, *arguments: Any, **named: Any) -> Any:
        return _RealDate.__new__(_RealDate, *arguments, **named)

    @classmethod
    def today(cls) -> Any:
        clock = _clock_of_caller()
        return _RealDate.today() if clock is None else _from_nanoseconds(clock.epoch_nanoseconds(), None).date()


def _from_nanoseconds(nanoseconds: int, tz: datetime_module.tzinfo | None) -> datetime_module.datetime:
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return _RealDatetime.fromtimestamp(seconds, tz).replace(microsecond=rest // 1000)


# By the identity of the real object, because module attributes are compared by it.
_REPLACEMENTS: dict[int, Any] = {
    id(_REAL["sleep"]): _sleep,
    id(_REAL["time"]): _time,
    id(_REAL["time_ns"]): _time_ns,
    id(_REAL["monotonic"]): _monotonic,
    id(_REAL["monotonic_ns"]): _monotonic_ns,
    id(_REAL["perf_counter"]): _perf_counter,
    id(_REAL["perf_counter_ns"]): _perf_counter_ns,
    id(_REAL["localtime"]): _localtime,
    id(_REAL["gmtime"]): _gmtime,
    id(_real_uuid4): _uuid4,
    id(_RealDatetime): VirtualDatetime,
    id(_RealDate): VirtualDate,
}

# The attributes of modules that are real functions, found so far: module, name, real object, replacement.
_attributes: list[tuple[types.ModuleType, str, Any, Any]] = []
# Functions whose default arguments are real functions, with the defaults of both kinds.
_defaults: list[tuple[Any, tuple[Any, ...], tuple[Any, ...]]] = []
_scanned: dict[str, types.ModuleType] = {}


def _scan() -> None:
    """Finds the attributes that ``from time import sleep`` leaves in modules, those loaded since the last time."""
    for name, module in list(sys.modules.items()):
        if _scanned.get(name) is module or not isinstance(module, types.ModuleType):
            continue
        _scanned[name] = module
        package = name.partition(".")[0]
        if package == "asyncio":
            _replace_asyncio_sleep(module)
        elif package in _INFRASTRUCTURE:
            continue
        for attribute, value in list(vars(module).items()):
            replacement = _REPLACEMENTS.get(id(value))
            if replacement is not None:
                _attributes.append((module, attribute, value, replacement))
    _scan_defaults()


def _replace_asyncio_sleep(module: types.ModuleType) -> None:
    """Replaces ``asyncio.sleep``, once it is there: most programs do not load asyncio."""
    global _real_asyncio_sleep
    sleep = vars(module).get("sleep")
    if sleep is not None and sleep is not _asyncio_sleep and sleep is not _REAL["sleep"]:
        _real_asyncio_sleep = sleep
        _REPLACEMENTS[id(sleep)] = _asyncio_sleep


def _scan_defaults() -> None:
    """botocore's retry handler keeps ``time.sleep`` as a default argument."""
    standard = sys.modules.get("botocore.retries.standard")
    if standard is None or _defaults:
        return
    for value in list(vars(standard).values()):
        function = getattr(value, "__init__", None)
        defaults = getattr(function, "__defaults__", None)
        if isinstance(value, type) and defaults and any(id(it) in _REPLACEMENTS for it in defaults):
            replaced = tuple(_REPLACEMENTS.get(id(it), it) for it in defaults)
            _defaults.append((function, defaults, replaced))


def _popen(self: Any, *arguments: Any, **named: Any) -> None:
    if _active is not None:
        _active.warn("a subprocess was started. It has the real time, and its calls come when the machine makes them")
    _real_popen(self, *arguments, **named)


class VirtualTime:
    """Makes time virtual from :meth:`begin` to :meth:`end`, and random numbers those of the seed."""

    def __init__(self, clock: Clock, seed: int) -> None:
        self._clock = clock
        self._seed = seed
        self._random: Any = None

    def begin(self) -> None:
        global _active
        _scan()
        for module, name, _, replacement in _attributes:
            setattr(module, name, replacement)
        for function, _, replaced in _defaults:
            function.__defaults__ = replaced
        subprocess.Popen.__init__ = _popen  # type: ignore[method-assign]
        self._random = random.getstate()
        random.seed(f"dsql-sim {self._seed}")
        _active = self._clock

    def end(self) -> None:
        global _active
        _active = None
        # A module that was loaded meanwhile has taken the replacements.
        originals = {id(replacement): real for _, _, real, replacement in _attributes}
        for key, module in list(sys.modules.items()):
            if _scanned.get(key) is module or not isinstance(module, types.ModuleType):
                continue
            for name, value in list(vars(module).items()):
                real = originals.get(id(value))
                if real is not None and key.partition(".")[0] not in _INFRASTRUCTURE:
                    setattr(module, name, real)
        for module, name, real, replacement in _attributes:
            if vars(module).get(name) is replacement:
                setattr(module, name, real)
        for function, defaults, _ in _defaults:
            function.__defaults__ = defaults
        subprocess.Popen.__init__ = _real_popen  # type: ignore[method-assign]
        random.setstate(self._random)
