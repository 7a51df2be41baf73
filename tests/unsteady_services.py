"""Three services that list jobs and fail on demand: in memory, the page server, the embedded one.

What they do to a request is told by name, so that a generated case can be read. Their clients try
each request once: nothing waits, and every fault shows.
"""

from __future__ import annotations

import itertools
import json
from collections import deque
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, cast, get_args

from botocore.config import Config
from memory_service import START, Service, listing_of
from page_server import Answer, Fault, PageServer
from test_completeness import FAULTS

from restorejobs_client import (
    ListRestoreJobsRequest,
    MalformedResponseError,
    RestoreJob,
    RestoreJobPage,
    RestoreJobs,
    RestoreJobsClient,
    RestoreJobsError,
    ThrottlingException,
    TransportError,
)
from restorejobs_client.testing import FakeBackup, FaultName

if TYPE_CHECKING:
    from collections.abc import Callable

ONE_TRY = Config(retries={"total_max_attempts": 1})
ODD_PAGES = ["the token again", *(f"a page of {size}" for size in (0, 1, 2, 3, 7, 1000))]


def size_of(kind: str) -> int:
    return int(kind.removeprefix("a page of "))


class UnsteadyService(Protocol):
    """A listing, and what can be done to its requests."""

    kinds: ClassVar[list[str]]

    def begin(self, ids: list[str | None]) -> list[RestoreJob]:
        """Hold jobs of these ids and nothing else, and return them in the order of the service."""

    def fail_next(self, kind: str) -> None:
        """Do this to the next request that nothing else is waiting for."""

    def listing(
        self, *, max_results: int, limit: int | None = None, resume_from: str | None = None
    ) -> RestoreJobs:
        """List it, under a page size that it may ignore."""


class InMemory:
    """Pages from a plain function, which pickles as an address does: what is there stays there."""

    errors: ClassVar[dict[str, Callable[[], RestoreJobsError]]] = {
        "throttled": lambda: ThrottlingException("slow down", response={}, operation_name="x"),
        "malformed": lambda: MalformedResponseError("what"),
        "unreachable": lambda: TransportError("nobody there"),
    }
    kinds: ClassVar[list[str]] = [*errors, *ODD_PAGES]

    def __init__(self) -> None:
        self.service = Service([])
        self.next_kinds: deque[str] = deque()
        self.serials = itertools.count()
        self.own_size: int | None = None

    def begin(self, ids: list[str | None]) -> list[RestoreJob]:
        self.heal()
        self.serials = itertools.count()
        self.service.jobs = [RestoreJob(restore_job_id=one) for one in ids]
        return self.service.jobs

    def fail_next(self, kind: str) -> None:
        self.next_kinds.append(kind)

    def ignore_max_results(self, own_size: int | None) -> None:
        self.own_size = own_size

    def place(self, token: str) -> int:
        return int(token)

    def heal(self) -> None:
        self.next_kinds.clear()
        self.own_size = None

    def answer(self, parameters: dict[str, Any]) -> RestoreJobPage:
        kind = self.next_kinds.popleft() if self.next_kinds else ""
        if kind in self.errors:
            raise self.errors[kind]()  # noqa: RSE102  # a function that makes it
        asked = parameters.get("NextToken")
        own_size = size_of(kind) if kind.startswith("a page of") else self.own_size
        if own_size is not None:
            parameters = parameters | {"MaxResults": own_size}
        page = self.service.fetch(parameters)
        if page.next_token is None:
            return page
        # Another token each time, as AWS's are.
        token = f"{'0' * next(self.serials)}{page.next_token}"
        again = kind == "the token again" and asked is not None
        return RestoreJobPage(restore_jobs=page.restore_jobs, next_token=asked if again else token)

    def listing(
        self, *, max_results: int, limit: int | None = None, resume_from: str | None = None
    ) -> RestoreJobs:
        request = ListRestoreJobsRequest(max_results=max_results)
        return listing_of(in_memory_fetch, request=request, limit=limit, resume_from=resume_from)


IN_MEMORY = InMemory()


def in_memory_fetch(parameters: dict[str, object]) -> RestoreJobPage:
    return IN_MEMORY.answer(parameters)


class OverSockets:
    """The page server, through a client that pickles."""

    kinds: ClassVar[list[str]] = [*FAULTS, *ODD_PAGES]

    def __init__(self, server: PageServer) -> None:
        self.server = server
        self.client = RestoreJobsClient(
            region_name="eu-west-1", endpoint_url=server.endpoint_url, config=ONE_TRY
        )

    def begin(self, ids: list[str | None]) -> list[RestoreJob]:
        self.heal()
        self.server.requests.clear()
        self.server.jobs = [{"RestoreJobId": one} for one in ids]
        return [RestoreJob(restore_job_id=one) for one in ids]

    def fail_next(self, kind: str) -> None:
        if kind in FAULTS:
            self.server.fail_next(FAULTS[kind])
        elif kind == "the token again":
            self.server.fail_next(self._token_again)
        else:
            self.server.fail_next(self._page_of(size_of(kind)))

    def place(self, token: str) -> int | None:
        return self.server.place(token)

    def ignore_max_results(self, own_size: int | None) -> None:
        self.server.ignores_max_results = own_size is not None  # it has a size of its own

    def heal(self) -> None:
        self.server.heal()
        self.server.ignores_max_results = False

    def _page_of(self, size: int) -> Fault:
        def fault(_: Answer) -> Answer:
            place = self.server.place(self.server.requests[-1].get("nextToken", "0"))
            page = self.server.page(place or 0, size)
            if page["NextToken"] is not None:  # the same place, another token
                page["NextToken"] = f"{'0' * len(self.server.requests)}{(place or 0) + size}"
            return Answer(body=json.dumps(page).encode())

        return fault

    def _token_again(self, answer: Answer) -> Answer:
        asked = self.server.requests[-1].get("nextToken")
        if asked is None:
            return answer
        return Answer(body=json.dumps(json.loads(answer.body) | {"NextToken": asked}).encode())

    def listing(
        self, *, max_results: int, limit: int | None = None, resume_from: str | None = None
    ) -> RestoreJobs:
        return self.client.list_restore_jobs(
            max_results=max_results, limit=limit, resume_from=resume_from
        )


class Embedded:
    """The service that the package brings."""

    kinds: ClassVar[list[str]] = list(get_args(FaultName))

    def __init__(self, backup: FakeBackup) -> None:
        self.backup = backup
        self.client = backup.client(config=ONE_TRY)

    def begin(self, ids: list[str | None]) -> list[RestoreJob]:
        jobs = [
            RestoreJob(
                restore_job_id=None if one is None else f"{one}-{number}",
                creation_date=START - timedelta(seconds=number),
            )
            for number, one in enumerate(ids)
        ]
        self.backup.seed(jobs)
        return jobs

    def fail_next(self, kind: str) -> None:
        self.backup.fail_next(cast("FaultName", kind))

    def listing(
        self, *, max_results: int, limit: int | None = None, resume_from: str | None = None
    ) -> RestoreJobs:
        return self.client.list_restore_jobs(
            max_results=max_results, limit=limit, resume_from=resume_from
        )
