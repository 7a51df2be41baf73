"""The jobs of `FakeBackup`: seeding, order, filters, regions and accounts."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from support.fakes import (
    ACCOUNT,
    COMPLETE,
    COMPLETED,
    JOBS,
    NOON,
    OTHER_ACCOUNT,
    OTHER_REGION,
    REGION,
    RUNNING,
    boto3_client,
    get,
    get_page,
    ids,
    listed,
)

from restorejobs_client import InvalidRequestError, RestoreJob, RestoreJobCreator, RestoreJobStatus
from restorejobs_client.testing import FakeBackup, fake_backup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MICROSECOND = timedelta(microseconds=1)


# Jobs


def test_clients_list_seeded_jobs_newest_first(backup: FakeBackup) -> None:
    """Clients of this package and of boto3 list the seeded jobs, newest first."""
    client = backup.client()
    assert list(client.list_restore_jobs()) == []
    backup.seed(reversed(JOBS))
    assert list(client.list_restore_jobs(max_results=100)) == JOBS
    failed = [job for job in JOBS if job.status == "FAILED"]
    assert list(client.list_restore_jobs(by_status="FAILED")) == failed
    pages = boto3_client(backup).get_paginator("list_restore_jobs").paginate(ByStatus="FAILED")
    assert [RestoreJob.from_dict(job) for page in pages for job in page["RestoreJobs"]] == failed


def test_every_member_is_listed(backup: FakeBackup) -> None:
    """Every member is listed with the value that was seeded, even an odd one."""
    full = RestoreJob.from_dict(
        COMPLETE
        | {
            "RestoreJobId": "Ünïcode-Id",
            "CreationDate": NOON + timedelta(microseconds=123_457),
            "Status": "PAUSED",
            "StatusMessage": 'a\n"b" <c>',
            "ExpectedCompletionTimeMinutes": 0,
            "RecoveryPointCreationDate": datetime(1969, 12, 31, 23, tzinfo=UTC),
            "ParentJobId": "",
        }
    )
    assert None not in full.to_dict().values()
    bare = RestoreJob(restore_job_id="bare")
    backup.seed([full, bare])
    assert list(backup.client().list_restore_jobs()) == [full, bare]


def test_page_looks_like_a_page_of_aws(backup: FakeBackup) -> None:
    """A page is JSON with AWS's names, dates in epoch seconds, and no unset members."""
    created = NOON + timedelta(milliseconds=87)
    backup.seed([RestoreJob(restore_job_id="A", creation_date=created, backup_size_in_bytes=5)])
    response = get(backup)
    assert response.status == 200
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["x-amzn-RequestId"]
    seconds = pytest.approx(NOON.timestamp() + 0.087, abs=1e-7)
    job = {"RestoreJobId": "A", "CreationDate": seconds, "BackupSizeInBytes": 5}
    assert response.json() == {"RestoreJobs": [job], "NextToken": None}


def test_jobs_are_sorted_by_date_and_id(backup: FakeBackup) -> None:
    """Jobs with the same date are sorted by id; jobs without a date are last."""
    dated = [RestoreJob(restore_job_id=name, creation_date=NOON) for name in "BaA"]
    undated = [RestoreJob(restore_job_id="1"), RestoreJob(restore_job_id="0")]
    backup.seed(undated + dated)
    assert ids(listed(backup, maxResults=1)) == ["A", "B", "a", "0", "1"]
    assert ids(listed(backup, createdBefore=datetime.now(UTC))) == ["A", "B", "a"]
    assert ids(listed(backup, createdAfter=NOON)) == ["A", "B", "a"]


def test_seeding_a_job_again_replaces_it(backup: FakeBackup) -> None:
    """A job replaces the job with exactly the same id; jobs without an id are all kept."""
    other_case = replace(RUNNING, restore_job_id="A")
    nameless = RestoreJob(is_parent=False)
    backup.seed([RUNNING, other_case, nameless, nameless])
    backup.seed([COMPLETED, nameless])
    assert listed(backup, maxResults=1) == [other_case, COMPLETED, *[nameless] * 3]
    assert listed(backup, status="RUNNING") == [other_case]


def test_seed_accepts_values_that_from_dict_accepts(backup: FakeBackup) -> None:
    """Seeded values may have any form that `from_dict` accepts."""
    east = NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))
    jobs: list[dict[str, Any]] = [
        {"restore_job_id": "a", "creation_date": east, "status": "running"},
        {"restore_job_id": "b", "creation_date": NOON.timestamp(), "status": "PAUSED"},
    ]
    backup.seed(RestoreJob(**job) for job in jobs)
    assert listed(backup, status="RUNNING") == [RUNNING]
    assert ids(listed(backup, createdAfter=NOON)) == ["a", "b"]


NAIVE = datetime(2025, 6, 15)  # noqa: DTZ001  # intentional


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"creation_date": NAIVE}, rf"creation_date: .*timezone.*{NAIVE!r}"),
        ({"completion_date": "noon"}, "completion_date: .*'noon'"),
        ({"restore_job_id": 7}, "restore_job_id: .*text.*got 7"),
        ({"status": 404}, "status: .*text.*got 404"),
        ({"is_parent": "perhaps"}, "is_parent: .*'perhaps'"),
        ({"backup_size_in_bytes": 1.5}, "backup_size_in_bytes: .*got 1.5"),
        ({"created_by": "me"}, "created_by: .*'me'"),
        (
            {"created_by": {"restore_testing_plan_arn": 1}},
            r"created_by\.restore_testing_plan_arn: .*got 1",
        ),
    ],
)
def test_wrong_jobs_are_refused(backup: FakeBackup, members: Any, message: str) -> None:
    """The error names the job, the member and the value."""
    message = message.replace("(", r"\(").replace(")", r"\)")
    with pytest.raises(InvalidRequestError, match=rf"jobs\[2\]\.{message}"):
        backup.seed([*JOBS[:2], RestoreJob(**members)])


@pytest.mark.parametrize(
    "members",
    [
        {"backup_size_in_bytes": 10**5000},
        {"creation_date": datetime.max.replace(tzinfo=UTC)},
        {"completion_date": datetime(1002, 5, 16, 8, 59, 53, 327_777, tzinfo=UTC)},
    ],
)
def test_jobs_that_would_be_listed_as_others_are_refused(
    backup: FakeBackup, members: dict[str, Any]
) -> None:
    """A job that JSON cannot carry, or that would come back changed, is refused by its place."""
    with pytest.raises(InvalidRequestError, match=r"jobs\[2\]: .*JSON keeps exact.*'odd'"):
        backup.seed([*JOBS[:2], RestoreJob(restore_job_id="odd", **members)])
    assert listed(backup) == []


@pytest.mark.parametrize(
    ("jobs", "message"),
    [
        ([JOBS[0], {"RestoreJobId": "b"}], r"jobs\[1\]: .*RestoreJob\.from_dict.*{'RestoreJobId'"),
        ([None], r"jobs\[0\]: .*a RestoreJob.*got None"),
        ("ab", r"jobs\[0\]: .*got 'a'"),
        (JOBS[0], r"jobs: .*iterable.*got RestoreJob\("),
        (5, "jobs: .*iterable.*got 5"),
    ],
)
def test_other_objects_are_refused(backup: FakeBackup, jobs: Any, message: str) -> None:
    """Only jobs can be seeded; if one object is refused, no job is added."""
    calls: list[Callable[[Any], object]] = [
        backup.seed,
        backup.seed_next,
        lambda jobs: fake_backup(jobs).__enter__(),
    ]
    for call in calls:
        with pytest.raises(InvalidRequestError, match=message):
            call(jobs)
    assert listed(backup) == listed(backup) == []


def test_error_of_the_iterable_is_raised(backup: FakeBackup) -> None:
    """If the iterable of jobs raises an error, no job is added."""

    def jobs() -> Iterator[RestoreJob]:
        yield JOBS[0]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        backup.seed(jobs())
    assert listed(backup) == []


# Filters

FilterCase = tuple[dict[str, Any], "Callable[[RestoreJob], bool]"]
MIDDLE = JOBS[150].creation_date or NOON
DONE = next(job.completion_date for job in JOBS[100:] if job.completion_date)
PLANS = {str(job.created_by.restore_testing_plan_arn) for job in JOBS if job.created_by}
PARENT = next(job.parent_job_id for job in JOBS if job.parent_job_id)


def having(member: str, value: object) -> Callable[[RestoreJob], bool]:
    return lambda job: getattr(job, member) == value


def within(
    member: str, after: datetime | None = None, before: datetime | None = None
) -> Callable[[RestoreJob], bool]:
    def match(job: RestoreJob) -> bool:
        moment: datetime | None = getattr(job, member)
        return (
            moment is not None
            and (after is None or moment >= after)
            and (before is None or moment < before)
        )

    return match


FILTERS: list[FilterCase] = [
    *(({"status": status}, having("status", status)) for status in RestoreJobStatus),
    *(
        ({"resourceType": kind}, having("resource_type", kind))
        for kind in ("EBS", "S3", "Storage Gateway", "SAP HANA on Amazon EC2")
    ),
    *(
        (
            {"restoreTestingPlanArn": plan},
            having("created_by", RestoreJobCreator(restore_testing_plan_arn=plan)),
        )
        for plan in sorted(PLANS)
    ),
    ({"parentJobId": PARENT}, having("parent_job_id", PARENT)),
    ({"createdAfter": MIDDLE}, within("creation_date", MIDDLE)),
    ({"createdBefore": MIDDLE}, within("creation_date", None, MIDDLE)),
    *(
        (
            {"createdAfter": MIDDLE, "createdBefore": MIDDLE + width},
            within("creation_date", MIDDLE, MIDDLE + width),
        )
        for width in (timedelta(hours=1), timedelta(hours=100))
    ),
    ({"completeAfter": DONE}, within("completion_date", DONE)),
    ({"completeBefore": DONE}, within("completion_date", None, DONE)),
    (
        {"completeAfter": DONE - timedelta(9), "createdBefore": DONE, "status": "COMPLETED"},
        lambda job: (
            within("completion_date", DONE - timedelta(9))(job)
            and within("creation_date", None, DONE)(job)
            and job.status == "COMPLETED"
        ),
    ),
]


@pytest.mark.parametrize(("parameters", "match"), FILTERS)
def test_filters_select_matching_jobs(
    served: FakeBackup, parameters: dict[str, object], match: Callable[[RestoreJob], bool]
) -> None:
    """Each filter selects exactly the jobs that match it."""
    expected = list(filter(match, JOBS))
    assert 0 < len(expected) < len(JOBS)
    assert listed(served, maxResults=60, **parameters) == expected


@pytest.mark.parametrize(
    "parameters",
    [
        {"resourceType": "NoSuchType"},
        {"parentJobId": PARENT.swapcase()},
        {"createdAfter": MIDDLE, "createdBefore": MIDDLE},
        {"createdAfter": MIDDLE, "createdBefore": MIDDLE - timedelta(hours=1)},
        {"accountId": "222222222222"},
    ],
)
def test_filters_may_match_no_job(served: FakeBackup, parameters: dict[str, object]) -> None:
    """Filters that match no job give an empty listing."""
    assert listed(served, **parameters) == []


@pytest.mark.parametrize("kind", ["created", "complete"])
def test_bounds_are_exact(backup: FakeBackup, kind: str) -> None:
    """Bounds are exact to the microsecond, in any time zone; only the lower one is inclusive."""
    moment = NOON + MICROSECOND
    backup.seed([RestoreJob(restore_job_id="a", creation_date=moment, completion_date=moment)])
    after, before = f"{kind}After", f"{kind}Before"
    east = moment.astimezone(timezone(timedelta(hours=5, minutes=30))).isoformat()
    assert ids(listed(backup, **{after: east, before: moment + MICROSECOND})) == ["a"]
    assert listed(backup, **{before: moment}) == []
    assert listed(backup, **{after: moment + MICROSECOND}) == []


def test_unknown_parameters_are_ignored(served: FakeBackup) -> None:
    """A parameter that AWS does not have changes nothing."""
    assert get_page(served, colour="red", maxResults=3)[0] == JOBS[:3]


# Regions and accounts


def test_fake_separates_regions_and_accounts(backup: FakeBackup) -> None:
    """A caller lists the jobs of its region, and of its account or the account that it names."""
    accounts = (ACCOUNT, OTHER_ACCOUNT)
    places = list(itertools.product((REGION, OTHER_REGION), accounts))
    spread = {place: JOBS[40 * number :][:40] for number, place in enumerate(places)}
    for (region, account), jobs in spread.items():
        backup.seed(jobs, region_name=region, account_id=account)
    for region, account in places:
        caller: dict[str, Any] = {"region_name": region, "account_id": account, "maxResults": 30}
        assert listed(backup, **caller) == spread[region, account]
        for owner in accounts:
            assert listed(backup, **caller, accountId=owner) == spread[region, owner]
        all_accounts = [job for owner in accounts for job in spread[region, owner]]
        assert listed(backup, **caller, accountId="*") == all_accounts
    backup.clear()
    assert listed(backup, accountId="*") == []
    assert listed(backup, region_name=OTHER_REGION) == []


def test_jobs_of_all_accounts_are_merged_by_date(backup: FakeBackup) -> None:
    """The jobs of all accounts are in one order, even if their ids are equal."""
    backup.seed(JOBS[::2])
    backup.seed(JOBS[1::2], account_id=OTHER_ACCOUNT)
    assert listed(backup, maxResults=40, accountId="*") == JOBS
    backup.clear()
    jobs = [replace(RUNNING, account_id=account) for account in (OTHER_ACCOUNT, ACCOUNT)]
    for job in jobs:
        backup.seed([job], account_id=job.account_id)
    assert listed(backup, maxResults=1, accountId="*") == jobs


def test_fakes_are_separate() -> None:
    """Fakes that run at the same time do not share jobs, faults or requests."""
    with fake_backup(JOBS[:3]) as outer:
        with fake_backup(JOBS[3:5]) as inner:
            assert listed(inner) == JOBS[3:5]
            inner.seed(JOBS[5:6])
            inner.fail_next("access_denied")
            assert listed(outer) == JOBS[:3]
        assert listed(outer) == JOBS[:3]
        assert len(outer.requests) == 2
