"""Generated readers: whatever they do and whatever fails, they get each job once, in order.

A test generates jobs, and a reader that starts and resumes runs, reads by job or by page, and makes
requests fail. It checks that every run yields exactly the jobs after its checkpoint.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, cast, get_args

from botocore.config import Config
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)
from support.faults import FAULTS
from support.generating import examples
from support.memory_service import START, Service
from support.raw_server import Answer, PageServer

from restorejobs_client import (
    MalformedResponseError,
    RestoreJob,
    RestoreJobIterator,
    RestoreJobPage,
    RestoreJobPageIterator,
    RestoreJobs,
    RestoreJobsClient,
    RestoreJobsError,
    ThrottlingException,
    TransportError,
)
from restorejobs_client.testing import FaultName, fake_backup

if TYPE_CHECKING:
    from support.memory_service import Parameters, Scripted

Ids = list[str | None]


class Reading(Protocol):
    """A service whose clients try each request once, so that every fault raises."""

    faults: ClassVar[list[str]]

    def begin(self, ids: Ids) -> list[RestoreJob]:
        """Serve jobs with these ids, and return them in the order of the service."""

    def fail_next(self, fault: str) -> None:
        """Make the next request fail, or answer it with an odd page."""

    def listing(self, **parameters: Any) -> RestoreJobs:
        """List the jobs."""

    def end(self) -> None:
        """Stop serving."""


PAGE_SIZES = [0, 1, 2, 3, 7, 1000]
ODD_PAGES = ["the same token", *(f"a page of {size}" for size in PAGE_SIZES)]


def size_of(fault: str) -> int:
    """Return the size in the name of an odd page."""
    return int(fault.removeprefix("a page of "))


class InMemory:
    """The fake in memory."""

    errors: ClassVar[dict[str, RestoreJobsError]] = {
        "throttled": ThrottlingException("slow down", response={}, operation_name="x"),
        "malformed": MalformedResponseError("what"),
        "unreachable": TransportError("nobody there"),
    }
    faults: ClassVar[list[str]] = [*errors, *ODD_PAGES]

    def begin(self, ids: Ids) -> list[RestoreJob]:
        self._service = Service((RestoreJob(restore_job_id=one) for one in ids), order="given")
        return self._service.jobs

    def fail_next(self, fault: str) -> None:
        odd_page: Scripted = self._same_token
        if fault.startswith("a page of"):
            odd_page = self._page_of(size_of(fault))
        self._service.answer_next(self.errors.get(fault, odd_page))

    def _page_of(self, size: int) -> Scripted:
        def odd_page(parameters: Parameters) -> RestoreJobPage:
            page = self._service.page(parameters | {"MaxResults": size})
            # Each page has another token, even if it is empty.
            token = page.next_token and "0" * len(self._service.asked) + page.next_token
            return RestoreJobPage(restore_jobs=page.restore_jobs, next_token=token)

        return odd_page

    def _same_token(self, parameters: Parameters) -> RestoreJobPage:
        page = self._service.page(parameters)
        token = parameters.get("NextToken", page.next_token)
        return RestoreJobPage(restore_jobs=page.restore_jobs, next_token=token)

    def listing(self, **parameters: Any) -> RestoreJobs:
        return self._service.listing(**parameters)

    def end(self) -> None:
        pass


class OverHTTP:
    """The raw HTTP server."""

    faults: ClassVar[list[str]] = [*FAULTS, *ODD_PAGES]

    def __init__(self, server: PageServer) -> None:
        self._server = server
        self._client = RestoreJobsClient(client=server.client(attempts=1))

    def begin(self, ids: Ids) -> list[RestoreJob]:
        self._server.jobs = [{"RestoreJobId": one} for one in ids]
        return [RestoreJob(restore_job_id=one) for one in ids]

    def fail_next(self, fault: str) -> None:
        self._server.fail_next(FAULTS.get(fault, lambda page: self._odd_page(fault, page)))

    def _odd_page(self, fault: str, page: Answer) -> Answer:
        token = self._server.requests[-1].get("nextToken")
        if fault == "the same token":
            same = {} if token is None else {"NextToken": token}
            return Answer(body=json.dumps(json.loads(page.body) | same).encode())
        start = 0 if token is None else self._server.place(token) or 0
        content = self._server.page(start, size_of(fault))
        if content["NextToken"] is not None:
            variant = len(self._server.requests)
            content["NextToken"] = self._server.token(start + size_of(fault), variant)
        return Answer(body=json.dumps(content).encode())

    def listing(self, **parameters: Any) -> RestoreJobs:
        return self._client.list_restore_jobs(**parameters)

    def end(self) -> None:
        self._server.heal()


class Embedded:
    """`fake_backup` of this package."""

    faults: ClassVar[list[str]] = list(get_args(FaultName))

    def __init__(self) -> None:
        self._stack = ExitStack()

    def begin(self, ids: Ids) -> list[RestoreJob]:
        jobs = [
            RestoreJob(
                restore_job_id=None if one is None else f"{one}-{number}",
                creation_date=START - timedelta(seconds=number),
            )
            for number, one in enumerate(ids)
        ]
        self._backup = self._stack.enter_context(fake_backup(jobs))
        self._client = self._backup.client(config=Config(retries={"total_max_attempts": 1}))
        return jobs

    def fail_next(self, fault: str) -> None:
        self._backup.fail_next(cast("FaultName", fault))

    def listing(self, **parameters: Any) -> RestoreJobs:
        return self._client.list_restore_jobs(**parameters)

    def end(self) -> None:
        self._stack.close()


class Place(NamedTuple):
    """A checkpoint, and the number of jobs before it."""

    checkpoint: str | None
    delivered: int


@st.composite
def ids(draw: st.DrawFn) -> Ids:
    """Generate ids of jobs; some are missing, odd or, unlike those of AWS, not unique."""
    names: Ids = [f"job-{number}" for number in range(draw(st.integers(0, 30)))]
    odd = st.sampled_from([None, "job-1", "", " ", "é"])
    for place, name in draw(st.dictionaries(st.integers(0, 29), odd, max_size=6)).items():
        names[place : place + 1] = [name]
    return names


class Reader(RuleBasedStateMachine):
    """Reads, makes requests fail, and resumes from any checkpoint so far."""

    service: ClassVar[Reading]
    places: Bundle[Place] = Bundle("places")

    def __init__(self) -> None:
        super().__init__()
        self.faults = 0  # those that have not raised yet
        self.seen: list[Place] = []
        self.tokens: list[tuple[str, int]] = []  # each with the number of jobs before it

    @initialize(target=places, ids=ids())
    def begin(self, ids: Ids) -> Place:
        self.jobs = self.service.begin(ids)
        beginning = Place(None, 0)
        self.start_run(beginning, size=1000, limit=None, by_page=False)
        return beginning

    @rule(
        place=places,
        size=st.sampled_from([1, 2, 3, 5, 8, 1000]),
        limit=st.none() | st.integers(0, 20),
        by_page=st.booleans(),
    )
    def start_run(self, place: Place, *, size: int, limit: int | None, by_page: bool) -> None:
        listing = self.service.listing(max_results=size, limit=limit, resume_from=place.checkpoint)
        self.run: RestoreJobIterator | RestoreJobPageIterator
        self.run = listing.pages() if by_page else iter(listing)
        self.delivered = place.delivered
        self.last = len(self.jobs) if limit is None else min(len(self.jobs), self.delivered + limit)

    @rule(data=st.data())
    def fail_next_request(self, data: st.DataObject) -> None:
        self.service.fail_next(data.draw(st.sampled_from(self.service.faults)))
        self.faults += 1

    @rule(target=places, count=st.integers(1, 12))
    def read(self, count: int) -> Place:
        try:
            for _ in range(count):
                self.read_next()
        except StopIteration:
            assert self.delivered == self.last
        except RestoreJobsError as error:
            self.count_error()
            assert error.checkpoint == self.run.checkpoint
        place = Place(self.run.checkpoint, self.delivered)
        self.seen.append(place)
        return place

    def read_next(self) -> None:
        item = next(self.run)
        found = list(item) if isinstance(item, RestoreJobPage) else [item]
        before, self.delivered = self.delivered, self.delivered + len(found)
        assert found == self.jobs[before : self.delivered]
        assert self.delivered <= self.last
        if isinstance(item, RestoreJobPage) and item.next_token is not None:
            self.tokens.append((item.next_token, self.delivered))

    def count_error(self) -> None:
        self.faults -= 1
        assert self.faults >= 0

    def teardown(self) -> None:
        try:
            for checkpoint, delivered in self.seen:
                assert self.rest(resume_from=checkpoint) == self.jobs[delivered:]
            for token, delivered in self.tokens:  # a token may repeat jobs, but skips none
                expected = self.jobs[delivered:]
                rest = self.rest(next_token=token)
                assert rest[len(rest) - len(expected) :] == expected
        finally:
            self.service.end()

    def rest(self, **start: Any) -> list[RestoreJob]:
        """Read to the end, and continue after each error."""
        jobs: list[RestoreJob] = []
        iterator = iter(self.service.listing(**start))
        while True:
            try:
                for job in iterator:
                    jobs.append(job)  # noqa: PERF402  # kept although the next one may raise
            except RestoreJobsError:
                self.count_error()
            else:
                return jobs


def check_reader(service: Reading, times: float) -> None:
    """Check generated readers of this service."""
    Reader.service = service
    run_state_machine_as_test(Reader, settings=examples(times, stateful_step_count=30))


def test_reader_in_memory_gets_each_job_once() -> None:
    """Any reader of the fake in memory gets exactly the jobs after each checkpoint."""
    check_reader(InMemory(), times=10)


def test_reader_over_http_gets_each_job_once() -> None:
    """Any reader of the raw HTTP server gets exactly these jobs, with any damage."""
    with PageServer([]) as server:
        check_reader(OverHTTP(server), times=3)


def test_reader_of_the_embedded_fake_gets_each_job_once() -> None:
    """Any reader of `fake_backup` gets exactly these jobs, with any of its faults."""
    check_reader(Embedded(), times=1)
