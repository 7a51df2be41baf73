"""Each fault of `fail_next`, over a real socket."""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING, get_args

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from testing_support import (
    JOBS,
    boto3_client,
    connect,
    get,
    ids,
    listed,
    page_ids,
    received,
    signed,
)

from restorejobs_client import _errors
from restorejobs_client._models import RestoreJob
from restorejobs_client.testing import FakeBackup, FaultName, fake_backup

if TYPE_CHECKING:
    from collections.abc import Iterator

AWS_ERRORS: dict[FaultName, tuple[int, str, set[str]]] = {  # status, code, members
    "throttle": (400, "ThrottlingException", {"message"}),
    "access_denied": (403, "AccessDeniedException", {"Message"}),
    "expired_token": (403, "ExpiredTokenException", {"message"}),
    "unavailable": (
        503,
        "ServiceUnavailableException",
        {"Code", "Message", "Type", "Context"},
    ),
}
PLAIN: dict[FaultName, tuple[int, str | None, bool]] = {  # status, content type, has a body
    "too_many_requests": (429, None, False),
    "server_error": (500, "text/html", True),
    "damage": (200, "text/html", True),
    "empty_body": (200, "application/json", False),
    "no_content": (204, None, False),
    "redirect": (302, None, False),
}
OTHERS: set[FaultName] = {
    "cut",
    "short",
    "trailing",
    "reset",
    "reset_in_body",
    "stuck_token",
    "empty_page",
    "ignored_max_results",
}


@pytest.fixture
def backup() -> Iterator[FakeBackup]:
    with fake_backup(JOBS[:9]) as backup:
        yield backup


def test_every_fault_has_a_test() -> None:
    assert set(get_args(FaultName)) == AWS_ERRORS.keys() | PLAIN.keys() | OTHERS


@pytest.mark.parametrize("fault", AWS_ERRORS)
def test_errors_have_the_form_of_those_of_aws(backup: FakeBackup, fault: FaultName) -> None:
    status, code, members = AWS_ERRORS[fault]
    backup.fail_next(fault, times=2)
    with pytest.raises(ClientError) as caught:
        boto3_client(backup).list_restore_jobs()
    assert caught.value.response["Error"]["Code"] == code
    assert caught.value.response["Error"]["Message"]
    answered, headers, body = get(backup)
    assert (answered, headers["x-amzn-ErrorType"]) == (status, code)
    assert headers["x-amzn-RequestId"] != caught.value.response["ResponseMetadata"]["RequestId"]
    assert json.loads(body).keys() == members
    assert listed(boto3_client(backup)) == JOBS[:9]


@pytest.mark.parametrize("fault", PLAIN)
def test_answers_of_proxies_have_no_error_of_aws(backup: FakeBackup, fault: FaultName) -> None:
    status, content_type, has_body = PLAIN[fault]
    backup.fail_next(fault)
    answered, headers, body = get(backup)
    assert (answered, headers["Content-Type"], bool(body)) == (status, content_type, has_body)
    assert headers["Content-Length"] == str(len(body))
    assert bool(headers["Location"]) == (fault == "redirect")
    assert "x-amzn-ErrorType" not in headers
    assert get(backup)[0] == 200


def test_cut_is_half_a_page_of_that_length(backup: FakeBackup) -> None:
    _, _, whole = get(backup)
    backup.fail_next("cut")
    status, headers, body = get(backup)
    assert (status, headers["Content-Length"]) == (200, str(len(whole) // 2))
    assert body == whole[: len(whole) // 2]


def test_short_promises_a_whole_page_and_closes_after_half(backup: FakeBackup) -> None:
    _, _, whole = get(backup)
    backup.fail_next("short", times=2)
    connection = connect(backup)
    connection.request("GET", "/restore-jobs/", headers=signed())
    response = connection.getresponse()
    assert response.headers["Content-Length"] == str(len(whole))
    with pytest.raises(http.client.IncompleteRead) as caught:
        response.read()
    assert caught.value.partial == whole[: len(whole) // 2]
    connection.close()
    got, was_reset = received(backup)
    assert not was_reset
    assert got.partition(b"\r\n\r\n")[2] == whole[: len(whole) // 2]


def test_trailing_is_a_page_and_garbage(backup: FakeBackup) -> None:
    _, _, whole = get(backup)
    backup.fail_next("trailing")
    _, _, body = get(backup)
    assert body.startswith(whole)
    with pytest.raises(ValueError, match="Extra data"):
        json.loads(body)


def test_reset_comes_before_any_byte(backup: FakeBackup) -> None:
    backup.fail_next("reset", times=2)
    assert received(backup) == (b"", True)
    with pytest.raises(BotoCoreError):
        boto3_client(backup).list_restore_jobs()
    assert listed(boto3_client(backup)) == JOBS[:9]


def test_reset_in_body_comes_after_half_a_page(backup: FakeBackup) -> None:
    _, _, whole = get(backup)
    backup.fail_next("reset_in_body", times=2)
    got, was_reset = received(backup)
    head, _, body = got.partition(b"\r\n\r\n")
    assert was_reset
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert f"Content-Length: {len(whole)}".encode() in head
    assert body == whole[: len(whole) // 2]
    with pytest.raises(BotoCoreError):
        boto3_client(backup).list_restore_jobs()


def test_stuck_token_waits_for_a_token_and_hands_it_out_again(backup: FakeBackup) -> None:
    backup.fail_next("stuck_token")
    backup.fail_next("access_denied")
    client = boto3_client(backup)
    first = client.list_restore_jobs(MaxResults=4)
    stuck = client.list_restore_jobs(MaxResults=4, NextToken=first["NextToken"])
    assert page_ids(stuck) == ids(JOBS[4:8])
    assert stuck["NextToken"] == first["NextToken"]
    with pytest.raises(ClientError, match="AccessDenied"):
        client.list_restore_jobs()


def test_the_client_raises_for_a_stuck_token(backup: FakeBackup) -> None:
    backup.fail_next("stuck_token")
    with pytest.raises(_errors.PaginationError):
        list(backup.client().list_restore_jobs(max_results=2))


def test_empty_pages_lead_to_the_same_place_with_other_tokens(backup: FakeBackup) -> None:
    backup.fail_next("empty_page", times=2)
    client = boto3_client(backup)
    tokens: list[str] = []
    jobs: list[str] = []
    page = client.list_restore_jobs(MaxResults=4)
    while "NextToken" in page:
        tokens.append(page["NextToken"])
        if len(tokens) == 3:
            backup.fail_next("empty_page", times=2)
        jobs += page_ids(page)
        page = client.list_restore_jobs(MaxResults=4, NextToken=page["NextToken"])
    jobs += page_ids(page)
    assert jobs == ids(JOBS[:9])
    assert len(tokens) == len(set(tokens)) == 6


def test_an_empty_page_has_a_token_even_without_jobs(backup: FakeBackup) -> None:
    backup.clear()
    backup.fail_next("empty_page")
    page = boto3_client(backup).list_restore_jobs()
    assert page["RestoreJobs"] == []
    assert boto3_client(backup).list_restore_jobs(NextToken=page["NextToken"])["RestoreJobs"] == []


def test_ignored_max_results_brings_a_full_page_and_goes_on_behind_it(backup: FakeBackup) -> None:
    jobs = [RestoreJob(restore_job_id=f"{number:04}") for number in range(1_003)]
    backup.clear()
    backup.seed(jobs)
    backup.fail_next("ignored_max_results")
    client = boto3_client(backup)
    page = client.list_restore_jobs(MaxResults=4)
    assert page_ids(page) == ids(jobs[:1000])
    rest = client.list_restore_jobs(MaxResults=4, NextToken=page["NextToken"])
    assert page_ids(rest) == ids(jobs[1000:])


def test_faults_queue_up_for_as_many_requests_as_asked(backup: FakeBackup) -> None:
    backup.fail_next("throttle", times=2)
    backup.fail_next("damage", times=0)
    backup.fail_next("no_content")
    assert [get(backup)[0] for _ in range(5)] == [400, 400, 204, 200, 200]
    assert len(backup.requests) == 5


def test_a_fault_that_damages_the_page_also_damages_a_refusal(backup: FakeBackup) -> None:
    backup.fail_next("trailing")
    status, _, body = get(backup, maxResults="0")
    assert (status, body[-7:]) == (400, b"</html>")


def test_an_unknown_fault_is_refused_with_the_names(backup: FakeBackup) -> None:
    with pytest.raises(_errors.InvalidRequestError) as caught:
        backup.fail_next("throtle")  # type: ignore[arg-type]  # a misspelling
    assert "did you mean 'throttle'?" in str(caught.value)
    assert all(name in str(caught.value) for name in get_args(FaultName))
    with pytest.raises(_errors.InvalidRequestError) as caught:
        backup.fail_next("xyzzy")  # type: ignore[arg-type]  # nothing like it
    assert "did you mean" not in str(caught.value)
    with pytest.raises(_errors.InvalidRequestError, match="times"):
        backup.fail_next("throttle", times=-1)
    assert get(backup)[0] == 200
