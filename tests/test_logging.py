"""The logger `restorejobs_client`."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
from support.raw_server import Answer

from restorejobs_client import RestoreJobsClient

if TYPE_CHECKING:
    from support.raw_server import PageServer


def test_nothing_is_logged_by_default(
    server: PageServer,
    client: RestoreJobsClient,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Unless logging is configured, not even a damaged page prints anything."""
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # pytest has configured it
    server.fail_next(lambda _: Answer(body=b"<html>"))
    assert len(list(client.list_restore_jobs())) == 300
    assert capfd.readouterr() == ("", "")


def test_pages_damage_and_throttling_are_logged(
    server: PageServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Damage is logged as WARNING, throttling as INFO, and pages as DEBUG, without job ids."""
    server.fail_next(
        lambda answer: Answer(body=answer.body[:-1], headers={"Content-Type": "text/x"}),
        lambda _: Answer(status=429),
    )
    with caplog.at_level(logging.DEBUG, logger="restorejobs_client"):
        client = RestoreJobsClient(client=server.client(attempts=4))
        assert len(list(client.list_restore_jobs(max_results=200))) == 300
    records = [record for record in caplog.records if "restorejobs" in record.name]
    assert [record.levelname for record in records] == ["WARNING", "INFO", "DEBUG", "DEBUG"]
    damage, throttling, first_page, last_page = (record.getMessage() for record in records)
    for part in ("HTTP 200", "text/x", "attempt 1 of 4"):
        assert part in damage
    assert "attempt 2 of 4" in throttling
    assert "page of 200 jobs" in first_page
    assert first_page.endswith("more pages follow, request id-1")
    assert "page of 100 jobs" in last_page
    assert "job-0" not in caplog.text
    assert "token-" not in caplog.text


@pytest.mark.parametrize(
    ("url", "warnings"),
    [
        ("http://user:hidden@proxy.example", 1),
        ("http://10.0.0.1:8080", 1),
        ("http://127.0.0.1.example", 1),
        ("http://localhost:4566", 0),
        ("http://backup.localhost:4566", 0),
        ("http://127.0.0.2:9", 0),
        ("http://[::1]:9", 0),
        ("https://proxy.example", 0),
    ],
)
def test_plain_http_to_another_host_is_logged(
    caplog: pytest.LogCaptureFixture, url: str, warnings: int
) -> None:
    """A client that would send its token over plain HTTP to another host says so once."""
    RestoreJobsClient(region_name="eu-west-1", endpoint_url=url)
    records = [one for one in caplog.records if one.name == "restorejobs_client"]
    assert [one.levelname for one in records] == ["WARNING"] * warnings
    assert "hidden" not in caplog.text
