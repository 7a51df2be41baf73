"""Listings and their iterators, and `gather` for several listings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import NoReturn

from restorejobs_client._concurrent.divide import WindowTask
from restorejobs_client._concurrent.iterator import RestoreJobIterator, RestoreJobPageIterator
from restorejobs_client._concurrent.pool import MAX_WORKERS, Task, WorkerPool
from restorejobs_client._concurrent.stream import RestoreJobStream
from restorejobs_client._core.errors import InvalidRequestError
from restorejobs_client._core.progress import ProgressBar
from restorejobs_client._core.table import Table
from restorejobs_client._core.text import clipped_repr, one_line
from restorejobs_client._models.jobs import RestoreJob, RestoreJobPage
from restorejobs_client._models.parameters import check_count
from restorejobs_client._outputs.arrow import ArrowExport
from restorejobs_client._paging.run import Query
from restorejobs_client._paging.windows import Window, equal_cuts
from restorejobs_client._watch import RestoreJobWatch, has_ended


class RestoreJobs(ArrowExport):
    """A lazy listing of restore jobs. It is complete, or it raises.

    No request is sent until you iterate over it. Each iteration is a new, full run.
    """

    def __init__(self, query: Query) -> None:
        if query.limit is not None:
            check_count("limit", query.limit, least=0)
        self._query = query

    @property
    def region_name(self) -> str:
        """The AWS region of the jobs, such as `"eu-central-1"`."""
        return self._query.origin["region_name"]

    @property
    def profile_name(self) -> str | None:
        """The profile whose credentials list the jobs, if the client was given one."""
        return self._query.origin.get("profile_name")

    def _job_pages(self) -> Iterator[Iterable[RestoreJob]]:
        return self.pages()

    def __iter__(self) -> RestoreJobIterator:
        return RestoreJobIterator(self._query)

    def __aiter__(self) -> RestoreJobIterator:
        """Iterate with `async for`, without blocking the event loop: requests run on a thread.

        Cancelling ends the wait at once. The iterator has a `checkpoint`, and raises the same
        errors as iterating without `async`.
        """
        return iter(self)

    def __bool__(self) -> NoReturn:
        """Refuse to say whether there are jobs, because only a request can tell.

        Raises:
            TypeError: always.
        """
        raise TypeError("a listing is lazy and has no truth value: ask whether first() is None")

    def pages(self) -> RestoreJobPageIterator:
        """Iterate page by page. A page may be empty even if more pages follow.

        The iterator has a `checkpoint`. After an error, `next()` requests the page again.
        """
        return RestoreJobPageIterator(self._query)

    def first(self) -> RestoreJob | None:
        """Return the first job, or `None` if there is none. Only one job is requested."""
        return next(iter(self.head(1)), None)

    def head(self, n: int = 10) -> RestoreJobPage:
        """Return the first `n` jobs, or all if there are fewer, as one page.

        Its `next_token` is `None`.

        Raises:
            InvalidRequestError: `n` is not an int of 0 or more.
        """
        check_count("n", n, least=0)
        limit = n if self._query.limit is None else min(n, self._query.limit)
        first = RestoreJobIterator(replace(self._query, limit=limit, progress=False))
        jobs = first._make_whole(lambda: tuple(first))  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # private for users
        return RestoreJobPage(restore_jobs=jobs)

    def split(self, parts: int) -> list[RestoreJobs]:
        """Return `parts` listings that together are exactly this listing. No request is sent.

        They are windows of creation date that have the same length and do not overlap. Each job is
        in exactly one of them, for any order of the jobs, and whether or not AWS's bounds
        are inclusive. The first window has the lower bound of this listing, and the last window has
        its upper bound. If the listing has no `by_created_after`, the last 30 days are divided, and
        the first window also has all older jobs.

        There is one exception: jobs without a creation date may be missing from the windows,
        because AWS may leave them out of any range of dates. AWS does not document such jobs.

        Raises:
            InvalidRequestError: `parts` is not an int of 1 or more, or the listing has a `limit`,
                `next_token` or `resume_from`, which apply to a single run.
        """
        check_count("parts", parts, least=1)
        windows = self._cut_windows("be split", parts)
        return [RestoreJobs(replace(self._query, window=window)) for window in windows]

    def parallel(self, max_workers: int = 8) -> RestoreJobStream:
        """List with several threads, and return the jobs in any order. Use it for long listings.

        The listing is split into windows, and large windows are divided further while they run. If
        AWS throttles, fewer workers continue. A few pages per worker are buffered. When you pause,
        fetching pauses too. When you close or drop the stream, the threads end.

        Jobs without a creation date may be missing, as `split` explains.

        Args:
            max_workers: the largest number of concurrent requests. More than 64 threads would only
                wait for each other, and are not started. A boto3 client that you pass keeps 10
                connections by default; `max_pool_connections` in its config changes that.

        Raises:
            InvalidRequestError: `max_workers` is not an int of 1 or more, or the listing has a
                `limit`, `next_token` or `resume_from`.
            RestoreJobsErrorGroup: while iterating, after all jobs that could be listed. It contains
                the error of each window that failed, with its checkpoint.
                `client.resume(checkpoint)` returns the rest of that window. A few jobs may be
                returned twice.
        """
        workers = min(check_count("max_workers", max_workers, least=1), MAX_WORKERS)
        windows = self._cut_windows("run in parallel", workers)

        def start(window: Window) -> tuple[RestoreJobs, RestoreJobPageIterator]:
            part = RestoreJobs(replace(self._query, window=window, progress=False))
            return part, part.pages()

        tasks = [WindowTask(self._query.parameters, start, window) for window in windows]
        pool = WorkerPool(tasks, workers)
        return RestoreJobStream(pool, ProgressBar("windows", wanted=self._query.progress))

    def watch(
        self,
        restore_job_ids: Iterable[str] | None = None,
        *,
        interval: float = 30.0,
        timeout: float | None = None,
        until: Callable[[RestoreJob], bool] = has_ended,
    ) -> RestoreJobWatch:
        """Follow jobs until they have ended. AWS Backup has no waiters.

        The watch yields every job of the listing, lists again every `interval` seconds, and yields
        a job again whenever any of its members has changed. It ends when `until` is true for all
        jobs that it has seen. New jobs that match the filters are followed too. A change counts as
        seen when it has been handed over, so Ctrl-C between two lines loses none.

        A job is followed to its end even if it no longer matches the filters: `by_status="RUNNING"`
        follows the jobs that run now. If no job matches, the watch ends at once. With ids, the
        watch follows exactly those jobs, and waits for an id that is not listed yet, because AWS
        lists a job a little after its start.

        No request is sent before you ask for the first job. Later rounds list only jobs that may
        have changed. They leave out jobs that were created more than ten minutes before the oldest
        job that is still followed, unless an id is missing. So a new job without a creation date
        may be missing, as `split` explains. By default, a job with a status that this release does
        not know never ends, and the watch keeps waiting for a job that AWS no longer lists. Use a
        `timeout`.

        Args:
            restore_job_ids: the ids of the jobs to follow, in upper or lower case. `None` follows
                all jobs of the listing. An empty list follows nothing, and sends nothing.
            interval: seconds from the start of one round to the start of the next. Each round
                starts up to 10 % earlier or later, so that many watches spread out.
            timeout: seconds after the first request; `None` waits forever. The first round is
                always completed, unless one of its requests fails.
            until: returns `True` for a job that does not need to be followed any more. It is called
                for jobs that were yielded, and in each round for those still followed. For example,
                `until=lambda job: job.deletion_status in ("SUCCESSFUL", "FAILED")` follows restore
                tests until the deletion of their data has ended, or the `timeout` comes.

        Raises:
            InvalidRequestError: `restore_job_ids` is not a list of texts, `interval`, `timeout` or
                `until` is wrong, or the listing has a `limit`, `next_token` or `resume_from`, which
                apply to a single run.
            WatchTimeoutError: while iterating, after `timeout` seconds. `pending` has the ids of
                the jobs that have not ended, including those that were never listed. The
                `__cause__` is the error of the latest request; `None` if AWS has answered it.
            Exception: while iterating, what `until` raises, as it is. `next()` asks it again. A
                StopIteration becomes a RuntimeError, as in a generator.
            RestoreJobsError: while iterating, as for the listing. `next()` tries again after one
                second, or after `interval` if that is shorter.

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
        self._reject_single_run_options("be watched")
        return RestoreJobWatch(
            self._query, restore_job_ids, interval=interval, timeout=timeout, until=until
        )

    def _cut_windows(self, purpose: str, parts: int) -> list[Window]:
        self._reject_single_run_options(purpose)
        window = self._query.window
        return window.cut_at(equal_cuts(*window.span(self._query.parameters), parts))

    def _reject_single_run_options(self, purpose: str) -> None:
        query = self._query
        given = [None if query.limit is None else "limit", query.started_by]
        if names := " and ".join(filter(None, given)):
            message = f"a listing with {names} cannot {purpose}: create a listing without {names}"
            raise InvalidRequestError(message)

    def __repr__(self) -> str:
        """Return the region and the filters of the listing in one line. No request is sent."""
        return one_line("RestoreJobs", self._query.described())

    def _repr_html_(self) -> str:
        """Return the region and the filters of the listing for a notebook. No request is sent."""
        described = self._query.described()
        if not described.keys() - self._query.origin.keys():
            described["filters"] = "none: all jobs"
        title = "Restore jobs, not listed before you iterate; .head() shows the first 10"
        return Table.of_facts(title, described).html()


def gather(
    *listings: RestoreJobs, max_workers: int = 8, progress: bool = False
) -> RestoreJobStream:
    """Fetch several listings concurrently, and return their jobs in argument order.

    Use it for many regions or accounts, with one listing for each. A few pages per worker are
    buffered. When you pause, fetching pauses too. When you close or drop the stream, the threads
    end. A client whose listings have ended closes its connections until it is used again.

    Args:
        listings: the listings, in the order of their jobs.
        max_workers: the largest number of concurrent requests. More than 64 threads would only wait
            for each other, and are not started.
        progress: show how many listings have ended, and the jobs and pages so far, in a terminal
            or notebook.

    Raises:
        InvalidRequestError: an argument is not a listing, or `max_workers` is not an int of 1 or
            more.
        ImportError: while iterating, `progress` is true, and the extra `progress` is not installed.
        RestoreJobsErrorGroup: while iterating, after all jobs that could be listed. It contains the
            error of each listing that failed, with the `listing`, a `checkpoint`, and a note that
            names the listing.
    """
    left = defaultdict[Callable[[], object], list[Task]](list)  # equal methods have one client

    def finish(close: Callable[[], object]) -> None:
        left[close].pop()
        if not left[close]:
            close()

    tasks: list[Task] = []
    for group, listing in enumerate(listings):
        if not isinstance(listing, RestoreJobs):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without types
            raise InvalidRequestError(
                f"{clipped_repr(listing)} is not a listing: pass each listing as an argument, as "
                "in gather(*listings)"
            )
        close = listing._query.close  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # of this module
        tasks.append(Task(listing, listing.pages(), group, partial(finish, close)))
        left[close].append(tasks[-1])
    workers = min(check_count("max_workers", max_workers, least=1), len(listings))
    bar = ProgressBar("listings", len(listings), wanted=progress)
    return RestoreJobStream(WorkerPool(tasks, workers), bar)
