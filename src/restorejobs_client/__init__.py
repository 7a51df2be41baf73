"""A typed, complete and resumable client for AWS Backup's ListRestoreJobs."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from restorejobs_client._client import RestoreJobsClient
    from restorejobs_client._enums import (
        ResourceType,
        RestoreDeletionStatus,
        RestoreJobStatus,
        RestoreValidationStatus,
    )
    from restorejobs_client._errors import (
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
        ServiceError,
        ServiceUnavailableException,
        ThrottlingException,
        TransportError,
    )
    from restorejobs_client._gather import gather
    from restorejobs_client._listing import RestoreJobIterator, RestoreJobs
    from restorejobs_client._models import RestoreJob, RestoreJobCreator, RestoreJobPage
    from restorejobs_client._report import RestoreDurations, RestoreFailures, RestoreJobSummary
    from restorejobs_client._request import ListRestoreJobsRequest

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

if not TYPE_CHECKING:  # to a type checker the names are there, and no others
    # From the lowest to the highest, so that as little as possible is imported for a name.
    _ROOMS = (
        "_enums",
        "_errors",
        "_models",
        "_request",
        "_gather",
        "_listing",
        "_report",
        "_client",
    )

    def __getattr__(name: str) -> object:
        """Import a public name when it is first used: `import restorejobs_client` costs nothing.

        Pydantic's own way to put off the building of models, `defer_build`, fails where several
        threads are the first to use one. Imports wait for each other.
        """
        if name not in __all__:
            message = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(message, name=name, obj=sys.modules[__name__])
        rooms = (vars(import_module(f"{__name__}.{room}")) for room in _ROOMS)
        globals()[name] = public = next(room[name] for room in rooms if name in room)
        return public

    def __dir__() -> list[str]:
        return [*__all__, *(name for name in globals() if name.startswith("__"))]
