"""Windows and gathering: no job lost, none twice, whatever the service does."""

from __future__ import annotations

import gc
import itertools
import sys
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from interrupting import interrupted
from memory_service import START, Order, Service, job, listing_of

from restorejobs_client import (
    InvalidRequestError,
    ListRestoreJobsRequest,
    MalformedResponseError,
    RestoreJob,
    RestoreJobPage,
    RestoreJobs,
    RestoreJobsError,
    ThrottlingException,
    gather,
)
from restorejobs_client.testing import fake_backup, sample_jobs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

DAY = 86_400.0
ORDERS: list[Order] = ["newest", "oldest", "random", "almost"]
UNTIL = START + timedelta(days=30)
BOUNDS: list[dict[str, Any]] = [
    {},
    {"by_created_after": START},
    {"by_created_before": UNTIL},
    {"by_created_after": START, "by_created_before": UNTIL},
    {
        "by_created_after": START + timedelta(days=10),
        "by_created_before": START + timedelta(days=11),
    },
]


def spread(count: int) -> list[RestoreJob]:
    return [job(number, 30 * DAY * number / count) for number in range(count)]


def clustered(count: int) -> list[RestoreJob]:
    """Nearly all in one hour of thirty days, many of them on one millisecond."""
    return [
        job(number, DAY * number)
        if number < 30
        else job(number, 10 * DAY + 3600 * (number % 50) / 50 if number % 3 else 10 * DAY)
        for number in range(count)
    ]


def ids(jobs: Iterable[RestoreJob]) -> Counter[str | None]:
    return Counter(one.restore_job_id for one in jobs)


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "restorejobs"]


def no_threads_soon() -> bool:
    deadline = time.monotonic() + 5
    while threads() and time.monotonic() < deadline:
        time.sleep(0.01)
    return not threads()


# Windows


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("inclusive", [True, False], ids=["inclusive", "exclusive"])
@pytest.mark.parametrize("bounds", BOUNDS, ids=range(5))
@pytest.mark.parametrize("make", [spread, clustered])
def test_windows_are_together_exactly_the_listing(
    make: Any,
    bounds: dict[str, Any],
    order: Order,
    inclusive: bool,  # noqa: FBT001  # a case
) -> None:
    service = Service(make(200), order=order, inclusive=inclusive)
    listing = service.listing(max_results=30, **bounds)
    whole = ids(listing)
    for parts in (1, 2, 7):
        windows = listing.split(parts)
        assert len(windows) == parts
        assert sum((ids(window) for window in windows), Counter()) == whole
        again = [part for window in windows for part in window.split(3)]
        assert sum((ids(window) for window in again), Counter()) == whole


def test_a_seam_may_fall_on_a_job() -> None:
    bounds = {"by_created_after": START, "by_created_before": UNTIL}
    jobs = [job(number, 3 * DAY * number) for number in range(10)]
    for inclusive in (True, False):
        service = Service(jobs, inclusive=inclusive)
        windows = service.listing(**bounds).split(10)
        found = [list(ids(window)) for window in windows]
        # The outermost bound means what the service says that it means.
        assert found == [[f"job-{n}"] if n or inclusive else [] for n in range(10)]


def test_splitting_sends_nothing_and_leaves_the_listing_as_it_was() -> None:
    service = Service(spread(50))
    listing = service.listing()
    windows = listing.split(4)
    assert repr(windows[0]).startswith("RestoreJobs(to='")
    assert service.asked == []
    assert len(list(listing)) == 50


def test_a_range_too_small_to_be_divided_is_still_exact() -> None:
    bounds = {"by_created_after": START, "by_created_before": START + timedelta(microseconds=2)}
    service = Service([job(0, 0), job(1, 0.000001), job(2, 0.000002), job(3, 1)])
    listing = service.listing(**bounds)
    windows = listing.split(6)
    assert len(windows) == 6
    assert sum((ids(window) for window in windows), Counter()) == ids(listing)
    future = service.listing(by_created_after=datetime(9999, 12, 31, tzinfo=UTC))
    assert [list(window) for window in future.split(3)] == [[], [], []]


def test_jobs_without_a_date_may_be_missing_from_windows_as_the_documentation_says() -> None:
    """The one exception: a service that leaves undated jobs out of ranges hides them there."""
    undated = RestoreJob(restore_job_id="undated")
    jobs = [undated, *sample_jobs(50)]
    with fake_backup(jobs) as backup:
        listing = backup.client().list_restore_jobs()
        assert len(list(listing)) == 51
        assert len([job for window in listing.split(4) for job in window]) == 50
        assert len(list(listing.parallel(4))) == 50
    for documented in (RestoreJobs.split.__doc__, RestoreJobs.parallel.__doc__):
        assert "without a creation date may be missing" in " ".join((documented or "").split())


def test_jobs_without_a_date_come_with_the_first_window_where_the_service_sends_them() -> None:
    undated = RestoreJob(restore_job_id="undated")
    jobs = (undated, *spread(20))
    listing = listing_of(lambda _: RestoreJobPage(restore_jobs=jobs))
    assert sum((ids(window) for window in listing.split(4)), Counter()) == ids(listing)


def test_a_job_without_a_date_that_is_in_every_answer_comes_once() -> None:
    undated = RestoreJob(restore_job_id="undated")

    def fetch(parameters: dict[str, Any]) -> RestoreJobPage:
        middle = parameters["ByCreatedAfter"] + timedelta(days=5)
        return RestoreJobPage(restore_jobs=(RestoreJob(creation_date=middle), undated))

    request = ListRestoreJobsRequest(
        by_created_after=START, by_created_before=START + timedelta(30)
    )
    found = [one for window in listing_of(fetch, request=request).split(3) for one in window]
    assert len(found) == 4
    assert found[:2] == [RestoreJob(creation_date=START + timedelta(days=5)), undated]


@pytest.mark.parametrize("parts", [0, -1, True, 1.0, "2", None])
def test_a_number_of_parts_that_cannot_be_is_refused(parts: Any) -> None:
    listing = Service([]).listing()
    with pytest.raises(InvalidRequestError, match="parts="):
        listing.split(parts)
    with pytest.raises(InvalidRequestError, match="max_workers="):
        listing.parallel(parts)
    with pytest.raises(InvalidRequestError, match="max_workers="):
        gather(listing, max_workers=parts)


@pytest.mark.parametrize("place", ["limit", "next_token", "resume_from"])
def test_a_place_in_one_run_cannot_be_divided(place: str) -> None:
    service = Service(spread(50))
    value: Any = {
        "limit": 5,
        "next_token": "5",
        "resume_from": iter(service.listing()).checkpoint,
    }[place]
    listing = service.listing(**{place: value})
    with pytest.raises(InvalidRequestError, match=f"{place} cannot be split"):
        listing.split(2)
    with pytest.raises(InvalidRequestError, match=f"{place} cannot run in parallel"):
        listing.parallel()
    assert ids(gather(listing)) == ids(listing)


def test_a_window_is_resumed_with_the_filters_of_its_listing() -> None:
    service = Service(clustered(200))
    listing = service.listing(max_results=20, by_status="FAILED")
    for window in listing.split(5):
        whole = list(window)
        iterator = iter(window)
        for place in range(0, len(whole) + 1, 7):
            resumed = service.listing(
                max_results=13, by_status="FAILED", resume_from=iterator.checkpoint
            )
            assert list(resumed) == whole[place:]
            list(itertools.islice(iterator, 7))


# parallel


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("bounds", BOUNDS, ids=range(5))
@pytest.mark.parametrize("make", [spread, clustered])
@pytest.mark.parametrize("workers", [1, 3, 8])
def test_parallel_is_exact_while_it_balances(
    make: Any, bounds: dict[str, Any], order: Order, workers: int
) -> None:
    service = Service(make(400), order=order, inclusive=False, delay=0.001)
    listing = service.listing(max_results=10, **bounds)
    whole = ids(listing)
    service.most_at_once = 0
    assert ids(listing.parallel(workers)) == whole
    assert service.most_at_once <= workers
    assert no_threads_soon()


@pytest.mark.parametrize("order", ORDERS)
def test_parallel_balances_itself_where_jobs_cluster(order: Order) -> None:
    service = Service(clustered(3_000), order=order, delay=0.01)
    listing = service.listing(max_results=50, by_created_after=START, by_created_before=UNTIL)
    assert len(list(listing.parallel(8))) == 3_000
    assert service.most_at_once == 8
    assert len(service.asked) < 62 * 4
    # Of 62 pages, 20 are of one millisecond. Windows of equal length would ask one for them all.
    windows = Counter(
        (asked.get("ByCreatedAfter"), asked.get("ByCreatedBefore")) for asked in service.asked
    )
    assert max(windows.values()) < 40


def test_parallel_finds_a_past_without_a_bound() -> None:
    old = [job(number, -400 * DAY + 300 * DAY * number / 1000) for number in range(1000)]
    service = Service(old, delay=0.005)
    assert len(list(service.listing(max_results=20).parallel(8))) == 1000
    assert service.most_at_once >= 6


def test_what_has_no_id_is_not_taken_for_another() -> None:
    jobs = [RestoreJob(account_id="1", creation_date=START + timedelta(n)) for n in range(30)]
    service = Service(jobs, delay=0.002)
    found = list(service.listing(max_results=2, by_created_after=START).parallel(4))
    assert len(found) == 30
    assert set(found) == set(jobs)


# gather


def test_gather_keeps_the_order_of_its_arguments() -> None:
    slow, quick = Service(spread(40), delay=0.01), Service(clustered(60))
    listings = [slow.listing(max_results=10), quick.listing(max_results=7), slow.listing()]
    found = [one.restore_job_id for one in gather(*listings)]
    assert found == [one.restore_job_id for listing in listings for one in listing]
    assert list(gather()) == []


def test_gather_runs_side_by_side_but_no_more_than_its_workers() -> None:
    service = Service(spread(30), delay=0.01)
    listings = [service.listing(max_results=10) for _ in range(12)]
    assert len(list(gather(*listings, max_workers=4))) == 360
    assert service.most_at_once == 4


@pytest.mark.parametrize("many", ["gather", "parallel"])
def test_a_slow_consumer_stops_the_fetching(many: str) -> None:
    service = Service(spread(3_000))
    listings = [service.listing(max_results=10) for _ in range(3)]
    iterator = gather(*listings, max_workers=3) if many == "gather" else listings[0].parallel(3)
    next(iterator)
    time.sleep(0.3)
    asked = len(service.asked)
    assert 3 <= asked <= 20
    time.sleep(0.2)
    assert len(service.asked) == asked
    assert len(list(iterator)) == (9_000 if many == "gather" else 3_000) - 1


def test_nothing_is_sent_until_it_is_iterated() -> None:
    service = Service(spread(30))
    gather(service.listing())
    service.listing().parallel()
    time.sleep(0.05)
    assert service.asked == []
    assert not threads()


@pytest.mark.parametrize("ending", ["close", "break", "forgotten"])
def test_an_abandoned_iterator_stops_its_threads(ending: str) -> None:
    service = Service(spread(3_000), delay=0.002)
    iterator: Any = gather(*(service.listing(max_results=5) for _ in range(20)))
    next(iterator)
    assert len(threads()) == 8
    if ending == "close":
        iterator.close()
    elif ending == "break":
        for _ in iterator:
            break
        del iterator, _
        gc.collect()
    else:
        iterator = None
        gc.collect()
    assert no_threads_soon()
    asked = len(service.asked)
    time.sleep(0.05)
    assert len(service.asked) == asked


def failing(service: Service, when: Any, kind: type[RestoreJobsError]) -> None:
    def fail(parameters: dict[str, Any]) -> None:
        if when(parameters):
            raise an_error(kind)

    service.before_answer = fail


def an_error(kind: type[RestoreJobsError]) -> RestoreJobsError:
    if issubclass(kind, ThrottlingException):
        return kind("slow down", response={}, operation_name="ListRestoreJobs")
    return kind("went wrong")


def test_one_listing_that_fails_does_not_stop_the_others() -> None:
    good, bad = Service(spread(50)), Service(spread(50))
    failing(bad, lambda asked: asked.get("NextToken") == "20", MalformedResponseError)
    listings = [
        good.listing(max_results=10),
        bad.listing(max_results=10, by_status="FAILED"),
        good.listing(max_results=10, limit=15),
        bad.listing(max_results=10, by_account_id="*"),
    ]
    found: list[RestoreJob] = []
    with pytest.raises(ExceptionGroup) as caught:
        found.extend(_kept(gather(*listings), found))
    assert len(found) == 50 + 20 + 15 + 20
    errors = sorted(caught.value.exceptions, key=lambda error: error.__notes__)
    assert [error.__notes__ for error in errors] == [
        ["while listing RestoreJobs(by_account_id='*')"],
        ["while listing RestoreJobs(by_status='FAILED')"],
    ]
    bad.before_answer = lambda _: None
    error = errors[1]
    assert isinstance(error, MalformedResponseError)
    rest = bad.listing(by_status="FAILED", resume_from=error.checkpoint)
    assert len(list(rest)) == 30
    assert no_threads_soon()


def _kept(iterator: Iterator[RestoreJob], found: list[RestoreJob]) -> list[RestoreJob]:
    for one in iterator:
        found.append(one)  # noqa: PERF402  # kept although the next one may raise
    return []


@pytest.mark.parametrize("order", ORDERS)
def test_windows_that_fail_are_brought_by_their_checkpoints(order: Order) -> None:
    service = Service(clustered(600), order=order, delay=0.001)
    failing(
        service,
        lambda asked: asked.get("NextToken") in {"20", "40"} and len(service.asked) % 2,
        MalformedResponseError,
    )
    found: list[RestoreJob] = []
    listing = service.listing(max_results=20, by_created_after=START)
    try:
        found.extend(_kept(listing.parallel(5), found))
    except ExceptionGroup as group:
        service.before_answer = lambda _: None
        for error in group.exceptions:
            assert isinstance(error, MalformedResponseError)
            assert error.__notes__[0].startswith("while listing RestoreJobs(by_created_after='2026")
            found.extend(
                service.listing(
                    max_results=20, by_created_after=START, resume_from=error.checkpoint
                )
            )
    assert set(ids(found)) == set(ids(listing))


def test_the_checkpoint_of_a_window_belongs_to_its_region() -> None:
    jobs = sample_jobs(600)
    with fake_backup(jobs) as backup:
        listing = backup.client().list_restore_jobs(max_results=50)
        backup.fail_next("access_denied")
        came: list[RestoreJob] = []
        with pytest.raises(ExceptionGroup) as caught:
            came.extend(_kept(listing.parallel(3), came))
        (error,) = caught.value.exceptions
        assert isinstance(error, RestoreJobsError)
        rest = backup.client().list_restore_jobs(resume_from=error.checkpoint)
        assert ids([*came, *rest]) == ids(jobs)


def test_a_failure_never_turns_into_an_end() -> None:
    service = Service(spread(10))
    failing(service, lambda _: True, MalformedResponseError)
    for jobs in (gather(service.listing()), service.listing().parallel(2)):
        for _ in range(3):
            with pytest.raises(ExceptionGroup):
                next(jobs)
        side_by_side: Any = jobs
        with pytest.raises(ExceptionGroup):
            side_by_side.to_arrow()


def test_what_was_handed_out_makes_no_empty_table() -> None:
    jobs: Any = Service(spread(30)).listing(max_results=10).parallel(2)
    assert jobs.to_arrow().num_rows == 30
    for again in (jobs.to_arrow, jobs.__arrow_c_stream__):
        with pytest.raises(InvalidRequestError, match="call parallel or gather again"):
            again()
    assert list(jobs) == []
    empty: Any = gather()
    assert empty.to_arrow().num_rows == 0


def test_errors_of_any_kind_reach_the_consumer() -> None:
    service = Service(spread(50))

    def fail(_: object) -> None:
        message = "a bug"
        raise ZeroDivisionError(message)

    service.before_answer = fail
    with pytest.raises(ExceptionGroup) as caught:
        list(gather(service.listing()))
    assert isinstance(caught.value.exceptions[0], ZeroDivisionError)


def test_throttling_makes_the_workers_fewer_and_loses_nothing() -> None:
    service = Service(spread(300), delay=0.005)
    lock = threading.Lock()
    under_way = 0

    class Limit:
        most = 0

    def no_more_than_two(_: object) -> None:
        nonlocal under_way
        with lock:
            under_way += 1
            allowed = under_way <= 2
        try:
            if not allowed:
                raise an_error(ThrottlingException)
            time.sleep(0.005)
        finally:
            with lock:
                under_way -= 1

    service.before_answer = no_more_than_two
    listing = service.listing(max_results=10)
    assert ids(listing.parallel(8)) == ids(spread(300))


def test_throttling_that_does_not_end_is_raised() -> None:
    service = Service(spread(300))
    failing(service, lambda _: True, ThrottlingException)
    with pytest.raises(ExceptionGroup) as caught:
        list(service.listing().parallel(4))
    assert all(isinstance(error, ThrottlingException) for error in caught.value.exceptions)
    assert len(caught.value.exceptions) == 4


@pytest.mark.parametrize("count", [1, 2, 8])
def test_gather_of_few_that_are_throttled_raises(count: int) -> None:
    service = Service(spread(5))
    failing(service, lambda _: True, ThrottlingException)
    with pytest.raises(ExceptionGroup) as caught:
        list(gather(*(service.listing() for _ in range(count)), max_workers=8))
    assert len(caught.value.exceptions) == count


def test_gather_goes_on_where_the_first_is_throttled_and_the_next_is_long() -> None:
    first, long = Service(spread(5)), Service(spread(400))
    failing(first, lambda _: True, ThrottlingException)
    found: list[RestoreJob] = []
    with pytest.raises(ExceptionGroup):
        found.extend(
            _kept(gather(first.listing(), long.listing(max_results=5), max_workers=2), found)
        )
    assert len(found) == 400


def test_a_worker_that_is_told_to_exit_is_heard_of() -> None:
    service = Service(spread(5))

    def leave(_: object) -> None:
        sys.exit("leaving")

    service.before_answer = leave
    with pytest.raises(BaseExceptionGroup) as caught:
        list(gather(service.listing()))
    assert isinstance(caught.value.exceptions[0], SystemExit)


def test_dividing_takes_pages_of_any_kind() -> None:
    """An empty page with a token, then pages of one moment, then jobs without a date."""
    pages = itertools.count()
    moment = job(0).creation_date

    def fetch(parameters: dict[str, Any]) -> RestoreJobPage:
        time.sleep(0.002)
        number = next(pages)
        if "ByCreatedAfter" in parameters and "NextToken" not in parameters and number > 3:
            return RestoreJobPage()
        place = int(parameters.get("NextToken", 0))
        kinds = [(), (moment,) * 3, (moment,) * 3, (None,) * 3, (moment, moment, None)]
        if place == len(kinds):
            return RestoreJobPage()
        jobs = tuple(
            RestoreJob(restore_job_id=f"{place}-{n}", creation_date=date)
            for n, date in enumerate(kinds[place])
        )
        return RestoreJobPage(restore_jobs=jobs, next_token=str(place + 1))

    request = ListRestoreJobsRequest(by_created_after=START)
    assert len(list(listing_of(fetch, request=request).parallel(4))) > 0


@pytest.mark.parametrize("order", ORDERS)
def test_the_ends_of_the_calendar_are_exact_too(order: Order) -> None:
    last = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    first = datetime(1000, 1, 1, 0, 0, 1, tzinfo=UTC)
    second = timedelta(seconds=1)
    latest, earliest = datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)
    moments = [last, first, latest, first - second, first - 2 * second, earliest]
    jobs = [
        RestoreJob(restore_job_id=f"{moment}-{n}", creation_date=moment)
        for moment in moments
        for n in range(30)
    ]
    service = Service(jobs, order=order, delay=0.001)
    for bounds in (
        {},
        {"by_created_after": last - second, "by_created_before": last},
        {"by_created_after": latest},
        {"by_created_before": first},
        {"by_created_before": first - second},
        {"by_created_after": first - second, "by_created_before": first},
    ):
        listing = service.listing(max_results=7, **bounds)
        whole = ids(listing)
        for parts in (2, 3):
            windows = listing.split(parts)
            assert sum((ids(window) for window in windows), Counter()) == whole
            assert sum((ids(one) for w in windows for one in w.split(2)), Counter()) == whole
        assert ids(listing.parallel(4)) == whole


def test_the_same_id_in_two_accounts_is_two_jobs() -> None:
    jobs = [
        RestoreJob(
            restore_job_id=f"job-{n // 2}",
            account_id="12"[n % 2] * 12,
            creation_date=START + timedelta(hours=n // 2),
        )
        for n in range(600)
    ]
    for order in ORDERS:
        service = Service(jobs, order=order, delay=0.001)
        found = list(service.listing(max_results=9, by_created_after=START).parallel(8))
        assert len(found) == len(set(found)) == 600


def test_control_c_ends_at_once() -> None:
    script = """
        import sys, time
        sys.path.insert(0, "tests")
        from memory_service import Service, job
        service = Service([job(n, n) for n in range(1000)], delay=30)
        print("ready", flush=True)
        list(service.listing().parallel(8))
    """
    interrupted(script)


# Over real HTTP


def test_windows_and_gathering_over_http() -> None:
    jobs = sample_jobs(3_000)
    elsewhere = sample_jobs(500, seed=2, region_name="eu-west-1")
    with fake_backup(jobs) as backup:
        backup.seed(elsewhere, region_name="eu-west-1")
        listing = backup.client().list_restore_jobs(max_results=100)
        assert ids(listing.parallel(8)) == ids(jobs)
        windows = listing.split(5)
        assert sum((ids(window) for window in windows), Counter()) == ids(jobs)
        other = backup.client(region_name="eu-west-1").list_restore_jobs()
        assert list(gather(listing, other)) == [*listing, *other]
        backup.fail_next("throttle", times=3)
        backup.fail_next("damage", times=3)
        assert ids(listing.parallel(8)) == ids(jobs)
    assert no_threads_soon()


def test_the_type_of_a_window_is_the_type_of_a_listing() -> None:
    (window,) = Service([]).listing().split(1)
    assert isinstance(window, RestoreJobs)
