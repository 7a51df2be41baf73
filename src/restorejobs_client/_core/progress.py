"""Progress bars of tqdm, in terminals and notebooks only."""

from __future__ import annotations

import sys
from contextlib import suppress
from functools import cache
from threading import RLock
from typing import Any

from restorejobs_client._core.extras import LazyModule
from restorejobs_client._core.interrupts import in_child
from restorejobs_client._core.text import counted


class ProgressBar:
    """A bar that counts one thing and shows other numbers after the count.

    It is drawn from `begin` until `end`. Calling `begin` again continues it.

    Args:
        unit: what it counts.
        total: the final count, if it is known.
        wanted: whether the user has asked for it; otherwise nothing is drawn.

    Attributes:
        jobs: how many jobs were listed.
    """

    def __init__(self, unit: str, total: int | None = None, *, wanted: bool) -> None:
        self.jobs: int = 0
        self._pages = 0
        self._count = 0
        self._options: dict[str, Any] = {"unit": f" {unit}", "total": total}
        self._wanted = wanted
        self._bar: Any = None

    def begin(self) -> None:
        """Draw the bar, unless it is drawn already.

        Raises:
            ImportError: the extra `progress` is not installed.
        """
        if self._wanted and self._bar is None:
            # tqdm.auto takes each program that has imported parts of ipykernel for a notebook.
            name = "tqdm.auto" if _is_notebook() else "tqdm"
            tqdm: Any = LazyModule(name, extra="progress", purpose="progress")
            # disable=False would overrule TQDM_DISABLE. With miniters=0, time alone decides when
            # the bar is redrawn, because the count may stay the same for long.
            options = self._options if _is_notebook() or _is_terminal() else {"disable": True}
            self._bar = _own_bar(tqdm.tqdm)(miniters=0, initial=self._count, **options)

    def add_page(self, jobs: int) -> None:
        """Count a page with that many jobs."""
        self.jobs += jobs
        self._pages += 1

    def show(self, count: int, *details: str) -> None:
        """Update the bar if it is drawn: a count, details, and the jobs and pages so far."""
        bar = self._bar  # a signal handler or another thread may end it
        if bar is not None:
            pages = [counted(self._pages, "page")] if self._pages else []
            bar.set_postfix_str(", ".join([*details, *pages]), refresh=False)
            bar.update(count - self._count)
            self._count = count

    def end(self) -> None:
        """Draw the bar for the last time."""
        bar, self._bar = self._bar, None
        if bar is not None:
            bar.close()


@cache
def _own_bar(kind: Any) -> Any:  # noqa: ANN401  # tqdm's classes are not known here
    """Return a class of bars without locks that an interrupt or a fork could leave held."""

    def refresh(bar: object, **_: object) -> None:
        kind.refresh(bar, nolock=True)

    def retried(method: Any) -> Any:  # noqa: ANN401
        def call(own: Any, bar: Any) -> Any:  # noqa: ANN401
            while True:
                try:
                    return method.__func__(own, bar)
                except RuntimeError as error:
                    if "changed size" not in str(error):  # another bar has begun or ended meanwhile
                        raise

        return classmethod(call)

    # Without a position, the finalizer of a bar that was interrupted while it was made would fail.
    members = {"refresh": refresh, "monitor_interval": 0, "pos": 0}
    members |= {name: retried(getattr(kind, name)) for name in ("_get_free_pos", "_decr_instances")}
    own: Any = type(kind.__name__, (kind,), members)
    _renew_lock(own)
    in_child(own, _renew_lock)
    return own


def _renew_lock(kind: Any) -> None:  # noqa: ANN401  # see above
    kind.set_lock(RLock())


def _is_notebook() -> bool:
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return "IPKernelApp" in getattr(shell, "config", ())


def _is_terminal() -> bool:
    with suppress(AttributeError, ValueError):  # stderr is None or closed
        return sys.stderr.isatty()
    return False
