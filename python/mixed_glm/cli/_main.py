"""The parser, and one line for every error and warning."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Sequence
from typing import NoReturn

from mixed_glm import _core
from mixed_glm.cli import _compare, _demo, _fit, _predict
from mixed_glm.exceptions import MixedGLMWarning

USER_ERROR = 2
INTERRUPTED = 130  # as a shell reports Ctrl-C
CLOSED_PIPE = 141  # and that nobody reads on, as after "| head"

_EXAMPLES = """\
examples:
  mixed-glm fit trial.csv "y ~ dose + (1 | clinic)" --family binomial --save trial.mglm
  mixed-glm predict trial.mglm new_patients.csv --output predicted.csv
  mixed-glm compare trial.mglm other.mglm
  mixed-glm demo

Every command has its own --help with more of them.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments; default those of the process.

    Returns
    -------
    int
        Exit status: 0, or 2 for an error of the user, after one line on stderr; 130 after Ctrl-C.
    """
    options = _parser().parse_args(argv)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", MixedGLMWarning)
            warnings.showwarning = _show_warning
            options.run(options)
            sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at exit
        return CLOSED_PIPE
    except (ValueError, TypeError, OSError, ImportError, RuntimeError) as error:
        message = " ".join(str(error).split()) or type(error).__name__
        print(f"mixed-glm: error: {message}", file=sys.stderr)
        return USER_ERROR
    except KeyboardInterrupt:
        print("mixed-glm: interrupted", file=sys.stderr)
        return INTERRUPTED
    return 0


def _show_warning(message: Warning | str, *_where: object, **_options: object) -> None:
    print(f"mixed-glm: warning: {message}", file=sys.stderr)


class _OneLineParser(argparse.ArgumentParser):
    """Errors are one line; the usage is for --help."""

    def error(self, message: str) -> NoReturn:
        self.exit(USER_ERROR, f"mixed-glm: error: {message} (try {self.prog} --help)\n")


def _parser() -> argparse.ArgumentParser:
    parser = _OneLineParser(
        prog="mixed-glm",
        description="Bayesian generalized linear mixed models.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"mixed-glm {_core.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    for command in (_fit, _predict, _compare, _demo):
        sub = commands.add_parser(
            command.NAME,
            help=command.HELP,
            description=command.HELP[0].upper() + command.HELP[1:] + ".",
            epilog=command.EXAMPLES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_arguments(sub)
        sub.set_defaults(run=command.run)
    return parser
