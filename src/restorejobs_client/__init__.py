"""A typed, complete and resumable client for AWS Backup's ListRestoreJobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from restorejobs_client._client import RestoreJobsClient
from restorejobs_client._concurrent.iterator import RestoreJobIterator, RestoreJobPageIterator
from restorejobs_client._concurrent.stream import RestoreJobStream
from restorejobs_client._core.enums import (
    ResourceType,
    RestoreDeletionStatus,
    RestoreJobStatus,
    RestoreValidationStatus,
)
from restorejobs_client._core.errors import (
    AccessDeniedException,
    ConfigurationError,
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
    RestoreJobsErrorGroup,
    ServiceError,
    ServiceUnavailableException,
    ThrottlingException,
    TransportError,
    WatchTimeoutError,
)
from restorejobs_client._listing import RestoreJobs, gather
from restorejobs_client._models.jobs import RestoreJob, RestoreJobCreator, RestoreJobPage
from restorejobs_client._outputs.arrow import to_arrow, to_pandas
from restorejobs_client._outputs.summary import RestoreJobSummary
from restorejobs_client._outputs.tally import RestoreDurations, RestoreFailures
from restorejobs_client._version import __version__
from restorejobs_client._watch import RestoreJobWatch

if TYPE_CHECKING:
    from restorejobs_client._models.request import ListRestoreJobsRequest

__all__ = [
    "AccessDeniedException",
    "ConfigurationError",
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
    "RestoreJobPageIterator",
    "RestoreJobStatus",
    "RestoreJobStream",
    "RestoreJobSummary",
    "RestoreJobWatch",
    "RestoreJobs",
    "RestoreJobsClient",
    "RestoreJobsError",
    "RestoreJobsErrorGroup",
    "RestoreValidationStatus",
    "ServiceError",
    "ServiceUnavailableException",
    "ThrottlingException",
    "TransportError",
    "WatchTimeoutError",
    "__version__",
    "gather",
    "to_arrow",
    "to_pandas",
]
_LAZY = "ListRestoreJobsRequest"  # importing pydantic takes a quarter of the time to the first job

# Tracebacks, reprs, pickles and documentation show this package as the module of public names.
for _name in __all__:
    if _name not in {_LAZY, "__version__"}:
        globals()[_name].__module__ = __name__


if not TYPE_CHECKING:  # hidden from type checkers, so that they report misspelt names

    def __getattr__(name: str) -> object:
        if name != _LAZY:
            message = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(message)
        from restorejobs_client._models import request as _request  # noqa: PLC0415  # imported on first use

        request = _request.ListRestoreJobsRequest
        request.__module__ = __name__
        globals()[name] = request
        return request

    def __dir__() -> list[str]:
        return [*__all__, *(name for name in globals() if name.startswith("__"))]
