"""A typed, complete and resumable client for AWS Backup's ListRestoreJobs."""

from restorejobs_client._client import RestoreJobsClient
from restorejobs_client._enums import (
    ResourceType,
    RestoreDeletionStatus,
    RestoreJobStatus,
    RestoreValidationStatus,
)
from restorejobs_client._errors import (
    AccessDeniedException,
    CredentialsError,
    ExpiredTokenException,
    InvalidCheckpointError,
    InvalidParameterValueException,
    InvalidRequestError,
    MalformedResponseError,
    MissingParameterValueException,
    PaginationError,
    ResourceNotFoundException,
    RestoreJobsError,
    ServiceError,
    ServiceUnavailableException,
    ThrottlingException,
    TransportError,
)
from restorejobs_client._gather import gather
from restorejobs_client._listing import RestoreJobIterator, RestoreJobs
from restorejobs_client._models import RestoreJob, RestoreJobCreator, RestoreJobPage
from restorejobs_client._request import ListRestoreJobsRequest
from restorejobs_client._summary import RestoreDurations, RestoreFailures, RestoreJobSummary

__all__ = [
    "AccessDeniedException",
    "CredentialsError",
    "ExpiredTokenException",
    "InvalidCheckpointError",
    "InvalidParameterValueException",
    "InvalidRequestError",
    "ListRestoreJobsRequest",
    "MalformedResponseError",
    "MissingParameterValueException",
    "PaginationError",
    "ResourceNotFoundException",
    "ResourceType",
    "RestoreDeletionStatus",
    "RestoreDurations",
    "RestoreFailures",
    "RestoreJob",
    "RestoreJobCreator",
    "RestoreJobIterator",
    "RestoreJobPage",
    "RestoreJobStatus",
    "RestoreJobSummary",
    "RestoreJobs",
    "RestoreJobsClient",
    "RestoreJobsError",
    "RestoreValidationStatus",
    "ServiceError",
    "ServiceUnavailableException",
    "ThrottlingException",
    "TransportError",
    "gather",
]
