"""What the README and the examples say is run, as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from restorejobs_client import RestoreJobsClient, RestoreJobStatus
from restorejobs_client._watch import Clock
from restorejobs_client.testing import fake_backup, sample_jobs

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_code_of_the_readme_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
    assert len(blocks) == 10
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {}
    with fake_backup(region_name="eu-central-1") as backup:
        monkeypatch.setenv("AWS_ENDPOINT_URL_BACKUP", backup.endpoint_url)
        exec(compile(blocks[0], "README.md", "exec"), namespace)  # noqa: S102  # our own
        now = datetime.now(UTC)
        backup.seed(sample_jobs(1_000, created_after=now - timedelta(29), created_before=now))

        def end_all(*_: object) -> None:
            jobs = RestoreJobsClient(region_name="eu-central-1").list_restore_jobs()
            backup.seed([replace(one, status=RestoreJobStatus.COMPLETED) for one in jobs])

        monkeypatch.setattr(Clock, "wait", end_all)  # instead of waiting for running jobs
        for block in blocks[:-1]:
            exec(compile(block, "README.md", "exec"), namespace)  # noqa: S102  # our own
    monkeypatch.delenv("AWS_ENDPOINT_URL_BACKUP")
    exec(compile(blocks[-1], "README.md", "exec"), namespace)  # noqa: S102  # our own
    assert "5 requests to http://127.0.0.1:" in capsys.readouterr().out


@pytest.mark.parametrize("heading", ["Try it", "Run the tests"])
def test_the_readme_has_one_line_to_type(heading: str) -> None:
    section = README.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    (block,) = re.findall(r"^```sh\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)
    assert block.count("\n") == 1
    for path in re.findall(r"examples/\S+\.py", block):
        assert (ROOT / path).exists()


def example(name: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603  # our own
        [sys.executable, f"examples/{name}.py", *arguments],
        cwd=ROOT,
        env={"AWS_EC2_METADATA_DISABLED": "true", "HOME": os.devnull} | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_quickstart_reports_and_goes_on() -> None:
    done = example("quickstart", PYTHONWARNINGS="error")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    stopped = re.search(r"Stopped after ([\d,]+) jobs", done.stdout)
    went_on = re.search(r"went on with ([\d,]+): ([\d,]+) different jobs in all", done.stdout)
    assert stopped is not None
    assert went_on is not None
    before, after, total = (
        int(text.replace(",", "")) for text in (stopped[1], went_on[1], went_on[2])
    )
    assert before + after == total > 2000
    assert re.search(r"FAILED +\d+", done.stdout)


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (("--live",), "region"),
        (("--live", "--region", "eu-west-1"), "--live needs AWS credentials: .*aws configure"),
    ],
)
def test_without_credentials_the_quickstart_says_what_to_do(
    arguments: tuple[str, ...], advice: str
) -> None:
    done = example("quickstart", *arguments)
    assert done.returncode == 1
    assert re.search(advice, done.stderr)
    assert done.stderr.count("\n") == 1


def test_all_regions_are_listed_but_the_one_that_is_denied() -> None:
    done = example("all_regions")
    assert done.returncode == 1, done.stderr
    listed = re.findall(r"^[a-z0-9-]+ +800 restore jobs, \d+ failed$", done.stdout, re.MULTILINE)
    assert len(listed) == 3
    last = done.stdout.splitlines()[-1]
    assert last.startswith("NOT LISTED     us-west-2: An error occurred (AccessDeniedException)")
    live = example("all_regions", "--live", "eu-west-1", "eu-west-2")
    assert live.stdout.count("CredentialsError") == 0
    assert live.returncode == 1
    assert live.stdout.count("NOT LISTED") == 2
    assert live.stdout.count("aws configure") == 2


def test_an_organization_is_listed_on_a_cluster(tmp_path: Path) -> None:
    done = example("organization_on_dask", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert (
        len(re.findall(r"^\d{12} [a-z0-9-]+: 1,500 restore jobs$", done.stdout, re.MULTILINE)) == 6
    )
    assert len(re.findall(r"^ +(?:eu-central|us-east)-1 4500 \d+ ", done.stdout, re.MULTILINE)) == 2
    assert len(list(tmp_path.rglob("account=*/region=*/*.parquet"))) == 6
