"""A terminal for the tests of progress bars; use it with `contextlib.redirect_stderr`."""

from __future__ import annotations

import io

from typing_extensions import override


class Terminal(io.StringIO):
    """A text stream that says it is a terminal and keeps what is shown on it."""

    @override
    def isatty(self) -> bool:
        return True

    @property
    def lines(self) -> list[str]:
        """Each line as last drawn. The last line is empty if the cursor is at its start."""
        return [line.rpartition("\r")[2].strip() for line in self.getvalue().split("\n")]
