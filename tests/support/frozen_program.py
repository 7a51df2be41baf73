"""A program that uses dates while freezegun has frozen the clock. It prints what went wrong.

Its first argument says when the package is imported and used first: "frozen" or "thawed". After
that, it is used once more the other way. If the second argument is "pydantic", that is imported
before.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta

from freezegun import freeze_time

NOW = "2026-06-01T12:00:00+00:00"
PLAIN = (datetime,)  # freezegun replaces the name, but not what is in a tuple


def wrongs() -> list[str]:
    """Use whatever reads, makes or shows a date, and return what went wrong."""
    import pydantic  # noqa: PLC0415  # when it is imported is what is tested

    from restorejobs_client import (  # noqa: PLC0415
        AccessDeniedException,
        ListRestoreJobsRequest,
        MalformedResponseError,
        RestoreJob,
        RestoreJobPage,
        RestoreJobSummary,
    )
    from restorejobs_client.testing import fake_backup, sample_jobs  # noqa: PLC0415

    now = datetime.now(UTC)
    with fake_backup(sample_jobs(500)) as backup:
        client = backup.client()
        listing = client.list_restore_jobs(by_created_before=now, max_results=100)
        jobs = list(listing)
        window = client.list_restore_jobs(by_created_after=now - timedelta(days=99)).split(2)[1]

        def naive_dates_are_refused() -> None:
            for date in (datetime(2026, 1, 1), "2026-01-01T00:00:00"):  # noqa: DTZ001  # naive
                try:
                    RestoreJob.from_dict({"CreationDate": date})
                except MalformedResponseError:
                    continue
                raise AssertionError(date)

        def dates_are_plain() -> None:
            read = RestoreJob.from_dict({"CreationDate": now, "CompletionDate": now.isoformat()})
            assert {type(job.creation_date) for job in (*jobs, read)} == set(PLAIN)
            assert read.creation_date == read.completion_date == now
            backup.seed([RestoreJob(restore_job_id="a", creation_date=now)])

        def errors_come_out() -> None:
            backup.fail_next("access_denied")
            try:
                list(window.parallel(2))
            except BaseExceptionGroup as group:
                assert group.subgroup(AccessDeniedException)
            else:
                raise AssertionError

        uses: list[Callable[[], object]] = [
            naive_dates_are_refused,
            dates_are_plain,
            errors_come_out,
            lambda: client.resume(iter(window).checkpoint).first(),
            lambda: client.list_restore_jobs(ListRestoreJobsRequest(by_created_before=now)).first(),
            lambda: [list(part) for part in listing.split(3)],
            lambda: [iter(part).checkpoint for part in client.list_restore_jobs().split(3)],
            listing.to_arrow,
            listing.to_pandas,
            lambda: str(RestoreJobSummary.from_jobs(jobs)),
            lambda: RestoreJobSummary.from_jobs(jobs).to_json(),
            lambda: [repr(jobs[0]), jobs[0]._repr_html_(), next(listing.pages())._repr_html_()],
            lambda: pydantic.TypeAdapter(RestoreJobPage).json_schema(),
            lambda: pydantic.TypeAdapter(RestoreJob).validate_python({"CreationDate": now}),
        ]
        found: list[str] = []
        for number, use in enumerate(uses):
            try:
                use()
            except Exception as error:  # noqa: BLE001  # any error is wrong
                found.append(f"use {number}: {error!r}")
    return found


if __name__ == "__main__":
    if sys.argv[2:] == ["pydantic"]:
        from pydantic import BaseModel  # noqa: F401  # importing it is what is tested
    for when in (sys.argv[1], {"frozen": "thawed", "thawed": "frozen"}[sys.argv[1]]):
        with freeze_time(NOW) if when == "frozen" else nullcontext():
            problems = wrongs()
        sys.stdout.write(f"{when} {problems or 'fine'}\n")
