"""Run the Python blocks of a Markdown page against a fake AWS Backup, without waiting."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import restorejobs_client
from restorejobs_client import RestoreJobsClient, RestoreJobStatus
from restorejobs_client.testing import fake_backup, sample_jobs

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def blocks(page: Path, language: str) -> list[str]:
    """Return the code blocks in this language."""
    text = page.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def run_python_blocks(page: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run the blocks in their order, in one namespace, and return it.

    Clients are those of a fake, which has jobs of the last month; `watch` does not wait there. Jobs
    end after the first listing of a block that watches. Blocks with moto get real clients.
    """
    now = datetime.now(UTC)
    jobs = sample_jobs(500, created_after=now - timedelta(29), created_before=now)
    ended = [replace(job, status=RestoreJobStatus.COMPLETED) for job in jobs]
    namespace: dict[str, Any] = {"__name__": page.stem}
    with monkeypatch.context() as patch, fake_backup(jobs, region_name="eu-central-1") as backup:

        def client(**options: Any) -> RestoreJobsClient:
            RestoreJobsClient(**options)  # checks the options
            return backup.client(region_name=options.get("region_name"))

        patch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
        patch.setattr(restorejobs_client, "RestoreJobsClient", client)
        for block in blocks(page, "python"):
            if "mock_aws" in block:
                patch.undo()
            if ".watch(" in block:
                backup.seed_next(ended)
            exec(compile(block, str(page), "exec", dont_inherit=True), namespace)  # noqa: S102  # the project's own
    if tracer := namespace.get("BotocoreInstrumentor"):
        tracer().uninstrument()
    return namespace
