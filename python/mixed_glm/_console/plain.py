"""Messages of other packages as plain text."""

from __future__ import annotations

import re

_MARKS = re.compile(
    "\x1b\\[[0-9;]*m|[⧛⧚]"
)  # colours of terminals, and the brackets that formulaic puts around them


def plain_message(error: BaseException) -> str:
    """What an error says, on one line and without codes for terminals."""
    return " ".join(_MARKS.sub("", str(error)).split())
