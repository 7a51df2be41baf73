"""A listing, and its iterators."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Iterator
from operator import attrgetter
from typing import TYPE_CHECKING

from typing_extensions import override

from restorejobs_client._arrow import Tables
from restorejobs_client._cursor import Cursor, next_page, with_checkpoint
from restorejobs_client._errors import InvalidRequestError
from restorejobs_client._gather import Balance, Crew, Gathered, Identity, Run, checked_workers
from restorejobs_client._html import Cell, table
from restorejobs_client._models import RestoreJob, RestoreJobPage
from restorejobs_client._progress import JobsProgress
from restorejobs_client._text import one_line
from restorejobs_client._windows import WHOLE, Window, equal_cuts

if TYPE_CHECKING:
    from restorejobs_client._cursor import FetchPage
    from restorejobs_client._request import ListRestoreJobsRequest

_RESTORE_JOBS: Callable[[RestoreJobPage], tuple[RestoreJob, ...]] = attrgetter("restore_jobs")


class RestoreJobIterator(Iterator[RestoreJob]):
    """One run of a listing, job by job.

    After an error, `next()` asks for the same page again: it never ends without the rest. Use it
    from one thread at a time.

    Examples:
        >>> from restorejobs_client.testing import fake_backup, sample_jobs
        >>> with fake_backup(sample_jobs(100)) as backup:
        ...     client = backup.client()
        ...     jobs = iter(client.list_restore_jobs())
        ...     first = next(jobs)
        ...     rest = list(client.list_restore_jobs(resume_from=jobs.checkpoint))
        >>> [first, *rest] == sample_jobs(100)
        True
    """

    def __init__(self, cursor: Cursor, fetch: FetchPage) -> None:
        self._cursor = cursor
        self._fetch = fetch
        self._jobs = cursor.jobs

    @override
    def __iter__(self) -> RestoreJobIterator:
        return self

    @override
    def __next__(self) -> RestoreJob:
        for job in self._jobs:
            return job
        while True:
            self._jobs = self._cursor.jobs  # also of a page that an interrupt kept from us
            for job in self._jobs:
                return job
            if not next_page(self._cursor, self._fetch):
                raise StopIteration

    @property
    def checkpoint(self) -> str:
        """The exact place after the last job handed out, for `resume_from`.

        Text of one line without spaces that holds the page token, the id of the last job and a
        fingerprint of the filters. It is there from before the first job until after the last.
        """
        return self._cursor.checkpoint


class _AsyncIterator(AsyncIterator[RestoreJob]):
    """One run of a listing for `async for`; like `RestoreJobIterator`, it survives an error.

    A page is asked for on a thread and taken in on the event loop: a wait that is cancelled leaves
    the place as it was.
    """

    def __init__(self, cursor: Cursor, fetch: FetchPage) -> None:
        from asyncio import Lock  # noqa: PLC0415  # only for those who use it

        self._cursor = cursor
        self._fetch = fetch
        self._jobs = cursor.jobs
        self._turn = Lock()  # several tasks may share it: one asks for the page, the others wait

    @override
    async def __anext__(self) -> RestoreJob:
        for job in self._jobs:
            return job
        async with self._turn:
            while True:
                self._jobs = self._cursor.jobs
                for job in self._jobs:
                    return job
                if not await self._next_page():
                    raise StopAsyncIteration

    async def _next_page(self) -> bool:
        parameters = self._cursor.parameters()
        if parameters is None:
            return False
        with with_checkpoint(self._cursor):
            self._cursor.accept(await _on_a_thread(lambda: self._fetch(parameters)))
        return True

    @property
    def checkpoint(self) -> str:
        """The exact place after the last job handed out, for `resume_from`."""
        return self._cursor.checkpoint


async def _on_a_thread(fetch: Callable[[], RestoreJobPage]) -> RestoreJobPage:
    """Await a page without blocking the event loop.

    Not `asyncio.to_thread`: its pool makes the loop wait, at its end, for a request that nobody
    wants any more, and shares its few threads with all others.
    """
    from asyncio import wrap_future  # noqa: PLC0415  # only for those who use it
    from concurrent.futures import Future  # noqa: PLC0415

    future: Future[RestoreJobPage] = Future()
    future.set_running_or_notify_cancel()

    def work() -> None:
        try:
            future.set_result(fetch())
        except BaseException as error:  # noqa: BLE001  # raised where it is awaited
            future.set_exception(error)

    threading.Thread(target=work, name="restorejobs", daemon=True).start()
    return await wrap_future(future)


class _Pages(Iterator[RestoreJobPage]):
    """One run of a listing, page by page; like `RestoreJobIterator`, it survives an error."""

    def __init__(self, cursor: Cursor, fetch: FetchPage) -> None:
        self._cursor = cursor
        self._fetch = fetch

    @override
    def __next__(self) -> RestoreJobPage:
        if not self._cursor.has_new_page and not next_page(self._cursor, self._fetch):
            raise StopIteration
        return self._cursor.take_page()


class RestoreJobs(Tables):
    """A listing of restore jobs: lazy, and complete or it raises.

    Nothing is sent until it is iterated, and each iteration is a fresh and full run.
    """

    def __init__(  # noqa: PLR0913  # made by the client alone
        self,
        fetch: FetchPage,
        request: ListRestoreJobsRequest,
        *,
        region_name: str | None = None,
        window: Window = WHOLE,
        limit: int | None = None,
        resume_from: str | None = None,
        progress: bool = False,
    ) -> None:
        if limit is not None and (type(limit) is not int or limit < 0):
            message = f"limit={limit!r} is refused: it must be an int, 0 or more, or None"
            raise InvalidRequestError(message)
        if resume_from is not None and request.next_token is not None:
            message = "next_token and resume_from both say where to begin: give one"
            raise InvalidRequestError(message)
        self._fetch = fetch
        self._request = request
        self._region_name = region_name
        self._window = window
        self._limit = limit
        self._resume_from = resume_from
        self._progress = progress
        self._cursor()  # refuses a bad checkpoint now, not at the first job

    @override
    def _job_pages(self) -> Iterator[tuple[RestoreJob, ...]]:
        return map(_RESTORE_JOBS, self.pages())

    def _cursor(self) -> Cursor:
        return Cursor(
            self._request,
            region_name=self._region_name,
            window=self._window,
            limit=self._limit,
            resume_from=self._resume_from,
            progress=JobsProgress(self._limit) if self._progress else None,
        )

    def __iter__(self) -> RestoreJobIterator:
        return RestoreJobIterator(self._cursor(), self._fetch)

    def __aiter__(self) -> AsyncIterator[RestoreJob]:
        """Iterate with `async for`: requests run on a thread, and nothing blocks the event loop.

        Cancelling ends the wait at once. Otherwise as iterating without `async`.
        """
        return _AsyncIterator(self._cursor(), self._fetch)

    def pages(self) -> Iterator[RestoreJobPage]:
        """Iterate page by page, as AWS divides them; a page may be empty although more follow.

        Errors are as in iterating by job, and `next()` asks again after one.
        """
        return _Pages(self._cursor(), self._fetch)

    def first(self) -> RestoreJob | None:
        """Return the first job, or `None` where there is none: one request for one job."""
        return next(iter(self._up_to(1)), None)

    def head(self, n: int = 10) -> RestoreJobPage:
        """Return the first `n` jobs (fewer where there are not as many) as one page, to look at.

        Its `next_token` is `None`.

        Raises:
            InvalidRequestError: `n` is not an int of 0 or more.
        """
        if type(n) is not int or n < 0:
            message = f"n={n!r} is refused: it must be an int, 0 or more"
            raise InvalidRequestError(message)
        return RestoreJobPage(restore_jobs=tuple(self._up_to(n)))

    def split(self, parts: int) -> list[RestoreJobs]:
        """Return as many listings as `parts`, which together are exactly this one.

        They are disjoint windows of creation date. No job is lost and none comes twice, whatever
        the order of the service and whether its bounds are inclusive. The windows have one length
        in time; the first and the last are as open as this listing is. Nothing is sent. Where there
        is no lower bound, the last 30 days are divided and the first window has all that is older.
        A job without a creation date, which AWS does not make, is in no window that the service
        would list it in.

        Raises:
            InvalidRequestError: `parts` is not an int of 1 or more, or the listing has a `limit`,
                `next_token` or `resume_from`, which are places in one run.
        """
        if type(parts) is not int or parts < 1:
            message = f"parts={parts!r} is refused: it must be an int, 1 or more"
            raise InvalidRequestError(message)
        return [
            self._part(window, progress=self._progress) for window in self._windows("split", parts)
        ]

    def parallel(self, max_workers: int = 8) -> Iterator[RestoreJob]:
        """Iterate over the listing on several threads, in no order: for long listings.

        The listing is split into windows, and windows that turn out to be larger than others are
        divided further while they run. At most `max_workers` requests are under way at the same
        time (a boto3 client of yours has 10 connections unless its `max_pool_connections` says
        otherwise), and pages wait in a buffer of a few per worker: a consumer that pauses stops
        the fetching, and one that stops iterating ends the threads. Where the service throttles,
        fewer workers go on. The iterator can also be made into a table, once:
        `pyarrow.table(jobs.parallel())`.

        Raises:
            InvalidRequestError: `max_workers` is not an int of 1 or more, or the listing has a
                `limit`, `next_token` or `resume_from`.
            ExceptionGroup: at the end, when all that could be listed was delivered: the errors of
                the windows that failed, each with its checkpoint. `resume_from` with the filters
                of this listing brings the rest of that window; some jobs may come twice.
        """
        workers = checked_workers(max_workers)
        windows = self._windows("parallel", workers)
        balance = Balance(self._request, self._start)
        crew = Crew([balance.run(window) for window in windows], workers, balance.divide)
        return Gathered(crew.pages("windows" if self._progress else None))

    def _start(self, window: Window, without: frozenset[Identity]) -> Run:
        part = self._part(window)
        return Run(repr(part), part.pages(), without=without)

    def _part(self, window: Window, *, progress: bool = False) -> RestoreJobs:
        return RestoreJobs(
            self._fetch,
            self._request,
            region_name=self._region_name,
            window=window,
            progress=progress,
        )

    def _windows(self, what: str, parts: int) -> list[Window]:
        places = {
            "limit": self._limit,
            "next_token": self._request.next_token,
            "resume_from": self._resume_from,
        }
        given = [name for name, value in places.items() if value is not None]
        if given:
            message = (
                f"a listing with {', '.join(given)} cannot {what}: "
                "that is a place in one run from page to page"
            )
            raise InvalidRequestError(message)
        return self._window.cut_at(equal_cuts(*self._window.span(self._request), parts))

    def _up_to(self, limit: int) -> RestoreJobs:
        return RestoreJobs(
            self._fetch,
            self._request,
            region_name=self._region_name,
            window=self._window,
            limit=limit if self._limit is None else min(limit, self._limit),
            resume_from=self._resume_from,
        )

    def _described(self) -> dict[str, object]:
        """Return where, and what is asked for."""
        lower, upper = self._window.lower, self._window.upper
        described: dict[str, object] = {
            "region_name": self._region_name,
            **self._request.filters(),
            "from": lower and lower.isoformat(),
            "to": upper and upper.isoformat(),
            "next_token": self._request.next_token and "…",
            "limit": self._limit,
            "resume_from": self._resume_from and "…",
        }
        return {name: value for name, value in described.items() if value is not None}

    @override
    def __repr__(self) -> str:
        """Return the listing as one line: where, and what is asked for. Sends nothing."""
        return one_line("RestoreJobs", self._described())

    def _repr_html_(self) -> str:
        """Return where, and what is asked for, for a notebook. Sends nothing."""
        described = self._described()
        if not described.keys() - {"region_name"}:
            described["filters"] = "none: all jobs"
        rows = [(Cell(name), Cell(str(value))) for name, value in described.items()]
        return table("Restore jobs, listed when iterated; .head() shows the first", ("", ""), rows)
