"""The recipes of the documentation lose no job, and do what they say."""

from __future__ import annotations

import contextlib
import csv
import json
import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber
from fastapi.testclient import TestClient
from opentelemetry.instrumentation.botocore import BotocoreInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from support.markdown_code import blocks, run_python_blocks

from restorejobs_client import (
    AccessDeniedException,
    InvalidCheckpointError,
    MalformedResponseError,
    RestoreDeletionStatus,
    RestoreJob,
    RestoreJobCreator,
    RestoreJobsError,
    RestoreJobStatus,
    RestoreJobSummary,
    RestoreValidationStatus,
    TransportError,
    gather,
)
from restorejobs_client.testing import fake_backup, sample_jobs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from restorejobs_client import RestoreJobsClient
    from restorejobs_client.testing import FakeBackup, FaultName

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
NOW = datetime(2026, 3, 3, 6, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
PLAN = "arn:aws:backup:us-east-1:123456789012:restore-testing-plan:nightly"
TESTED = RestoreJobCreator(restore_testing_plan_arn=PLAN)


@pytest.fixture
def recipe(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Return a function that returns what the blocks of a page define."""
    monkeypatch.chdir(tmp_path)
    return cache(lambda page: run_python_blocks(DOCS / page, monkeypatch))


def job(
    name: str, created: datetime = NOW, status: str = "COMPLETED", **members: Any
) -> RestoreJob:
    return RestoreJob(
        restore_job_id=name,
        creation_date=created,
        status=RestoreJobStatus(status),
        created_by=TESTED,
        **members,
    )


def ids(jobs: Iterable[RestoreJob]) -> list[str | None]:
    return [job.restore_job_id for job in jobs]


# Stop and resume


def test_job_that_aws_lists_late_is_among_the_new_ones(backup: FakeBackup, recipe: Any) -> None:
    """A job that was created before the last run, but listed only after it, is yielded once."""
    new_jobs = recipe("guides/resume.md")["new_jobs"]
    known: set[str] = set()
    backup.seed([job("a", NOW - DAY)])
    assert ids(new_jobs(backup.client(), NOW - 2 * DAY, known)) == ["a"]
    backup.seed([job("late", NOW - HOUR), job("b", NOW + HOUR)])
    assert sorted(map(str, ids(new_jobs(backup.client(), NOW, known)))) == ["b", "late"]
    assert ids(new_jobs(backup.client(), NOW, known)) == []


def test_new_job_is_repeated_if_its_user_fails(backup: FakeBackup, recipe: Any) -> None:
    """A job is remembered only when the loop requests the next one."""
    new_jobs = recipe("guides/resume.md")["new_jobs"]
    backup.seed([job("a")])
    known: set[str] = set()
    assert next(new_jobs(backup.client(), NOW, known)).restore_job_id == "a"
    assert ids(new_jobs(backup.client(), NOW, known)) == ["a"]


def test_jobs_without_an_id_are_always_new(backup: FakeBackup, recipe: Any) -> None:
    """No job is left out because AWS leaves out its id."""
    new_jobs = recipe("guides/resume.md")["new_jobs"]
    backup.seed([job("a"), *[replace(job("a"), restore_job_id=None)] * 2])
    known: set[str] = set()
    assert sorted(map(str, ids(new_jobs(backup.client(), NOW, known)))) == ["None", "None", "a"]
    assert ids(new_jobs(backup.client(), NOW, known)) == [None, None]
    assert known == {"a"}


def test_signed_checkpoint_is_verified(recipe: Any) -> None:
    """A checkpoint that somebody else wrote, or altered, is refused."""
    page = recipe("guides/resume.md")
    text = page["signed"]("rjc2-abc", b"key")
    assert page["verified"](text, b"key") == "rjc2-abc"
    for forged in (text + "d", "0" + text[1:], text[64:], "", "ä" * 70):
        with pytest.raises(InvalidCheckpointError):
            page["verified"](forged, b"key")
    with pytest.raises(InvalidCheckpointError):
        page["verified"](text, b"another key")


def test_checkpoint_has_a_fixed_date(backup: FakeBackup) -> None:
    """A checkpoint is refused with a date that is computed anew, and not with the same date."""
    backup.seed(sample_jobs(1_500))
    client = backup.client()
    since = NOW - 9_999 * DAY
    iterator = iter(client.list_restore_jobs(by_created_after=since, limit=1_000))
    seen = ids(iterator)
    later = since + timedelta(seconds=1)
    with pytest.raises(InvalidCheckpointError):
        client.list_restore_jobs(by_created_after=later, resume_from=iterator.checkpoint)
    rest = client.list_restore_jobs(by_created_after=since, resume_from=iterator.checkpoint)
    assert len({*seen, *ids(rest)}) == 1_500


# Several accounts and regions


def test_rest_of_a_region_that_failed_is_resumed(
    backup: FakeBackup, capsys: pytest.CaptureFixture[str]
) -> None:
    """What `gather` yields and what its errors resume are all jobs of both regions, once."""
    one, two = (sample_jobs(2_500, seed=seed) for seed in (1, 2))
    backup.seed(one, region_name="eu-central-1")
    backup.seed(two, region_name="eu-west-1")
    backup.fail_next("access_denied", after=1, region_name="eu-west-1")
    page = blocks(DOCS / "guides/concurrent.md", "python")
    (code,) = (block for block in page if "as group" in block)
    found: list[RestoreJob] = []
    names: dict[str, Any] = {"found": found, "gather": gather}
    names["RestoreJobsClient"] = backup.client
    exec(code.replace("        ...\n", "        found.append(job)\n"), names)  # noqa: S102  # our own
    assert len(found) == 3_500
    assert sorted(map(str, ids([*found, *names["rest"]]))) == sorted(map(str, ids(one + two)))
    assert capsys.readouterr().out.startswith("eu-west-1 An error occurred (AccessDenied")
    backup.fail_next("access_denied", region_name="eu-west-1")
    (code,) = (block for block in page if "except*" in block)
    exec(code, names)  # noqa: S102  # our own
    assert capsys.readouterr().out == "denied: eu-west-1\n"


def test_organization_names_what_was_not_listed(backup: FakeBackup, recipe: Any) -> None:
    """All jobs of an account come, or the account is among the errors with what is left."""
    jobs = {account: sample_jobs(1_500, seed=int(account)) for account in ("1" * 12, "2" * 12)}
    for account, its_jobs in jobs.items():
        backup.seed(its_jobs, account_id=account)
    backup.fail_next("access_denied", after=1, account_id="2" * 12)

    def clients_of(account: str) -> list[RestoreJobsClient]:
        if account == "unknown":
            raise ZeroDivisionError
        return [backup.client(account_id=account)]

    errors: list[tuple[str, Exception]] = []
    list_all = recipe("guides/organization.md")["jobs_of_organization"]
    found = ids(list_all(["unknown", *jobs], clients_of, errors))
    (unknown, why), (account, error) = errors
    assert (unknown, type(why), account) == ("unknown", ZeroDivisionError, "2" * 12)
    assert isinstance(error, AccessDeniedException)
    assert error.checkpoint is not None
    found += ids(backup.client(account_id=account).resume(error.checkpoint))
    assert sorted(map(str, found)) == sorted(map(str, ids(chain(*jobs.values()))))


# Tables


def test_table_counts_statuses_that_no_job_has(recipe: Any) -> None:
    """Grouped as in the guide, each documented status has a row."""
    sizes = recipe("guides/tables.md")["to_pandas"]([job("a")]).groupby("status", observed=False)
    assert sizes.size().to_dict() == {
        status: int(status == "COMPLETED") for status in RestoreJobStatus
    }


def test_parquet_file_is_complete_or_missing(
    backup: FakeBackup, recipe: Any, tmp_path: Path
) -> None:
    """If a page fails, there is no file of the name that readers look for."""
    write = recipe("guides/tables.md")["write_parquet"]
    backup.seed(sample_jobs(2_500))
    path = tmp_path / "jobs.parquet"
    listing = backup.client().list_restore_jobs()
    backup.fail_next("access_denied", after=1)
    with pytest.raises(pa.ArrowException, match="AccessDenied"):
        write(pa.RecordBatchReader.from_stream(listing), path)
    assert not path.exists()
    write(pa.RecordBatchReader.from_stream(listing), path)
    assert pq.read_metadata(path).num_rows == 2_500


def test_parquet_file_of_the_report_is_complete_or_missing(
    backup: FakeBackup, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """If a page fails while the report saves its jobs, there is no file of the name it prints."""
    monkeypatch.chdir(tmp_path)
    report = json.loads((ROOT / "examples" / "restore_report.ipynb").read_text(encoding="utf-8"))
    code = "".join(report["cells"][-1]["source"])
    backup.seed(sample_jobs(2_500))
    listing = backup.client().list_restore_jobs()
    summary = RestoreJobSummary.from_jobs(listing)
    names = {"listing": listing, "summary": summary, "pa": pa, "pq": pq, "Path": Path}
    names["embedded"] = contextlib.ExitStack()
    backup.fail_next("access_denied", after=1)
    with pytest.raises(pa.ArrowException, match="AccessDenied"):
        exec(code, names)  # noqa: S102  # our own
    assert not Path("restore_jobs.parquet").exists()
    exec(code, names)  # noqa: S102  # our own
    assert pq.read_metadata("restore_jobs.parquet").num_rows == 2_500


def test_duckdb_finds_all_jobs_each_time(backup: FakeBackup) -> None:
    """A second query on a listing has the same rows, and integers stay integers."""
    duckdb = pytest.importorskip("duckdb")
    backup.seed(sample_jobs(2_500))
    jobs = backup.client().list_restore_jobs()
    size = "any_value(typeof(backup_size_in_bytes))"
    for _ in range(2):
        found = duckdb.sql(f"SELECT count(*), {size} FROM jobs").fetchall()  # noqa: S608  # no input
        assert found == [(2_500, "BIGINT")]
    assert str(jobs.to_pandas()["backup_size_in_bytes"].dtype) == "Int64"


# Watch jobs


@pytest.mark.parametrize("fault", ["reset", "throttle", "unavailable"])
def test_watch_outlives_a_passing_error(
    backup: FakeBackup, capsys: pytest.CaptureFixture[str], fault: FaultName
) -> None:
    """The loop of the guide prints each change once, before and after the error."""
    running = job("a", status="RUNNING")
    backup.seed([running])
    backup.seed_next([replace(running, status=RestoreJobStatus.COMPLETED)])
    backup.fail_next(fault, times=8, after=1)
    (code,) = (one for one in blocks(DOCS / "guides/watch.md", "python") if "Transport" in one)
    exec(code, {"client": backup.client()})  # noqa: S102  # our own
    first, failed, last = capsys.readouterr().out.splitlines()
    assert (first, last) == ("a RUNNING", "a COMPLETED")
    assert failed.startswith("trying again: ")


# FastAPI


def test_web_page_by_page_has_every_job(recipe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer with a part of the jobs leads to the next, until all 2,500 are there."""
    page = recipe("guides/web.md")
    http = TestClient(page["app"])
    jobs = sample_jobs(2_500)
    with fake_backup(jobs) as backup:
        monkeypatch.setitem(page, "client", backup.client())
        found: list[str] = []
        resume_from: str | None = ""
        while resume_from is not None:
            given = {"resume_from": resume_from} if resume_from else {}
            answer = http.get("/restore-jobs", params=given).json()
            found += [job["restore_job_id"] for job in answer["restore_jobs"]]
            resume_from = answer["resume_from"]
        assert sorted(found) == sorted(map(str, ids(jobs)))
        assert len(backup.requests) <= 26
        before = len(backup.requests)
        for query in ("by_account_id=*", "max_results=1", "stat=FAILED", "Status=FAILED"):
            assert http.get(f"/restore-jobs?{query}").status_code == 422
        assert len(backup.requests) == before
        checkpoint = http.get("/restore-jobs").json()["resume_from"]
        for query in ("status=DONE", "created_after=2026-01-01T00:00:00", "resume_from=forged"):
            assert http.get(f"/restore-jobs?{query}").status_code == 422
        other = {"status": "FAILED", "resume_from": checkpoint}
        assert http.get("/restore-jobs", params=other).status_code == 422
        assert http.get("/summary?next_token=hello").status_code == 422
        failed = http.get("/restore-jobs?status=FAILED&created_after=2020-01-01T00:00:00Z").json()
        assert {job["status"] for job in failed["restore_jobs"]} == {"FAILED"}


@pytest.mark.parametrize(
    ("fault", "status"), [("throttle", 503), ("reset", 503), ("access_denied", 502)]
)
def test_web_answers_errors_of_aws(
    recipe: Any, monkeypatch: pytest.MonkeyPatch, fault: FaultName, status: int
) -> None:
    """An error of AWS says in its status whether to ask again, and gives nothing away."""
    page = recipe("guides/web.md")
    http = TestClient(page["app"])
    with fake_backup(sample_jobs(10)) as backup:
        monkeypatch.setitem(page, "client", backup.client())
        backup.fail_next(fault, times=16)
        for path in ("/summary", "/restore-jobs"):
            answer = http.get(path)
            assert answer.status_code == status
            assert re.fullmatch(r'\{"detail":"\w+"\}', answer.text)


# Reports and tests


def test_html_page_has_the_counts_and_no_markup_of_aws(recipe: Any, tmp_path: Path) -> None:
    """The page shows what a notebook shows, with the text of AWS escaped."""
    bad = job("<b>1", status="FAILED", status_message="<script>é</script>")
    summary = RestoreJobSummary.from_jobs([bad, *[job("2")] * 1_233])
    recipe("guides/reports.md")["write_html"](summary, tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "1,234 restore jobs" in text
    assert "&lt;script&gt;é" in text
    assert "<script>" not in text
    assert "<b>1" not in text


def test_success_rate_counts_restores_whose_validation_failed() -> None:
    """As the guide says, such a restore is a success, and its validation is counted beside it."""
    failed = job("1", validation_status=RestoreValidationStatus.FAILED)
    summary = RestoreJobSummary.from_jobs([failed])
    assert summary.success_rate == 1
    assert summary.by_validation_status["FAILED"] == 1


@pytest.mark.parametrize("fault", ["throttle", "unavailable", "reset", "damage"])
def test_seven_faults_are_survived_and_eight_are_not(backup: FakeBackup, fault: FaultName) -> None:
    """A request gets as many attempts as the guide says."""
    backup.seed(sample_jobs(10))
    backup.fail_next(fault, times=7)
    assert len(list(backup.client().list_restore_jobs())) == 10
    backup.fail_next(fault, times=8)
    with pytest.raises(RestoreJobsError):
        list(backup.client().list_restore_jobs())


def test_samples_have_the_same_ids_in_each_region() -> None:
    """The guide says that a seed decides the ids, and the region and account only the rest."""
    here = sample_jobs(20)
    there = sample_jobs(20, region_name="eu-west-1", account_id="111111111111")
    assert ids(here) == ids(there)
    assert {(one.region, one.account_id) for one in there} == {("eu-west-1", "111111111111")}


# From boto3


def test_saved_tokens_of_boto3(backup: FakeBackup) -> None:
    """AWS's token continues a listing, and that of boto3's paginator is refused unsent."""
    backup.seed(sample_jobs(1_500))
    core: Any = boto3.Session("testing", "testing").client(
        "backup", region_name="us-east-1", endpoint_url=backup.endpoint_url
    )
    token = core.list_restore_jobs(MaxResults=1000)["NextToken"]
    assert len(list(backup.client().list_restore_jobs(next_token=token))) == 500
    pages = core.get_paginator("list_restore_jobs").paginate(PaginationConfig={"MaxItems": 1000})
    with pytest.raises(InvalidCheckpointError):
        backup.client().resume(pages.build_full_result()["NextToken"])


def test_original_error_of_botocore_is_the_cause() -> None:
    """Code that caught EndpointConnectionError finds it there."""
    with fake_backup() as closed:
        client = closed.client()
    with pytest.raises(TransportError) as caught:
        client.list_restore_jobs().first()
    assert isinstance(caught.value.__cause__, EndpointConnectionError)


# The cookbook


def test_cookbook_finds_what_was_not_tested(recipe: Any) -> None:
    """A resource counts as tested only by a completed restore test since the date."""
    arns = [f"arn:aws:ec2:us-east-1:1:volume/vol-{name}" for name in "abcde"]
    jobs = [
        job("1", NOW - DAY, source_resource_arn=arns[0]),
        job("2", NOW - 100 * DAY, source_resource_arn=arns[0]),
        job("3", NOW - 100 * DAY, source_resource_arn=arns[1]),
        job("4", NOW - DAY, "FAILED", source_resource_arn=arns[2]),
        replace(job("5", NOW - DAY, source_resource_arn=arns[3]), created_by=None),
    ]
    untested = recipe("cookbook.md")["not_tested"](jobs, arns, NOW - 90 * DAY)
    assert untested == {arns[1]: NOW - 100 * DAY, **dict.fromkeys(arns[2:])}


def test_cookbook_judges_the_latest_restore(recipe: Any) -> None:
    """Each resource has a verdict, also one without a restore or without a duration."""
    done = NOW + HOUR
    jobs = [
        job("1", NOW, completion_date=done, source_resource_arn="in time"),
        job("2", NOW - DAY, completion_date=done, source_resource_arn="in time"),
        job("3", NOW - DAY, completion_date=done, source_resource_arn="late"),
        job("4", NOW - DAY, "RUNNING", source_resource_arn="RUNNING"),
        job("5", NOW, source_resource_arn="unknown"),
        job("6", NOW, "FAILED", completion_date=done, source_resource_arn="FAILED"),
    ]
    wanted = ["in time", "late", "RUNNING", "unknown", "FAILED", "never restored"]
    found = recipe("cookbook.md")["verdicts"](jobs, dict.fromkeys(wanted, 2 * HOUR))
    assert found == {name: name for name in wanted}


def test_cookbook_counts_what_a_plan_proved(recipe: Any) -> None:
    """Each plan has its counts, and jobs without a plan have none."""
    jobs = [
        job("1", validation_status=RestoreValidationStatus.SUCCESSFUL),
        job("2", status="FAILED"),
        job("3", deletion_status=RestoreDeletionStatus.FAILED),
        replace(job("4"), created_by=None),
    ]
    counts = {"started": 3, "validated": 1, "failed": 1, "not deleted": 1}
    assert recipe("cookbook.md")["by_plan"](jobs) == {PLAN: counts}


def test_cookbook_keeps_children_without_their_parent(recipe: Any) -> None:
    """Each job is in exactly one family, whatever the case of the ids and the order."""
    jobs = [
        job("c1", parent_job_id="P1"),
        job("p1", is_parent=True),
        job("C2", parent_job_id="p1"),
        job("orphan", parent_job_id="not-listed"),
        job("single"),
        *[replace(job("?"), restore_job_id=None)] * 2,
    ]
    families = recipe("cookbook.md")["families"](jobs)
    assert [(root.restore_job_id, ids(children)) for root, children in families] == [
        ("p1", ["c1", "C2"]),
        ("orphan", []),
        ("single", []),
        (None, []),
        (None, []),
    ]


def test_cookbook_lambda_loses_no_job(backup: FakeBackup, recipe: Any, tmp_path: Path) -> None:
    """Runs of 500 jobs handle each of 1,700, also if a job, a request or the state is broken."""
    next_jobs, state = recipe("cookbook.md")["next_jobs"], tmp_path / "state"
    jobs = sample_jobs(1_700, created_before=datetime.now(UTC))
    backup.seed(jobs)
    handled: list[str | None] = []
    calls = count(1)

    def handle(job: RestoreJob) -> None:
        if next(calls) % 333 == 0:
            raise ZeroDivisionError
        handled.append(job.restore_job_id)

    runs = 0
    while runs == 0 or state.read_text():
        runs += 1
        if runs == 3:
            backup.fail_next("access_denied")
        before = len(handled)
        with contextlib.suppress(ZeroDivisionError, AccessDeniedException):
            next_jobs(backup.client(), state, handle)
        assert len(handled) - before <= 500
        assert runs < 30
    assert sorted(map(str, handled)) == sorted(map(str, ids(jobs)))  # and none of them twice
    for broken in ("", "rjc1-from-an-older-version"):
        state.write_text(broken)
        next_jobs(backup.client(), state, lambda job: handled.append(job.restore_job_id))
        assert state.read_text()
    assert len(handled) == 1_700 + 2 * 500


def test_cookbook_lambda_repeats_the_last_job(
    backup: FakeBackup, recipe: Any, tmp_path: Path
) -> None:
    """If the last job cannot be handled, the next run begins with it, and then all over."""
    next_jobs, state = recipe("cookbook.md")["next_jobs"], tmp_path / "state"
    backup.seed([job(name, datetime.now(UTC) - DAY) for name in "abc"])
    *first, last = ids(backup.client().list_restore_jobs())
    handled: list[str | None] = []

    def handle(job: RestoreJob) -> None:
        handled.append(job.restore_job_id)
        if job.restore_job_id == last and handled.count(last) == 1:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        next_jobs(backup.client(), state, handle)
    next_jobs(backup.client(), state, handle)
    assert handled == [*first, last, last]
    next_jobs(backup.client(), state, handle)
    assert handled[4:] == [*first, last]


def test_cookbook_lambda_begins_again_when_nothing_is_left(
    backup: FakeBackup, recipe: Any, tmp_path: Path
) -> None:
    """A run that was killed after its last job, or a listing without jobs, is not for ever."""
    next_jobs, state = recipe("cookbook.md")["next_jobs"], tmp_path / "state"
    next_jobs(backup.client(), state, print)
    assert state.read_text() == ""
    backup.seed([job("a", datetime.now(UTC) - DAY)])
    iterator = iter(backup.client().list_restore_jobs())
    assert ids(iterator) == ["a"]
    state.write_text(iterator.checkpoint)
    next_jobs(backup.client(), state, print)
    assert state.read_text() == ""


def test_cookbook_saves_events_and_what_they_missed(backup: FakeBackup, recipe: Any) -> None:
    """The nightly pass adds a job whose events did not arrive; a late event changes nothing."""
    handle = recipe("cookbook.md")["handle_event"]
    table: dict[str, RestoreJob] = {}

    def event(name: str, status: str) -> dict[str, Any]:
        return {
            "source": "aws.backup",
            "detail-type": "Restore Job State Change",
            "account": "123456789012",
            "region": "us-east-1",
            "detail": {"restoreJobId": name, "status": status},
        }

    client = backup.client()
    created = event("a", "") | {"detail": {"restoreJobId": "a", "state": "CREATED"}}
    handle(created, client, table)
    assert table["a"].status == "CREATED"
    handle(event("a", "RUNNING"), client, table)
    for late in (created, event("a", "PENDING")):
        handle(late, client, table)
        assert table["a"].status == "RUNNING"
    handle(event("A", "COMPLETED"), client, table)  # the same job
    for late in (created, event("a", "RUNNING"), event("a", "PAUSED")):
        handle(late, client, table)
    assert not backup.requests
    backup.seed([job("missed", datetime.now(UTC) - DAY), job("a", datetime.now(UTC) - DAY)])
    assert {name: job.status for name, job in table.items()} == {"a": "COMPLETED"}
    handle({"detail-type": "Scheduled Event"}, client, table)
    assert {name: job.status for name, job in table.items()} == {
        "a": "COMPLETED",
        "missed": "COMPLETED",
    }
    handle(event("missed", "COMPLETED"), client, table)
    assert table["missed"].creation_date is not None  # the event has fewer members


def test_cookbook_pass_keeps_every_job(backup: FakeBackup, recipe: Any) -> None:
    """Jobs without an id do not replace each other, and only the schedule causes a listing."""
    handle = recipe("cookbook.md")["handle_event"]
    jobs = [job(name, datetime.now(UTC) - DAY) for name in "abcd"]
    backup.seed(
        [
            *jobs[:2],
            *(
                replace(one, restore_job_id=None, backup_size_in_bytes=size)
                for size, one in enumerate(jobs[2:])
            ),
        ]
    )
    table: dict[str, RestoreJob] = {}
    for other in ({}, {"detail-type": "Backup Job State Change", "source": "aws.backup"}):
        with pytest.raises(MalformedResponseError):
            handle(other, backup.client(), table)
    assert not backup.requests
    handle({"detail-type": "Scheduled Event"}, backup.client(), table)
    assert len(table) == 4


def test_cookbook_pass_lists_old_jobs_that_still_run(backup: FakeBackup, recipe: Any) -> None:
    """A restore of three weeks ends in the table, even if no event says so."""
    handle = recipe("cookbook.md")["handle_event"]
    started = datetime.now(UTC) - 21 * DAY
    table = {"slow": job("slow", started, "RUNNING"), "old": job("old", started - DAY, "FAILED")}
    backup.seed([job("slow", started)])
    handle({"detail-type": "Scheduled Event"}, backup.client(), table)
    assert {name: job.status for name, job in table.items()} == {
        "slow": "COMPLETED",
        "old": "FAILED",
    }
    (request,) = backup.requests
    assert datetime.fromisoformat(request["createdAfter"]) < started


def test_cookbook_profile_assumes_a_role(
    recipe: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """boto3 understands the profile, and would assume its role when it is used."""
    (config,) = blocks(DOCS / "cookbook.md", "ini")
    (tmp_path / "config").write_text(
        f"{config}[default]\naws_access_key_id = testing\naws_secret_access_key = testing\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    core: Any = boto3.Session(profile_name="audit-111111111111")
    credentials = core.get_credentials()
    assert credentials.method == "assume-role"  # refreshed before they expire
    monkeypatch.undo()
    assert recipe("cookbook.md")["client_of"].__annotations__


def test_cookbook_excel_file_has_all_jobs_and_no_formula(recipe: Any, tmp_path: Path) -> None:
    """Dates have no time zone, and text that begins with = stays text."""
    path = tmp_path / "jobs.xlsx"
    jobs = [*sample_jobs(200), job("=1+1", resource_type="https://example.com")]
    recipe("cookbook.md")["write_excel"](iter(jobs), path)
    sheet = openpyxl.load_workbook(path).active
    assert sheet is not None
    header, *rows = sheet.iter_rows()
    names = [cell.value for cell in header]
    assert [row[names.index("restore_job_id")].value for row in rows] == ids(jobs)
    assert {cell.data_type for row in rows for cell in row} <= {"s", "n", "d", "b"}
    created = [row[names.index("creation_date")].value for row in rows]
    assert created[0] == jobs[0].creation_date.replace(tzinfo=None)  # type: ignore[union-attr]
    assert rows[-1][names.index("restore_job_id")].hyperlink is None


def test_cookbook_csv_is_complete_or_missing(
    backup: FakeBackup, recipe: Any, tmp_path: Path
) -> None:
    """The file has each job, no formula, and its name only after the last page."""
    path, write = tmp_path / "jobs.csv", recipe("cookbook.md")["write_csv"]
    risky = job("=1+1", resource_type="@x", status_message="-1\n=2")
    backup.seed([*sample_jobs(1_500), risky])
    backup.fail_next("access_denied", after=1)
    with pytest.raises(RestoreJobsError):
        write(backup.client().list_restore_jobs(), path)
    assert not path.exists()
    write(backup.client().list_restore_jobs(), path)
    with path.open(newline="") as file:
        rows = {row["restore_job_id"]: row for row in csv.DictReader(file)}
    assert len(rows) == 1_501
    row = rows["'=1+1"]
    assert (row["resource_type"], row["status_message"]) == ("'@x", "'-1\n=2")
    assert row["created_by"] == PLAN
    assert row["creation_date"] == "2026-03-03T06:00:00Z"


def test_cookbook_reads_jobs_of_other_operations(recipe: Any) -> None:
    """What DescribeRestoreJob returns is a job."""
    backup: Any = boto3.Session("testing", "testing").client("backup", region_name="us-east-1")
    with Stubber(backup) as stubber:
        answer = {"RestoreJobId": "a", "Status": "RUNNING", "CreationDate": NOW}
        stubber.add_response("describe_restore_job", answer, {"RestoreJobId": "a"})
        described = recipe("cookbook.md")["describe"](backup, "a")
    assert described == RestoreJob(
        restore_job_id="a", status=RestoreJobStatus.RUNNING, creation_date=NOW
    )


def test_opentelemetry_traces_each_page(backup: FakeBackup) -> None:
    """Each page is a span of the caller's trace, with AWS's request id."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    instrumentor: Any = BotocoreInstrumentor()  # type: ignore[no-untyped-call]  # it has no types
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    instrumentor.instrument(tracer_provider=provider)
    try:
        backup.seed(sample_jobs(2_500))
        with provider.get_tracer("test").start_as_current_span("mine") as mine:
            assert len(list(backup.client().list_restore_jobs())) == 2_500
    finally:
        instrumentor.uninstrument()
    *pages, _ = exporter.get_finished_spans()
    assert [page.name for page in pages] == ["Backup.ListRestoreJobs"] * 3
    assert {page.context.trace_id for page in pages} == {mine.get_span_context().trace_id}
    assert len({(page.attributes or {})["aws.request_id"] for page in pages}) == 3


def test_policy_allows_one_action() -> None:
    """The IAM policy is JSON, and allows what SECURITY.md says and nothing else."""
    (policy,) = blocks(DOCS / "cookbook.md", "json")
    (statement,) = json.loads(policy)["Statement"]
    assert (statement["Effect"], statement["Action"]) == ("Allow", "backup:ListRestoreJobs")
    assert statement["Action"] in (ROOT / "SECURITY.md").read_text()


# All of them


def test_recipes_are_typed(tmp_path: Path) -> None:
    """mypy accepts the Python blocks of the README and of every page, in its strict mode."""
    for number, page in enumerate([ROOT / "README.md", *DOCS.rglob("*.md")]):
        code = "\n\n".join(blocks(page, "python"))
        (tmp_path / f"page_{number}.py").write_text(f"# {page}\n{code}")
    options = ["--strict", "--allow-untyped-calls", "--config-file="]  # OpenTelemetry has no types
    command = [sys.executable, "-m", "mypy", *options, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)  # noqa: S603  # our own
    assert done.returncode == 0, done.stdout


LISTENING = """
import psutil, pathlib
import organization_on_dask as example

def look(*_, **__):
    me = psutil.Process()
    for process in (me, *me.children(recursive=True)):
        for one in process.net_connections(kind="inet"):
            if one.status == "LISTEN":
                print(one.laddr[0])
    return []

if __name__ == "__main__":  # the workers import this too
    example.as_completed = look
    example.collect({}, pathlib.Path())
"""


def test_dask_example_listens_on_loopback_only(tmp_path: Path) -> None:
    """Neither the cluster nor its dashboard can be reached from another machine."""
    (tmp_path / "listening.py").write_text(LISTENING)
    done = subprocess.run(  # our own
        [sys.executable, "listening.py"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT / "examples"), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert set(done.stdout.split()) == {"127.0.0.1"}


def test_examples_print_no_control_character(capsys: pytest.CaptureFixture[str]) -> None:
    """Text of AWS that could command a terminal is escaped."""
    sys.path.insert(0, str(ROOT / "examples"))
    import all_regions  # noqa: PLC0415  # in examples/
    import quickstart  # noqa: PLC0415

    evil = "\x1b[2J\nNOT LISTED\u202e"
    bad = job(evil, datetime.now(UTC) - DAY, "FAILED", resource_type=evil, status_message=evil)
    bad = replace(bad, backup_vault_arn=f"arn:aws:backup:{evil}:1:backup-vault:v")
    odd = replace(bad, restore_job_id="2", status=RestoreJobStatus(evil))
    with fake_backup([bad, odd]) as backup:
        quickstart.report(backup.client(), datetime.now(UTC) - 2 * DAY)
        all_regions.report([backup.client().list_restore_jobs()])
    lines = capsys.readouterr().out.split("\n")
    assert all(line.isprintable() for line in lines)
    assert not any(line.startswith("NOT") for line in lines)
    assert re.search(r"x1b\[2J", "".join(lines))
