"""The types of all public names. Type checkers check this file; it is never run.

This module needs no stubs of boto3, pyarrow or pandas; `with_boto3.py` and `with_tables.py` do.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, assert_type

from restorejobs_client import (
    AccessDeniedException,
    ConfigurationError,
    CredentialsError,
    ExpiredTokenException,
    InvalidCheckpointError,
    InvalidParameterValueException,
    InvalidRequestError,
    ListRestoreJobsRequest,
    MalformedResponseError,
    MissingParameterValueException,
    PaginationError,
    ResourceNotFoundException,
    ResourceType,
    RestoreDeletionStatus,
    RestoreDurations,
    RestoreFailures,
    RestoreJob,
    RestoreJobCreator,
    RestoreJobIterator,
    RestoreJobPage,
    RestoreJobPageIterator,
    RestoreJobs,
    RestoreJobsClient,
    RestoreJobsError,
    RestoreJobsErrorGroup,
    RestoreJobStatus,
    RestoreJobStream,
    RestoreJobSummary,
    RestoreJobWatch,
    RestoreValidationStatus,
    ServiceError,
    ServiceUnavailableException,
    ThrottlingException,
    TransportError,
    WatchTimeoutError,
    __version__,
    gather,
)
from restorejobs_client.testing import (
    FakeBackup,
    FaultName,
    fake_backup,
    sample_jobs,
    seed_restore_jobs,
)

MOMENT = datetime(2026, 1, 31, tzinfo=UTC)


def clients() -> None:
    assert_type(RestoreJobsClient(), RestoreJobsClient)
    RestoreJobsClient(region_name="eu-central-1", profile_name="audit", endpoint_url="http://[::1]")
    RestoreJobsClient(
        session=None,
        client=None,
        region_name=None,
        profile_name=None,
        endpoint_url=None,
        config=None,
    )
    assert_type(RestoreJobsClient().region_name, str)


def version() -> str:
    return __version__


def listings(client: RestoreJobsClient, request: ListRestoreJobsRequest) -> None:
    assert_type(client.list_restore_jobs(), RestoreJobs)
    assert_type(client.list_restore_jobs(request), RestoreJobs)
    assert_type(client.resume("rjc2-", progress=True), RestoreJobs)
    assert_type(client.resume(checkpoint="rjc2-"), RestoreJobs)
    client.list_restore_jobs(request, limit=10, resume_from="rjc2-")
    client.list_restore_jobs(
        by_account_id="*",
        by_resource_type=ResourceType.EBS,
        by_created_before=MOMENT,
        by_created_after=MOMENT,
        by_status=RestoreJobStatus.FAILED,
        by_complete_before=MOMENT,
        by_complete_after=MOMENT,
        by_restore_testing_plan_arn="arn:",
        by_parent_job_id="id",
        max_results=100,
        next_token="token",
        limit=10,
        resume_from="rjc2-",
        progress=True,
    )
    client.list_restore_jobs(
        None,
        by_account_id=None,
        by_resource_type=None,
        by_created_before=None,
        by_created_after=None,
        by_status=None,
        by_complete_before=None,
        by_complete_after=None,
        by_restore_testing_plan_arn=None,
        by_parent_job_id=None,
        next_token=None,
        limit=None,
        resume_from=None,
    )
    client.list_restore_jobs(by_resource_type="a type that AWS adds later", by_status="PENDING")
    client.list_restore_jobs(by_status="RUNNING")
    client.list_restore_jobs(by_status="COMPLETED")
    client.list_restore_jobs(by_status="ABORTED")
    client.list_restore_jobs(by_status="FAILED")


def iterators(jobs: RestoreJobs) -> None:
    iterator = iter(jobs)
    assert_type(iterator, RestoreJobIterator)
    assert_type(next(iterator), RestoreJob)
    assert_type(iterator.checkpoint, str)
    assert_type(iterator.has_ended, bool)
    assert_type(list(jobs), list[RestoreJob])
    assert_type([job.restore_job_id for job in jobs], list[str | None])


async def asynchronous_iterators(jobs: RestoreJobs) -> None:
    iterator = aiter(jobs)
    assert_type(iterator, RestoreJobIterator)
    assert_type(await anext(iterator), RestoreJob)
    assert_type([job async for job in jobs], list[RestoreJob])
    assert_type([job async for job in jobs.parallel()], list[RestoreJob])
    assert_type([job async for job in jobs.watch()], list[RestoreJob])


def pages(jobs: RestoreJobs) -> None:
    assert_type(jobs.pages(), RestoreJobPageIterator)
    assert_type(next(jobs.pages()), RestoreJobPage)
    assert_type(jobs.pages().checkpoint, str)
    assert_type([len(page) for page in jobs.pages()], list[int])
    assert_type([job for page in jobs.pages() for job in page], list[RestoreJob])
    assert_type(jobs.first(), RestoreJob | None)
    assert_type(jobs.head(), RestoreJobPage)
    assert_type(jobs.head(n=20), RestoreJobPage)


def streams(jobs: RestoreJobs) -> None:
    assert_type(jobs.split(parts=4), list[RestoreJobs])
    assert_type(jobs.parallel(), RestoreJobStream)
    assert_type(jobs.parallel(max_workers=16), RestoreJobStream)
    assert_type(gather(), RestoreJobStream)
    assert_type(gather(jobs, *jobs.split(2), max_workers=2, progress=True), RestoreJobStream)
    with jobs.parallel() as stream:
        assert_type(next(stream), RestoreJob)
        stream.close()
    try:
        assert_type(list(jobs.parallel(16)), list[RestoreJob])
    except RestoreJobsErrorGroup as group:
        for error in group.exceptions:
            assert_type(error.listing.region_name, str)
        assert_type(group.derive([]), RestoreJobsErrorGroup)
    try:
        assert_type(list(jobs.parallel(16)), list[RestoreJob])
    except* RestoreJobsError as failed:
        assert_type(failed, ExceptionGroup[RestoreJobsError])


def watches(jobs: RestoreJobs) -> None:
    assert_type(jobs.watch(), RestoreJobWatch)
    with jobs.watch(
        restore_job_ids=["a", "b"], interval=5, timeout=60, until=lambda job: job.is_terminal
    ) as watch:
        assert_type(next(watch), RestoreJob)
        watch.close()


def summaries(jobs: RestoreJobs, took: RestoreDurations, failed: RestoreFailures) -> None:
    summary = RestoreJobSummary.from_jobs(jobs=jobs)
    assert_type(summary, RestoreJobSummary)
    assert_type(RestoreJobSummary.from_jobs([]), RestoreJobSummary)
    assert_type(summary.jobs, int)
    assert_type(summary.by_status, Mapping[str, int])
    assert_type(summary.by_resource_type, Mapping[str, int])
    assert_type(summary.by_validation_status, Mapping[str, int])
    assert_type(summary.by_deletion_status, Mapping[str, int])
    assert_type(summary.by_status[RestoreJobStatus.FAILED], int)
    assert_type(summary.success_rate, float | None)
    assert_type(summary.duration, RestoreDurations | None)
    assert_type(summary.durations, Mapping[str, RestoreDurations])
    assert_type(summary.bytes_restored, int)
    assert_type(summary.oldest, datetime | None)
    assert_type(summary.newest, datetime | None)
    assert_type(summary.failures, tuple[RestoreFailures, ...])
    assert_type(summary.other_failures, Mapping[str, int])
    assert_type(summary.parents, int)
    assert_type(summary.without_status, int)
    assert_type(summary.with_unknown_status, int)
    assert_type(summary.completed_with_issues, int)
    assert_type(summary.without_resource_type, int)
    assert_type(summary.without_creation_date, int)
    assert_type(summary.without_duration, int)
    assert_type(summary.without_size, int)
    assert_type(summary.to_dict(), dict[str, Any])
    assert_type(summary.to_dict(mode="json"), dict[str, Any])
    assert_type(
        RestoreJobSummary.grouped(jobs, key=lambda job: job.region),
        dict[str | None, RestoreJobSummary],
    )
    assert_type(summary.to_json(), str)

    assert_type(took.jobs, int)
    assert_type(took.median, timedelta)
    assert_type(took.p95, timedelta)
    assert_type(took.longest, timedelta)

    assert_type(failed.jobs, int)
    assert_type(failed.member, str)
    assert_type(failed.status, str)
    assert_type(failed.resource_type, str | None)
    assert_type(failed.message, str | None)
    assert_type(failed.latest, datetime | None)
    assert_type(failed.latest_job_id, str | None)


def requests(request: ListRestoreJobsRequest) -> None:
    assert_type(ListRestoreJobsRequest(), ListRestoreJobsRequest)
    ListRestoreJobsRequest(
        by_account_id="*",
        by_resource_type=ResourceType.EBS,
        by_created_before=MOMENT,
        by_created_after=MOMENT,
        by_status=RestoreJobStatus.FAILED,
        by_complete_before=MOMENT,
        by_complete_after=MOMENT,
        by_restore_testing_plan_arn="arn:",
        by_parent_job_id="id",
        max_results=100,
        next_token="token",
    )
    ListRestoreJobsRequest(by_resource_type="EBS", by_status="FAILED", by_parent_job_id=None)
    assert_type(request.by_account_id, str | None)
    assert_type(request.by_resource_type, ResourceType | None)
    assert_type(request.by_created_before, datetime | None)
    assert_type(request.by_created_after, datetime | None)
    assert_type(request.by_status, RestoreJobStatus | None)
    assert_type(request.by_complete_before, datetime | None)
    assert_type(request.by_complete_after, datetime | None)
    assert_type(request.by_restore_testing_plan_arn, str | None)
    assert_type(request.by_parent_job_id, str | None)
    assert_type(request.max_results, int)
    assert_type(request.next_token, str | None)
    assert_type(request.filters(), dict[str, str])
    assert_type(request.parameters(), dict[str, object])
    assert_type(ListRestoreJobsRequest.model_validate(obj={}), ListRestoreJobsRequest)
    assert_type(ListRestoreJobsRequest.model_validate_json(json_data="{}"), ListRestoreJobsRequest)
    assert_type(request.model_copy(), ListRestoreJobsRequest)
    assert_type(request.model_copy(update={"max_results": 10}, deep=True), ListRestoreJobsRequest)


def jobs(job: RestoreJob) -> None:
    assert_type(job.account_id, str | None)
    assert_type(job.restore_job_id, str | None)
    assert_type(job.recovery_point_arn, str | None)
    assert_type(job.source_resource_arn, str | None)
    assert_type(job.backup_vault_arn, str | None)
    assert_type(job.creation_date, datetime | None)
    assert_type(job.completion_date, datetime | None)
    assert_type(job.status, RestoreJobStatus | None)
    assert_type(job.status_message, str | None)
    assert_type(job.percent_done, str | None)
    assert_type(job.backup_size_in_bytes, int | None)
    assert_type(job.iam_role_arn, str | None)
    assert_type(job.expected_completion_time_minutes, int | None)
    assert_type(job.created_resource_arn, str | None)
    assert_type(job.resource_type, str | None)
    assert_type(job.recovery_point_creation_date, datetime | None)
    assert_type(job.is_parent, bool | None)
    assert_type(job.parent_job_id, str | None)
    assert_type(job.created_by, RestoreJobCreator | None)
    assert_type(job.validation_status, RestoreValidationStatus | None)
    assert_type(job.validation_status_message, str | None)
    assert_type(job.deletion_status, RestoreDeletionStatus | None)
    assert_type(job.deletion_status_message, str | None)

    assert_type(job.is_terminal, bool)
    assert_type(job.duration, timedelta | None)
    assert_type(job.percent, float | None)
    assert_type(job.region, str | None)
    assert_type(job.restore_testing_plan_arn, str | None)
    assert_type(job.backup_vault_name, str | None)
    assert_type(job.recovery_point_age, timedelta | None)

    assert_type(job.to_dict(), dict[str, Any])
    assert_type(job.to_dict(mode="json"), dict[str, Any])
    assert_type(job.to_json(), str)
    assert_type(RestoreJob.from_dict({"RestoreJobId": "id"}), RestoreJob)
    assert_type(RestoreJob.from_dict(job=job.to_dict()), RestoreJob)
    assert_type(RestoreJob.from_event(event={"source": "aws.backup"}), RestoreJob)


def models(job: RestoreJob) -> None:
    assert_type(RestoreJob(), RestoreJob)
    creator = RestoreJobCreator(restore_testing_plan_arn="arn:")
    assert_type(creator.restore_testing_plan_arn, str | None)
    RestoreJob(
        restore_job_id="id",
        creation_date=MOMENT,
        status=RestoreJobStatus.FAILED,
        backup_size_in_bytes=1,
        created_by=creator,
    )
    page = RestoreJobPage(
        restore_jobs=(job,), next_token="token", request_id="id", answered_at=MOMENT
    )
    assert_type(page.request_id, str | None)
    assert_type(page.answered_at, datetime | None)
    assert_type(page.restore_jobs, tuple[RestoreJob, ...])
    assert_type(page.next_token, str | None)
    assert_type(hash(job), int)
    assert_type(job == page.restore_jobs[0], bool)


def enums(
    status: RestoreJobStatus,
    validation: RestoreValidationStatus,
    deletion: RestoreDeletionStatus,
    resource_type: ResourceType,
) -> None:
    assert_type(RestoreJobStatus("a value that AWS adds later"), RestoreJobStatus)
    assert_type(RestoreValidationStatus("FAILED"), RestoreValidationStatus)
    assert_type(RestoreDeletionStatus("FAILED"), RestoreDeletionStatus)
    assert_type(ResourceType("EBS"), ResourceType)
    assert_type(status.is_known, bool)
    assert_type(validation.is_known, bool)
    assert_type(deletion.is_known, bool)
    assert_type(resource_type.is_known, bool)
    text: str = status.value
    text = status
    assert_type(text == status, bool)
    assert_type(list(RestoreJobStatus), list[RestoreJobStatus])

    _ = [
        RestoreJobStatus.PENDING,
        RestoreJobStatus.RUNNING,
        RestoreJobStatus.COMPLETED,
        RestoreJobStatus.ABORTED,
        RestoreJobStatus.FAILED,
    ]
    _ = [
        RestoreValidationStatus.FAILED,
        RestoreValidationStatus.SUCCESSFUL,
        RestoreValidationStatus.TIMED_OUT,
        RestoreValidationStatus.VALIDATING,
    ]
    _ = [
        RestoreDeletionStatus.DELETING,
        RestoreDeletionStatus.FAILED,
        RestoreDeletionStatus.SUCCESSFUL,
    ]
    _ = [
        ResourceType.AURORA,
        ResourceType.CLOUDFORMATION,
        ResourceType.DOCUMENTDB,
        ResourceType.DSQL,
        ResourceType.DYNAMODB,
        ResourceType.EBS,
        ResourceType.EC2,
        ResourceType.EFS,
        ResourceType.EKS,
        ResourceType.FSX,
        ResourceType.NEPTUNE,
        ResourceType.RDS,
        ResourceType.REDSHIFT,
        ResourceType.REDSHIFT_SERVERLESS,
        ResourceType.S3,
        ResourceType.SAP_HANA_ON_AMAZON_EC2,
        ResourceType.STORAGE_GATEWAY,
        ResourceType.TIMESTREAM,
        ResourceType.VIRTUALMACHINE,
    ]


def errors(jobs: RestoreJobs) -> None:
    try:
        jobs.first()
    except (InvalidRequestError, InvalidCheckpointError) as error:
        assert_type(error, InvalidRequestError | InvalidCheckpointError)
    except ServiceError as error:
        assert_type(error.code, str)
        assert_type(error.request_id, str | None)
        assert_type(error.context, str | None)
        assert_type(error.http_status, int)
        assert_type(error.operation_name, str)
    except WatchTimeoutError as error:
        assert_type(error.pending, tuple[str, ...])
        timeout_error: TimeoutError = error
        assert_type(timeout_error.errno, int | None)
    except RestoreJobsError as error:
        assert_type(error.checkpoint, str | None)
        assert_type(error.listing.region_name, str)
        assert_type(error.listing.profile_name, str | None)
    PaginationError("text")
    WatchTimeoutError(timeout=5.0, pending=("a",))
    AccessDeniedException("text", response={}, operation_name="ListRestoreJobs")


def bases_of_errors(
    request_error: InvalidRequestError | InvalidCheckpointError,
    response_error: PaginationError | MalformedResponseError | TransportError,
    credentials_error: CredentialsError,
    access_error: AccessDeniedException | ExpiredTokenException | ThrottlingException,
    modelled_error: ResourceNotFoundException
    | InvalidParameterValueException
    | MissingParameterValueException
    | ServiceUnavailableException,
) -> None:
    value_error: ValueError = request_error
    configuration_error: ConfigurationError = credentials_error
    service_error: ServiceError = access_error
    service_error = modelled_error
    error: RestoreJobsError = request_error
    error = response_error
    error = configuration_error
    error = service_error
    assert_type(error.checkpoint, str | None)
    assert_type(value_error.args, tuple[Any, ...])


def fakes(jobs: RestoreJobs) -> None:
    with fake_backup() as backup:
        assert_type(backup, FakeBackup)
    with fake_backup(jobs, region_name="eu-central-1", account_id="123456789012") as backup:
        assert_type(backup.endpoint_url, str)
        assert_type(backup.requests, list[dict[str, str]])
        assert_type(backup.client(), RestoreJobsClient)
        backup.client(region_name="eu-west-1", account_id="123456789012", config=None)
        backup.seed(jobs)
        backup.seed([], region_name="eu-west-1", account_id="123456789012")
        backup.seed_next(jobs)
        backup.seed_next([], region_name="eu-west-1", account_id="123456789012")
        backup.clear()
        backup.fail_next("throttle")
        fault: FaultName = "reset_in_body"
        backup.fail_next(fault=fault, times=2)
        backup.fail_next("throttle", after=1, region_name="eu-west-1", account_id="123456789012")
    assert_type(sample_jobs(), list[RestoreJob])
    sample_jobs(
        count=10,
        seed=1,
        created_after=MOMENT,
        created_before=MOMENT,
        region_name="eu-central-1",
        account_id="123456789012",
    )
    seed_restore_jobs(sample_jobs(10))
    seed_restore_jobs(jobs, region_name="eu-central-1", account_id="123456789012")
