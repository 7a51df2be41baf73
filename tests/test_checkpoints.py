"""Checkpoints from anybody: whatever they hold, they resume or raise InvalidCheckpointError."""

from __future__ import annotations

import base64
import itertools
import json
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from memory_service import Service, job, listing_of

from restorejobs_client import (
    InvalidCheckpointError,
    InvalidParameterValueException,
    RestoreJob,
    RestoreJobPage,
    RestoreJobsClient,
    RestoreJobsError,
)
from restorejobs_client.testing import fake_backup, sample_jobs

if TYPE_CHECKING:
    from collections.abc import Callable

    from page_server import PageServer

JOBS = [job(number, seconds=-number) for number in range(23)]
START = datetime(2025, 6, 1, tzinfo=UTC)


def unsealed(checkpoint: str) -> dict[str, Any]:
    encoded = checkpoint.partition("-")[2]
    decoded = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    content: dict[str, Any] = json.loads(decoded[8:])
    return content


def sealed(content: object) -> str:
    """Return a checkpoint that holds this, as somebody would forge it: the checksum is right."""
    payload = content if isinstance(content, bytes) else json.dumps(content).encode()
    checksum = blake2b(payload, digest_size=8).digest()
    return "rjc2-" + base64.urlsafe_b64encode(checksum + payload).decode().rstrip("=")


def compact(content: object) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()


def genuine() -> str:
    iterator = iter(Service(JOBS).listing(max_results=5, by_status="FAILED"))
    for _ in range(7):
        next(iterator)
    return iterator.checkpoint


VALUES: list[Any] = [
    None,
    True,
    -3,
    0,
    3,
    2**63,
    10**400,
    1.5,
    "",
    "x",
    "\ud800",
    "2026-01-01",
    "2026-01-01T00:00:00",
    "9999-12-31T23:59:59-05:00",
    [],
    ["x"],
    {},
    {"x": "y"},
    {"by_status": "DONE"},
    {"by_status": ["FAILED"]},
    {"by_created_after": "2026-01-01T00:00:00"},
    {"next_token": "x"},
]
FIELDS = list(unsealed(genuine()))


def resumed_or_refused(service: Service, checkpoint: str) -> bool:
    """Return whether it resumes; nothing may be sent for one that is refused."""

    def fetch(parameters: dict[str, Any]) -> RestoreJobPage:
        if not parameters.get("NextToken", "0").isdigit():
            message = "there is no such token"
            raise InvalidParameterValueException(message, response={}, operation_name="x")
        return service.fetch(parameters)

    try:
        listing = listing_of(fetch, by_status="FAILED", resume_from=checkpoint)
    except InvalidCheckpointError:
        assert service.asked == []
        return False
    with suppress(InvalidParameterValueException):
        list(listing)
    return True


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_forged_field_resumes_or_is_refused(field: str, value: object) -> None:
    """A checkpoint with any field replaced raises nothing but InvalidCheckpointError."""
    content = unsealed(genuine()) | {field: value}
    service = Service(JOBS)
    resumes = resumed_or_refused(service, sealed(compact(content)))
    if repr(value) == repr(unsealed(genuine())[field]):
        assert resumes
    if field == "delivered" and value in ([], -3, 0, 10**400):
        assert not resumes


@pytest.mark.parametrize("field", FIELDS)
def test_a_forged_checkpoint_without_a_field_is_refused(field: str) -> None:
    content = unsealed(genuine())
    del content[field]
    assert not resumed_or_refused(Service(JOBS), sealed(compact(content)))


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"[" * 100_000,
        b'{"token":' * 100_000,
        b"\xff\xfe",
        b"NaN",
        b'"' + b"x" * 50_000 + b'"',
        compact(unsealed(genuine()) | {"more": 1}),
        compact(unsealed(genuine())).replace(b'"token"', b'"token":"x","token"', 1),
        json.dumps(unsealed(genuine())).encode(),  # with spaces, as this package never writes it
    ],
    ids=lambda payload: repr(payload[:20]),
)
def test_forged_content_of_another_shape_is_refused(payload: bytes) -> None:
    assert not resumed_or_refused(Service(JOBS), sealed(payload))


def test_ten_megabytes_are_refused_at_once() -> None:
    huge = sealed(compact(unsealed(genuine()) | {"token": "x" * 10_000_000}))
    for text in (huge, "rjc2-" + "A" * 10_000_000, "x" * 10_000_000):
        with pytest.raises(InvalidCheckpointError) as caught:
            Service(JOBS).listing(resume_from=text)
        assert len(str(caught.value)) < 300


@given(
    content=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(FIELDS) | st.text(), inner),
    )
)
def test_generated_content_resumes_or_is_refused(content: Any) -> None:
    if isinstance(content, dict):
        content = unsealed(genuine()) | content
    resumed_or_refused(Service(JOBS), sealed(compact(content)))


# Resuming


def test_a_checkpoint_carries_all_that_resuming_needs() -> None:
    """`client.resume` brings the rest of a listing, and nothing else needs to be given."""
    jobs = sample_jobs(600, created_after=START, created_before=datetime(2025, 7, 1, tzinfo=UTC))
    with fake_backup(jobs) as backup:
        client = backup.client()
        listing = client.list_restore_jobs(
            by_status="COMPLETED", by_created_after=START, by_resource_type="EBS", max_results=50
        )
        expected = list(listing)
        for place in (0, 1, 49, 50, 51, len(expected)):
            iterator = iter(listing)
            seen = list(itertools.islice(iterator, place))
            assert seen + list(client.resume(iterator.checkpoint)) == expected
            pages = listing.pages()
            seen = [job for page in itertools.islice(pages, 1) for job in page]
            assert seen + list(client.resume(pages.checkpoint)) == expected


def test_a_checkpoint_is_resumed_in_another_process(server: PageServer) -> None:
    iterator = iter(RestoreJobsClient(client=server.client()).list_restore_jobs(max_results=40))
    first = [next(iterator).restore_job_id for _ in range(55)]
    program = """
import sys
from restorejobs_client import RestoreJobsClient
client = RestoreJobsClient(region_name="eu-west-1", endpoint_url=sys.argv[1])
print(*[job.restore_job_id for job in client.resume(sys.argv[2])])
"""
    done = subprocess.run(  # noqa: S603  # our own
        [sys.executable, "-c", program, server.endpoint_url, iterator.checkpoint],
        capture_output=True,
        text=True,
        check=True,
        env={"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"},
    )
    assert first + done.stdout.split() == [one["RestoreJobId"] for one in server.jobs]


def test_a_window_is_resumed_as_that_window() -> None:
    jobs = sample_jobs(200, created_after=START, created_before=datetime(2025, 7, 1, tzinfo=UTC))
    with fake_backup(jobs) as backup:
        client = backup.client()
        for window in client.list_restore_jobs(by_created_after=START).split(3):
            iterator = iter(window)
            expected = list(window)
            seen = list(itertools.islice(iterator, len(expected) // 2))
            assert seen + list(client.resume(iterator.checkpoint)) == expected


def test_a_finished_checkpoint_brings_nothing_and_asks_for_nothing() -> None:
    with fake_backup(sample_jobs(10)) as backup:
        client = backup.client()
        iterator = iter(client.list_restore_jobs())
        assert len(list(iterator)) == 10
        asked = len(backup.requests)
        assert list(client.resume(iterator.checkpoint)) == []
        assert len(backup.requests) == asked


def test_resuming_in_another_region_is_refused_and_names_both() -> None:
    with fake_backup(sample_jobs(10)) as backup:
        checkpoint = iter(backup.client().list_restore_jobs()).checkpoint
        there = backup.client(region_name="eu-west-1")
        with pytest.raises(InvalidCheckpointError, match=r"us-east-1.*eu-west-1"):
            there.resume(checkpoint)


def test_other_filters_are_refused_and_the_difference_is_shown() -> None:
    with fake_backup(sample_jobs(10)) as backup:
        client = backup.client()
        checkpoint = iter(client.list_restore_jobs(by_created_after=START)).checkpoint
        later = datetime(2025, 6, 2, tzinfo=UTC)
        with pytest.raises(InvalidCheckpointError) as caught:
            client.list_restore_jobs(by_created_after=later, resume_from=checkpoint)
        assert "by_created_after='2025-06-01T00:00:00+00:00'" in str(caught.value)
        assert "by_created_after='2025-06-02T00:00:00+00:00'" in str(caught.value)
        assert "client.resume" in str(caught.value)
        assert backup.requests == []


def failing_lists(client: RestoreJobsClient) -> list[Callable[[], object]]:
    listing = client.list_restore_jobs()
    return [
        lambda: list(listing),
        lambda: list(listing.pages()),
        listing.first,
        listing.to_arrow,
    ]


def test_every_error_while_iterating_has_a_checkpoint_that_resumes(server: PageServer) -> None:
    client = RestoreJobsClient(client=server.client(attempts=1))
    for fail in failing_lists(client):
        server.heal()
        server.fail(1, lambda answer: type(answer)(body=b"<html>"))
        with pytest.raises(RestoreJobsError) as caught:
            fail()
        server.heal()
        assert caught.value.checkpoint is not None
        rest: list[RestoreJob] = list(client.resume(caught.value.checkpoint))
        assert len(rest) == 300
