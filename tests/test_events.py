"""`RestoreJob.from_event` reads EventBridge's "Restore Job State Change", and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from support.fakes import COMPLETE, PLAN

from restorejobs_client import MalformedResponseError, RestoreJob, RestoreJobCreator

JOB_ID = "1A2B3C4D-0000-0000-0000-000000000001"
DATE = "2026-01-31T02:03:04.567Z"
MOMENT = datetime(2026, 1, 31, 2, 3, 4, 567_000, tzinfo=UTC)


def event(**detail: Any) -> dict[str, Any]:
    """Return an event as AWS Lambda passes it to a handler."""
    return {
        "version": "0",
        "id": "6f1e",
        "detail-type": "Restore Job State Change",
        "source": "aws.backup",
        "account": "123456789012",
        "time": "2026-01-31T02:03:05Z",
        "region": "eu-west-1",
        "resources": ["arn:aws:backup:eu-west-1:123456789012:recovery-point:5"],
        "detail": {"restoreJobId": JOB_ID, "creationDate": DATE, **detail},
    }


def test_first_event_has_its_state_as_status() -> None:
    """The first event has a `state`; the account is in the envelope; other members are `None`."""
    assert RestoreJob.from_event(event(state="CREATED")) == RestoreJob.from_dict(
        {
            "RestoreJobId": JOB_ID,
            "CreationDate": MOMENT,
            "Status": "CREATED",
            "AccountId": "123456789012",
        }
    )


def test_last_event_has_its_members_as_a_listing_has_them() -> None:
    """Text becomes a size, a number becomes a percentage, and the flat plan becomes the creator."""
    vault = "arn:aws:backup:eu-west-1:123456789012:backup-vault:v"
    job = RestoreJob.from_event(
        event(
            status="COMPLETED",
            backupSizeInBytes="22548578304",
            completionDate=DATE,
            percentDone=0,
            restoreTestingPlanArn=PLAN,
            backupVaultArn=vault,
        )
    )
    assert (job.status, job.completion_date) == ("COMPLETED", MOMENT)
    assert job.backup_size_in_bytes == 22_548_578_304
    assert (job.percent_done, job.percent) == ("0.00%", 0.0)
    assert job.created_by == RestoreJobCreator(restore_testing_plan_arn=PLAN)
    assert (job.backup_vault_name, job.region) == ("v", "eu-west-1")


def test_event_may_have_every_member_of_a_job() -> None:
    """AWS documents that the members of DescribeRestoreJob are possible."""
    given = {f"{name[0].lower()}{name[1:]}": value for name, value in COMPLETE.items()}
    del given["createdBy"]
    job = RestoreJob.from_event(event(**given, restoreTestingPlanArn=PLAN, newMember={"a": 1}))
    assert job == RestoreJob.from_dict(COMPLETE)


@pytest.mark.parametrize(
    ("done", "text"), [(40, "40.00%"), (33.3333, "33.33%"), (100, "100.00%"), ("5%", "5%")]
)
def test_progress_is_worded_as_in_a_listing(done: object, text: str) -> None:
    """`percentDone` may be a number or text."""
    assert RestoreJob.from_event(event(percentDone=done)).percent_done == text


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        [],
        "event",
        {},
        event()["detail"],
        event() | {"detail": None},
        event() | {"detail": {}},
        event() | {"detail": {"status": "FAILED"}},
        event() | {"detail": [event()["detail"]]},
        event() | {"detail": {JOB_ID: 1, 5: 6}},
        event() | {"source": "aws.ec2"},
        event() | {"source": None},
        event() | {"detail-type": "Backup Job State Change"},
        event() | {"account": 123456789012},
        event() | {"detail": range(3)},
        event() | {"source": "\ud800"},  # a lone surrogate
        event() | {"\ud800": 1},
        "\ud800",
        {"Records": [event()]},
        {name: value for name, value in event().items() if name != "source"},
        COMPLETE,
    ],
)
def test_other_events_are_refused(wrong: Any) -> None:
    """The error says which events are read."""
    with pytest.raises(MalformedResponseError, match="Restore Job State Change"):
        RestoreJob.from_event(wrong)


@pytest.mark.parametrize(
    ("detail", "message"),
    [
        ({"creationDate": "2026-01-31T02:03:04"}, "CreationDate: .*timezone"),
        ({"backupSizeInBytes": "big"}, "BackupSizeInBytes: .*'big'"),
        ({"percentDone": True}, "PercentDone: .*True"),
        ({"percentDone": 10**400}, "PercentDone: .*1000"),
        ({"percentDone": float("nan")}, "PercentDone: .*nan"),
        ({"restoreTestingPlanArn": 5}, "RestoreTestingPlanArn: .*5"),
        ({"restoreJobId": 5}, "RestoreJobId: .*5"),
    ],
)
def test_wrong_value_is_named(detail: dict[str, Any], message: str) -> None:
    """A value that does not fit its member is refused as in `from_dict`."""
    with pytest.raises(MalformedResponseError, match=f"no event of a restore job: .*{message}"):
        RestoreJob.from_event(event(**detail))
