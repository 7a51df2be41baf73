"""Errors say what was given, what is allowed and what to do, briefly, and show no secret."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import threading
import time
import traceback
import warnings
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from memory_service import Service, job, listing_of
from page_server import Answer

from restorejobs_client import (
    ConfigurationError,
    CredentialsError,
    InvalidRequestError,
    ListRestoreJobsRequest,
    RestoreJobPage,
    RestoreJobsClient,
    RestoreJobsError,
    RestoreJobSummary,
    ServiceError,
    TransportError,
    __version__,
    gather,
)
from restorejobs_client._extras import LazyModule
from restorejobs_client.testing import fake_backup, sample_jobs

if TYPE_CHECKING:
    from pathlib import Path

    from page_server import PageServer


def lines_of(error: BaseException) -> int:
    return "".join(traceback.format_exception(error)).count("\n")


# Refusals


def test_a_refused_parameter_prints_a_short_traceback(client: RestoreJobsClient) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        client.list_restore_jobs(by_account_id="12")
    assert lines_of(caught.value) <= 20
    assert caught.value.__cause__ is None


def test_a_refused_connection_prints_a_short_traceback() -> None:
    session: Any = boto3.Session(aws_access_key_id="testing", aws_secret_access_key="testing")
    boto3_client = session.client(
        "backup",
        region_name="eu-west-1",
        endpoint_url="http://127.0.0.1:9",
        config=Config(retries={"total_max_attempts": 1}),
    )
    with pytest.raises(TransportError) as caught:
        RestoreJobsClient(client=boto3_client).list_restore_jobs().first()
    assert lines_of(caught.value) <= 40
    assert "urllib3" not in "".join(traceback.format_exception(caught.value))
    assert isinstance(caught.value.__cause__, BotoCoreError)


@pytest.mark.parametrize(
    ("name", "meant"),
    [("by_stats", "by_status"), ("ByStatus", "by_status"), ("resume", "resume_from")],
)
def test_a_misspelt_keyword_says_what_was_meant(
    server: PageServer, client: RestoreJobsClient, name: str, meant: str
) -> None:
    misspelt: dict[str, Any] = {name: "FAILED"}
    with pytest.raises(InvalidRequestError, match=rf"{name} is not a parameter .*{meant}"):
        client.list_restore_jobs(**misspelt)
    assert server.requests == []


def test_max_results_beside_a_request_is_refused_whatever_it_is(client: RestoreJobsClient) -> None:
    """The request has a page size of its own, also where the keyword is 1000."""
    request = ListRestoreJobsRequest(max_results=3)
    for size in (3, 5, 1000):
        with pytest.raises(InvalidRequestError, match=r"max_results .*request"):
            client.list_restore_jobs(request, max_results=size)
    assert client.list_restore_jobs(request).first() is not None


def test_an_unknown_option_of_model_validate_is_named() -> None:
    with pytest.raises(InvalidRequestError, match="nonsense is not an option of model_validate"):
        ListRestoreJobsRequest.model_validate({}, nonsense=1)
    assert ListRestoreJobsRequest.model_validate({}, strict=False) == ListRestoreJobsRequest()


def test_a_list_of_listings_is_refused_with_the_right_way() -> None:
    listing: Any = Service([]).listing()
    with pytest.raises(InvalidRequestError, match=r"gather\(\*listings\)"):
        gather([listing])  # type: ignore[arg-type]  # the case


def test_a_summary_of_dicts_is_refused_with_the_right_way() -> None:
    for summarize in (
        RestoreJobSummary.from_jobs,
        lambda jobs: RestoreJobSummary.grouped(jobs, lambda one: one),
    ):
        with pytest.raises(InvalidRequestError, match=r"RestoreJob\.from_dict"):
            summarize([{}])  # type: ignore[list-item]  # the case


def test_a_session_that_is_none_is_refused_with_the_right_way() -> None:
    with pytest.raises(InvalidRequestError, match=r"session='eu-west-1' .*region_name"):
        RestoreJobsClient(session="eu-west-1")  # type: ignore[arg-type]  # the case


@pytest.mark.parametrize(
    ("given", "meant"), [("Neptun", "Neptune"), ("SAP HANA", "SAP HANA on Amazon EC2")]
)
def test_a_resource_type_that_looks_misspelt_is_warned_of(
    client: RestoreJobsClient, given: str, meant: str
) -> None:
    """AWS lists nothing for it, without an error. The warning points at the caller's line."""
    with pytest.warns(UserWarning, match=f"{given}.*did you mean '{meant}'") as caught:
        client.list_restore_jobs(by_resource_type=given)
    assert caught[0].filename == __file__


@pytest.mark.parametrize("given", ["EBS", "ebs", "S3", "Something New", "S3 Tables", "x"])
def test_other_resource_types_are_not_warned_of(client: RestoreJobsClient, given: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        client.list_restore_jobs(by_resource_type=given)


# Configuration and the network


def test_configuration_is_not_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Code that tries again after TransportError does not do so for a missing region."""
    with pytest.raises(ConfigurationError, match="region") as caught:
        RestoreJobsClient()
    assert not isinstance(caught.value, TransportError)
    with pytest.raises(CredentialsError) as caught:
        RestoreJobsClient(profile_name="nobody")
    assert isinstance(caught.value, ConfigurationError)
    assert isinstance(caught.value, BotoCoreError)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    with pytest.raises(ConfigurationError):
        RestoreJobsClient(region_name="eu-west-1").list_restore_jobs().first()


def test_a_moto_mock_that_was_never_seeded_names_the_way_to_seed_it() -> None:
    from moto import mock_aws  # noqa: PLC0415  # it costs seconds

    with mock_aws(), pytest.raises(ServiceError, match=r"seed_restore_jobs\(\[\]\)"):
        RestoreJobsClient(region_name="eu-west-1").list_restore_jobs().first()


def test_the_default_session_of_boto3_is_honoured(
    server: PageServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    boto3.setup_default_session(
        aws_access_key_id="testing", aws_secret_access_key="testing", region_name="ap-south-1"
    )
    client = RestoreJobsClient(endpoint_url=server.endpoint_url)
    assert client.region_name == "ap-south-1"
    assert client.list_restore_jobs().first() is not None


def test_the_user_agent_names_the_package_and_its_version(
    server: PageServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    for config, theirs in ((None, ""), (Config(user_agent_extra="app/1"), "app/1 ")):
        server.headers.clear()
        RestoreJobsClient(
            region_name="eu-west-1", endpoint_url=server.endpoint_url, config=config
        ).list_restore_jobs().first()
        assert f"{theirs}restorejobs-client/{__version__}" in server.headers[0]


# Which listing failed


def test_every_error_of_gather_has_the_listing_that_failed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Two profiles of one region are told apart: by the object, and by the note."""
    config = tmp_path / "config"
    config.write_text(
        "".join(
            f"[profile {name}]\nregion=eu-west-1\n"
            "aws_access_key_id=testing\naws_secret_access_key=testing\n"
            for name in ("audit", "backup")
        )
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    with fake_backup() as backup:
        backup.fail_next("access_denied", times=2)
        listings = [
            RestoreJobsClient(
                profile_name=name, endpoint_url=backup.endpoint_url
            ).list_restore_jobs()
            for name in ("audit", "backup")
        ]
        with pytest.raises(ExceptionGroup) as caught:
            list(gather(*listings))
    errors = [error for error in caught.value.exceptions if isinstance(error, RestoreJobsError)]
    assert {id(error.listing) for error in errors} == {id(listing) for listing in listings}
    notes = {note for error in errors for note in error.__notes__}
    assert len(notes) == 2
    assert any("profile_name='audit'" in note for note in notes)
    assert all(backup.endpoint_url in note for note in notes)


def test_no_password_of_an_endpoint_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    client = RestoreJobsClient(
        region_name="eu-west-1", endpoint_url="http://user:hidden@127.0.0.1:9"
    )
    for shown in (repr(client), repr(client.list_restore_jobs())):
        assert "127.0.0.1:9" in shown
        assert "hidden" not in shown


SECRET = "FwoGZXIvYXdzEBYaDHiddenHiddenHidden"  # it must not be shown


@pytest.mark.parametrize(
    "answer",
    [
        Answer(
            status=403,
            body=json.dumps({"message": f"bad X-Amz-Security-Token: {SECRET}"}).encode(),
            headers={"x-amzn-ErrorType": "UnrecognizedClientException"},
        ),
        Answer(status=403, body=f"<html>x-amz-security-token={SECRET}</html>".encode()),
        Answer(body=f"<html>x-amz-security-token: {SECRET}</html>".encode()),
    ],
)
def test_an_echoed_session_token_is_in_no_traceback(server: PageServer, answer: Answer) -> None:
    """Neither our error nor its chained cause shows what the service repeats of the request."""
    server.fail(1, lambda _: answer)
    with pytest.raises(RestoreJobsError) as caught:
        RestoreJobsClient(client=server.client(attempts=1)).list_restore_jobs().first()
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    cause = caught.value.__cause__
    assert cause is None or SECRET not in f"{cause!r} {vars(cause)}"
    if answer.status == 403:
        assert isinstance(cause, ClientError)


# Logging


def test_nothing_is_logged_unless_it_is_asked_for(
    server: PageServer, client: RestoreJobsClient, capfd: pytest.CaptureFixture[str]
) -> None:
    server.fail_next(lambda _: Answer(body=b"<html>"))
    assert len(list(client.list_restore_jobs())) == 300
    assert capfd.readouterr() == ("", "")


def test_pages_damage_and_throttling_are_logged_without_members_of_jobs(
    server: PageServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.fail_next(
        lambda answer: Answer(body=answer.body[:-1], headers={"Content-Type": "text/x"}),
        lambda _: Answer(status=429),
    )
    with caplog.at_level(logging.DEBUG, logger="restorejobs_client"):
        client = RestoreJobsClient(client=server.client(attempts=4))
        assert len(list(client.list_restore_jobs(max_results=200))) == 300
    said = [
        (one.levelname, one.getMessage()) for one in caplog.records if "restorejobs" in one.name
    ]
    levels = [level for level, _ in said]
    assert levels == ["WARNING", "INFO", "DEBUG", "DEBUG"]
    warning, throttled, first, last = (message for _, message in said)
    assert "HTTP 200" in warning
    assert "text/x" in warning
    assert "attempt 1 of 4" in warning
    assert "attempt 2 of 4" in throttled
    assert "page of 200 jobs" in first
    assert "page of 100 jobs" in last
    assert not any("job-0" in message or "token-" in message for _, message in said)


# Context


SPAN: ContextVar[str] = ContextVar("span", default="none")


def test_context_variables_reach_every_thread_that_sends_requests() -> None:
    """A tracer's span is the parent of each request."""

    seen: list[str] = []
    service = Service([job(number, seconds=-number) for number in range(40)])
    service.before_answer = lambda _: seen.append(SPAN.get())

    async def awaited(jobs: Any) -> None:
        assert [one async for one in jobs]

    listing = service.listing(max_results=10)
    SPAN.set("parent")
    assert list(listing.parallel(3))
    assert list(gather(listing, listing))
    for jobs in (listing, listing.parallel(), gather(listing)):
        asyncio.run(awaited(jobs))
    service.jobs = []
    assert list(listing.watch()) == []
    assert set(seen) == {"parent"}


async def all_of(jobs: Any) -> list[Any]:
    return [one async for one in jobs]


def workers_end() -> bool:
    """Whether the threads of this package end soon."""
    deadline = time.monotonic() + 10
    while any(thread.name == "restorejobs" for thread in threading.enumerate()):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def test_a_stream_is_awaited_and_left() -> None:
    """`async for` brings all jobs; leaving the `with` block ends the threads."""
    with fake_backup(sample_jobs(500)) as backup:
        listing = backup.client().list_restore_jobs(max_results=20)
        expected = {one.restore_job_id for one in listing}
        jobs = asyncio.run(all_of(listing.parallel(4)))
        assert {one.restore_job_id for one in jobs} == expected
        with listing.parallel(4) as stream:
            next(stream)
        assert list(stream) == []
        assert workers_end()


def test_a_stream_that_is_cancelled_loses_nothing() -> None:
    """The page that a cancelled wait was for comes to the next `async for`."""

    async def cancelled(stream: Any) -> list[Any]:
        task = asyncio.ensure_future(anext(aiter(stream)))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return await all_of(stream)

    with fake_backup(sample_jobs(500)) as backup:
        stream = backup.client().list_restore_jobs(max_results=20).parallel(4)
        assert len(asyncio.run(cancelled(stream))) == 500
        assert workers_end()


def test_a_low_recursion_limit_raises_an_error_of_ours(server: PageServer) -> None:
    """With twenty frames left, no RecursionError leaves the package; a call needs some itself."""
    listing = RestoreJobsClient(client=server.client(attempts=1)).list_restore_jobs(max_results=99)
    expected, limit = list(listing), sys.getrecursionlimit()
    frame, depth = sys._getframe(), 0  # noqa: SLF001  # there is no other way
    while frame.f_back is not None:
        frame, depth = frame.f_back, depth + 1
    outcomes: set[str] = set()
    for room in range(20, 180):
        try:
            sys.setrecursionlimit(depth + room)
            try:
                assert list(listing) == expected
                outcomes.add("jobs")
            finally:
                sys.setrecursionlimit(limit)
        except RestoreJobsError:
            outcomes.add("error")
    assert outcomes == {"jobs", "error"}


def test_a_recursion_error_is_one_of_ours_and_the_iterator_goes_on() -> None:
    """A page that came too deep is asked for again by the next `next()`."""
    service = Service([job(0)])

    def fetch(parameters: dict[str, Any]) -> RestoreJobPage:
        if not service.asked:
            service.asked.append(parameters)
            raise RecursionError
        return service.fetch(parameters)

    iterator = iter(listing_of(fetch))
    with pytest.raises(TransportError, match="recursion limit"):
        next(iterator)
    assert list(iterator) == [job(0)]


def test_closing_a_stream_while_a_task_waits_ends_that_wait() -> None:
    """The wait ends without jobs, and the threads end."""
    service = Service([job(0)], delay=0.3)

    async def main() -> list[Any]:
        stream = service.listing().parallel(2)
        task = asyncio.ensure_future(all_of(stream))
        await asyncio.sleep(0.1)
        stream.close()
        return await task

    assert asyncio.run(main()) == []
    assert workers_end()


def test_a_required_module_that_is_missing_is_no_missing_extra() -> None:
    module = LazyModule("restorejobs_client.no_such_room")
    assert not hasattr(module, "__wrapped__")  # inspection imports nothing
    with pytest.raises(ModuleNotFoundError, match="no_such_room"):
        _ = module.anything
