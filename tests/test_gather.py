"""`split`, `parallel` and `gather` yield each job exactly once, whatever the service does."""

from __future__ import annotations

import gc
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from support.interrupting import interrupted
from support.memory_service import START, Order, Service, job, listing_of
from typing_extensions import override

from restorejobs_client import (
    InvalidRequestError,
    MalformedResponseError,
    RestoreJob,
    RestoreJobPage,
    RestoreJobs,
    RestoreJobsClient,
    RestoreJobsError,
    RestoreJobsErrorGroup,
    RestoreJobStream,
    RestoreJobSummary,
    ThrottlingException,
    TransportError,
    gather,
    to_arrow,
)
from restorejobs_client.testing import fake_backup, sample_jobs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from support.memory_service import Parameters
    from support.raw_server import PageServer
    from support.workers import Workers

DAY = 86_400.0
ORDERS: list[Order] = ["newest", "oldest", "random", "almost"]
UNTIL = START + timedelta(days=30)
BOUNDS: dict[str, dict[str, Any]] = {
    "unbounded": {},
    "after": {"by_created_after": START},
    "before": {"by_created_before": UNTIL},
    "both": {"by_created_after": START, "by_created_before": UNTIL},
    "narrow": {
        "by_created_after": START + timedelta(days=10),
        "by_created_before": START + timedelta(days=11),
    },
}
every_order = pytest.mark.parametrize("order", ORDERS)
every_bound = pytest.mark.parametrize("bounds", BOUNDS.values(), ids=BOUNDS)


def spread(count: int) -> list[RestoreJob]:
    """Return jobs that are spread evenly over thirty days."""
    return [job(number, 30 * DAY * number / count) for number in range(count)]


def clustered(count: int) -> list[RestoreJob]:
    """Return jobs of thirty days, most of them in one hour, and many at the same moment."""
    return [
        job(number, DAY * number)
        if number < 30
        else job(number, 10 * DAY + 3600 * (number % 50) / 50 if number % 3 else 10 * DAY)
        for number in range(count)
    ]


every_spread = pytest.mark.parametrize("jobs", [spread(400), clustered(400)], ids=["even", "dense"])


def ids(jobs: Iterable[RestoreJob]) -> Counter[str | None]:
    """Count the jobs of each id."""
    return Counter(one.restore_job_id for one in jobs)


def all_ids(listings: Iterable[RestoreJobs]) -> Counter[str | None]:
    """Count the jobs of each id in several listings."""
    return sum(map(ids, listings), Counter())


def raiser(error: Callable[[], BaseException]) -> Callable[[Parameters], None]:
    """Return a hook that fails every request."""

    def fail(_: Parameters) -> None:
        raise error()

    return fail


def throttled() -> RestoreJobsError:
    """Return the error of AWS for too many requests."""
    return ThrottlingException("slow down", response={}, operation_name="ListRestoreJobs")


def damaged() -> RestoreJobsError:
    """Return the error of a damaged page."""
    return MalformedResponseError("went wrong")


def read(jobs: RestoreJobStream) -> tuple[list[RestoreJob], list[Exception]]:
    """Return the jobs of a stream, and the errors that it raises at its end."""
    found: list[RestoreJob] = []
    try:
        for one in jobs:
            found.append(one)  # noqa: PERF402  # kept although the next one may raise
    except ExceptionGroup as group:
        return found, list(group.exceptions)
    return found, []


# split


@every_order
@every_bound
@every_spread
def test_windows_together_are_the_listing(
    jobs: list[RestoreJob], bounds: dict[str, Any], order: Order
) -> None:
    """The windows of `split`, and their own windows, have each job of the listing once."""
    for inclusive in (True, False):
        listing = Service(jobs, order=order, inclusive=inclusive).listing(max_results=60, **bounds)
        for parts in (1, 2, 7):
            windows = listing.split(parts)
            assert len(windows) == parts
            assert all_ids(windows) == ids(listing)
            assert all_ids(part for window in windows for part in window.split(3)) == ids(listing)


@pytest.mark.parametrize("inclusive", [True, False])
def test_job_between_two_windows_is_in_the_later_one(*, inclusive: bool) -> None:
    """A window begins with its first moment and ends before its last, whatever AWS's bounds are."""
    jobs = [job(number, 3 * DAY * number) for number in range(10)]
    windows = Service(jobs, inclusive=inclusive).listing(**BOUNDS["both"]).split(10)
    # At the first and the last bound, the service decides.
    expected = [[f"job-{n}"] if n or inclusive else [] for n in range(10)]
    assert [list(ids(window)) for window in windows] == expected


def test_split_sends_nothing() -> None:
    """`split` sends no request, and a window shows its bounds."""
    service = Service(spread(50))
    windows = service.listing().split(4)
    assert repr(windows[0]).startswith("RestoreJobs(to='")
    assert service.asked == []


@pytest.mark.parametrize("inclusive", [True, False])
def test_split_of_a_short_range_is_exact(*, inclusive: bool) -> None:
    """A range with fewer microseconds than parts has some windows without jobs."""
    bounds = {"by_created_after": START, "by_created_before": START + timedelta(microseconds=2)}
    jobs = [job(0, 0), job(1, 0.000001), job(2, 0.000002), job(3, 1)]
    listing = Service(jobs, inclusive=inclusive).listing(**bounds)
    windows = listing.split(6)
    assert len(windows) == 6
    assert all_ids(windows) == ids(listing)


def test_split_of_the_future_is_empty() -> None:
    """All windows of a range in the future are without jobs."""
    future = Service(spread(9)).listing(by_created_after=datetime(9999, 12, 31, tzinfo=UTC))
    assert [list(window) for window in future.split(3)] == [[], [], []]


def test_windows_are_exact_if_the_service_rounds_bounds() -> None:
    """If the service rounds bounds to seconds, no job between two windows is lost."""
    service = Service(job(number, number / 10) for number in range(100))
    service.precision = timedelta(seconds=1)
    listing = service.listing(
        by_created_after=START, by_created_before=START + timedelta(seconds=9)
    )
    for parts in (2, 3, 7):
        assert all_ids(listing.split(parts)) == ids(listing)


def test_split_and_parallel_may_miss_jobs_without_a_date() -> None:
    """As documented, a job without a date is missing if the service lists it in no range."""
    with fake_backup([RestoreJob(restore_job_id="undated"), *sample_jobs(50)]) as backup:
        listing = backup.client().list_restore_jobs()
        assert len(list(listing)) == 51
        assert all_ids(listing.split(4)).total() == 50
        assert len(list(listing.parallel(4))) == 50


def test_job_without_a_date_is_in_the_first_window() -> None:
    """A job without a date is yielded once if the service lists it in every range."""
    jobs = (RestoreJob(restore_job_id="undated"), *spread(20))
    listing = listing_of(lambda _: RestoreJobPage(restore_jobs=jobs))
    windows = listing.split(4)
    assert ids(windows[0])["undated"] == 1
    assert all_ids(windows) == ids(listing)


@pytest.mark.parametrize("count", [0, -1, True, 1.0, "2", None])
def test_counts_of_parts_and_workers_are_checked(count: Any) -> None:
    """`parts` and `max_workers` take an int of 1 or more."""
    listing = Service().listing()
    with pytest.raises(InvalidRequestError, match="parts="):
        listing.split(count)
    with pytest.raises(InvalidRequestError, match="max_workers="):
        listing.parallel(count)
    with pytest.raises(InvalidRequestError, match="max_workers="):
        gather(listing, max_workers=count)


@pytest.mark.parametrize("name", ["limit", "next_token", "resume_from"])
def test_split_and_parallel_reject_limit_and_tokens(name: str) -> None:
    """A listing with `limit`, `next_token` or `resume_from` can only be gathered."""
    service = Service(spread(50))
    checkpoint = iter(service.listing()).checkpoint
    value: Any = {"limit": 5, "next_token": "5", "resume_from": checkpoint}[name]
    listing = service.listing(**{name: value})
    with pytest.raises(InvalidRequestError, match=f"{name} cannot be split"):
        listing.split(2)
    with pytest.raises(InvalidRequestError, match=f"{name} cannot run in parallel"):
        listing.parallel()
    assert ids(gather(listing)) == ids(listing)


# parallel


@every_order
@every_bound
@every_spread
def test_parallel_yields_each_job_once(
    jobs: list[RestoreJob], bounds: dict[str, Any], order: Order, workers: Workers
) -> None:
    """`parallel` yields each job once, with at most one request per worker at a time."""
    for count in (1, 3, 8):
        service = Service(jobs, order=order, inclusive=False, delay=0.0005)
        listing = service.listing(max_results=20, **bounds)
        assert ids(listing.parallel(count)) == ids(listing)
        assert service.most_at_once <= count
    assert workers.all_end()


def most_requests_of_a_window(service: Service) -> int:
    """Return how many pages were requested of the window that had the most."""
    windows = Counter(
        (asked.get("ByCreatedAfter"), asked.get("ByCreatedBefore")) for asked in service.asked
    )
    return max(windows.values())


@every_order
def test_parallel_divides_dense_windows(order: Order) -> None:
    """If most jobs are in one window, idle workers take parts of it."""
    service = Service(clustered(3_000), order=order, delay=0.02)
    listing = service.listing(max_results=50, **BOUNDS["both"])
    assert len(list(listing.parallel(8))) == 3_000
    assert service.most_at_once >= 6
    assert len(service.asked) < 62 * 4
    assert most_requests_of_a_window(service) < 40  # of 62; 20 of them have the same date


def test_parallel_divides_a_range_without_a_lower_bound() -> None:
    """Without a lower bound, many workers share the jobs of a year ago."""
    old = [job(number, -400 * DAY + 300 * DAY * number / 1000) for number in range(1000)]
    service = Service(old, delay=0.02)
    assert len(list(service.listing(max_results=20).parallel(8))) == 1000
    assert service.most_at_once >= 6
    assert most_requests_of_a_window(service) < 30  # of 50


def test_parallel_keeps_jobs_without_an_id() -> None:
    """Different jobs without an id are all yielded."""
    jobs = [RestoreJob(account_id="1", creation_date=START + timedelta(n)) for n in range(30)]
    service = Service(jobs, delay=0.002)
    found = list(service.listing(max_results=2, by_created_after=START).parallel(4))
    assert Counter(found) == Counter(jobs)


@every_order
def test_parallel_tells_accounts_apart(order: Order) -> None:
    """Jobs with the same id in two accounts are both yielded."""
    jobs = [
        RestoreJob(
            restore_job_id=f"job-{n // 2}",
            account_id="12"[n % 2] * 12,
            creation_date=START + timedelta(hours=n // 2),
        )
        for n in range(600)
    ]
    service = Service(jobs, order=order, delay=0.001)
    found = list(service.listing(max_results=9, by_created_after=START).parallel(8))
    assert Counter(found) == Counter(jobs)


@every_order
def test_parallel_accepts_pages_without_useful_dates(order: Order) -> None:
    """No job is lost if pages are empty, or their jobs have the same date or none."""
    moment = START + timedelta(days=9)
    dates = [moment] * 20 + [None] * 10 + [START + timedelta(days=day) for day in range(20)]
    jobs = [
        RestoreJob(restore_job_id=f"job-{number}", creation_date=date)
        for number, date in enumerate(dates)
    ]
    service = Service(jobs, order=order, delay=0.001)
    service.answer_next(*(RestoreJobPage(next_token="0" * n) for n in range(1, 5)))
    listing = service.listing(max_results=3, by_created_after=START)
    assert ids(listing.parallel(4)) == ids(jobs)


def check_years(asked: Parameters) -> None:
    """Check that the years of the requested bounds have four digits."""
    bounds = [asked.get("ByCreatedAfter", UNTIL), asked.get("ByCreatedBefore", UNTIL)]
    assert min(bounds).year >= 1000


@every_order
def test_windows_are_exact_at_the_ends_of_the_calendar(order: Order) -> None:
    """Jobs with the earliest and latest possible dates are in exactly one window."""
    second = timedelta(seconds=1)
    last, latest = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    first, earliest = datetime(1000, 1, 1, 0, 0, 1, tzinfo=UTC), datetime.min.replace(tzinfo=UTC)
    jobs = [
        RestoreJob(restore_job_id=f"{moment}-{n}", creation_date=moment)
        for moment in (last, first, latest, first - second, first - 2 * second, earliest)
        for n in range(10)
    ]
    service = Service(jobs, order=order)
    service.before_answer = check_years
    for bounds in (
        {},
        {"by_created_after": last - second, "by_created_before": last},
        {"by_created_after": latest},
        {"by_created_before": first},
        {"by_created_before": first - second},
        {"by_created_after": first - second, "by_created_before": first},
    ):
        listing = service.listing(max_results=3, **bounds)
        whole = ids(listing)
        for parts in (2, 3):
            windows = listing.split(parts)
            assert all_ids(windows) == whole
            assert all_ids(part for window in windows for part in window.split(2)) == whole
        assert ids(listing.parallel(4)) == whole


# gather


def test_gather_yields_in_argument_order() -> None:
    """`gather` yields jobs in the order of its arguments, even if the first listing is slow."""
    slow, quick = Service(spread(40), delay=0.01), Service(clustered(60))
    listings = [slow.listing(max_results=10), quick.listing(max_results=7), slow.listing()]
    assert list(gather(*listings)) == [one for listing in listings for one in listing]
    assert list(gather()) == []


def test_gather_sends_as_many_requests_as_workers() -> None:
    """`gather` fetches concurrently, with at most `max_workers` requests at a time."""
    service = Service(spread(30), delay=0.01)
    listings = [service.listing(max_results=10) for _ in range(12)]
    assert len(list(gather(*listings, max_workers=4))) == 360
    assert service.most_at_once == 4


# Both


def test_parallel_and_gather_send_nothing_until_iterated(workers: Workers) -> None:
    """A stream starts no thread and sends no request before its first `next()`."""
    service = Service(spread(30))
    streams = gather(service.listing()), service.listing().parallel()
    assert not workers.alive()
    assert service.asked == []
    assert [len(list(stream)) for stream in streams] == [30, 30]


@pytest.mark.parametrize("count", [1, 3])
def test_fetching_pauses_with_the_consumer(count: int) -> None:
    """Workers fetch a few pages ahead, and then wait for the consumer."""
    service = Service(spread(3_000))
    listings = [service.listing(max_results=10) for _ in range(count)]
    stream = gather(*listings, max_workers=3) if count > 1 else listings[0].parallel(3)
    next(stream)
    time.sleep(0.15)
    asked = len(service.asked)
    assert 3 <= asked <= 20
    time.sleep(0.05)
    assert len(service.asked) == asked
    assert len(list(stream)) == 3_000 * count - 1


@pytest.mark.parametrize("ending", ["close", "with", "drop"])
def test_stopped_stream_ends_its_threads(ending: str, workers: Workers) -> None:
    """Closing or dropping a stream, or leaving its `with` block, ends its threads and requests."""
    service = Service(spread(3_000), delay=0.002)
    stream: Any = gather(*(service.listing(max_results=5) for _ in range(20)))
    next(stream)
    while len(workers.alive()) < 8:  # each starts the next
        time.sleep(0.001)
    if ending == "close":
        stream.close()
    elif ending == "with":
        with stream:
            next(stream)
    else:
        stream = None
        gc.collect()
    assert workers.all_end()
    asked = len(service.asked)
    time.sleep(0.02)
    assert len(service.asked) == asked


def test_failed_listing_does_not_stop_the_others(workers: Workers) -> None:
    """`gather` yields all other jobs first; each error has its listing, note and checkpoint."""
    good, bad = Service(spread(50)), Service(spread(50))

    def fail(asked: Parameters) -> None:
        if asked.get("NextToken") == "20":
            raise damaged()

    bad.before_answer = fail
    listings = [
        good.listing(max_results=10),
        bad.listing(max_results=10, by_status="FAILED"),
        good.listing(max_results=10, limit=15),
        bad.listing(max_results=10, by_account_id="*"),
    ]
    found, errors = read(gather(*listings))
    assert len(found) == 50 + 20 + 15 + 20
    assert {error.__notes__[0] for error in errors} == {
        "while listing RestoreJobs(by_account_id='*')",
        "while listing RestoreJobs(by_status='FAILED')",
    }
    bad.before_answer = lambda _: None
    for error in errors:
        assert isinstance(error, MalformedResponseError)
        assert error.listing in (listings[1], listings[3])
        filters = (
            {"by_status": "FAILED"} if error.listing is listings[1] else {"by_account_id": "*"}
        )
        assert len(list(bad.listing(**filters, resume_from=error.checkpoint))) == 30
    assert workers.all_end()


@every_order
def test_failed_windows_can_be_resumed(order: Order) -> None:
    """The checkpoints of the windows that failed continue with the missing jobs."""
    service = Service(clustered(600), order=order, delay=0.001)
    filters: dict[str, Any] = {"max_results": 20, "by_created_after": START}

    def fail(asked: Parameters) -> None:
        if asked.get("NextToken") in {"20", "40"} and len(service.asked) % 2:
            raise damaged()

    service.before_answer = fail
    found, errors = read(service.listing(**filters).parallel(5))
    service.before_answer = lambda _: None
    for error in errors:
        assert isinstance(error, MalformedResponseError)
        assert error.__notes__[0].startswith("while listing RestoreJobs(by_created_after='2026")
        found.extend(service.listing(**filters, resume_from=error.checkpoint))
    assert ids(found).keys() == ids(service.jobs).keys()


@pytest.mark.parametrize("kind", ["gather", "parallel"])
def test_stream_raises_its_failure_again(kind: str) -> None:
    """After a failure, each further `next` and `to_arrow` raise it again."""
    service = Service(spread(10))
    service.before_answer = raiser(damaged)
    listing = service.listing()
    stream: Any = gather(listing) if kind == "gather" else listing.parallel(2)
    for _ in range(3):
        with pytest.raises(ExceptionGroup):
            next(stream)
    with pytest.raises(ExceptionGroup):
        stream.to_arrow()


def test_failed_table_of_a_stream_has_no_checkpoint() -> None:
    """Nobody has the jobs of a table that failed, so no checkpoint after them is offered."""
    service = Service(spread(30))

    def fail(asked: Parameters) -> None:
        if "NextToken" in asked:
            raise damaged()

    service.before_answer = fail
    stream = gather(service.listing(max_results=10))
    with pytest.raises(RestoreJobsErrorGroup, match="no table and no summary: call") as caught:
        stream.to_arrow()
    assert [error.checkpoint for error in caught.value.exceptions] == [None]
    with pytest.raises(InvalidRequestError, match="call parallel or gather again"):
        stream.to_arrow()


def test_stream_becomes_a_table_only_once() -> None:
    """A stream that has yielded jobs refuses to become a table, which would lack them."""
    stream: Any = Service(spread(30)).listing(max_results=10).parallel(2)
    assert stream.to_arrow().num_rows == 30
    for again in (stream.to_arrow, stream.__arrow_c_stream__):
        with pytest.raises(InvalidRequestError, match="call parallel or gather again"):
            again()
    assert list(stream) == []
    empty: Any = gather()
    assert empty.to_arrow().num_rows == 0


class SilentError(BaseException):
    """An error that cannot be shown."""

    @override
    def __str__(self) -> str:
        raise ZeroDivisionError

    __repr__ = __str__


@pytest.mark.parametrize("kind", [ZeroDivisionError, SystemExit, SilentError])
def test_error_of_any_kind_reaches_the_consumer(kind: type[BaseException]) -> None:
    """Any exception in a worker, even `SystemExit`, is raised in the consumer as our error."""
    service = Service(spread(5))
    service.before_answer = raiser(kind)
    with pytest.raises(RestoreJobsErrorGroup) as caught:
        list(gather(service.listing()))
    (error,) = caught.value.exceptions
    assert isinstance(error, TransportError)
    assert kind.__name__ in str(error)


def test_throttled_parallel_continues_with_fewer_workers() -> None:
    """Throttled workers leave their windows to others, and no job is lost."""
    service = Service(spread(300))
    free = threading.Semaphore(2)

    def throttle(_: Parameters) -> None:
        if not free.acquire(blocking=False):
            raise throttled()
        time.sleep(0.005)
        free.release()

    service.before_answer = throttle
    assert ids(service.listing(max_results=10).parallel(8)) == ids(spread(300))


def test_parallel_raises_if_all_requests_are_throttled() -> None:
    """If every request is throttled, each window of `parallel` raises the error."""
    service = Service(spread(300))
    service.before_answer = raiser(throttled)
    found, raised = read(service.listing().parallel(4))
    errors: list[Any] = list(raised)
    assert found == []
    assert [type(error) for error in errors] == [ThrottlingException] * 4
    assert len({repr(error.listing) for error in errors}) == 4
    for error in errors:
        assert error.__notes__ == [f"while listing {error.listing!r}"]


@pytest.mark.parametrize("way", ["for", "table", "summary"])
@pytest.mark.parametrize("max_workers", [1, 8])
def test_error_that_fails_several_listings_is_one_for_each(
    server: PageServer, way: str, max_workers: int
) -> None:
    """If a handler raises the same object again, each error has its own listing and place."""
    core: Any = server.client(attempts=1)
    error = TransportError("the circuit is open")
    error.add_note("a note of the handler")
    is_open = False

    def fail(**_: object) -> None:
        if is_open:
            raise error

    core.meta.events.register("before-send.backup", fail)
    client = RestoreJobsClient(client=core)
    listings = [client.list_restore_jobs(max_results=size) for size in range(20, 28)]
    stream = gather(*listings, max_workers=max_workers)
    found = [next(stream) for _ in range(5)] if way == "for" else []
    is_open = True
    ways = {"for": found.extend, "table": to_arrow, "summary": RestoreJobSummary.from_jobs}
    with pytest.raises(RestoreJobsErrorGroup) as caught:
        ways[way](stream)
    is_open = False
    errors: list[Any] = sorted(caught.value.exceptions, key=lambda one: listings.index(one.listing))
    assert [one.listing for one in errors] == listings
    for one in errors:
        assert one.__notes__ == ["a note of the handler", f"while listing {one.listing!r}"]
        assert (one.checkpoint is None) is (way != "for")
        found += client.resume(one.checkpoint) if one.checkpoint else one.listing
    assert Counter(found) == dict.fromkeys(listings[0], len(listings))
    assert error.__notes__ == ["a note of the handler"]


@pytest.mark.parametrize("kind", ["add_note", "listing"])
def test_error_that_cannot_be_described_ends_its_listing(kind: str) -> None:
    """An exception of a handler with methods of its own does not leave the stream waiting."""

    class OddError(TransportError):
        def __setattr__(self, name: str, value: object) -> None:
            if name == kind:
                raise AttributeError(name)
            super().__setattr__(name, value)

        @override
        def add_note(self, note: str, /) -> None:
            raise ValueError(note)

    service = Service(spread(5))
    service.before_answer = raiser(lambda: OddError("odd"))
    _, errors = read(gather(service.listing(), service.listing()))
    assert [type(error) for error in errors] == [OddError] * 2


@pytest.mark.parametrize("count", [1, 2, 8])
def test_gather_raises_if_all_requests_are_throttled(count: int) -> None:
    """If every request is throttled, each listing of `gather` raises the error."""
    service = Service(spread(5))
    service.before_answer = raiser(throttled)
    _, errors = read(gather(*(service.listing() for _ in range(count)), max_workers=8))
    assert [type(error) for error in errors] == [ThrottlingException] * count


def test_gather_completes_other_listings_if_one_is_throttled() -> None:
    """If the first listing is throttled, a long second one is still complete."""
    first, long = Service(spread(5)), Service(spread(400))
    first.before_answer = raiser(throttled)
    found, errors = read(gather(first.listing(), long.listing(max_results=5), max_workers=2))
    assert len(found) == 400
    assert len(errors) == 1


def test_split_parallel_and_gather_over_http(workers: Workers) -> None:
    """Over real HTTP, with retries, each job of two regions is yielded exactly once."""
    jobs = sample_jobs(3_000)
    elsewhere = sample_jobs(500, seed=2, region_name="eu-west-1")
    with fake_backup(jobs) as backup:
        backup.seed(elsewhere, region_name="eu-west-1")
        listing = backup.client().list_restore_jobs(max_results=100)
        assert ids(listing.parallel(8)) == ids(jobs)
        assert all_ids(listing.split(5)) == ids(jobs)
        other = backup.client(region_name="eu-west-1").list_restore_jobs()
        assert list(gather(listing, other)) == [*listing, *other]
        backup.fail_next("throttle", times=3)
        backup.fail_next("damage", times=3)
        assert ids(listing.parallel(8)) == ids(jobs)
    assert workers.all_end()


def test_failed_window_over_http_can_be_resumed() -> None:
    """`client.resume` continues a window that failed."""
    jobs = sample_jobs(600)
    with fake_backup(jobs) as backup:
        client = backup.client()
        backup.fail_next("access_denied")
        found, (error,) = read(client.list_restore_jobs(max_results=50).parallel(3))
        assert isinstance(error, RestoreJobsError)
        assert error.checkpoint is not None
        assert ids([*found, *client.resume(error.checkpoint)]) == ids(jobs)


def test_ctrl_c_ends_parallel_at_once() -> None:
    """Ctrl-C does not wait for the requests of the workers."""
    interrupted("""
        import sys
        sys.path.insert(0, "tests")
        from support.memory_service import Service, job
        service = Service([job(n, n) for n in range(1000)], delay=30)
        print("ready", flush=True)
        list(service.listing().parallel(8))
    """)
