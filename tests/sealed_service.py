"""A listing of three pages, any of which can be replaced; and what such an answer says.

What it says is read by Python's own JSON. Its tokens are sealed: one that was changed is none.
"""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import Any, NamedTuple

from page_server import Answer, PageServer
from typing_extensions import override

from restorejobs_client import (
    InvalidParameterValueException,
    RestoreJob,
    RestoreJobsClient,
    RestoreJobsError,
)

SIZE = 4  # of the three pages
JOBS: list[dict[str, Any]] = [
    {
        "AccountId": "123456789012",
        "RestoreJobId": f"job-{number}",
        "Status": "COMPLETED",
        "StatusMessage": 'größer als "zuvor"\\\n 復元',
        "CreationDate": 1_700_000_000.123 + number,
        "PercentDone": "100.00%",
        "BackupSizeInBytes": 2**40 + number,
        "IsParent": False,
        "ParentJobId": None,
        "CreatedBy": {"RestoreTestingPlanArn": "plan"},
    }
    for number in range(3 * SIZE)
]
EXPECTED = [RestoreJob.from_dict(job) for job in JOBS]


class SealingServer(PageServer):
    """Knows its own tokens from others, as AWS does."""

    @override
    def token(self, place: int) -> str:
        return seal(place)

    @override
    def place(self, token: str) -> int | None:
        return PLACES.get(token)


def seal(place: int) -> str:
    return f"{place}-{blake2b(b'%d' % place, digest_size=9).hexdigest()}"


PLACES = {seal(place): place for place in range(1, len(JOBS))}
DOCUMENTS: list[dict[str, Any]] = [
    {
        "RestoreJobs": JOBS[start : start + SIZE],
        "NextToken": seal(start + SIZE) if start + SIZE < len(JOBS) else None,
    }
    for start in range(0, len(JOBS), SIZE)
]
BODIES = [json.dumps(document, ensure_ascii=False).encode() for document in DOCUMENTS]
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"


def closing(body: bytes, content_length: int = -1, headers: dict[str, str] | None = None) -> Answer:
    """Return an answer that is the last one, and says so: nobody asks on a closed connection."""
    headers = {"Connection": "close"} | (headers or {})
    return Answer(body=body, headers=headers, content_length=content_length, ending="close")


def chunk(body: bytes, length: int | None = None) -> bytes:
    return b"%x\r\n%b\r\n" % (len(body) if length is None else length, body)


class SealedService:
    """A server, and a client of it that tries once."""

    def __init__(self, server: SealingServer) -> None:
        self.server = server
        self.client = RestoreJobsClient(client=server.client(attempts=1))

    def replace_next(self, answer: Answer) -> None:
        self.server.fail_next(lambda _: answer)

    def listed(self, page: int, answer: Answer) -> tuple[list[RestoreJob], RestoreJobsError | None]:
        """List with this answer in place of the page; every other one is right."""
        jobs: list[RestoreJob] = []
        self.server.heal()
        self.server.fail_next(*[lambda healthy: healthy] * page)
        self.replace_next(answer)
        try:
            for job in self.client.list_restore_jobs(max_results=SIZE):
                jobs.append(job)  # noqa: PERF402  # kept although the next one may raise
        except RestoreJobsError as error:
            return jobs, error
        return jobs, None

    def assert_complete_or_raises(self, page: int, answer: Answer) -> None:
        jobs, error = self.listed(page, answer)
        assert error is not None or len(jobs) == len(JOBS)

    def assert_raises(self, page: int, answer: Answer) -> None:
        jobs, error = self.listed(page, answer)
        assert error is not None
        self.assert_resumable(page, jobs, error)

    def assert_resumable(self, page: int, jobs: list[RestoreJob], error: RestoreJobsError) -> None:
        assert jobs == EXPECTED[: page * SIZE]
        assert error.checkpoint is not None
        assert jobs + list(self.client.list_restore_jobs(resume_from=error.checkpoint)) == EXPECTED

    def assert_as_said(self, page: int, answer: Answer, received: bytes | None = None) -> None:
        """Show that the listing is what the answer says, or raises; where it says nothing, raises.

        So it does where a list of jobs has what cannot be a job, or a token that is none.
        """
        says = said(page, answer.body if received is None else received)
        jobs, error = self.listed(page, answer)
        if error is None:
            assert says is not None
            behind = [] if says.token is None else EXPECTED[PLACES[says.token] :]
            assert len(jobs) == page * SIZE + says.jobs + len(behind)
            assert jobs[: page * SIZE] == EXPECTED[: page * SIZE]
            assert jobs[page * SIZE + says.jobs :] == behind
        elif isinstance(error, InvalidParameterValueException):
            assert says is not None
            assert says.token not in PLACES
        else:
            self.assert_resumable(page, jobs, error)


class Said(NamedTuple):
    jobs: int
    token: str | None


def said(page: int, body: bytes) -> Said | None:
    """Read a body with Python's own parser; `None` is what no listing can go on or end with."""
    try:
        content = json.loads(body.decode())
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict):
        return None
    jobs, token = content.get("RestoreJobs", []), content.get("NextToken")
    token = None if token == "" else token
    if not isinstance(jobs, list) or not isinstance(token, str | None):
        return None
    if "RestoreJobs" not in content and token is None and (content or page > 0):
        return None
    return Said(len(jobs), token)
