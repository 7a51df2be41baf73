"""Enums of the values that AWS documents. They also accept values that AWS adds later."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Literal, Self

from restorejobs_client._core.text import printable

if TYPE_CHECKING:
    from pydantic_core import CoreSchema


StatusName = Literal["PENDING", "RUNNING", "COMPLETED", "ABORTED", "FAILED"]


class OpenEnum(StrEnum):
    """A `StrEnum` that also accepts values it does not know.

    Known values match regardless of case. Any other string becomes a new member that equals the
    string, has its hash, and has `is_known == False`. Iterating over the class yields only the
    known members.
    """

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        value = str.__str__(value)  # a subclass may override __str__
        for known in cls:
            if known.value.casefold() == value.casefold():
                return known
        member = str.__new__(cls, value)
        member._name_ = member._value_ = value
        return member

    def __repr__(self) -> str:
        return printable(super().__repr__())

    @property
    def is_known(self) -> bool:
        """Whether this release of the package knows the value."""
        return type(self).__members__.get(self.name) is self

    @classmethod
    def __get_pydantic_core_schema__(cls, *_: object) -> CoreSchema:
        """Accept any string, also in JSON schemas, because AWS may add values."""
        from pydantic_core import core_schema  # noqa: PLC0415  # pydantic is already imported

        examples = {"pydantic_js_updates": {"examples": [known.value for known in cls]}}
        text = core_schema.str_schema(metadata=examples)
        return core_schema.no_info_after_validator_function(cls, text)


class RestoreJobStatus(OpenEnum):
    """The state of a restore job (AWS member `Status`).

    Values that AWS adds later are accepted:

        >>> RestoreJobStatus("PAUSED") == "PAUSED", RestoreJobStatus("PAUSED").is_known
        (True, False)
    """

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    ABORTED = "ABORTED"
    FAILED = "FAILED"


class RestoreValidationStatus(OpenEnum):
    """The state of the validation of a restored resource (AWS member `ValidationStatus`)."""

    FAILED = "FAILED"
    SUCCESSFUL = "SUCCESSFUL"
    TIMED_OUT = "TIMED_OUT"
    VALIDATING = "VALIDATING"


class RestoreDeletionStatus(OpenEnum):
    """The state of the deletion of a restore test's data (AWS member `DeletionStatus`)."""

    DELETING = "DELETING"
    FAILED = "FAILED"
    SUCCESSFUL = "SUCCESSFUL"


class ResourceType(OpenEnum):
    """The resource types of AWS Backup, for filters and comparisons.

    AWS Backup also restores `DSQL` and `REDSHIFT_SERVERLESS`, but AWS does not document these two
    for ListRestoreJobs.

    `RestoreJob.resource_type` stays a plain `str`; the two compare equal.
    """

    AURORA = "Aurora"
    CLOUDFORMATION = "CloudFormation"
    DOCUMENTDB = "DocumentDB"
    DSQL = "DSQL"
    DYNAMODB = "DynamoDB"
    EBS = "EBS"
    EC2 = "EC2"
    EFS = "EFS"
    EKS = "EKS"
    FSX = "FSx"
    NEPTUNE = "Neptune"
    RDS = "RDS"
    REDSHIFT = "Redshift"
    REDSHIFT_SERVERLESS = "Redshift Serverless"
    S3 = "S3"
    SAP_HANA_ON_AMAZON_EC2 = "SAP HANA on Amazon EC2"
    STORAGE_GATEWAY = "Storage Gateway"
    TIMESTREAM = "Timestream"
    VIRTUALMACHINE = "VirtualMachine"
