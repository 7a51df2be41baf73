"""Progress for people who wait: bars of tqdm's, shown in terminals and notebooks only."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from restorejobs_client._extras import LazyModule
from restorejobs_client._text import counted

if TYPE_CHECKING:
    import tqdm.auto as tqdm_auto
else:
    tqdm_auto = LazyModule("tqdm.auto", extra="progress", purpose="progress")


class ProgressBar:
    """A bar that counts one thing and says others beside it.

    It is drawn from `begin` until `end`; after that, `begin` draws it again where it stood.
    """

    def __init__(self, unit: str, total: int | None = None) -> None:
        self._unit = unit
        self._total = total
        self._count = 0
        self._bar: Any = None

    def begin(self) -> None:
        """Draw the bar, unless it is there.

        Raises:
            ImportError: the extra `progress` is not installed.
        """
        if self._bar is not None:
            return
        if not _is_watched():
            self._bar = tqdm_auto.tqdm(disable=True)
            return
        # miniters=0: redrawn by time alone, since what is counted may stand still for long.
        self._bar = tqdm_auto.tqdm(
            unit=f" {self._unit}", total=self._total, initial=self._count, miniters=0
        )

    def show(self, count: int, *beside: str) -> None:
        """Draw how many there are now, and what else there is to say."""
        self.begin()
        self._bar.set_postfix_str(", ".join(beside), refresh=False)
        self._bar.update(count - self._count)
        self._count = count

    def end(self) -> None:
        """Draw the bar for the last time."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


class JobsProgress:
    """A bar of the jobs of one run of a listing, with its pages and rate."""

    def __init__(self, limit: int | None) -> None:
        self._bar = ProgressBar("jobs", limit)
        self._jobs = self._pages = 0

    def begin(self) -> None:
        """Draw the bar, unless it is there."""
        self._bar.begin()

    def page(self, jobs: int, *, is_last: bool) -> None:
        """Count a page with that many jobs of this run."""
        self._jobs += jobs
        self._pages += 1
        self._bar.show(self._jobs, counted(self._pages, "page"))
        if is_last:
            self._bar.end()

    def end(self) -> None:
        """Draw the bar for the last time."""
        self._bar.end()


class RunsProgress:
    """A bar of the windows or listings that have ended, with the jobs and pages so far."""

    def __init__(self, unit: str, total: int | None = None) -> None:
        self._has_total = total is not None
        self._jobs = self._pages = 0
        self._bar = ProgressBar(unit, total)

    def begin(self) -> None:
        """Draw the bar, unless it is there."""
        self._bar.begin()

    def page(self, jobs: int) -> None:
        """Count a page with that many jobs."""
        self._jobs += jobs
        self._pages += 1

    def draw(self, done: int, left: int, failed: int) -> None:
        """Draw how many runs have ended and failed, and how many have not."""
        beside = [f"{failed:,} failed"] if failed else []
        if not self._has_total:
            beside.append(f"{left:,} to go")
        self._bar.show(done, *beside, counted(self._jobs, "job"), counted(self._pages, "page"))

    def end(self) -> None:
        """Draw the bar for the last time."""
        self._bar.end()


def _is_watched() -> bool:
    """Whether there is a notebook, or standard error is a terminal."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if "IPKernelApp" in getattr(shell, "config", ()):
        return True
    try:
        return sys.stderr.isatty()
    except (AttributeError, ValueError):  # there is none, or it is closed
        return False
