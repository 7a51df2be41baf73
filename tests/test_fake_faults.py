"""The faults of `FakeBackup.fail_next`."""

from __future__ import annotations

import http.client
import json
from typing import Any, get_args

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from support.fakes import (
    JOBS,
    OTHER_ACCOUNT,
    OTHER_REGION,
    boto3_client,
    get,
    get_page,
    listed,
    received,
)

from restorejobs_client import (
    AccessDeniedException,
    ExpiredTokenException,
    InvalidRequestError,
    PaginationError,
    RestoreJob,
    gather,
)
from restorejobs_client.testing import FakeBackup, FaultName


@pytest.fixture
def backup(backup: FakeBackup) -> FakeBackup:
    """Return a fake with nine jobs."""
    backup.seed(JOBS[:9])
    return backup


AWS_ERRORS: dict[FaultName, tuple[int, str, set[str]]] = {  # status, code, members
    "throttle": (400, "ThrottlingException", {"message"}),
    "access_denied": (403, "AccessDeniedException", {"Message"}),
    "expired_token": (403, "ExpiredTokenException", {"message"}),
    "unavailable": (503, "ServiceUnavailableException", {"Code", "Message", "Type", "Context"}),
}
OTHER_ANSWERS: dict[FaultName, tuple[int, str | None, bool]] = {  # status, type, has a body
    "too_many_requests": (429, None, False),
    "server_error": (500, "text/html", True),
    "damage": (200, "text/html", True),
    "empty_body": (200, "application/json", False),
    "no_content": (204, None, False),
    "redirect": (302, None, False),
}


@pytest.mark.parametrize("fault", AWS_ERRORS)
def test_fault_looks_like_an_error_of_aws(backup: FakeBackup, fault: FaultName) -> None:
    """An error of AWS has AWS's headers and members, and boto3 reads it."""
    status, code, members = AWS_ERRORS[fault]
    backup.fail_next(fault, times=2)
    with pytest.raises(ClientError) as caught:
        boto3_client(backup).list_restore_jobs()
    assert caught.value.response["Error"]["Code"] == code
    assert caught.value.response["Error"]["Message"]
    answer = get(backup)
    assert (answer.status, answer.headers["x-amzn-ErrorType"]) == (status, code)
    request_id = caught.value.response["ResponseMetadata"]["RequestId"]
    assert answer.headers["x-amzn-RequestId"] != request_id
    assert answer.json().keys() == members
    assert listed(backup) == JOBS[:9]


@pytest.mark.parametrize("fault", OTHER_ANSWERS)
def test_fault_looks_like_an_answer_of_a_proxy(backup: FakeBackup, fault: FaultName) -> None:
    """An answer of a proxy is not an error of AWS."""
    status, content_type, has_body = OTHER_ANSWERS[fault]
    backup.fail_next(fault)
    answer = get(backup)
    assert (answer.status, answer.headers["Content-Type"]) == (status, content_type)
    assert bool(answer.body) == has_body
    assert answer.headers["Content-Length"] == str(len(answer.body))
    assert bool(answer.headers["Location"]) == (fault == "redirect")
    assert "x-amzn-ErrorType" not in answer.headers
    assert get(backup).status == 200


def test_cut(backup: FakeBackup) -> None:
    """`cut` sends the first half of a page, with the length of the half."""
    whole = get(backup).body
    backup.fail_next("cut")
    answer = get(backup)
    assert (answer.status, answer.headers["Content-Length"]) == (200, str(len(whole) // 2))
    assert answer.body == whole[: len(whole) // 2]


def test_short(backup: FakeBackup) -> None:
    """`short` sends the first half of a page, with the length of all of it, and closes normally."""
    whole = get(backup).body
    backup.fail_next("short", times=2)
    with pytest.raises(http.client.IncompleteRead) as caught:
        get(backup)
    assert caught.value.partial == whole[: len(whole) // 2]
    head, body, was_reset = received(backup)
    assert f"Content-Length: {len(whole)}".encode() in head
    assert (body, was_reset) == (whole[: len(whole) // 2], False)


def test_trailing(backup: FakeBackup) -> None:
    """`trailing` sends a page that is followed by garbage."""
    whole = get(backup).body
    backup.fail_next("trailing")
    body = get(backup).body
    assert body.startswith(whole)
    with pytest.raises(ValueError, match="Extra data"):
        json.loads(body)


def test_reset(backup: FakeBackup) -> None:
    """`reset` resets the connection before it sends anything."""
    backup.fail_next("reset", times=2)
    assert received(backup) == (b"", b"", True)
    with pytest.raises(BotoCoreError):
        boto3_client(backup).list_restore_jobs()
    assert listed(backup) == JOBS[:9]


def test_reset_in_body(backup: FakeBackup) -> None:
    """`reset_in_body` resets the connection after half of a page."""
    whole = get(backup).body
    backup.fail_next("reset_in_body", times=2)
    head, body, was_reset = received(backup)
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert f"Content-Length: {len(whole)}".encode() in head
    assert (body, was_reset) == (whole[: len(whole) // 2], True)
    with pytest.raises(BotoCoreError):
        boto3_client(backup).list_restore_jobs()


def test_stuck_token(backup: FakeBackup) -> None:
    """`stuck_token` waits for a request with a token and repeats that token in the answer."""
    backup.fail_next("stuck_token")
    backup.fail_next("access_denied")
    _, token = get_page(backup, maxResults=4)
    assert get_page(backup, maxResults=4, nextToken=token) == (JOBS[4:8], token)
    assert get(backup).status == 403
    backup.fail_next("stuck_token")
    with pytest.raises(PaginationError):
        list(backup.client().list_restore_jobs(max_results=2))


def test_stuck_token_comes_after_requests_without_a_token(backup: FakeBackup) -> None:
    """`after` counts requests without a token too, as it does for other faults."""
    backup.fail_next("stuck_token", after=2)
    _, token = get_page(backup, maxResults=4)
    _, token = get_page(backup, maxResults=4, nextToken=token)
    assert get_page(backup, maxResults=4)[1] != token  # the fault waits for a token
    assert get_page(backup, maxResults=4, nextToken=token)[1] == token


def test_empty_name_aims_a_fault_at_all(backup: FakeBackup) -> None:
    """An empty region or account is the default, as for `client` and `seed`."""
    backup.fail_next("access_denied", region_name="", account_id="")
    assert get(backup).status == 403


def test_empty_page(backup: FakeBackup) -> None:
    """`empty_page` sends no jobs and a new token for the same place, even if no jobs exist."""
    for _ in range(2):
        _, token = get_page(backup, maxResults=4)
        backup.fail_next("empty_page")
        jobs, new_token = get_page(backup, maxResults=4, nextToken=token)
        assert (jobs, new_token == token) == ([], False)
        assert get_page(backup, maxResults=4, nextToken=new_token)[0] == JOBS[4:8]
    backup.fail_next("empty_page", times=2)
    assert listed(backup) == JOBS[:9]
    backup.clear()
    backup.fail_next("empty_page")
    jobs, token = get_page(backup)
    assert jobs == []
    assert get_page(backup, nextToken=token) == ([], None)


def test_ignored_max_results(backup: FakeBackup) -> None:
    """`ignored_max_results` sends up to 1,000 jobs, whatever the page size."""
    jobs = [RestoreJob(restore_job_id=f"{number:04}") for number in range(1_003)]
    backup.clear()
    backup.seed(jobs)
    backup.fail_next("ignored_max_results")
    page, token = get_page(backup, maxResults=4)
    assert page == jobs[:1000]
    assert get_page(backup, maxResults=4, nextToken=token)[0] == jobs[1000:]


def test_every_fault_has_a_test() -> None:
    """Each fault is in a table above, or has a test with its name."""
    tested = {name.removeprefix("test_") for name in globals()}
    assert set(get_args(FaultName)) <= tested | AWS_ERRORS.keys() | OTHER_ANSWERS.keys()


def test_faults_are_queued(backup: FakeBackup) -> None:
    """Faults answer the next requests in order, each of them `times` times."""
    backup.fail_next("throttle", times=2)
    backup.fail_next("damage", times=0, after=3)
    backup.fail_next("no_content")
    assert [get(backup).status for _ in range(5)] == [400, 400, 204, 200, 200]
    assert len(backup.requests) == 5


def test_faults_change_refusals_too(backup: FakeBackup) -> None:
    """A fault that changes a page also changes the answer to a wrong request."""
    backup.fail_next("trailing")
    answer = get(backup, maxResults=0)
    assert (answer.status, answer.body[-7:]) == (400, b"</html>")


def test_faults_begin_after_some_requests(backup: FakeBackup) -> None:
    """`after` requests get an answer first; they are counted once it is the turn of the fault."""
    backup.fail_next("throttle", after=1)
    backup.fail_next("no_content", after=2, times=2)
    statuses = [get(backup).status for _ in range(8)]
    assert statuses == [200, 400, 200, 200, 204, 204, 200, 200]


def test_token_expires_in_the_middle_of_a_listing(backup: FakeBackup) -> None:
    """With `after`, the first pages arrive, and the listing continues when the fault is over."""
    backup.fail_next("expired_token", after=2)
    jobs = iter(backup.client().list_restore_jobs(max_results=2))
    delivered = [next(jobs) for _ in range(4)]
    with pytest.raises(ExpiredTokenException):
        next(jobs)
    assert delivered + list(jobs) == JOBS[:9]


def test_one_region_is_denied(backup: FakeBackup) -> None:
    """A fault of one region leaves the other regions alone, whatever the order of requests."""
    backup.fail_next("access_denied", times=100, region_name=OTHER_REGION)
    backup.seed(JOBS[9:12], region_name="eu-north-1")
    regions = ["us-east-1", OTHER_REGION, "eu-north-1"]
    listings = [backup.client(region_name=one).list_restore_jobs(max_results=1) for one in regions]
    delivered: list[RestoreJob] = []
    with pytest.raises(ExceptionGroup) as caught:
        delivered.extend(gather(*listings))
    assert [type(error) for error in caught.value.exceptions] == [AccessDeniedException]
    assert delivered == JOBS[:12]
    assert get(backup, region_name=OTHER_REGION).status == 403


def test_faults_of_one_account(backup: FakeBackup) -> None:
    """`after` and `times` count only the requests of the account and region that are given."""
    aim: dict[str, Any] = {"account_id": OTHER_ACCOUNT, "region_name": OTHER_REGION}
    backup.fail_next("no_content", after=1, **aim)
    backup.fail_next("throttle")  # any request takes it, because the other fault is not for it
    assert get(backup, account_id=OTHER_ACCOUNT).status == 400
    statuses = []
    for _ in range(3):
        assert get(backup).status == 200
        assert get(backup, region_name=OTHER_REGION).status == 200
        statuses.append(get(backup, **aim).status)
    assert statuses == [200, 204, 200]


def test_wrong_faults_are_refused(backup: FakeBackup) -> None:
    """The error lists all faults, and names a wrong argument; nothing is added to the queue."""
    with pytest.raises(InvalidRequestError, match="'throtle'") as caught:
        backup.fail_next("throtle")  # type: ignore[arg-type]  # intentional
    assert all(name in str(caught.value) for name in get_args(FaultName))
    wrong: list[dict[str, Any]] = [
        {"times": -1},
        {"after": -1},
        {"after": True},
        {"account_id": "1"},
    ]
    for arguments in wrong:
        with pytest.raises(InvalidRequestError, match=next(iter(arguments))):
            backup.fail_next("throttle", **arguments)
    assert get(backup).status == 200
