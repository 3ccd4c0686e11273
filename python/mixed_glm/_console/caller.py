"""Where the package was called from: the frame that formulas may refer to and that warnings point at."""

from __future__ import annotations

import sys
import warnings
from types import FrameType

_PACKAGE = __name__.partition(".")[0]


def outside_frame() -> tuple[FrameType, int]:
    """First frame outside of this package, and its stack level as the function that asks sees it."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == _PACKAGE:
        frame, level = frame.f_back, level + 1
    return frame, level


def warn(message: str, category: type[Warning]) -> None:
    """Issue a warning that points at the user's line."""
    _, level = outside_frame()
    warnings.warn(message, category, stacklevel=level)
