"""Progress for people who wait: a bar of tqdm's, silent where nobody watches."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from restorejobs_client._extras import needing

if TYPE_CHECKING:
    from typing import Never

    from tqdm.auto import tqdm


class JobsProgress:
    """A bar of the jobs of one run of a listing, with its pages and rate.

    It is there from a request until the run ends or fails; the next request draws it anew.
    """

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._jobs = self._pages = 0
        self._bar: tqdm[Never] | None = None

    def begin(self) -> tqdm[Never]:
        """Draw the bar, unless it is there."""
        if self._bar is None:
            self._bar = _bar("jobs", self._limit, initial=self._jobs)
        return self._bar

    def page(self, jobs: int, *, is_last: bool) -> None:
        """Count a page with that many jobs of this run."""
        bar = self.begin()
        self._jobs += jobs
        self._pages += 1
        bar.set_postfix_str(_counted(self._pages, "page"), refresh=False)
        bar.update(jobs)
        if is_last:
            self.end()

    def end(self) -> None:
        """Draw the bar for the last time."""
        self.begin().close()
        self._bar = None


class RunsProgress:
    """A bar of the windows or listings that have ended, with the jobs and pages so far."""

    def __init__(self, unit: str, total: int | None) -> None:
        self._jobs = self._pages = 0
        self._has_total = total is not None
        self._bar = _bar(unit, total)

    def page(self, jobs: int) -> None:
        """Count a page with that many jobs."""
        self._jobs += jobs
        self._pages += 1

    def draw(self, done: int, left: int, failed: int) -> None:
        """Draw how many runs have ended and failed, and how many have not, unless just drawn."""
        beside = [f"{failed:,} failed"] if failed else []
        if not self._has_total:
            beside.append(f"{left:,} to go")
        beside += [_counted(self._jobs, "job"), _counted(self._pages, "page")]
        self._bar.set_postfix_str(", ".join(beside), refresh=False)
        self._bar.update(done - self._bar.n)

    def end(self) -> None:
        """Draw the bar for the last time."""
        self._bar.close()


def _bar(unit: str, total: int | None, initial: int = 0) -> tqdm[Never]:
    with needing("progress", "progress"):
        from tqdm.auto import tqdm  # noqa: PLC0415  # an extra
    if not _is_watched():
        return tqdm(disable=True)
    # Drawn by time alone: many jobs may come while no window ends.
    return tqdm(unit=f" {unit}", total=total, initial=initial, miniters=0)


def _is_watched() -> bool:
    """Whether there is a notebook, or standard error is a terminal."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if "IPKernelApp" in getattr(shell, "config", ()):
        return True
    try:
        return sys.stderr.isatty()
    except (AttributeError, ValueError):  # none, one that is no file, or a closed one
        return False


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
