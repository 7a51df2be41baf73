"""Realistic restore jobs, which are the same for the same arguments."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from restorejobs_client._core.dates import EPOCH, in_utc
from restorejobs_client._core.errors import InvalidRequestError
from restorejobs_client._core.text import clipped_repr
from restorejobs_client._models.jobs import RestoreJob
from restorejobs_client._models.parameters import check_count
from restorejobs_client.testing._service import ACCOUNT, REGION, check_account, place_of

_MILLISECOND = timedelta(milliseconds=1)
_HOUR = 3_600_000  # milliseconds
_DAY = 24 * _HOUR

# Resource types, with templates of the ARNs of their resources. The first ones have more jobs.
_TYPES = {
    "EBS": "ec2:{here}:volume/vol-{hex}",
    "EC2": "ec2:{here}:instance/i-{hex}",
    "RDS": "rds:{here}:db:{name}-{hex}",
    "S3": "s3:::{name}-{hex}",
    "DynamoDB": "dynamodb:{here}:table/{name}-{hex}",
    "EFS": "elasticfilesystem:{here}:file-system/fs-{hex}",
    "Aurora": "rds:{here}:cluster:{name}-{hex}",
    "FSx": "fsx:{here}:file-system/fs-{hex}",
    "SAP HANA on Amazon EC2": "ssm-sap:{here}:HANA/{name}/DB/{hex}",
    "Storage Gateway": "storagegateway:{here}:gateway/sgw-12A3456B/volume/vol-{hex}",
    "VirtualMachine": "backup-gateway:{here}:vm/vm-{hex}",
    "DocumentDB": "rds:{here}:cluster:{name}-{hex}",
    "Neptune": "rds:{here}:cluster:{name}-{hex}",
    "Redshift": "redshift:{here}:cluster:{name}-{hex}",
    "Timestream": "timestream:{here}:database/{name}/table/{hex}",
    "DSQL": "dsql:{here}:cluster/{hex}",
    "Redshift Serverless": "redshift-serverless:{here}:namespace/{hex}",
}
_PARENT_TYPES = {
    "CloudFormation": "cloudformation:{here}:stack/{name}/{uuid}",
    "EKS": "eks:{here}:cluster/{name}-{hex}",
}
_NAMES = ("orders", "billing", "catalog", "ledger", "profiles", "reports")

# The sampler draws each entry with the same probability.
_STATUSES = ["COMPLETED"] * 44 + ["FAILED"] * 3 + ["ABORTED", "RUNNING", "PENDING"]
_FAILURES = ("Access denied.", "Quota exceeded.", "Table already exists.", "The key is disabled.")
_VALIDATIONS = ["SUCCESSFUL"] * 27 + ["FAILED", "TIMED_OUT", "VALIDATING"]
_VALIDATION_MESSAGES = {"FAILED": "Row counts differ.", "TIMED_OUT": "No result in time."}
_DELETIONS = ["SUCCESSFUL"] * 28 + ["FAILED", "DELETING"]
_DELETION_MESSAGES = {"FAILED": "Deletion protection is turned on."}
_Job = dict[str, Any]


def sample_jobs(  # noqa: PLR0913  # users choose each of them
    count: int = 2_500,
    *,
    seed: int = 0,
    created_after: datetime | None = None,
    created_before: datetime | None = None,
    region_name: str = REGION,
    account_id: str = ACCOUNT,
) -> list[RestoreJob]:
    """Return realistic restore jobs, which are the same for the same arguments.

    By default, they were created in the 30 days before today, so all dates are one day later
    tomorrow. For the same dates on every day, pass `created_before`.

    The newest job comes first, as in a listing of the fake. Most jobs are nightly restore tests.
    They start soon after 02:00 UTC, and a few start in the same millisecond. Most jobs are
    COMPLETED; some of these have `"0.00%"` and no completion date, as AWS reports it, and some have
    a status message. Some are FAILED, ABORTED, RUNNING, or PENDING with most members missing. A few
    are parents with children. Some ids are in upper case, the others in lower case.

    Args:
        count: the number of jobs.
        seed: a number for the random generator. Another number gives other jobs.
        created_after: the earliest moment of creation, an aware datetime. The default is 30 days
            before `created_before`.
        created_before: the end of the range, an aware datetime. All jobs were created before it.
            The default is the start of the current day in UTC.
        region_name: the region in their ARNs.
        account_id: the account that owns them, 12 digits.

    Raises:
        InvalidRequestError: the count is not an int of 0 or more, a datetime has no time zone, the
            range holds no whole millisecond, or the account id is not 12 digits.

    Examples:
        >>> from datetime import UTC, datetime
        >>> from restorejobs_client.testing import sample_jobs
        >>> newest, *others = sample_jobs(100, created_before=datetime(2026, 1, 31, tzinfo=UTC))
        >>> newest.creation_date.isoformat(), len(others)
        ('2026-01-30T02:07:11.402000+00:00', 99)
    """
    check_count("count", count, least=0)
    if created_before is None:
        created_before = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    check_account(account_id)
    # One is no datetime, or has no time zone, or a restore would be outside of the calendar.
    with suppress(ValueError, OverflowError):
        end = in_utc(created_before)
        bounds = in_utc(created_after) if created_after else end - timedelta(days=30), end
        moments = range(*(-((EPOCH - one) // _MILLISECOND) for one in bounds))  # rounded up
        if moments:
            sampler = _Sampler(seed, moments, region_name, account_id)
            jobs = list(itertools.islice(sampler.jobs(), count))
            return sorted(msgspec.convert(jobs, list[RestoreJob]), key=place_of)
    given = f"{clipped_repr(created_after)} and {clipped_repr(created_before)}"
    rule = "must have time zones, and the second must be a millisecond later or more"
    raise InvalidRequestError(f"created_after and created_before: {rule}, got {given}")


class _Sampler:
    """Draws restore jobs that were created at one of `moments`, in milliseconds since the epoch."""

    def __init__(self, seed: int, moments: range, region_name: str, account_id: str) -> None:
        self._random = random.Random(seed)  # noqa: S311  # nothing secret
        self._moments = moments
        self._account_id = account_id
        self._here = f"{region_name}:{account_id}"
        self._partition = "-".join(["aws", *re.findall("^cn|^us-gov", region_name)])

    def jobs(self) -> Iterator[_Job]:
        created = self._moment()
        while True:
            if self._random.random() >= 0.03:  # noqa: PLR2004  # few restores share a moment
                created = self._moment()
            is_parent = self._random.random() < 0.01  # noqa: PLR2004  # few restores are composite
            job = self._job(created, _PARENT_TYPES if is_parent else _TYPES)
            yield job
            for _ in range(self._random.randint(2, 4) if is_parent else 0):
                created = min(created + self._random.randrange(5_000), self._moments[-1])
                yield self._job(created, _TYPES, job["RestoreJobId"])

    def _moment(self) -> int:
        moment = self._random.choice(self._moments)
        if self._random.random() < 0.85:  # noqa: PLR2004  # most restores run at night
            at_night = moment - moment % _DAY + 2 * _HOUR + int(self._random.expovariate(3 / _HOUR))
            if at_night in self._moments:
                return at_night
        return moment

    def _job(self, created: int, types: dict[str, str], parent_id: str | None = None) -> _Job:
        chance = self._random
        resource_type = list(types)[int(chance.triangular(0, len(types), 0))]
        status = chance.choice(_STATUSES)
        job: _Job = {
            "AccountId": self._account_id,
            "RestoreJobId": self._uuid(),
            "RecoveryPointArn": self._arn("backup:{here}:recovery-point:{uuid}"),
            "CreationDate": EPOCH + created * _MILLISECOND,
            "Status": status,
            "PercentDone": "0.00%",
            "IamRoleArn": self._arn(f"iam::{self._account_id}:role/AWSBackupDefaultServiceRole"),
            "ResourceType": resource_type,
            "IsParent": types is _PARENT_TYPES,
            "ParentJobId": parent_id,
        }
        if status == "PENDING":
            return job
        minutes = chance.lognormvariate(3, 0.8)
        backed_up = created - chance.randrange(_HOUR, 30 * _DAY)
        plan = self._arn("backup:{here}:restore-testing-plan:{name}_nightly")
        is_test = chance.random() < 0.9  # noqa: PLR2004  # most restores are tests
        job |= {
            "SourceResourceArn": self._arn(types[resource_type]),
            "BackupVaultArn": self._arn("backup:{here}:backup-vault:{name}"),
            "BackupSizeInBytes": int(chance.lognormvariate(23, 2)),
            "ExpectedCompletionTimeMinutes": int(minutes * chance.uniform(0.8, 1.5)) + 1,
            "RecoveryPointCreationDate": EPOCH + backed_up * _MILLISECOND,
            "CreatedBy": {"RestoreTestingPlanArn": plan} if is_test else None,
        }
        if status == "RUNNING":
            return job | {"PercentDone": f"{chance.uniform(0, 100):.2f}%"}
        job["CompletionDate"] = EPOCH + (created + int(minutes * 60_000)) * _MILLISECOND
        if status == "FAILED":
            return job | {"StatusMessage": chance.choice(_FAILURES)}
        if status == "ABORTED":
            return job | {"StatusMessage": "The restore job was stopped."}
        job |= {"CreatedResourceArn": self._arn(types[resource_type]), "PercentDone": "100.00%"}
        oddity = chance.random()
        if oddity < 0.03:  # noqa: PLR2004  # AWS reports some completed jobs like this
            job |= {"PercentDone": "0.00%", "CompletionDate": None}
        elif oddity > 0.98:  # noqa: PLR2004  # few jobs complete with issues
            job["StatusMessage"] = "Some objects were not restored."
        if is_test:
            job["ValidationStatus"] = validation = chance.choice(_VALIDATIONS)
            job["ValidationStatusMessage"] = _VALIDATION_MESSAGES.get(validation)
            deletion = chance.choice(_DELETIONS)
            if validation != "VALIDATING":
                job["DeletionStatus"] = deletion
                job["DeletionStatusMessage"] = _DELETION_MESSAGES.get(deletion)
        return job

    def _arn(self, template: str) -> str:
        return f"arn:{self._partition}:" + template.format(
            here=self._here,
            name=self._random.choice(_NAMES),
            hex=f"{self._random.getrandbits(68):017x}",
            uuid=self._uuid() if "{uuid}" in template else "",
        )

    def _uuid(self) -> str:
        text = str(UUID(int=self._random.getrandbits(128), version=4))
        return text.upper() if self._random.getrandbits(1) else text
