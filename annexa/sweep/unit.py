"""One target in one sweep: read by jobs of the pool, judged, and handed over as one record."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import Any, Final

import orjson

from annexa.selection import Asked
from annexa.sweep.judging import Judge
from annexa.sweep.means import Job, Means
from annexa.sweep.pool import Pool
from annexa.sweep.spool import Spool, Spooled
from collectors import (
    Caller,
    CallError,
    Cause,
    Collector,
    Identity,
    Listing,
    Resource,
    Target,
    Unread,
)
from collectors.documents import document_of, merge, split, without_secrets
from collectors.reading import ListingRun, PartRead, read_facts
from evidence_store.model import Finding, PartKey, ResourceKey

PIECE: Final = 200
"""Resources taken from a listing before other jobs get a turn."""


@dataclass(slots=True)
class Held:
    """A finished resource: where its document lies, what moves in it, what was found."""

    key: ResourceKey
    place: Spooled
    findings: tuple[Finding, ...]


@dataclass
class Reading:
    """One listing under way, with its resources."""

    run: ListingRun
    collector: Collector
    open_jobs: int = 0
    stopped: bool = False
    broken: Unread | None = None
    observed_at: str = ""
    held: list[Held] = field(default_factory=list)
    parts: list[PartRead] = field(default_factory=list)

    @property
    def kinds(self) -> set[str]:
        """The kinds it lists."""
        return {kind.kind for kind in self.run.listing.kinds}


@dataclass
class Progress:
    """How far a unit is; read by whoever draws it, written under the unit's lock."""

    parts: int = 0
    parts_done: int = 0
    resources: int = 0
    unread: Counter[str] = field(default_factory=Counter)


class Unit:
    """Reads one target. `start` queues its jobs, `ended` is told when the last one is done.

    Args:
        job: the declared target and its limits.
        asked: what is read of it.
        means: what it is read with.
        expected_subject: the platform's id of the target at its last sweep; another one means
            that the credential was changed, and nothing is read.
        known: the target's parts as the store has them, with whether they hold resources: they
            are told unread by name where the target does not say which places it has.
    """

    def __init__(
        self,
        job: Job,
        asked: Asked,
        means: Means,
        expected_subject: str | None = None,
        known: Mapping[PartKey, bool] = MappingProxyType({}),
    ) -> None:
        self.connection = job.connection
        self.title = job.title
        self.group = job.group
        self.asked = asked
        self.means = means
        self.clock = means.clock
        self.stop = means.stop
        self.expected_subject = expected_subject
        self.known = known
        self.unplaced: dict[Listing, Unread] = {}
        self.left_out: dict[str, str] = {}
        self._job = job
        self.caller = self._caller()
        self.identity: Identity | None = None
        self.refused: Unread | None = None
        self.refused_words = ""
        self.progress = Progress()
        self.readings: list[Reading] = []
        self.spool = Spool(means.folder)
        self.started = means.clock.now()
        self.judge = Judge(asked, means.refs, self.started, means.defect)
        self._defect = means.defect
        self._lock = threading.RLock()
        self._open = 0
        self._target: Target | None = None
        self._was_stopped = False
        self._pool: Pool | None = None
        self._ended: Callable[[Unit], None] = lambda _: None

    @property
    def key(self) -> str:
        """The target's name."""
        return self.connection.key

    @property
    def refusal(self) -> str | None:
        """Why nothing could be read, with the platform's own words; None where it could."""
        if self.refused is None:
            return None
        return ": ".join(filter(None, (self.refused.because, self.refused_words)))

    @property
    def stopped(self) -> bool:
        """Whether the operator stopped it before everything was read."""
        return (
            self._was_stopped
            or any(reading.stopped for reading in self.readings)
            or (self.refused is not None and self.refused.cause is Cause.NOT_ASKED)
        )

    def release(self) -> None:
        """Let go of what was read, and of the platform, once it is recorded.

        A sweep can have a thousand units, each with connections and answers it remembers.
        """
        self._was_stopped = self.stopped
        self.readings = []
        self.judge.forget()
        self.caller.journal.lines.clear()
        self._target = None

    def start(self, pool: Pool, ended: Callable[[Unit], None]) -> None:
        """Queue the first job."""
        self._pool = pool
        self._ended = ended
        self.caller = self._caller()
        self.started = self.judge.at = self.clock.now()
        self.progress.parts = len(self.asked.kinds)
        self._put(self._connect)

    def _caller(self) -> Caller:
        """What sends its calls; its deadline counts from when it begins."""
        deadline = self.clock.monotonic() + self._job.deadline.total_seconds()
        return Caller(self.clock, deadline, self.stop, rate=self._job.rate)

    def _put(self, job: Callable[[], None], *, first: bool = False) -> None:
        pool = self._pool
        if pool is None:
            raise RuntimeError("start() comes first")
        with self._lock:
            self._open += 1
        pool.put(self.key, partial(self._run, job), first=first)

    def _run(self, job: Callable[[], None]) -> None:
        try:
            job()
        except Exception as error:  # noqa: BLE001 - a defect of one unit never ends the sweep
            self._defect(error, f"{self.key}: sweep")
            self._refuse(Unread(_code(error), "", Cause.DEFECT))
        with self._lock:
            self._open -= 1
            last = self._open == 0
        if last:
            self._finish()

    def _connect(self) -> None:
        try:
            target = self.connection.open(self.caller)
            identity = self._without_secrets(target.identify())
        except CallError as error:
            self._refuse(Unread(error.code, error.permission, error.cause), str(error))
            return
        self.identity = identity
        if self.expected_subject not in {None, identity.subject}:
            self._refuse(
                Unread("another subject than before", "", Cause.UNREACHABLE),
                f"the credential reaches {identity.subject}, at the last sweep this target was "
                f"{self.expected_subject}; declare it under another name",
            )
            return
        self._target = target
        for collector, listing in self.asked.listings:
            for scope in self._scopes(target, listing):
                self._begin(collector, listing, target, scope)
        for per in sorted({listing.per for _, listing in self.asked.listings}):
            self._leave_out(target, per)

    def _leave_out(self, target: Target, per: str) -> None:
        """Remember the places that are not asked; where they cannot be told, scopes say so."""
        try:
            self.left_out.update(self._clean_texts(target.left_out(per)))
        except CallError:
            return
        except Exception as error:  # noqa: BLE001 - foreign code: what was listed is still read
            self._defect(error, f"{self.key}: places left out per {per}")

    def _scopes(self, target: Target, listing: Listing) -> Sequence[str]:
        """Where a listing is asked; if the target does not say, all of it is unread."""
        try:
            return target.scopes(listing.per)
        except CallError as error:
            unread = Unread(error.code, error.permission, error.cause)
        except Exception as error:  # noqa: BLE001 - foreign code: other listings are still read
            self._defect(error, f"{self.key}: scopes per {listing.per}")
            unread = Unread(_code(error), "", Cause.DEFECT)
        with self._lock:
            self.unplaced[listing] = self._clean(unread)
            self.progress.unread[unread.cause.value] += 1
        return ()

    def _begin(self, collector: Collector, listing: Listing, target: Target, scope: str) -> None:
        run = ListingRun(collector, listing, target, scope, self._defect)
        reading = Reading(run, collector)
        with self._lock:
            self.readings.append(reading)
            self.progress.parts = sum(len(reading.kinds) for reading in self.readings)
        self._queue(reading, partial(self._list, reading))

    def _queue(self, reading: Reading, job: Callable[[], None], *, first: bool = False) -> None:
        with self._lock:
            reading.open_jobs += 1
        self._put(partial(self._of_reading, reading, job), first=first)

    def _of_reading(self, reading: Reading, job: Callable[[], None]) -> None:
        """Run a job of a listing; once the sweep is stopped, what is unfinished is not asked.

        A document that cannot be kept (no JSON, a full disk) makes its listing partial.
        """
        try:
            if self.stop.is_set():
                reading.stopped = True
            else:
                job()
                reading.stopped = reading.stopped or self.stop.is_set()
        except Exception as error:  # noqa: BLE001 - a defect in one listing never ends the sweep
            self._defect(error, f"{self.key}: {reading.collector.name}")
            reading.broken = Unread(_code(error), "", Cause.DEFECT)
        finally:
            with self._lock:
                reading.open_jobs -= 1
                if reading.open_jobs == 0:
                    self._end(reading)

    def _list(self, reading: Reading) -> None:
        with self.caller.made_for(reading.collector.name, reading.run.scope):
            taken = reading.run.take(PIECE)
        for resource in taken:
            if type(resource).fact_definitions():
                self._queue(reading, partial(self._describe, reading, resource), first=True)
            else:
                self._keep(reading, resource)
        if not reading.run.ended:
            self._queue(reading, partial(self._list, reading))

    def _describe(self, reading: Reading, resource: Resource[Any]) -> None:
        if self._target is None:
            raise RuntimeError("no target is open")
        with self.caller.made_for(reading.collector.name, reading.run.scope, str(resource.id)):
            read = read_facts(resource, reading.collector, self._target, self._defect)
        self._keep(reading, read)

    def _keep(self, reading: Reading, resource: Resource[Any]) -> None:
        """Redact, make canonical, spool and judge; only what is stored is judged."""
        clean = without_secrets(document_of(resource), resource.secrets, self.means.mark)
        whole = orjson.loads(_canonical(clean))
        lasting, moving = split(whole, resource.volatile)
        place = self.spool.put(_canonical(lasting), _canonical(moving) if moving else b"")
        # Mostly the very text that the listing remembers: a second one would lie beside it.
        name = resource.id if resource.id == whole["id"] else whole["id"]
        key = ResourceKey(resource.kind, reading.run.scope, name)
        held = Held(key, place, self.judge.single(resource.kind, whole))
        refusals = Counter(
            value.cause.value for value in resource.facts.values() if isinstance(value, Unread)
        )
        with self._lock:
            reading.held.append(held)
            self.progress.resources += 1
            self.progress.unread.update(refusals)

    def _end(self, reading: Reading) -> None:
        reading.observed_at = self.clock.now().isoformat(timespec="milliseconds")
        reading.parts = [
            replace(part, unread=self._clean(unread) if unread else None)
            for part in reading.run.parts()
            for unread in [part.unread or reading.broken]
        ]
        reading.run.forget()
        with self._lock:
            self.progress.parts_done += len(reading.kinds)
            self.progress.unread.update(p.unread.cause.value for p in reading.parts if p.unread)

    def _refuse(self, unread: Unread, words: str = "") -> None:
        """Read nothing more: findings carry the code, which is stable, people the words."""
        with self._lock:
            if self.refused is None:
                self.refused = self._clean(unread)
                self.refused_words = without_secrets({"words": words}, (), self.means.mark)["words"]
            self.progress.unread[unread.cause.value] += 1

    def _clean(self, unread: Unread) -> Unread:
        """A reason as findings may carry it: a platform's message can quote a credential."""
        texts = {"code": unread.code, "permission": unread.permission}
        return replace(unread, **without_secrets(texts, (), self.means.mark))

    def _clean_texts(self, texts: Mapping[str, str]) -> dict[str, str]:
        return dict(without_secrets(dict(texts), (), self.means.mark))

    def _without_secrets(self, identity: Identity) -> Identity:
        return Identity(**without_secrets(asdict(identity), (), self.means.mark))

    def _finish(self) -> None:
        try:
            self._unfinish_dependants()
            for reading in self.readings:
                if not reading.stopped:
                    self._judge_across(reading)
        except Exception as error:  # noqa: BLE001 - a defect of one unit never ends the sweep
            self._defect(error, f"{self.key}: sweep")
            self._refuse(Unread(_code(error), "", Cause.DEFECT))
        self.judge.forget()
        self._ended(self)

    def _unfinish_dependants(self) -> None:
        """A finished listing that belongs to a stopped one waits for the resumed sweep too.

        The same listing in another place does, since a sweep is resumed by kinds; and one whose
        checks ask for what was stopped.
        """
        grew = True
        while grew:
            stopped = {kind for r in self.readings if r.stopped for kind in r.kinds}
            grew = False
            for reading in self.readings:
                needs = {o.kind for c in self.judge.across(reading.kinds) for o in c.also}
                if not reading.stopped and (needs | reading.kinds) & stopped:
                    reading.stopped = grew = True

    def _judge_across(self, reading: Reading) -> None:
        if not self.judge.across(reading.kinds):
            return
        for held in reading.held:
            held.findings += self.judge.cross(held.key.kind, self._whole(held), self._others)

    def _others(self, kind: str, scope: str | None) -> list[dict[str, Any]]:
        """Every document of a kind, or of one place's, or why they are not all there (raised)."""
        for listing, unread in self.unplaced.items():
            if kind in {listed.kind for listed in listing.kinds}:
                self.judge.must_be_complete(unread)
        readings = [
            reading
            for reading in self.readings
            if kind in reading.kinds and scope in {None, reading.run.scope}
        ]
        for part in (p for reading in readings for p in reading.parts if p.kind == kind):
            self.judge.must_be_complete(part.unread)
        return [self._whole(h) for r in readings for h in r.held if h.key.kind == kind]

    def _whole(self, held: Held) -> dict[str, Any]:
        document: dict[str, Any] = orjson.loads(self.spool.get(held.place))
        if not held.place.moving:
            return document
        return merge(document, orjson.loads(self.spool.moving(held.place)))


def _canonical(value: Any) -> bytes:  # noqa: ANN401 - any JSON value
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _code(error: Exception) -> str:
    """What a finding says of a defect: the error's name, and the system's word where it has one."""
    if isinstance(error, OSError) and error.strerror:
        return f"{type(error).__name__}: {error.strerror}"
    return type(error).__name__
