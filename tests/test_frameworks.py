"""pydantic, FastAPI, and tools that read annotations take what is public as it is."""

from __future__ import annotations

import inspect
import json
import typing
from datetime import UTC, datetime
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI, Query
from fastapi.testclient import TestClient
from pydantic import TypeAdapter, validate_call

import restorejobs_client
from restorejobs_client import (
    InvalidRequestError,
    ListRestoreJobsRequest,
    RestoreFailures,
    RestoreJob,
    RestoreJobPage,
    RestoreJobStatus,
    RestoreJobSummary,
    testing,
)
from restorejobs_client.testing import fake_backup, sample_jobs

START, END = datetime(2025, 6, 1, tzinfo=UTC), datetime(2025, 7, 1, tzinfo=UTC)
JOBS = sample_jobs(200, created_after=START, created_before=END)
app = FastAPI()
asked: list[ListRestoreJobsRequest] = []


@app.get("/query")
def by_query(request: Annotated[ListRestoreJobsRequest, Query()]) -> int:
    asked.append(request)
    return request.max_results


@app.get("/depends")
def by_depends(request: Annotated[ListRestoreJobsRequest, Depends()]) -> int:
    asked.append(request)
    return request.max_results


@app.get("/job")
def one_job() -> RestoreJob:
    return JOBS[0]


@app.get("/page")
def page() -> RestoreJobPage:
    return RestoreJobPage(restore_jobs=tuple(JOBS[:3]), next_token="t")


@app.get("/summary")
def summary() -> RestoreJobSummary:
    return RestoreJobSummary.from_jobs(JOBS)


@app.get("/failures")
def failures() -> list[RestoreFailures]:
    return list(RestoreJobSummary.from_jobs(JOBS).failures)


@app.post("/job")
def count_members(job: RestoreJob) -> int:
    return sum(value is not None for value in job.to_dict().values())


http = TestClient(app)


@pytest.mark.parametrize("path", ["/query", "/depends"])
def test_a_url_becomes_a_request_with_all_of_its_filters(path: str) -> None:
    """Every filter in the URL reaches the request; none is dropped silently."""
    asked.clear()
    url = (
        f"{path}?by_status=FAILED&max_results=10&by_resource_type=EBS&by_account_id=012345678901"
        "&by_created_after=2026-01-01T00:00:00Z&by_parent_job_id=p"
    )
    response = http.get(url)
    assert (response.status_code, response.json()) == (200, 10)
    assert asked == [
        ListRestoreJobsRequest(
            by_status="FAILED",
            max_results=10,
            by_resource_type="EBS",
            by_account_id="012345678901",
            by_created_after=datetime(2026, 1, 1, tzinfo=UTC),
            by_parent_job_id="p",
        )
    ]


@pytest.mark.parametrize("query", ["by_status=DONE", "max_results=0", "by_stats=FAILED"])
def test_a_url_that_cannot_be_right_is_an_error_for_its_sender(query: str) -> None:
    assert http.get(f"/query?{query}").status_code == 422


def test_digits_are_accepted_from_a_url_alone() -> None:
    """In Python, `max_results` must be an int."""
    for name in ("max_results", "MaxResults"):
        with pytest.raises(InvalidRequestError, match="max_results='10'"):
            ListRestoreJobsRequest.model_validate({name: "10"})
    read = TypeAdapter(ListRestoreJobsRequest).validate_python({"max_results": "10"})
    assert read.max_results == 10


def test_jobs_pages_and_summaries_are_responses() -> None:
    """Responses have snake_case names and the values of `to_dict(mode="json")`."""
    assert http.get("/job").json() == JOBS[0].to_dict(mode="json")
    assert http.get("/page").json()["restore_jobs"][2] == JOBS[2].to_dict(mode="json")
    expected = RestoreJobSummary.from_jobs(JOBS)
    summed = http.get("/summary").json()
    assert summed == json.loads(expected.to_json()) == expected.to_dict(mode="json")
    assert len(http.get("/failures").json()) == len(expected.failures)


def test_a_job_is_read_from_a_request_by_both_spellings() -> None:
    for spelling in (
        {"RestoreJobId": "a", "Status": "NEW"},
        {"restore_job_id": "a", "status": "x"},
    ):
        assert http.post("/job", json=spelling).json() == 2
    assert http.post("/job", json={"RestoreJobId": 5}).status_code == 422


def test_the_openapi_schema_has_every_member_and_leaves_enums_open() -> None:
    schemas = http.get("/openapi.json").json()["components"]["schemas"]
    assert set(schemas["RestoreJob"]["properties"]) == set(RestoreJob().to_dict())
    status = schemas["RestoreJob"]["properties"]["status"]["anyOf"][0]
    assert status["type"] == "string"
    assert "enum" not in status
    assert {"success_rate", "by_status", "failures"} <= set(
        schemas["RestoreJobSummary"]["properties"]
    )


def public_functions() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for module in (restorejobs_client, testing):
        for name in module.__all__:
            value = getattr(module, name)
            if inspect.isfunction(value):
                found[name] = value
            if inspect.isclass(value):
                found[name] = value
                for member, function in inspect.getmembers(value):
                    if member.startswith("_") and member not in {"__init__", "__iter__"}:
                        continue
                    wrapped = getattr(function, "fget", None) or function
                    module_name = getattr(wrapped, "__module__", "") or ""
                    if callable(wrapped) and module_name.startswith("restorejobs_client"):
                        found[f"{name}.{member}"] = wrapped
    return found


@pytest.mark.parametrize("name", public_functions())
def test_public_annotations_resolve_at_run_time(name: str) -> None:
    """Frameworks can read the annotations of everything public."""
    assert isinstance(typing.get_type_hints(public_functions()[name]), dict)


def test_validate_call_wraps_the_methods_of_a_client() -> None:
    with fake_backup(JOBS) as backup:
        client = backup.client()
        listing = validate_call(client.list_restore_jobs)(by_status="FAILED", limit=3)
        assert [job.status for job in listing] == [RestoreJobStatus.FAILED] * 3
        checkpoint = iter(listing).checkpoint
        assert list(validate_call(client.resume)(checkpoint)) == list(
            client.list_restore_jobs(by_status="FAILED")
        )
