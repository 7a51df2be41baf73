"""Listings and their iterators, and several listings side by side."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from operator import attrgetter
from typing import Final

from restorejobs_client._arrow import ArrowExport
from restorejobs_client._balance import WindowRun
from restorejobs_client._cursor import FetchPage, Listing
from restorejobs_client._errors import InvalidRequestError
from restorejobs_client._extras import asyncio
from restorejobs_client._html import Cell, table
from restorejobs_client._models import RestoreJob, RestoreJobPage
from restorejobs_client._parameters import check_count
from restorejobs_client._pool import Run, WorkerPool
from restorejobs_client._progress import RunsProgress
from restorejobs_client._run import ListingRun
from restorejobs_client._stream import RestoreJobStream
from restorejobs_client._text import one_line
from restorejobs_client._watch import Clock, RestoreJobWatch, has_ended
from restorejobs_client._windows import Window, equal_cuts

_restore_jobs: Callable[[RestoreJobPage], tuple[RestoreJob, ...]] = attrgetter("restore_jobs")
_CLOCK: Final = Clock()


class _OfOneRun:
    """What has a place in a run of a listing."""

    def __init__(self, run: ListingRun) -> None:
        self._run = run
        self._jobs = run.jobs

    @property
    def checkpoint(self) -> str:
        """The exact place after what was handed out last, for `resume` and `resume_from`.

        One line of text without spaces that holds the filters, the page token and hashes of job
        ids. It is there from before the first job until after the last.
        """
        return self._run.checkpoint


class RestoreJobIterator(_OfOneRun, Iterator[RestoreJob]):
    """One run of a listing, job by job.

    After an error, `next()` asks for the same page again: it never ends without the rest. Use it
    from one thread at a time.

    Examples:
        >>> from restorejobs_client.testing import fake_backup, sample_jobs
        >>> jobs = sample_jobs(100)
        >>> with fake_backup(jobs) as backup:
        ...     client = backup.client()
        ...     iterator = iter(client.list_restore_jobs())
        ...     first = next(iterator)
        ...     rest = list(client.resume(iterator.checkpoint))
        >>> [first, *rest] == jobs
        True
    """

    def __next__(self) -> RestoreJob:
        for job in self._jobs:
            return job
        while True:
            self._jobs = self._run.jobs  # also of a page that came just before an interrupt
            for job in self._jobs:
                return job
            if not self._run.next_page():
                raise StopIteration


class RestoreJobPageIterator(_OfOneRun, Iterator[RestoreJobPage]):
    """One run of a listing, page by page; like `RestoreJobIterator`, it goes on after an error."""

    def __next__(self) -> RestoreJobPage:
        if not self._run.has_page():
            raise StopIteration
        return self._run.take_page()


class _AsyncIterator(_OfOneRun, AsyncIterator[RestoreJob]):
    """One run of a listing for `async for`; like `RestoreJobIterator`, it goes on after an error.

    A page is fetched on a thread and accepted on the event loop, so a wait that is cancelled keeps
    the place.
    """

    def __init__(self, run: ListingRun) -> None:
        super().__init__(run)
        self._turn = asyncio.Lock()  # one of several tasks that share it asks for a page

    async def __anext__(self) -> RestoreJob:
        for job in self._jobs:
            return job
        async with self._turn:
            while True:
                self._jobs = self._run.jobs
                for job in self._jobs:
                    return job
                if not await self._run.next_page_async():
                    raise StopAsyncIteration


class RestoreJobs(ArrowExport):
    """A listing of restore jobs: lazy, and complete or it raises.

    Nothing is sent until it is iterated, and each iteration is a fresh, full run.
    """

    def __init__(self, fetch: FetchPage, listing: Listing, clock: Clock = _CLOCK) -> None:
        if listing.limit is not None:
            check_count("limit", listing.limit, least=0, is_optional=True)
        self._fetch = fetch
        self._listing = listing
        self._clock = clock

    def _job_pages(self) -> Iterator[tuple[RestoreJob, ...]]:
        return map(_restore_jobs, self.pages())

    def __iter__(self) -> RestoreJobIterator:
        return RestoreJobIterator(ListingRun(self._listing, self._fetch))

    def __aiter__(self) -> AsyncIterator[RestoreJob]:
        """Iterate with `async for`: requests run on a thread, and nothing blocks the event loop.

        Cancelling ends the wait at once. The iterator has a `checkpoint` and raises the same errors
        as iterating without `async`.
        """
        return _AsyncIterator(ListingRun(self._listing, self._fetch))

    def pages(self) -> RestoreJobPageIterator:
        """Iterate page by page, as AWS divides them; a page may be empty although more follow.

        The iterator has a `checkpoint`, and `next()` asks again after an error.
        """
        return RestoreJobPageIterator(ListingRun(self._listing, self._fetch))

    def first(self) -> RestoreJob | None:
        """Return the first job, or `None` if there is none; this asks for one job only."""
        return next(iter(self._with(self._listing.limited_to(1))), None)

    def head(self, n: int = 10) -> RestoreJobPage:
        """Return the first `n` jobs, or fewer if there are fewer, as one page to look at.

        Its `next_token` is `None`.

        Raises:
            InvalidRequestError: `n` is not an int of 0 or more.
        """
        check_count("n", n, least=0)
        return RestoreJobPage(restore_jobs=tuple(self._with(self._listing.limited_to(n))))

    def split(self, parts: int) -> list[RestoreJobs]:
        """Return as many listings as `parts`, which together are exactly this one.

        They are disjoint windows of creation date, of one length in time; the first and the last
        are as open as this listing is. No job is lost and none comes twice, whatever order AWS
        uses and whether its bounds are inclusive. Nothing is sent. Where there is no lower bound,
        the last 30 days are divided, and the first window also has all that is older.

        One exception: jobs without a creation date may be missing from the windows, because AWS
        may leave them out of any range of dates. AWS does not document such jobs.

        Raises:
            InvalidRequestError: `parts` is not an int of 1 or more, or the listing has a `limit`,
                `next_token` or `resume_from`, which belong to one run.
        """
        check_count("parts", parts, least=1)
        return [self._with(replace(self._listing, window=w)) for w in self._cut("split", parts)]

    def parallel(self, max_workers: int = 8) -> RestoreJobStream:
        """Iterate over the listing on several threads, in no order; made for long listings.

        The listing is split into windows, and windows that turn out larger than others are divided
        further while they run. At most `max_workers` requests run at the same time (a boto3 client
        of your own has 10 connections unless its `max_pool_connections` says otherwise). A few
        pages per worker are buffered: when the consumer pauses, so does the fetching, and when it
        stops, the threads end. Where AWS throttles, fewer workers go on.

        Jobs without a creation date may be missing, as `split` explains.

        Raises:
            InvalidRequestError: `max_workers` is not an int of 1 or more, or the listing has a
                `limit`, `next_token` or `resume_from`.
            ExceptionGroup: at the end, after everything that could be listed: the errors of the
                windows that failed, each with its checkpoint. `client.resume(checkpoint)` brings
                the rest of that window; some jobs may come twice.
        """
        workers = check_count("max_workers", max_workers, least=1)
        windows = self._cut("run in parallel", workers)

        def start(window: Window) -> tuple[RestoreJobs, Iterator[RestoreJobPage]]:
            part = self._with(replace(self._listing, window=window, progress=False))
            return part, part.pages()

        runs = [WindowRun(self._listing.parameters, start, window) for window in windows]
        pool = WorkerPool(runs, workers)
        return RestoreJobStream(pool, RunsProgress("windows") if self._listing.progress else None)

    def watch(
        self,
        *restore_job_ids: str,
        interval: float = 30.0,
        timeout: float | None = None,
        until: Callable[[RestoreJob], bool] = has_ended,
    ) -> RestoreJobWatch:
        """Follow jobs until they have ended; AWS Backup has no waiters.

        Yields every job of the listing as it is, lists again every `interval` seconds, and yields a
        job again whenever any member of it has changed. It ends when all jobs that it saw satisfy
        `until`. Jobs that appear meanwhile and match are followed too, and a job that was chosen is
        followed even when it no longer matches: `by_status="RUNNING"` follows what runs now to its
        end. An empty listing ends at once. With ids, exactly those jobs are followed, and one that
        is not listed yet is waited for, because AWS lists a job a little after its start.

        Nothing is sent before the first job is asked for. After the first round, only what may have
        changed is listed: from ten minutes before the oldest job that is still followed, or all
        while an id is missing. A job with a status that AWS added later has not ended by default,
        and a job that AWS no longer lists is waited for, so a `timeout` is wise.

        Args:
            restore_job_ids: the ids of the jobs to follow, in upper or lower case; without ids, all
                jobs of the listing.
            interval: seconds from the start of one round to the start of the next. Each round
                begins up to a tenth earlier or later, so that many watches spread out.
            timeout: seconds after the first request; `None` waits for ever.
            until: says whether a job needs no more following. For example,
                `until=lambda job: job.validation_status not in (None, "VALIDATING")` follows a
                restore test to its verdict.

        Raises:
            InvalidRequestError: an id that is not text, a time that cannot be right, or a listing
                with a `limit`, `next_token` or `resume_from`, which belong to one run.
            WatchTimeoutError: while iterating, when the time is over; `pending` has the ids of the
                jobs that have not ended, and of those that were never listed.
            RestoreJobsError: while iterating, as iterating the listing does; `next()` asks again.

        Examples:
            >>> from restorejobs_client.testing import fake_backup
            >>> running = RestoreJob(restore_job_id="1A2B", status=RestoreJobStatus.RUNNING)
            >>> completed = RestoreJob(restore_job_id="1A2B", status=RestoreJobStatus.COMPLETED)
            >>> with fake_backup([running]) as backup:
            ...     backup.seed_next([completed])
            ...     watch = backup.client().list_restore_jobs().watch(timeout=3600)
            ...     [job.status.value for job in watch]
            ['RUNNING', 'COMPLETED']
        """
        self._reject_places("be watched")
        return RestoreJobWatch(
            self._fetch,
            self._listing,
            restore_job_ids,
            interval=interval,
            timeout=timeout,
            until=until,
            clock=self._clock,
        )

    def _with(self, listing: Listing) -> RestoreJobs:
        return RestoreJobs(self._fetch, listing, self._clock)

    def _cut(self, purpose: str, parts: int) -> list[Window]:
        self._reject_places(purpose)
        window = self._listing.window
        return window.cut_at(equal_cuts(*window.span(self._listing.parameters), parts))

    def _reject_places(self, purpose: str) -> None:
        given = ["limit"] if self._listing.limit is not None else []
        given += [name for name in (self._listing.started_by,) if name is not None]
        if given:
            message = (
                f"a listing with {' and '.join(given)} cannot {purpose}: it is for one run only"
            )
            raise InvalidRequestError(message)

    def __repr__(self) -> str:
        """Return the listing as one line: where, and what is asked for. Sends nothing."""
        return one_line("RestoreJobs", self._listing.described())

    def _repr_html_(self) -> str:
        """Return where, and what is asked for, for a notebook. Sends nothing."""
        described = self._listing.described()
        if not described.keys() - self._listing.origin.keys():
            described["filters"] = "none: all jobs"
        rows = [(Cell(name), Cell(str(value))) for name, value in described.items()]
        return table("Restore jobs, listed when iterated; .head() shows the first", ("", ""), rows)


def gather(
    *listings: RestoreJobs, max_workers: int = 8, progress: bool = False
) -> RestoreJobStream:
    """Fetch several listings concurrently and yield their jobs in argument order.

    Made for one listing for each region or account. At most `max_workers` requests run at the same
    time, and a few pages per worker are buffered: when the consumer pauses, so does the fetching,
    and when it stops, the threads end.

    Args:
        listings: in the order in which their jobs come.
        max_workers: requests at the same time.
        progress: show how many listings have ended, with the jobs and pages so far, in a terminal
            or notebook.

    Raises:
        InvalidRequestError: an argument is not a listing, or `max_workers` is not an int of 1 or
            more.
        ImportError: the extra `progress` is not installed, and progress is asked for.
        ExceptionGroup: at the end, after everything that could be listed: the errors of the
            listings that failed. Each has its `listing`, its `checkpoint`, and a note that says
            which listing it was.
    """
    for listing in listings:
        if not isinstance(listing, RestoreJobs):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without types
            message = (
                f"{type(listing).__name__} is not a listing: pass the listings one by one, as in "
                "gather(*listings)"
            )
            raise InvalidRequestError(message)
    workers = min(check_count("max_workers", max_workers, least=1), len(listings))
    runs = [Run(listing, listing.pages(), place) for place, listing in enumerate(listings)]
    bar = RunsProgress("listings", len(listings)) if progress else None
    return RestoreJobStream(WorkerPool(runs, workers), bar)
