"""EventBridge's events about restore jobs, and what else is taken for a restore job.

AWS's examples are at https://docs.aws.amazon.com/aws-backup/latest/devguide/eventbridge.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from restorejobs_client._models.convert import WrongValueError

# By a name that tells. Names in camelCase are not those of a job.
_LOOK_ALIKES: Final = {
    "detail": "an event: use RestoreJob.from_event",
    "jobStatus": "an item of an AWS Backup Audit Manager report, which has other members",
    "restoreJobId": "the detail of an event: pass the whole event to RestoreJob.from_event",
    "RestoreJobs": "a whole answer: iterate over a listing, or over its RestoreJobs",
    "State": "another kind of job, or a summary of jobs: a restore job has Status",
}


def looks_like(mapping: Mapping[str, object]) -> str:
    """Return in brackets what a mapping looks like that is no restore job; `""` if nothing."""
    looks = (f" (this looks like {text})" for name, text in _LOOK_ALIKES.items() if name in mapping)
    return next(looks, "")


class _Event(msgspec.Struct, kw_only=True):
    source: Literal["aws.backup"]
    detail_type: Literal["Restore Job State Change"] = msgspec.field(name="detail-type")
    account: str | None = None
    detail: dict[str, Any]


def job_members(event: object) -> dict[str, object]:
    """Return the members, by AWS's names, of the job that an event is about.

    Raises:
        WrongValueError: it is no event "Restore Job State Change".
    """
    try:
        given = msgspec.convert(event, _Event)
        _ = given.detail["restoreJobId"]
    except Exception:  # noqa: BLE001  # msgspec raises many kinds, also those of the given objects
        allowed = 'a "Restore Job State Change" of aws.backup, with a restoreJobId in its detail'
        raise WrongValueError(allowed, event) from None
    members: dict[str, Any] = {"AccountId": given.account, "Status": given.detail.get("state")}
    members |= {name[:1].upper() + name[1:]: value for name, value in given.detail.items()}
    if (plan := members.get("RestoreTestingPlanArn")) is not None:
        members["CreatedBy"] = {"RestoreTestingPlanArn": plan}
    done: Any = members.get("PercentDone")
    if type(done) in {int, float} and 0 <= done <= 100:  # noqa: PLR2004  # percent
        members["PercentDone"] = f"{done:.2f}%"  # as a listing words it
    return members
