"""A typed, complete and resumable client for AWS Backup's ListRestoreJobs."""

# Type checkers take a name as public if it is imported as itself.
# ruff: noqa: I001  # it would repeat the name of the module for each of them

from typing import TYPE_CHECKING

from restorejobs_client._client import RestoreJobsClient as RestoreJobsClient
from restorejobs_client._concurrent.iterator import (
    RestoreJobIterator as RestoreJobIterator,
    RestoreJobPageIterator as RestoreJobPageIterator,
)
from restorejobs_client._concurrent.stream import RestoreJobStream as RestoreJobStream
from restorejobs_client._core.enums import (
    ResourceType as ResourceType,
    RestoreDeletionStatus as RestoreDeletionStatus,
    RestoreJobStatus as RestoreJobStatus,
    RestoreValidationStatus as RestoreValidationStatus,
)
from restorejobs_client._core.errors import (
    AccessDeniedException as AccessDeniedException,
    ConfigurationError as ConfigurationError,
    CredentialsError as CredentialsError,
    ExpiredTokenException as ExpiredTokenException,
    InvalidCheckpointError as InvalidCheckpointError,
    InvalidParameterValueException as InvalidParameterValueException,
    InvalidRequestError as InvalidRequestError,
    MalformedResponseError as MalformedResponseError,
    MissingParameterValueException as MissingParameterValueException,
    PaginationError as PaginationError,
    ResourceNotFoundException as ResourceNotFoundException,
    RestoreJobsError as RestoreJobsError,
    RestoreJobsErrorGroup as RestoreJobsErrorGroup,
    ServiceError as ServiceError,
    ServiceUnavailableException as ServiceUnavailableException,
    ThrottlingException as ThrottlingException,
    TransportError as TransportError,
    WatchTimeoutError as WatchTimeoutError,
)
from restorejobs_client._listing import RestoreJobs as RestoreJobs, gather as gather
from restorejobs_client._models.jobs import (
    RestoreJob as RestoreJob,
    RestoreJobCreator as RestoreJobCreator,
    RestoreJobPage as RestoreJobPage,
)
from restorejobs_client._outputs.arrow import to_arrow as to_arrow, to_pandas as to_pandas
from restorejobs_client._outputs.summary import RestoreJobSummary as RestoreJobSummary
from restorejobs_client._outputs.tally import (
    RestoreDurations as RestoreDurations,
    RestoreFailures as RestoreFailures,
)
from restorejobs_client._version import __version__ as __version__
from restorejobs_client._watch import RestoreJobWatch as RestoreJobWatch

if TYPE_CHECKING:
    from restorejobs_client._models.request import ListRestoreJobsRequest as ListRestoreJobsRequest

if not TYPE_CHECKING:  # type checkers see the imports above, and report misspelt names
    _imported = [name for name in globals() if name[0] != "_" and name != "TYPE_CHECKING"]
    for _name in _imported:
        globals()[_name].__module__ = __name__  # for tracebacks, reprs, pickles and documentation
    __all__ = sorted(["ListRestoreJobsRequest", "__version__", *_imported])  # noqa: PLE0605  # type checkers need none

    def __getattr__(name: str) -> object:
        if name != "ListRestoreJobsRequest":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        # Importing pydantic takes a quarter of the time to the first job.
        from restorejobs_client._models.request import ListRestoreJobsRequest  # noqa: PLC0415

        return ListRestoreJobsRequest

    def __dir__() -> list[str]:
        return __all__
