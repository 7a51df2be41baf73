"""Believable restore jobs, the same ones for the same arguments."""

from __future__ import annotations

import itertools
import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from restorejobs_client._enums import (
    ResourceType,
    RestoreDeletionStatus,
    RestoreJobStatus,
    RestoreValidationStatus,
)
from restorejobs_client._errors import InvalidRequestError
from restorejobs_client._models import RestoreJob, RestoreJobCreator
from restorejobs_client.testing._service import ACCOUNT, EPOCH, REGION, checked_account, place_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_MILLISECOND = timedelta(milliseconds=1)


def sample_jobs(  # noqa: PLR0913  # users choose each of them
    count: int = 2_500,
    *,
    seed: int = 0,
    created_after: datetime | None = None,
    created_before: datetime | None = None,
    region_name: str = REGION,
    account_id: str = ACCOUNT,
) -> list[RestoreJob]:
    """Return believable restore jobs, the same ones for the same arguments.

    By default they were created in the 30 days before today, so tomorrow the same jobs have dates
    that are one day later. For the same dates on every day, pass `created_before`.

    The newest job comes first, as in a listing of the fake. Most jobs are nightly restore tests.
    They start soon after 02:00 UTC, and a few share a millisecond. Most jobs are COMPLETED; some of
    these have `"0.00%"` and no completion date, as AWS reports it. Some are FAILED, ABORTED,
    RUNNING, or PENDING with most members missing. A few are parents with children. Some ids are in
    upper case, the others in lower case.

    Args:
        count: the number of jobs.
        seed: another number gives other jobs.
        created_after: the earliest moment of creation, an aware datetime. The default is 30 days
            before `created_before`.
        created_before: the end of the range, an aware datetime. All jobs were created before it.
            The default is the start of the current day in UTC.
        region_name: the region in their ARNs.
        account_id: the account that owns them, 12 digits.

    Raises:
        InvalidRequestError: the count is negative, a datetime has no time zone, the range holds no
            whole millisecond, or the account id is not 12 digits.

    Examples:
        >>> from datetime import UTC, datetime
        >>> from restorejobs_client.testing import sample_jobs
        >>> newest, *others = sample_jobs(100, created_before=datetime(2026, 1, 31, tzinfo=UTC))
        >>> newest.creation_date.isoformat(), len(others)
        ('2026-01-30T02:13:26.336000+00:00', 99)
    """
    if count < 0:
        message = f"count: cannot be negative, got {count}"
        raise InvalidRequestError(message)
    if created_before is None:
        created_before = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if created_after is None:
        created_after = created_before - timedelta(days=30)
    for name, moment in (("created_before", created_before), ("created_after", created_after)):
        if moment.utcoffset() is None:
            message = f"{name}: needs a time zone, got {moment.isoformat()}"
            raise InvalidRequestError(message)
    first, end = (-((EPOCH - moment) // _MILLISECOND) for moment in (created_after, created_before))
    if first >= end:
        message = (
            "created_before: must be later than created_after by a millisecond or more, got "
            f"{created_after.isoformat()} and {created_before.isoformat()}"
        )
        raise InvalidRequestError(message)
    sampler = _Sampler(
        random.Random(seed),  # noqa: S311  # nothing secret
        first=first,
        end=end,
        region_name=region_name,
        account_id=checked_account(account_id),
    )
    return sorted(itertools.islice(sampler.jobs(), count), key=place_of)


class _Kind(NamedTuple):
    """A resource type, and templates of the ARNs of its resources and recovery points."""

    weight: int
    resource_type: ResourceType
    resource: str
    recovery_point: str = "backup:{here}:recovery-point:{uuid}"


_SNAPSHOT = "ec2:{region}::snapshot/snap-{hex}"
_IMAGE = "ec2:{region}::image/ami-{hex}"
_DB_SNAPSHOT = "rds:{here}:snapshot:awsbackup:job-{uuid}"
_CLUSTER = "rds:{here}:cluster:{name}-{hex}"
_CLUSTER_SNAPSHOT = "rds:{here}:cluster-snapshot:awsbackup:job-{uuid}"
_HANA = "ssm-sap:{here}:HANA/{name}/DB/{hex}"
_FSX_BACKUP = "fsx:{here}:backup/backup-{hex}"
_WAREHOUSE = "redshift:{here}:cluster:{name}-{hex}"
_WAREHOUSE_SNAPSHOT = "redshift:{here}:snapshot:{name}/awsbackup-{uuid}"
_STACK = "cloudformation:{here}:stack/{name}/{uuid}"
_COMPOSITE = "backup:{here}:recovery-point:composite:{name}-{uuid}"
_GATEWAY_VOLUME = "storagegateway:{here}:gateway/sgw-12A3456B/volume/vol-{hex}"
_KINDS = (
    _Kind(22, ResourceType.EBS, "ec2:{here}:volume/vol-{hex}", _SNAPSHOT),
    _Kind(18, ResourceType.EC2, "ec2:{here}:instance/i-{hex}", _IMAGE),
    _Kind(14, ResourceType.RDS, "rds:{here}:db:{name}-{hex}", _DB_SNAPSHOT),
    _Kind(10, ResourceType.S3, "s3:::{name}-{hex}"),
    _Kind(10, ResourceType.DYNAMODB, "dynamodb:{here}:table/{name}-{hex}"),
    _Kind(8, ResourceType.EFS, "elasticfilesystem:{here}:file-system/fs-{hex}"),
    _Kind(6, ResourceType.AURORA, _CLUSTER, _CLUSTER_SNAPSHOT),
    _Kind(4, ResourceType.FSX, "fsx:{here}:file-system/fs-{hex}", _FSX_BACKUP),
    _Kind(3, ResourceType.SAP_HANA_ON_AMAZON_EC2, _HANA),
    _Kind(3, ResourceType.STORAGE_GATEWAY, _GATEWAY_VOLUME, _SNAPSHOT),
    _Kind(3, ResourceType.VIRTUALMACHINE, "backup-gateway:{here}:vm/vm-{hex}"),
    _Kind(2, ResourceType.DOCUMENTDB, _CLUSTER, _CLUSTER_SNAPSHOT),
    _Kind(2, ResourceType.NEPTUNE, _CLUSTER, _CLUSTER_SNAPSHOT),
    _Kind(2, ResourceType.REDSHIFT, _WAREHOUSE, _WAREHOUSE_SNAPSHOT),
    _Kind(1, ResourceType.TIMESTREAM, "timestream:{here}:database/{name}/table/{hex}"),
)
_COMPOSITE_KINDS = (
    _Kind(2, ResourceType.CLOUDFORMATION, _STACK, _COMPOSITE),
    _Kind(1, ResourceType.EKS, "eks:{here}:cluster/{name}-{hex}", _COMPOSITE),
)
_NAMES = ("orders", "billing", "catalog", "ledger", "profiles", "reports")

# The sampler draws each entry with the same chance.
_STATUSES = (
    *[RestoreJobStatus.COMPLETED] * 44,
    *[RestoreJobStatus.FAILED] * 3,
    RestoreJobStatus.ABORTED,
    RestoreJobStatus.RUNNING,
    RestoreJobStatus.PENDING,
)
_MESSAGES = {
    RestoreJobStatus.ABORTED: ("The restore job was stopped.",),
    RestoreJobStatus.FAILED: (
        "Insufficient privileges to perform this action.",
        "The DB subnet group does not cover enough Availability Zones.",
        "You have exceeded your maximum volume storage limit.",
        "The KMS key that encrypts the recovery point is disabled or pending deletion.",
        "Recovery point is not in an available state.",
        "Table already exists.",
    ),
}
_VALIDATIONS = (
    *[(RestoreValidationStatus.SUCCESSFUL, None)] * 27,
    (RestoreValidationStatus.FAILED, "Row counts differ from the source."),
    (RestoreValidationStatus.TIMED_OUT, "No validation result within the window."),
    (RestoreValidationStatus.VALIDATING, None),
)
_DELETIONS = (
    *[(RestoreDeletionStatus.SUCCESSFUL, None)] * 28,
    (RestoreDeletionStatus.FAILED, "Deletion protection is turned on."),
    (RestoreDeletionStatus.DELETING, None),
)
_HOUR = 3_600_000  # the sampler counts in milliseconds
_DAY = 24 * _HOUR


class _Sampler:
    """Draws restore jobs. They were created from `first` to before `end`, in epoch milliseconds."""

    def __init__(
        self, chance: random.Random, *, first: int, end: int, region_name: str, account_id: str
    ) -> None:
        partition = "aws"
        for prefix in ("cn", "us-gov"):
            if region_name.startswith(f"{prefix}-"):
                partition = f"aws-{prefix}"
        self._chance = chance
        self._first = first
        self._end = end
        self._account_id = account_id
        self._arn_start = f"arn:{partition}:"
        self._single = [kind for kind in _KINDS for _ in range(kind.weight)]
        self._composite = [kind for kind in _COMPOSITE_KINDS for _ in range(kind.weight)]
        here = f"{region_name}:{account_id}"
        self._places = {"region": region_name, "account": account_id, "here": here}
        plan = "backup:{here}:restore-testing-plan:"
        plans = [
            RestoreJobCreator(restore_testing_plan_arn=self._arn(f"{plan}{name}-{{uuid}}"))
            for name in ("nightly", "weekly", "compliance")
        ]
        self._creators = (*plans * 3, None)  # no plan created a tenth of the jobs
        self._role_arn = self._arn("iam::{account}:role/service-role/AWSBackupDefaultServiceRole")
        self._vault_arns = [
            self._arn(f"backup:{{here}}:backup-vault:{name}")
            for name in ("Default", "production", "locked")
        ]

    def jobs(self) -> Iterator[RestoreJob]:
        created = self._moment()
        while True:
            if self._chance.random() >= 0.03:  # noqa: PLR2004  # few restores share a moment
                created = self._moment()
            if self._chance.random() >= 0.01:  # noqa: PLR2004  # few restores are composite
                yield self._job(created, self._single)
                continue
            parent = self._job(created, self._composite, is_parent=True)
            yield parent
            for _ in range(self._chance.randint(2, 4)):
                created = min(created + self._chance.randrange(5_000), self._end - 1)
                yield self._job(created, self._single, parent_job_id=parent.restore_job_id)

    def _moment(self) -> int:
        night = self._chance.randrange(self._first // _DAY, self._end // _DAY + 1) * _DAY
        moment = night + 2 * _HOUR + int(self._chance.expovariate(3 / _HOUR))
        in_a_cluster = self._chance.random() < 0.85  # noqa: PLR2004  # most run at night
        if in_a_cluster and self._first <= moment < self._end:
            return moment
        return self._chance.randrange(self._first, self._end)

    def _job(
        self,
        created: int,
        kinds: Sequence[_Kind],
        *,
        is_parent: bool = False,
        parent_job_id: str | None = None,
    ) -> RestoreJob:
        chance = self._chance
        kind = chance.choice(kinds)
        status = chance.choice(_STATUSES)
        members: dict[str, Any] = {
            "account_id": self._account_id,
            "restore_job_id": self._uuid(),
            "recovery_point_arn": self._arn(kind.recovery_point),
            "creation_date": _moment_of(created),
            "status": status,
            "percent_done": "0.00%",
            "iam_role_arn": self._role_arn,
            "resource_type": kind.resource_type.value,
            "is_parent": is_parent,
            "parent_job_id": parent_job_id,
        }
        if status is RestoreJobStatus.PENDING:
            return RestoreJob(**members)
        minutes = chance.lognormvariate(3, 0.8)
        backed_up = created - chance.randrange(_HOUR, 30 * _DAY)
        created_by = chance.choice(self._creators)
        members |= {
            "source_resource_arn": self._arn(kind.resource),
            "backup_vault_arn": chance.choice(self._vault_arns),
            "backup_size_in_bytes": int(chance.lognormvariate(23, 2)),
            "expected_completion_time_minutes": int(minutes * chance.uniform(0.8, 1.5)) + 1,
            "recovery_point_creation_date": _moment_of(backed_up),
            "created_by": created_by,
        }
        if status is RestoreJobStatus.RUNNING:
            members["percent_done"] = f"{chance.uniform(0, 100):.2f}%"
            return RestoreJob(**members)
        members["completion_date"] = _moment_of(created + int(minutes * 60_000))
        if status is not RestoreJobStatus.COMPLETED:
            return RestoreJob(**members, status_message=chance.choice(_MESSAGES[status]))
        members["created_resource_arn"] = self._arn(kind.resource)
        if chance.random() < 0.03:  # noqa: PLR2004  # seen in the wild
            members["completion_date"] = None
        else:
            members["percent_done"] = "100.00%"
        if created_by is not None:
            for name, outcomes in (("validation", _VALIDATIONS), ("deletion", _DELETIONS)):
                outcome, reason = chance.choice(outcomes)
                members |= {f"{name}_status": outcome, f"{name}_status_message": reason}
        return RestoreJob(**members)

    def _arn(self, template: str) -> str:
        return self._arn_start + template.format(
            **self._places,
            name=self._chance.choice(_NAMES),
            uuid=self._uuid() if "{uuid}" in template else "",
            hex=f"{self._chance.getrandbits(68):017x}",
        )

    def _uuid(self) -> str:
        text = str(UUID(int=self._chance.getrandbits(128), version=4))
        return text.upper() if self._chance.getrandbits(1) else text


def _moment_of(milliseconds: int) -> datetime:
    return EPOCH + milliseconds * _MILLISECOND
