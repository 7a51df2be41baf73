"""FastAPI and pydantic accept requests, jobs, pages and summaries without conversion."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated, Any

import pytest
from fastapi import FastAPI, Query
from fastapi.testclient import TestClient
from pydantic import TypeAdapter, ValidationError, validate_call

from restorejobs_client import (
    InvalidRequestError,
    ListRestoreJobsRequest,
    RestoreFailures,
    RestoreJob,
    RestoreJobPage,
    RestoreJobSummary,
)
from restorejobs_client.testing import fake_backup, sample_jobs

JOBS = sample_jobs(200)
SUMMARY = RestoreJobSummary.from_jobs(JOBS)
app = FastAPI()
requests: list[ListRestoreJobsRequest] = []


@app.get("/query")
def by_query(request: Annotated[ListRestoreJobsRequest, Query()]) -> None:
    requests.append(request)


@app.get("/job")
def get_job() -> RestoreJob:
    return JOBS[0]


@app.post("/job")
def post_job(job: RestoreJob) -> RestoreJob:
    return job


@app.get("/page")
def get_page() -> RestoreJobPage:
    return RestoreJobPage(restore_jobs=tuple(JOBS[:3]), next_token="t")


@app.get("/summary")
def get_summary() -> RestoreJobSummary:
    return SUMMARY


@app.get("/failures")
def get_failures() -> list[RestoreFailures]:
    return list(SUMMARY.failures)


http = TestClient(app)


def test_url_becomes_a_request() -> None:
    """The request has every filter in the URL."""
    requests.clear()
    query = (
        "by_status=FAILED&max_results=10&by_resource_type=EBS&by_account_id=012345678901"
        "&by_created_after=2026-01-01T00:00:00Z&by_parent_job_id=p"
    )
    assert http.get(f"/query?{query}").status_code == 200
    assert requests == [
        ListRestoreJobsRequest(
            by_status="FAILED",
            max_results=10,
            by_resource_type="EBS",
            by_account_id="012345678901",
            by_created_after=datetime(2026, 1, 1, tzinfo=UTC),
            by_parent_job_id="p",
        )
    ]


@pytest.mark.parametrize(
    "query", ["by_status=DONE", "max_results=0", f"max_results={'9' * 5_000}", "by_stats=FAILED"]
)
def test_wrong_parameter_is_answered_with_422(query: str) -> None:
    """A wrong parameter in a URL is an error of the HTTP client."""
    assert http.get(f"/query?{query}").status_code == 422


def test_max_results_as_text_is_accepted_only_in_a_url() -> None:
    """`max_results` may be text in a URL; in Python it must be an int."""
    for name in ("max_results", "MaxResults"):
        with pytest.raises(InvalidRequestError, match="max_results='10'"):
            ListRestoreJobsRequest.model_validate({name: "10"})
    request = TypeAdapter(ListRestoreJobsRequest).validate_python({"max_results": "10"})
    assert request.max_results == 10


def test_models_are_responses() -> None:
    """A response has snake_case names and the values of `to_dict(mode="json")`."""
    assert http.get("/job").json() == JOBS[0].to_dict(mode="json")
    assert http.get("/page").json()["restore_jobs"][2] == JOBS[2].to_dict(mode="json")
    summary = http.get("/summary").json()
    assert summary == SUMMARY.to_dict(mode="json") == json.loads(SUMMARY.to_json())
    assert http.get("/failures").json() == summary["failures"]


@pytest.mark.parametrize("job", [{"RestoreJobId": "a", "Status": "NEW"}, {"restore_job_id": "a"}])
def test_job_is_read_from_a_request(job: dict[str, str]) -> None:
    """The body of an HTTP request may have AWS's names or ours."""
    assert http.post("/job", json=job).json() == RestoreJob.from_dict(job).to_dict(mode="json")


def test_wrong_job_is_answered_with_422() -> None:
    """A job with a wrong member is an error of the HTTP client."""
    assert http.post("/job", json={"RestoreJobId": 5}).status_code == 422


@pytest.mark.parametrize("other", [{}, {"detail": "Internal Server Error"}, {"RestoreJobId": "a"}])
def test_what_is_no_page_is_no_empty_page(other: dict[str, str]) -> None:
    """A page that names neither jobs nor a token is refused."""
    pages: TypeAdapter[Any] = TypeAdapter(RestoreJobPage)
    with pytest.raises(ValidationError, match="RestoreJobs or NextToken"):
        pages.validate_python(other)
    assert pages.validate_python({"RestoreJobs": []}) == RestoreJobPage()
    assert pages.validate_json(pages.dump_json(RestoreJobPage())) == RestoreJobPage()


def test_openapi_describes_every_member() -> None:
    """The OpenAPI document has the members of jobs and of summaries."""
    schemas = http.get("/openapi.json").json()["components"]["schemas"]
    for name, model in (("RestoreJob", JOBS[0]), ("RestoreJobSummary", SUMMARY)):
        assert set(schemas[name]["properties"]) == set(model.to_dict())


def test_validate_call_accepts_client_methods() -> None:
    """Pydantic can validate the arguments of `list_restore_jobs` and `resume`."""
    with fake_backup(JOBS) as backup:
        client = backup.client()
        failed = client.list_restore_jobs(by_status="FAILED")
        validated = validate_call(client.list_restore_jobs)(by_status="FAILED", limit=3)
        assert list(validated) == list(failed)[:3]
        assert list(validate_call(client.resume)(iter(validated).checkpoint)) == list(failed)
