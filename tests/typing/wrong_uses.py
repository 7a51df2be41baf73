"""Wrong uses, which type checkers must report. They check this file; it is never run.

Each line is marked for each checker (`type: ignore` for mypy and pyright). A checker reports an
unused mark, so the check fails if a checker accepts a line.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import uuid4

import restorejobs_client
from restorejobs_client import (
    AccessDeniedException,
    ListRestoreJobsRequest,
    RestoreJob,
    RestoreJobIterator,
    RestoreJobPage,
    RestoreJobs,
    RestoreJobsClient,
    RestoreJobsError,
    RestoreJobStatus,
    RestoreJobSummary,
    RestoreValidationStatus,
    gather,
)
from restorejobs_client.testing import FakeBackup, fake_backup, sample_jobs

MOMENT = datetime(2026, 1, 31, tzinfo=UTC)


def clients() -> None:
    restorejobs_client.RestoreJobClient()  # type: ignore[attr-defined]  # pyrefly: ignore[missing-attribute]  # ty: ignore
    RestoreJobsClient(region_name=1)  # type: ignore[arg-type]  # pyrefly: ignore[bad-argument-type]  # ty: ignore
    RestoreJobsClient(region="eu-central-1")  # type: ignore[call-arg]  # pyrefly: ignore[unexpected-keyword]  # ty: ignore


def filters(client: RestoreJobsClient) -> None:
    client.list_restore_jobs(by_status="FAILD")  # type: ignore[arg-type]  # pyrefly: ignore[bad-argument-type]  # ty: ignore
    client.list_restore_jobs(by_status="failed")  # type: ignore[arg-type]  # pyrefly: ignore[bad-argument-type]  # ty: ignore
    client.list_restore_jobs(by_status=RestoreValidationStatus.FAILED)  # type: ignore[arg-type]  # pyrefly: ignore[bad-argument-type]  # ty: ignore
    client.list_restore_jobs(by_created_after="2026-01-31")  # type: ignore[arg-type]  # pyrefly: ignore[bad-argument-type]  # ty: ignore
    client.list_restore_jobs(by_created_before=date(2026, 1, 31))  # type: ignore[arg-type]  # pyrefly: ignore[bad-argument-type]  # ty: ignore
    client.list_restore_jobs(by_complete_after=1769817600)  # type: ignore[arg-type]  # pyrefly: ignore[bad-argument-type]  # ty: ignore
    client.list_restore_jobs(by_account_id=123456789012)  # type: ignore[arg-type]  # pyrefly: ignore[bad-argument-type]  # ty: ignore
    client.list_restore_jobs(by_parent_job_id=uuid4())  # type: ignore[arg-type]  # pyrefly: ignore[bad-argument-type]  # ty: ignore
    client.list_restore_jobs(by_resource_type=["EBS", "EC2"])  # type: ignore[arg-type]  # pyrefly: ignore[bad-argument-type]  # ty: ignore
    client.list_restore_jobs(by_creation_date=MOMENT)  # type: ignore[call-arg]  # pyrefly: ignore[unexpected-keyword]  # ty: ignore
    client.list_restore_jobs(ByStatus="FAILED")  # type: ignore[call-arg]  # pyrefly: ignore[unexpected-keyword]  # ty: ignore


def listings(client: RestoreJobsClient, request: ListRestoreJobsRequest) -> None:
    client.list_restore_jobs("123456789012")  # type: ignore[arg-type]  # pyrefly: ignore[bad-argument-type]  # ty: ignore
    client.list_restore_jobs({"ByStatus": "FAILED"})  # type: ignore[arg-type]  # pyrefly: ignore[bad-argument-type]  # ty: ignore
    client.list_restore_jobs(request=request)  # type: ignore[call-arg]  # pyrefly: ignore[unexpected-keyword]  # ty: ignore
    client.list_restore_jobs(request, 100)  # type: ignore[arg-type, call-arg]  # pyrefly: ignore[bad-argument-count]  # ty: ignore
    client.list_restore_jobs(max_results="100")  # type: ignore[arg-type]  # pyrefly: ignore[bad-argument-type]  # ty: ignore
    client.list_restore_jobs(max_results=None)  # type: ignore[arg-type]  # pyrefly: ignore[bad-argument-type]  # ty: ignore
    client.list_restore_jobs(next_token=1)  # type: ignore[arg-type]  # pyrefly: ignore[bad-argument-type]  # ty: ignore
    client.list_restore_jobs(limit="10")  # type: ignore[arg-type]  # pyrefly: ignore[bad-argument-type]  # ty: ignore
    client.list_restore_jobs(resume_from=b"rjc2-")  # type: ignore[arg-type]  # pyrefly: ignore[bad-argument-type]  # ty: ignore
    client.list_restore_job()  # type: ignore[attr-defined]  # pyrefly: ignore[missing-attribute]  # ty: ignore


def results(jobs: RestoreJobs, iterator: RestoreJobIterator) -> None:
    len(jobs)  # type: ignore[arg-type]  # pyrefly: ignore[bad-argument-type]  # ty: ignore
    jobs[0]  # type: ignore[index]  # pyrefly: ignore[bad-index]  # ty: ignore
    next(jobs)  # type: ignore[call-overload]  # pyrefly: ignore[bad-argument-type]  # ty: ignore
    jobs.checkpoint  # type: ignore[attr-defined]  # pyrefly: ignore[missing-attribute]  # ty: ignore
    iterator.checkpoint = "rjc2-"  # type: ignore[misc]  # pyrefly: ignore[read-only]  # ty: ignore
    jobs.head("10")  # type: ignore[arg-type]  # pyrefly: ignore[bad-argument-type]  # ty: ignore
    jobs.split()  # type: ignore[call-arg]  # pyrefly: ignore[missing-argument]  # ty: ignore
    jobs.split(2.5)  # type: ignore[arg-type]  # pyrefly: ignore[bad-argument-type]  # ty: ignore
    jobs.parallel(max_workers="8")  # type: ignore[arg-type]  # pyrefly: ignore[bad-argument-type]  # ty: ignore
    jobs.parallel(workers=8)  # type: ignore[call-arg]  # pyrefly: ignore[unexpected-keyword]  # ty: ignore
    jobs.first().restore_job_id  # type: ignore[union-attr]  # pyrefly: ignore[missing-attribute]  # ty: ignore
    gather([jobs])  # type: ignore[arg-type]  # pyrefly: ignore[bad-argument-type]  # ty: ignore
    gather(jobs, 8)  # type: ignore[arg-type]  # pyrefly: ignore[bad-argument-type]  # ty: ignore


async def asynchronous_results(jobs: RestoreJobs) -> None:
    async for _ in jobs.pages():  # type: ignore[attr-defined]  # pyrefly: ignore[not-iterable]  # ty: ignore
        pass
    await jobs.first()  # type: ignore[misc]  # pyrefly: ignore[not-async]  # ty: ignore


def requests(request: ListRestoreJobsRequest) -> None:
    request.by_status = RestoreJobStatus.FAILED  # type: ignore[misc]  # pyrefly: ignore[read-only]  # ty: ignore
    request.limit  # type: ignore[attr-defined]  # pyrefly: ignore[missing-attribute]  # ty: ignore
    ListRestoreJobsRequest("123456789012")  # type: ignore[call-arg]  # pyrefly: ignore[bad-argument-count]  # ty: ignore
    ListRestoreJobsRequest(by_status="FAILD")  # type: ignore[arg-type]  # pyrefly: ignore[bad-argument-type]  # ty: ignore
    ListRestoreJobsRequest(by_created_after="2026-01-31")  # type: ignore[arg-type]  # pyrefly: ignore[bad-argument-type]  # ty: ignore
    ListRestoreJobsRequest(by_state="FAILED")  # type: ignore[call-arg]  # pyrefly: ignore[unexpected-keyword]  # ty takes any keyword of an unpacked TypedDict
    ListRestoreJobsRequest(next_token=1)  # type: ignore[arg-type]  # pyrefly: ignore[bad-argument-type]  # ty: ignore
    ListRestoreJobsRequest(max_results=None)  # type: ignore[arg-type]  # pyrefly: ignore[bad-argument-type]  # ty: ignore
    ListRestoreJobsRequest(limit=10)  # type: ignore[call-arg]  # pyrefly: ignore[unexpected-keyword]  # ty takes any keyword of an unpacked TypedDict


def models(job: RestoreJob, page: RestoreJobPage) -> None:
    job.status = RestoreJobStatus.FAILED  # type: ignore[misc]  # pyrefly: ignore[read-only]  # ty: ignore
    job.percent = 100.0  # type: ignore[misc]  # pyrefly: ignore[read-only]  # ty: ignore
    job.job_id  # type: ignore[attr-defined]  # pyrefly: ignore[missing-attribute]  # ty: ignore
    job["RestoreJobId"]  # type: ignore[index]  # pyrefly: ignore[bad-index]  # ty: ignore
    job.creation_date.isoformat()  # type: ignore[union-attr]  # pyrefly: ignore[missing-attribute]  # ty: ignore
    job.created_by.restore_testing_plan_arn  # type: ignore[union-attr]  # pyrefly: ignore[missing-attribute]  # ty: ignore
    job.duration.total_seconds()  # type: ignore[union-attr]  # pyrefly: ignore[missing-attribute]  # ty: ignore
    page.restore_jobs = ()  # type: ignore[misc]  # pyrefly: ignore[read-only]  # ty: ignore
    page.restore_jobs.append(job)  # type: ignore[attr-defined]  # pyrefly: ignore[missing-attribute]  # ty: ignore
    page.next_token = None  # type: ignore[misc]  # pyrefly: ignore[read-only]  # ty: ignore
    RestoreJob("id")  # type: ignore[call-arg]  # pyrefly: ignore[bad-argument-count]  # ty: ignore
    RestoreJob(restore_job_id=1)  # type: ignore[arg-type]  # pyrefly: ignore[bad-argument-type]  # ty: ignore
    RestoreJob(RestoreJobId="id")  # type: ignore[call-arg]  # pyrefly: ignore[unexpected-keyword]  # ty: ignore
    RestoreJob.from_dict("{}")  # type: ignore[arg-type]  # pyrefly: ignore[bad-argument-type]  # ty: ignore


def summaries(summary: RestoreJobSummary) -> None:
    summary.jobs = 1  # type: ignore[misc]  # pyrefly: ignore[read-only]  # ty: ignore
    summary.by_status["FAILED"] = 1  # type: ignore[index]  # pyrefly: ignore[unsupported-operation]  # ty: ignore
    summary.duration.median  # type: ignore[union-attr]  # pyrefly: ignore[missing-attribute]  # ty: ignore
    RestoreJobSummary.from_jobs(RestoreJob())  # type: ignore[arg-type]  # pyrefly: ignore[bad-argument-type]  # ty: ignore


def enums(status: RestoreJobStatus) -> None:
    RestoreJobStatus.FAILD  # type: ignore[attr-defined]  # pyrefly: ignore[missing-attribute]  # ty: ignore
    status.is_known = True  # type: ignore[misc]  # pyrefly: ignore[read-only]  # ty: ignore


def errors(error: RestoreJobsError) -> None:
    error.code  # type: ignore[attr-defined]  # pyrefly: ignore[missing-attribute]  # ty: ignore
    error.checkpoint = 1  # type: ignore[assignment]  # pyrefly: ignore[bad-assignment]  # ty: ignore
    RestoreJobsError()  # type: ignore[call-arg]  # pyrefly: ignore[missing-argument]  # ty: ignore
    AccessDeniedException("text")  # type: ignore[call-arg]  # pyrefly: ignore[missing-argument]  # ty: ignore


def fakes(backup: FakeBackup) -> None:
    backup.fail_next("throtle")  # type: ignore[arg-type]  # pyrefly: ignore[bad-argument-type]  # ty: ignore
    backup.fail_next()  # type: ignore[call-arg]  # pyrefly: ignore[missing-argument]  # ty: ignore
    backup.seed(backup.requests)  # type: ignore[arg-type]  # pyrefly: ignore[bad-argument-type]  # ty: ignore
    backup.client("eu-central-1")  # type: ignore[call-arg]  # pyrefly: ignore[bad-argument-count]  # ty: ignore
    sample_jobs("10")  # type: ignore[arg-type]  # pyrefly: ignore[bad-argument-type]  # ty: ignore
    sample_jobs(created_after="2026-01-31")  # type: ignore[arg-type]  # pyrefly: ignore[bad-argument-type]  # ty: ignore
    fake_backup(sample_jobs(), "eu-central-1")  # type: ignore[call-arg]  # pyrefly: ignore[bad-argument-count]  # ty: ignore
