"""The pages of `FakeBackup`: sizes, tokens, refused parameters, and jobs that change."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from http.client import HTTPException
from typing import Any, get_args
from urllib.parse import quote

import pytest
from support.fakes import (
    COMPLETED,
    JOBS,
    NOON,
    OTHER_ACCOUNT,
    OTHER_REGION,
    PENDING,
    REGION,
    RUNNING,
    boto3_client,
    get,
    get_page,
    ids,
    listed,
    send,
)

from restorejobs_client import RestoreJob
from restorejobs_client.testing import FakeBackup, FaultName, fake_backup

# Pages and tokens


@pytest.mark.parametrize("size", [1, 19, 20, 21, 59, 60, 61])
def test_pages_are_full(backup: FakeBackup, size: int) -> None:
    """Every page except the last has `maxResults` jobs; only the last has no token."""
    backup.seed(JOBS[:60])
    sizes: list[int] = []
    token: str | None = None
    while token is not None or not sizes:
        jobs, token = get_page(backup, maxResults=size, **({"nextToken": token} if token else {}))
        sizes.append(len(jobs))
    assert sizes == [min(size, 60 - start) for start in range(0, 60, size)]


def test_default_page_size(backup: FakeBackup) -> None:
    """Without `maxResults`, a page has 1,000 jobs."""
    backup.seed(RestoreJob(restore_job_id=f"{number:04}") for number in range(1_001))
    jobs, token = get_page(backup)
    assert len(jobs) == 1000
    assert ids(get_page(backup, nextToken=token)[0]) == ["1000"]


def test_tokens_are_unique(served: FakeBackup) -> None:
    """Tokens are URL-safe and all different, even for the same place."""
    tokens = [str(get_page(served, maxResults=5)[1]) for _ in range(3)]
    assert len(set(tokens)) == 3
    assert [quote(token, safe="") for token in tokens] == tokens
    for token in tokens:
        assert get_page(served, maxResults=5, nextToken=token)[0] == JOBS[5:10]


def test_page_size_may_change(served: FakeBackup) -> None:
    """A token is valid with another page size."""
    _, token = get_page(served, maxResults=5)
    assert get_page(served, maxResults=11, nextToken=token)[0] == JOBS[5:16]


def test_jobs_may_change_between_pages(backup: FakeBackup) -> None:
    """When jobs are added or removed between pages, no other job is skipped or repeated."""
    backup.seed(JOBS[10:20])
    _, token = get_page(backup, maxResults=5)
    backup.clear()
    backup.seed(JOBS[:14] + JOBS[16:25])
    assert get_page(backup, nextToken=token)[0] == JOBS[16:25]


def test_token_is_valid_in_another_fake(served: FakeBackup) -> None:
    """A token stands for the same place in any fake."""
    _, token = get_page(served, maxResults=3)
    with fake_backup(JOBS[:7]) as other:
        assert get_page(other, nextToken=token)[0] == JOBS[3:7]


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"status": "FAILED"},
        {"status": "COMPLETED", "resourceType": "EBS"},
        {"status": "COMPLETED", "accountId": "*"},
        {"status": "COMPLETED", "createdAfter": NOON.isoformat()},
        {"status": "COMPLETED", "region_name": OTHER_REGION},
        {"status": "COMPLETED", "account_id": OTHER_ACCOUNT},
    ],
)
def test_token_of_another_listing_is_refused(served: FakeBackup, parameters: Any) -> None:
    """A token is valid only with the same filters, region and account."""
    _, token = get_page(served, maxResults=5, status="COMPLETED")
    refused = get(served, nextToken=token, **parameters)
    assert (refused.status, refused.json()["Context"]) == (400, "nextToken")


def test_wrong_tokens_are_refused(served: FakeBackup) -> None:
    """A token that was changed in any way is refused."""
    token = str(get_page(served, maxResults=5)[1])
    rng = random.Random(1)  # noqa: S311  # not cryptographic
    changed = [
        token[:place] + ("0" if token[place] != "0" else "1") + token[place + 1 :]
        for place in rng.sample(range(len(token)), 25)
    ]
    for wrong in (*changed, "", "é", token[:-1], f"{token}0", token.upper(), f" {token}"):
        refused = get(served, nextToken=wrong)
        assert (refused.status, refused.json()["Context"]) == (400, "nextToken")


# Refused parameters and recorded requests


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
def test_fake_refuses_wrong_parameters(
    backup: FakeBackup, parameter: str, values: list[str]
) -> None:
    """The fake refuses what AWS refuses, with the members of AWS's error."""
    for value in values:
        refused = get(backup, **{parameter: value})
        assert refused.status == 400
        assert refused.headers["x-amzn-ErrorType"] == "InvalidParameterValueException"
        assert refused.headers["x-amzn-RequestId"]
        members = refused.json()
        assert set(members) == {"Code", "Message", "Type", "Context"}
        assert (members["Context"], members["Type"]) == (parameter, "User")
        assert members["Message"].startswith(f"{parameter}: ")


def test_boto3_raises_the_modelled_error(backup: FakeBackup) -> None:
    """boto3 raises the exception class from its model, with all members."""
    client = boto3_client(backup)
    with pytest.raises(client.exceptions.InvalidParameterValueException) as caught:
        client.list_restore_jobs(NextToken="x")
    assert (caught.value.response["Type"], caught.value.response["Context"]) == (
        "User",
        "nextToken",
    )
    assert "nextToken" in caught.value.response["Error"]["Message"]


def test_requests_are_recorded(backup: FakeBackup) -> None:
    """`requests` has the parameters of all requests in order, including failed requests."""
    backup.seed(JOBS[:3])
    _, token = get_page(backup, maxResults=2)
    backup.fail_next("throttle")
    get(backup, nextToken=token)
    get(backup, resourceType="Storage Gateway", createdAfter="2025-03-08T12:00:00Z")
    assert backup.requests == [
        {"maxResults": "2"},
        {"nextToken": token},
        {"resourceType": "Storage Gateway", "createdAfter": "2025-03-08T12:00:00Z"},
    ]


def test_threads_list_while_others_seed(backup: FakeBackup) -> None:
    """Listings are complete while other threads add jobs."""
    jobs = JOBS[:40]
    backup.seed(jobs)

    def work(number: int) -> list[RestoreJob]:
        backup.seed(jobs[number : number + 5], region_name=(REGION, OTHER_REGION)[number % 2])
        return listed(backup, maxResults=10)

    with ThreadPoolExecutor(20) as threads:
        assert list(threads.map(work, range(20))) == [jobs] * 20
    assert len(backup.requests) == 20 * 4


# Jobs that are added after a listing


def test_seed_next_adds_jobs_after_each_listing(backup: FakeBackup) -> None:
    """After each listing, the jobs of one `seed_next` are added, even if there are none."""
    backup.seed([PENDING])
    backup.seed_next([RUNNING])
    backup.seed_next([])
    backup.seed_next(iter([COMPLETED, JOBS[0]]))
    seen = [listed(backup) for _ in range(5)]
    assert seen == [[PENDING], [RUNNING], [RUNNING], [JOBS[0], COMPLETED], [JOBS[0], COMPLETED]]


def test_seed_next_waits_for_the_last_page(backup: FakeBackup) -> None:
    """Jobs are added after the last page of a listing, not after each page."""
    backup.seed(JOBS[:5])
    backup.seed_next(JOBS[5:6])
    for _ in range(3):
        get_page(backup, maxResults=2)
    assert listed(backup, maxResults=2) == JOBS[:5]
    assert listed(backup, maxResults=2) == JOBS[:6]


def test_seed_next_counts_listings_of_any_client(backup: FakeBackup) -> None:
    """The listing may have any filters, region and account."""
    elsewhere: dict[str, Any] = {"region_name": OTHER_REGION, "account_id": OTHER_ACCOUNT}
    backup.seed([PENDING])
    backup.seed_next([RUNNING])
    backup.seed_next([COMPLETED], **elsewhere)
    assert listed(backup, **elsewhere, status="FAILED") == []
    assert listed(backup, **elsewhere) == []
    assert listed(backup, **elsewhere) == [COMPLETED]
    assert listed(backup) == [RUNNING]


@pytest.mark.parametrize("fault", get_args(FaultName))
def test_seed_next_ignores_faults(backup: FakeBackup, fault: FaultName) -> None:
    """An answer with a fault is not the end of a listing."""
    backup.seed([PENDING, JOBS[0]])
    backup.seed_next([RUNNING])
    _, token = get_page(backup, maxResults=1)
    backup.fail_next(fault)
    with suppress(OSError, HTTPException):
        get(backup, nextToken=token)
    assert len(backup.requests) == 2
    assert listed(backup) == [JOBS[0], PENDING]
    assert listed(backup) == [JOBS[0], RUNNING]


def test_seed_next_ignores_refused_requests(backup: FakeBackup) -> None:
    """A request that is refused or not signed is not the end of a listing."""
    backup.seed_next([RUNNING])
    assert get(backup, maxResults=0).status == 400
    assert send(backup, headers={}).status == 403
    assert listed(backup) == []
    assert listed(backup) == [RUNNING]


def test_clear_removes_waiting_jobs(backup: FakeBackup) -> None:
    """`clear` also removes the jobs of `seed_next`."""
    backup.seed_next([RUNNING])
    backup.clear()
    assert listed(backup) == listed(backup) == []


def test_seed_next_adds_each_step_after_one_listing(backup: FakeBackup) -> None:
    """Listings that end at the same time each see a different step."""
    steps = [replace(PENDING, status_message=f"step {number}") for number in range(81)]
    backup.seed(steps[:1])
    for step in steps[1:]:
        backup.seed_next([step])
    with ThreadPoolExecutor(8) as threads:
        seen = [job for jobs in threads.map(lambda _: listed(backup), steps) for job in jobs]
    assert sorted(seen, key=str) == sorted(steps, key=str)
