"""Messages of other packages as plain text."""

from __future__ import annotations

import re

_MARKS = re.compile(
    "\x1b\\[[0-9;]*m|[⧛⧚]"
)  # colours of terminals, and the brackets that formulaic puts around them


def plain_message(error: BaseException) -> str:
    """What an error says, on one line, without codes for terminals and without what formulaic puts around it."""
    cause = error.__cause__
    if type(error).__name__ == "FactorEvaluationError" and cause is not None:
        said = plain_message(cause)
        return said if isinstance(cause, ValueError) else f"{type(cause).__name__}: {said}"
    return " ".join(_MARKS.sub("", str(error)).split()).removeprefix("formula: ")
