"""Open enums: they name the values that AWS documents and welcome the ones it adds later."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Self


class OpenEnum(StrEnum):
    """A `StrEnum` that also takes values that it does not know.

    A known value is found whatever its case. Any other string becomes a member of its own: it
    equals that string, hashes and pickles like it, and says `is_known == False`. Iterating the
    class gives the known members only.
    """

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        value = str.__str__(value)  # not what a subclass, such as another enum, makes of it
        folded = value.casefold()
        for known in cls:
            if known.value.casefold() == folded:
                return known
        member = str.__new__(cls, value)
        member._name_ = value
        member._value_ = value
        return member

    @property
    def is_known(self) -> bool:
        """Whether this release of the package names the value."""
        return type(self).__members__.get(self.name) is self


class RestoreJobStatus(OpenEnum):
    """The state of a restore job (AWS member `Status`).

    A value that AWS adds later is taken too:

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
    """The state of the removal of what a restore test created (AWS member `DeletionStatus`)."""

    DELETING = "DELETING"
    FAILED = "FAILED"
    SUCCESSFUL = "SUCCESSFUL"


class ResourceType(OpenEnum):
    """The resource types that AWS documents, for filters and comparisons.

    `RestoreJob.resource_type` stays a plain `str`; the two compare equal.
    """

    AURORA = "Aurora"
    CLOUDFORMATION = "CloudFormation"
    DOCUMENTDB = "DocumentDB"
    DYNAMODB = "DynamoDB"
    EBS = "EBS"
    EC2 = "EC2"
    EFS = "EFS"
    EKS = "EKS"
    FSX = "FSx"
    NEPTUNE = "Neptune"
    RDS = "RDS"
    REDSHIFT = "Redshift"
    S3 = "S3"
    SAP_HANA_ON_AMAZON_EC2 = "SAP HANA on Amazon EC2"
    STORAGE_GATEWAY = "Storage Gateway"
    TIMESTREAM = "Timestream"
    VIRTUALMACHINE = "VirtualMachine"
