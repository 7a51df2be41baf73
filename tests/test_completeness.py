"""The first law: a listing is complete, or it raises an error that brings the rest."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest
from page_server import Answer, Fault, PageServer

from restorejobs_client import (
    MalformedResponseError,
    RestoreJob,
    RestoreJobsClient,
    RestoreJobsError,
    ServiceError,
    TransportError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

SIZE = 100  # three pages


def body(content: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Fault:
    return lambda _: Answer(status=status, body=content, headers=headers or {})


def changed(change: Callable[[dict[str, Any]], object]) -> Fault:
    """Serve the right page with one thing changed in its JSON."""

    def fault(answer: Answer) -> Answer:
        content = json.loads(answer.body)
        change(content)
        return Answer(body=json.dumps(content).encode())

    return fault


def job(value: object) -> Fault:
    """Put this in the place of the eighth job, or behind them where there are not so many."""
    return changed(lambda content: content["RestoreJobs"].__setitem__(slice(7, 8), [value]))


def member(name: str, value: object) -> Fault:
    def change(content: dict[str, Any]) -> None:
        content["RestoreJobs"][7:8] = [
            {**job, name: value} for job in content["RestoreJobs"][7:8] or [{}]
        ]

    return changed(change)


def the(name: str, value: object) -> Fault:
    return changed(lambda content: content.__setitem__(name, value))


NO_LISTS: list[object] = [None, {}, {"a": 1}, "x", 5, True]
NO_TOKENS: list[object] = [5, 0, False, {}, [], ["x"]]
NO_JOBS: list[object] = [None, 5, [], "x", True]
DAMAGE: dict[str, Fault] = {
    "html": body(b"<html><body>Sign in</body></html>", headers={"Content-Type": "text/html"}),
    "nothing": body(b""),
    "white space": body(b" \r\n "),
    "cut JSON": lambda answer: Answer(body=answer.body[: len(answer.body) // 2]),
    "JSON without its last byte": lambda answer: Answer(body=answer.body[:-1]),
    "short body": lambda answer: Answer(
        body=answer.body, sent=len(answer.body) // 2, ending="close"
    ),
    "short body that is whole JSON": lambda _: Answer(
        body=b'{"RestoreJobs": []}', content_length=5000, ending="close"
    ),
    "trailing bytes": lambda answer: Answer(body=answer.body + b"garbage"),
    "trailing comma": lambda answer: Answer(body=answer.body + b","),
    "two documents": lambda answer: Answer(body=answer.body * 2),
    "list": body(b"[]"),
    "null": body(b"null"),
    "number": body(b"42"),
    "text": body(b'"x"'),
    "true": body(b"true"),
    "invalid UTF-8": lambda answer: Answer(body=answer.body.replace(b"job-", b"job\xff", 1)),
    "NULs": body(b"\0" * 500),
    "NUL behind": lambda answer: Answer(body=answer.body + b"\0"),
    "byte order mark": lambda answer: Answer(body=b"\xef\xbb\xbf" + answer.body),
    "UTF-16": lambda answer: Answer(body=answer.body.decode().encode("utf-16")),
    "gzip": lambda answer: Answer(
        body=gzip.compress(answer.body), headers={"Content-Encoding": "gzip"}
    ),
    "RestoreJobs twice": lambda answer: Answer(
        body=b'{"RestoreJobs": [{"RestoreJobId": "hidden"}],' + answer.body[1:]
    ),
    "RestoreJobs twice, once escaped": lambda answer: Answer(
        body=rb'{"Restore\u004aobs": [{"RestoreJobId": "hidden"}],' + answer.body[1:]
    ),
    "RestoreJobs twice, among brackets": lambda answer: Answer(
        body=b'{"Odd": ["]"], "RestoreJobs": [{"StatusMessage": "[x]"}],' + answer.body[1:]
    ),
    "NextToken twice": lambda answer: Answer(body=b'{"NextToken": "hidden",' + answer.body[1:]),
    "NextToken twice, then null": lambda answer: Answer(
        body=answer.body[:-1] + b', "NextToken": "hidden", "NextToken": null}'
    ),
    "NextToken with half of a surrogate pair": changed(
        lambda content: content.update(NextToken="\ud800")
    ),
    "100,000 opening brackets": body(b"[" * 100_000),
    "100,000 opening braces": body(b'{"a":' * 100_000),
    "message": body(b'{"message": "Internal error"}'),
    "error type": body(b'{"__type": "InternalFailure"}'),
    "NextToken null alone": body(b'{"NextToken": null}'),
    "NextToken empty alone": body(b'{"NextToken": ""}'),
    "other case": body(b'{"restoreJobs": [], "nextToken": null}'),
    "RestoreJobs by another name": changed(
        lambda content: content.update(RestoreJobz=content.pop("RestoreJobs"))
    ),
    **{f"RestoreJobs {value!r}": the("RestoreJobs", value) for value in NO_LISTS},
    **{f"NextToken {value!r}": the("NextToken", value) for value in NO_TOKENS},
    **{f"job {value!r}": job(value) for value in NO_JOBS},
    "RestoreJobId number": member("RestoreJobId", 5),
    "CreationDate text": member("CreationDate", "yesterday"),
    "CreationDate naive": member("CreationDate", "2026-01-01T00:00:00"),
    "CreationDate boolean": member("CreationDate", True),
    "CreationDate NaN": member("CreationDate", float("nan")),
    "CreationDate infinite": member("CreationDate", float("inf")),
    "CreationDate far": member("CreationDate", 1e18),
    "Status number": member("Status", 3),
    "Status list": member("Status", []),
    "CreatedBy text": member("CreatedBy", "plan"),
    "BackupSizeInBytes text": member("BackupSizeInBytes", "many"),
    "PercentDone number": member("PercentDone", 40),
    "IsParent text": member("IsParent", "perhaps"),
    "204": body(b"", 204),
    "205": body(b"", 205),
    "206 html": body(b"<html></html>", 206),
    "closed before": lambda _: Answer(raw=b"", ending="close"),
    "reset before": lambda _: Answer(raw=b"", ending="reset"),
    "closed in the head": lambda _: Answer(raw=b"HTTP/1.1 200 OK\r\nContent-", ending="close"),
    "reset in the body": lambda answer: Answer(
        body=answer.body, sent=len(answer.body) // 2, ending="reset"
    ),
    "no HTTP": lambda _: Answer(raw=b"220 mail.example ESMTP\r\n\r\n", ending="close"),
    "chunks cut": lambda answer: Answer(
        raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        + b"%x\r\n" % len(answer.body)
        + answer.body[:99],
        ending="close",
    ),
    "last chunk missing": lambda answer: Answer(
        raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        + b"%x\r\n" % len(answer.body)
        + answer.body
        + b"\r\n",
        ending="close",
    ),
    **{
        f"{status} {name}": body(content, status)
        for status in (429, 500, 502, 503, 504)
        for name, content in {
            "JSON": b'{"message": "Slow down", "Code": "X"}',
            "HTML": b"<html><body>Bad</body></html>",
            "nothing": b"",
            "list": b"[]",
            "invalid UTF-8": b"\xff\xfe",
            "brackets": b"[" * 100_000,
            "wrong types": b'{"message": 5, "__type": {}, "code": []}',
        }.items()
        if status in {500, 503} or name in {"HTML", "nothing"}  # 429 is waited for longer
    },
    "throttled": body(b'{"message": "Rate exceeded"}', 400, {"x-amzn-ErrorType": "Throttling"}),
}
REFUSALS: dict[str, Fault] = {
    "300": body(b"", 300),
    "301": body(b"", 301, {"Location": "http://127.0.0.1:9/"}),
    "302": body(b"<html>moved</html>", 302, {"Location": "http://127.0.0.1:9/"}),
    "304": body(b"", 304),
    **{
        f"{status} {name}": body(content, status)
        for status in (400, 403, 404, 418)
        for name, content in {
            "JSON": b'{"message": "No", "Code": "X"}',
            "HTML": b"<html><body>Bad</body></html>",
            "nothing": b"",
            "null": b"null",
            "invalid UTF-8": b"\xff\xfe",
            "brackets": b"[" * 100_000,
            "wrong types": b'{"message": 5, "__type": {}, "code": []}',
        }.items()
    },
}
FAULTS = DAMAGE | REFUSALS
every_page = pytest.mark.parametrize("page", [1, 2, 3])


def all_jobs(server: PageServer) -> list[RestoreJob]:
    return [RestoreJob.from_dict(job) for job in server.jobs]


def run(client: RestoreJobsClient, resume_from: str | None = None) -> tuple[list[Any], str | None]:
    """Return the jobs that came, and the checkpoint of the error that ended it, if one did."""
    jobs: list[RestoreJob] = []
    try:
        jobs.extend(
            _into(jobs, client.list_restore_jobs(max_results=SIZE, resume_from=resume_from))
        )
    except RestoreJobsError as error:
        assert error.checkpoint is not None
        assert error.__cause__ is not None or isinstance(error, MalformedResponseError)
        return jobs, error.checkpoint
    return jobs, None


def _into(jobs: list[RestoreJob], listing: Any) -> list[RestoreJob]:
    for one in listing:
        jobs.append(one)  # noqa: PERF402  # kept although the next one may raise
    return []


@every_page
@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_that_passes_heals_by_itself(
    server: PageServer, client: RestoreJobsClient, kind: str, page: int
) -> None:
    server.fail(page, DAMAGE[kind], times=1)

    assert run(client) == (all_jobs(server), None)
    assert len(server.requests) == 4


@every_page
@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_that_stays_raises_and_its_checkpoint_brings_the_rest(
    server: PageServer, client: RestoreJobsClient, kind: str, page: int
) -> None:
    server.fail(page, FAULTS[kind])

    before, checkpoint = run(client)
    assert before == all_jobs(server)[: (page - 1) * SIZE]
    assert checkpoint is not None

    server.heal()
    rest, error = run(client, checkpoint)
    assert error is None
    assert before + rest == all_jobs(server)


@every_page
@pytest.mark.parametrize("kind", REFUSALS)
def test_the_same_iterator_goes_on_after_an_error(
    server: PageServer, client: RestoreJobsClient, kind: str, page: int
) -> None:
    server.fail(page, REFUSALS[kind], times=2)
    jobs: list[RestoreJob] = []
    iterator = iter(client.list_restore_jobs(max_results=SIZE))

    for _ in range(2):
        with pytest.raises(ServiceError):
            _into(jobs, iterator)
    _into(jobs, iterator)

    assert jobs == all_jobs(server)
    assert list(iterator) == []


def test_pages_go_on_after_an_error_too(server: PageServer, client: RestoreJobsClient) -> None:
    server.fail(2, REFUSALS["403 JSON"], times=1)
    pages = client.list_restore_jobs(max_results=SIZE).pages()

    first = next(pages)
    with pytest.raises(ServiceError):
        next(pages)
    rest = list(pages)

    jobs = [job for page in (first, *rest) for job in page.restore_jobs]
    assert jobs == all_jobs(server)


@pytest.mark.parametrize("page", [2, 3])
def test_an_empty_object_is_not_the_page_that_a_token_promised(
    server: PageServer, client: RestoreJobsClient, page: int
) -> None:
    server.fail(page, body(b"{}"), times=1)
    assert run(client) == (all_jobs(server), None)

    server.fail(page, body(b"{}"))
    before, checkpoint = run(client)
    assert before == all_jobs(server)[: (page - 1) * SIZE]
    assert checkpoint is not None


@pytest.mark.parametrize(
    "content", [b"{}", b'{"RestoreJobs": []}', b'{"RestoreJobs": [], "NextToken": ""}']
)
def test_an_empty_listing_is_empty(
    server: PageServer, client: RestoreJobsClient, content: bytes
) -> None:
    server.fail(1, body(content))
    assert run(client) == ([], None)


def test_a_page_may_have_nothing_but_the_token_of_the_next(
    server: PageServer, client: RestoreJobsClient
) -> None:
    more = json.dumps({"NextToken": server.token(SIZE)}).encode()
    server.fail(1, body(more))
    assert run(client) == (all_jobs(server)[SIZE:], None)

    for nothing in (b'{"NextToken": ""}', b'{"NextToken": null}'):
        server.heal()
        server.fail(1, body(nothing))
        with pytest.raises(MalformedResponseError, match="there is no RestoreJobs in it"):
            client.list_restore_jobs().first()


@pytest.mark.parametrize(
    "name", ["nextToken", "next_token", "NEXTTOKEN", "NextTokem", "extToken", "NextTokens"]
)
def test_a_token_by_another_name_ends_no_listing(
    server: PageServer, client: RestoreJobsClient, name: str
) -> None:
    renamed = changed(lambda content: content.update({name: content.pop("NextToken")}))
    server.fail(2, renamed)
    jobs, checkpoint = run(client)
    assert jobs == all_jobs(server)[:SIZE]

    server.heal()
    assert jobs + run(client, checkpoint)[0] == all_jobs(server)

    server.fail(2, renamed)
    with pytest.raises(MalformedResponseError, match=f"HTTP 200 .*no NextToken, but {name!r}"):
        list(client.list_restore_jobs(max_results=SIZE))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("nextToken", None),
        ("nextToken", ""),
        ("AggregationPeriod", "ONE_DAY"),
        ("TotalRestoreJobs", 9),
        ("NextTokenExpiration", 1_800_000_000),
    ],
)
def test_members_that_aws_may_add_change_nothing(
    server: PageServer, client: RestoreJobsClient, name: str, value: object
) -> None:
    server.fail(3, the(name, value))
    assert run(client) == (all_jobs(server), None)

    server.heal()
    server.fail(2, changed(lambda content: content.update({"nextToken": "x"})))
    assert run(client) == (all_jobs(server), None)


def test_a_whole_page_without_content_length_is_taken(
    server: PageServer, client: RestoreJobsClient
) -> None:
    server.fail(2, lambda answer: Answer(body=answer.body, content_length=-1, ending="close"))
    server.fail(
        3,
        lambda answer: Answer(
            raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            + b"%x\r\n" % len(answer.body)
            + answer.body
            + b"\r\n0\r\n\r\n"
        ),
    )
    assert run(client) == (all_jobs(server), None)


def test_damage_is_named_with_what_came(server: PageServer, client: RestoreJobsClient) -> None:
    server.fail(1, DAMAGE["html"])
    with pytest.raises(MalformedResponseError, match=r"HTTP 200 .*33 bytes .*<html><body>Sign in"):
        client.list_restore_jobs().first()

    server.heal()
    server.fail(1, DAMAGE["nothing"])
    with pytest.raises(MalformedResponseError, match="HTTP 200 with an empty body is not a list"):
        client.list_restore_jobs().first()

    server.heal()
    server.fail(1, DAMAGE["short body that is whole JSON"])
    # Up to botocore 1.43.114 the transport notices, and says it in its words.
    with pytest.raises(
        (MalformedResponseError, TransportError), match=r"19 of 5000 bytes|Connection was closed"
    ):
        client.list_restore_jobs().first()


def test_no_connection_is_a_transport_error() -> None:
    with PageServer([]) as gone:
        boto3_client = gone.client()
    with pytest.raises(TransportError, match=r"127\.0\.0\.1") as caught:
        RestoreJobsClient(client=boto3_client).list_restore_jobs().first()
    assert caught.value.checkpoint is not None


def test_retries_end_at_the_attempts_that_were_configured(server: PageServer) -> None:
    server.fail(1, DAMAGE["html"])
    for attempts in (1, 3):
        server.requests.clear()
        with pytest.raises(MalformedResponseError):
            RestoreJobsClient(client=server.client(attempts=attempts)).list_restore_jobs().first()
        assert len(server.requests) == attempts
