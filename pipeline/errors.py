"""The errors that people see: what went wrong, and the next thing to type."""

import difflib
from collections.abc import Iterable


class PipelineError(Exception):
    """Something the user can mend. Printed as two lines, `error: …` and `hint: …`, with exit status 1."""

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions with keyword-only arguments do not survive the way back from a worker process by themselves.
        return (_rebuild, (self.message, self.hint))


class Skip(Exception):
    """This article can't be processed; the message is the reason that `skipped` gives. Never ends a run."""


def _rebuild(message: str, hint: str) -> PipelineError:
    return PipelineError(message, hint=hint)


def nearest(name: str, names: Iterable[str]) -> str:
    """` (did you mean X?)` for a mistyped name, or nothing."""
    close = difflib.get_close_matches(name, list(names), 1)
    return f" (did you mean {close[0]}?)" if close else ""
