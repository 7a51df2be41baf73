"""Progress bars of tqdm, in terminals and notebooks only."""

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
    """A bar that counts one thing and shows other numbers beside it.

    It is drawn from `begin` until `end`. After that, `begin` continues it.

    Attributes:
        jobs: how many jobs were listed.
        pages: how many pages they were on.
    """

    def __init__(self, unit: str, total: int | None = None) -> None:
        self.jobs = self.pages = 0
        self._unit = unit
        self._total = total
        self._count = 0
        self._bar: Any = None

    def begin(self) -> None:
        """Draw the bar, unless it is drawn already.

        Raises:
            ImportError: the extra `progress` is not installed.
        """
        if self._bar is None:
            # disable=False would overrule TQDM_DISABLE. With miniters=0, time alone decides when
            # the bar is redrawn, because the count may not change for long.
            options: dict[str, Any] = {} if _is_watched() else {"disable": True}
            options |= {"unit": f" {self._unit}", "total": self._total, "initial": self._count}
            self._bar = tqdm_auto.tqdm(miniters=0, **options)

    def add_page(self, jobs: int) -> None:
        """Add a page with that many jobs to the numbers beside the count."""
        self.jobs += jobs
        self.pages += 1

    def show(self, count: int, *beside: str) -> None:
        """Draw a new count, with texts and the jobs and pages so far beside it."""
        self.begin()
        if self.pages and self._unit != "jobs":
            beside = (*beside, counted(self.jobs, "job"))
        if self.pages:
            beside = (*beside, counted(self.pages, "page"))
        self._bar.set_postfix_str(", ".join(beside), refresh=False)
        self._bar.update(count - self._count)
        self._count = count

    def end(self) -> None:
        """Draw the bar for the last time."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def _is_watched() -> bool:
    """Whether a notebook or a terminal on standard error shows the bar."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if "IPKernelApp" in getattr(shell, "config", ()):
        return True
    try:
        return sys.stderr.isatty()
    except (AttributeError, ValueError):  # it is None, or it is closed
        return False
