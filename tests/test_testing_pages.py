"""Pages, tokens, refused parameters and the record of requests, over HTTP."""

from __future__ import annotations

import itertools
import json
import random
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from testing_support import (
    JOBS,
    NOON,
    boto3_client,
    connect,
    get,
    ids,
    listed,
    page_ids,
    refusal,
    signed,
)

from restorejobs_client._enums import RestoreJobStatus
from restorejobs_client._models import RestoreJob
from restorejobs_client.testing import FakeBackup, fake_backup

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def backup() -> Iterator[FakeBackup]:
    with fake_backup() as backup:
        yield backup


@pytest.fixture
def served(backup: FakeBackup) -> FakeBackup:
    backup.seed(JOBS)
    return backup


@pytest.mark.parametrize("size", [1, 19, 20, 21, 59, 60, 61])
def test_pages_are_full_up_to_the_last_which_has_no_token(backup: FakeBackup, size: int) -> None:
    backup.seed(RestoreJob(restore_job_id=f"{number:02}") for number in range(60))
    paginator = boto3_client(backup).get_paginator("list_restore_jobs")
    pages = list(paginator.paginate(PaginationConfig={"PageSize": size}))
    assert [len(page["RestoreJobs"]) for page in pages] == [
        min(size, 60 - start) for start in range(0, 60, size)
    ]
    assert [bool(page.get("NextToken")) for page in pages] == [True] * (len(pages) - 1) + [False]


def test_a_page_has_a_thousand_jobs_by_default(backup: FakeBackup) -> None:
    backup.seed(RestoreJob(restore_job_id=f"{number:04}") for number in range(1_001))
    client = boto3_client(backup)
    first = client.list_restore_jobs()
    assert len(first["RestoreJobs"]) == 1000
    assert page_ids(client.list_restore_jobs(NextToken=first["NextToken"])) == ["1000"]


def test_tokens_are_url_safe_and_never_the_same(served: FakeBackup) -> None:
    client = boto3_client(served)
    tokens = [client.list_restore_jobs(MaxResults=5)["NextToken"] for _ in range(3)]
    assert len(set(tokens)) == 3
    assert [quote(token, safe="") for token in tokens] == tokens
    pages = [client.list_restore_jobs(MaxResults=5, NextToken=token) for token in tokens]
    assert [page["RestoreJobs"] for page in pages] == [pages[0]["RestoreJobs"]] * 3


def test_the_page_size_may_change_between_pages(served: FakeBackup) -> None:
    client = boto3_client(served)
    token = client.list_restore_jobs(MaxResults=5)["NextToken"]
    page = client.list_restore_jobs(MaxResults=11, NextToken=token)
    assert page_ids(page) == ids(JOBS[5:16])


def test_jobs_that_come_and_go_between_pages_hide_and_repeat_no_other(backup: FakeBackup) -> None:
    backup.seed(JOBS[10:20])
    client = boto3_client(backup)
    first = client.list_restore_jobs(MaxResults=5)
    backup.clear()
    backup.seed(JOBS[:14] + JOBS[16:25])
    second = client.list_restore_jobs(NextToken=first["NextToken"])
    assert page_ids(second) == ids(JOBS[16:25])


def test_a_token_is_good_in_another_fake_with_the_same_jobs(served: FakeBackup) -> None:
    token = boto3_client(served).list_restore_jobs(MaxResults=3)["NextToken"]
    with fake_backup(JOBS[:7]) as other:
        page = boto3_client(other).list_restore_jobs(NextToken=token)
    assert page_ids(page) == ids(JOBS[3:7])


def test_a_token_of_another_listing_is_refused(served: FakeBackup) -> None:
    client = boto3_client(served)
    token = client.list_restore_jobs(MaxResults=5, ByStatus="COMPLETED")["NextToken"]
    for parameters in (
        {},
        {"ByStatus": "FAILED"},
        {"ByStatus": "COMPLETED", "ByResourceType": "EBS"},
        {"ByStatus": "COMPLETED", "ByAccountId": "*"},
        {"ByStatus": "COMPLETED", "ByCreatedAfter": NOON},
    ):
        assert refusal(client, NextToken=token, **parameters)["Context"] == "nextToken"
    for elsewhere in (
        boto3_client(served, region_name="eu-west-1"),
        boto3_client(served, account_id="111111111111"),
    ):
        assert refusal(elsewhere, NextToken=token, ByStatus="COMPLETED")["Context"] == "nextToken"


def test_a_mangled_token_is_refused(served: FakeBackup) -> None:
    client = boto3_client(served)
    token = client.list_restore_jobs(MaxResults=5)["NextToken"]
    chance = random.Random(1)  # noqa: S311  # nothing secret
    for place in chance.sample(range(len(token)), 25):
        other = "0" if token[place] != "0" else "1"
        refusal(client, NextToken=token[:place] + other + token[place + 1 :])
    for wrong in ("", "é", token[:-1], token + "0", token.upper(), token[1:], f" {token}"):
        assert refusal(client, NextToken=wrong)["Context"] == "nextToken"


@pytest.mark.parametrize(
    ("parameter", "values"),
    [
        ("maxResults", ["0", "1001", "-1", "1.5", "ten", "", " 5", "1_0", "\u0663", "9" * 5000]),
        ("status", ["completed", "DONE", ""]),
        ("accountId", ["12345678901", "1234567890123", "abcdefghijkl", "**", "", "\u0661" * 12]),
        ("resourceType", ["", "a" * 51, "EBS;", "EBS\n", "é"]),
        (
            "createdAfter",
            ["", "yesterday", "2025-06-15T12:00:00", "2025-13-01T00:00:00Z", "1750000000"],
        ),
        ("createdBefore", ["2025-06-15", "0001-01-01T00:00:00+05:00"]),
        ("completeAfter", ["noon"]),
        ("completeBefore", ["noon"]),
        ("nextToken", ["x"]),
    ],
)
def test_parameters_that_the_service_cannot_take_are_refused(
    served: FakeBackup, parameter: str, values: list[str]
) -> None:
    for value in values:
        status, headers, body = get(served, **{parameter: value})
        assert status == 400
        assert headers["x-amzn-ErrorType"] == "InvalidParameterValueException"
        assert headers["x-amzn-RequestId"]
        members = json.loads(body)
        assert set(members) == {"Code", "Message", "Type", "Context"}
        assert members["Context"] == parameter
        assert members["Message"].startswith(f"{parameter}: ")


def test_boto3_sees_the_modelled_members_of_a_refusal(served: FakeBackup) -> None:
    client = boto3_client(served)
    with pytest.raises(client.exceptions.InvalidParameterValueException) as caught:
        client.list_restore_jobs(NextToken="x")
    assert caught.value.response["Type"] == "User"
    assert caught.value.response["Context"] == "nextToken"
    assert "nextToken" in caught.value.response["Error"]["Message"]


def test_twenty_threads_list_at_once_while_others_seed(backup: FakeBackup) -> None:
    jobs = JOBS[:40]
    backup.seed(jobs)
    client = boto3_client(backup, config=Config(max_pool_connections=20))
    elsewhere = itertools.cycle(["us-east-1", "eu-west-1"])

    def work(number: int) -> list[RestoreJob]:
        backup.seed(jobs[number : number + 5], region_name=next(elsewhere))
        return listed(client, page_size=10)

    with ThreadPoolExecutor(20) as threads:
        results = list(threads.map(work, range(20)))
    assert results == [jobs] * 20
    assert len(backup.requests) == 20 * 4


def test_requests_are_recorded_by_their_wire_names_in_order(backup: FakeBackup) -> None:
    backup.seed(JOBS[:3])
    client = boto3_client(backup)
    assert backup.requests == []
    client.list_restore_jobs(MaxResults=2, ByResourceType="Storage Gateway")
    page = client.list_restore_jobs(MaxResults=2, ByCreatedAfter=NOON - timedelta(99))
    backup.fail_next("throttle")
    with pytest.raises(ClientError):
        client.list_restore_jobs(NextToken=page["NextToken"])
    assert backup.requests == [
        {"maxResults": "2", "resourceType": "Storage Gateway"},
        {"maxResults": "2", "createdAfter": "2025-03-08T12:00:00Z"},
        {"nextToken": page["NextToken"]},
    ]


def test_a_hundred_pages_come_within_five_seconds(backup: FakeBackup) -> None:
    jobs = [
        RestoreJob(
            restore_job_id=f"{number:05}", creation_date=NOON, status=RestoreJobStatus.FAILED
        )
        for number in range(10_000)
    ]
    backup.seed(jobs)
    started = time.perf_counter()
    token: dict[str, str] = {}
    connection = connect(backup)
    for start in range(0, 10_000, 100):
        query = urlencode({"maxResults": "100", "status": "FAILED", **token})
        connection.request("GET", f"/restore-jobs/?{query}", headers=signed())
        page = json.loads(connection.getresponse().read())
        assert page["RestoreJobs"][0]["RestoreJobId"] == f"{start:05}"
        token = {"nextToken": page["NextToken"]}
    connection.close()
    assert token == {"nextToken": None}
    assert time.perf_counter() - started < 5
