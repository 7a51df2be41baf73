"""The README and the examples: their code runs, and prints what it should."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.markdown_code import blocks, run_python_blocks

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"


def test_python_code_of_the_readme_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every Python block runs after the blocks before it."""
    assert len(blocks(README, "python")) == 5
    monkeypatch.chdir(tmp_path)
    run_python_blocks(README, monkeypatch)


@pytest.mark.parametrize("heading", ["Try it", "Run the tests"])
def test_readme_section_has_one_line_to_type(heading: str) -> None:
    """Readers and scripts copy the one line of each of these sections."""
    text = README.read_text(encoding="utf-8")
    section = text.split(f"\n## {heading}\n")[1].split("\n## ")[0]
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


def test_quickstart_reports_and_resumes() -> None:
    """It stops half way, resumes, and has listed every job once in the end."""
    done = example("quickstart", PYTHONWARNINGS="error")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    stopped = re.search(r"Stopped after ([\d,]+) jobs", done.stdout)
    resumed = re.search(r"the other ([\d,]+): ([\d,]+) different jobs in all", done.stdout)
    assert stopped is not None
    assert resumed is not None
    before, after, total = (
        int(text.replace(",", "")) for text in (stopped[1], resumed[1], resumed[2])
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
def test_quickstart_without_credentials_says_what_to_do(
    arguments: tuple[str, ...], advice: str
) -> None:
    """It prints one line of advice, and no traceback."""
    done = example("quickstart", *arguments)
    assert done.returncode == 1
    assert re.search(advice, done.stderr)
    assert done.stderr.count("\n") == 1


def test_all_regions_example_names_the_region_it_could_not_list() -> None:
    """The other regions are listed, and the exit code is 1."""
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


def test_dask_example_lists_every_account_and_region(tmp_path: Path) -> None:
    """Each account and region becomes one Parquet file."""
    done = example("organization_on_dask", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert (
        len(re.findall(r"^\d{12} [a-z0-9-]+: 1,500 restore jobs$", done.stdout, re.MULTILINE)) == 6
    )
    assert len(re.findall(r"^ +(?:eu-central|us-east)-1 4500 \d+ ", done.stdout, re.MULTILINE)) == 2
    assert len(list(tmp_path.rglob("account=*/region=*/*.parquet"))) == 6
