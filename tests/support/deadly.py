"""Work that kills the process that does it, in a module that other processes can import."""

import os
import signal
from pathlib import Path


def die_once(flag, function, *arguments):
    """Die, unless the file `flag` says that this has happened before."""
    if not Path(flag).exists():
        Path(flag).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return function(*arguments)
