"""Generated cases: however a listing is read and whatever fails, it is exactly the listing."""

from __future__ import annotations

import itertools
import pickle
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import pytest
from generating import examples
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    initialize,
    multiple,
    rule,
    run_state_machine_as_test,
)
from page_server import PageServer
from unsteady_services import IN_MEMORY, Embedded, InMemory, OverSockets, UnsteadyService

from restorejobs_client import (
    RestoreJob,
    RestoreJobIterator,
    RestoreJobPage,
    RestoreJobsError,
)
from restorejobs_client.testing import fake_backup

if TYPE_CHECKING:
    from collections.abc import Iterator


@st.composite
def ids(draw: st.DrawFn) -> list[str | None]:
    """Return what jobs are called; some have no id or, as AWS never does it, that of another."""
    names: list[str | None] = [f"job-{number}" for number in range(draw(st.integers(0, 30)))]
    for place, odd in draw(st.dictionaries(st.integers(0, 29), ODD_IDS, max_size=6)).items():
        names[place : place + 1] = [odd]
    return names


ODD_IDS = st.none() | st.sampled_from(["job-1", "", " ", "é"])
SIZES = st.sampled_from([1, 2, 3, 5, 8, 1000])


@pytest.fixture(scope="module")
def over_sockets() -> Iterator[OverSockets]:
    with pytest.MonkeyPatch.context() as environment, PageServer([]) as server:
        give_credentials(environment)
        yield OverSockets(server)


def give_credentials(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AWS_ACCESS_KEY_ID", "testing")
    environment.setenv("AWS_SECRET_ACCESS_KEY", "testing")


# Listings in legs


class Leg(NamedTuple):
    """A run that stops after so many jobs, or at the first error, for another to go on."""

    jobs: int
    size: int
    ends_at_an_error: bool


LEGS = st.lists(st.builds(Leg, st.integers(0, 15), SIZES, st.booleans()), min_size=1, max_size=6)


def faults_of(service: type[UnsteadyService]) -> st.SearchStrategy[dict[int, list[str]]]:
    """Return what is done to the requests, by how many jobs came before."""
    kinds = st.lists(st.sampled_from(service.kinds), min_size=1, max_size=3)
    return st.dictionaries(st.integers(0, 30), kinds, max_size=8)


def read(
    service: UnsteadyService, legs: list[Leg], faults: dict[int, list[str]]
) -> list[RestoreJob]:
    """Read leg by leg; the last one goes to the end whatever happens."""
    jobs: list[RestoreJob] = []
    checkpoint = None
    for number, leg in enumerate(legs, start=1):
        is_last = number == len(legs)
        iterator = iter(service.listing(max_results=leg.size, resume_from=checkpoint))
        stop = len(jobs) + leg.jobs
        while is_last or len(jobs) < stop:
            for kind in faults.pop(len(jobs), []):
                service.fail_next(kind)
            try:
                jobs.append(next(iterator))
            except StopIteration:
                break
            except RestoreJobsError as error:
                assert error.checkpoint == iterator.checkpoint
                if leg.ends_at_an_error and not is_last:
                    break
        checkpoint = iterator.checkpoint
    return jobs


@examples(5)
@given(ids=ids(), legs=LEGS, faults=faults_of(InMemory))
def test_legs_are_together_the_listing(
    ids: list[str | None], legs: list[Leg], faults: dict[int, list[str]]
) -> None:
    expected = IN_MEMORY.begin(ids)
    assert read(IN_MEMORY, legs, faults) == expected


@examples(2)
@given(ids=ids(), legs=LEGS, faults=faults_of(OverSockets))
def test_legs_over_sockets_are_together_the_listing(
    over_sockets: OverSockets, ids: list[str | None], legs: list[Leg], faults: dict[int, list[str]]
) -> None:
    expected = over_sockets.begin(ids)
    assert read(over_sockets, legs, faults) == expected


@examples(0.5)
@given(ids=ids(), legs=LEGS, faults=faults_of(Embedded))
def test_legs_from_the_embedded_service_are_together_the_listing(
    ids: list[str | None], legs: list[Leg], faults: dict[int, list[str]]
) -> None:
    with fake_backup() as backup:
        service = Embedded(backup)
        expected = service.begin(ids)
        assert read(service, legs, faults) == expected


# A reader that may do anything


class Place(NamedTuple):
    """A checkpoint, and how many jobs of the listing came before it."""

    checkpoint: str | None
    delivered: int


class Reader(RuleBasedStateMachine):
    """Reads, fails, stops, and goes on from any checkpoint, also where its listing was carried."""

    service: ClassVar[InMemory | OverSockets]
    trips: ClassVar[int]  # through pickle, in one case
    places: Bundle[Place] = Bundle("places")

    @initialize(target=places, ids=ids(), size=SIZES)
    def begin(self, ids: list[str | None], size: int) -> Place:
        self.jobs = self.service.begin(ids)
        self.faults = 0
        self.trips_left = self.trips
        self.seen: list[Place] = []
        self.go_on(Place(None, 0), size, None, limit=None, by_page=False, carried=False)
        return Place(None, 0)

    @rule(
        place=places,
        size=SIZES,
        own_size=st.sampled_from([None, None, 2, 7, 1000]),
        limit=st.none() | st.integers(0, 20),
        by_page=st.booleans(),
        carried=st.booleans(),
    )
    def go_on(  # noqa: PLR0913  # a case
        self,
        place: Place,
        size: int,
        own_size: int | None,
        *,
        limit: int | None,
        by_page: bool,
        carried: bool,
    ) -> None:
        self.service.ignore_max_results(own_size)
        listing = self.service.listing(max_results=size, limit=limit, resume_from=place.checkpoint)
        if carried and self.trips_left:
            self.trips_left -= 1
            listing = pickle.loads(pickle.dumps(listing))  # noqa: S301  # our own
        self.run: Iterator[RestoreJob | RestoreJobPage]
        self.run = listing.pages() if by_page else iter(listing)
        self.delivered = place.delivered
        self.end = len(self.jobs)
        if limit is not None:
            self.end = min(self.end, self.delivered + limit)

    @rule(target=places, steps=st.integers(1, 12), fails=st.booleans(), kind=st.data())
    def read(self, steps: int, *, fails: bool, kind: st.DataObject) -> MultipleResults[Place]:
        if fails:
            self.service.fail_next(kind.draw(st.sampled_from(self.service.kinds)))
            self.faults += 1
        for _ in range(steps):
            try:
                self.take()
            except StopIteration:
                assert self.delivered == self.end
                break
            except RestoreJobsError as error:
                self.faults -= 1
                assert self.faults >= 0
                assert error.checkpoint is not None
                return multiple(self.keep(error.checkpoint))
        if isinstance(self.run, RestoreJobIterator):
            return multiple(self.keep(self.run.checkpoint))
        return multiple()  # pages have no checkpoint

    def take(self) -> None:
        item = next(self.run)
        jobs = list(item.restore_jobs) if isinstance(item, RestoreJobPage) else [item]
        until = self.delivered + len(jobs)
        if isinstance(item, RestoreJobPage) and item.next_token is not None:
            place = self.service.place(item.next_token)
            assert place is not None
            assert place <= until  # the token skips nothing
        assert jobs == self.jobs[self.delivered : until]
        assert until <= self.end
        self.delivered = until

    def keep(self, checkpoint: str) -> Place:
        place = Place(checkpoint, self.delivered)
        self.seen.append(place)
        return place

    def teardown(self) -> None:
        self.service.heal()
        with suppress(StopIteration):
            while True:
                self.take()
        assert self.delivered == self.end
        # Each checkpoint again: under another size, with a limit, and where that is ignored.
        ways = [(None, 3, None), (None, 2, 4), (7, 2, 4)]
        for place, (own_size, size, limit) in itertools.product(self.seen, ways):
            self.service.ignore_max_results(own_size)
            expected = self.jobs[place.delivered :]
            some = iter(
                self.service.listing(max_results=size, limit=limit, resume_from=place.checkpoint)
            )
            brought = list(some if limit else itertools.islice(some, 1))
            assert brought == expected[: limit or 1]
            rest = self.service.listing(max_results=1000, resume_from=some.checkpoint)
            assert brought + list(rest) == expected


@pytest.mark.parametrize("where", ["in memory", "over sockets"])
def test_any_reader_gets_exactly_the_rest(
    where: str, over_sockets: OverSockets, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_credentials(monkeypatch)  # for the clients that are unpickled
    Reader.service = IN_MEMORY if where == "in memory" else over_sockets
    Reader.trips = 1000 if where == "in memory" else 1
    run_state_machine_as_test(
        Reader, settings=examples(5 if where == "in memory" else 1, stateful_step_count=30)
    )
