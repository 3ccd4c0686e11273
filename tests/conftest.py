"""Helpers in tests/support are importable from every test."""

import signal
import sys
from pathlib import Path

# A shell that starts a job in the background has it ignore interrupts, and all its children would: tests of Ctrl-C need
# them to be heard.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

sys.path.insert(0, str(Path(__file__).parent / "support"))
