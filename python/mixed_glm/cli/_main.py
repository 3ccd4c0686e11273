"""The parser, and one line for every error and warning."""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Sequence
from typing import NoReturn

from mixed_glm import _core
from mixed_glm.cli import _compare, _demo, _effects, _fit, _loo, _predict, _report
from mixed_glm.cli._messages import ClosedPipe, complain
from mixed_glm.exceptions import MixedGLMWarning

USER_ERROR = 2
INTERRUPTED = 130  # as a shell reports Ctrl-C
CLOSED_PIPE = 141  # and that nobody reads on, as after "| head"

_TOLD = (
    ValueError,
    TypeError,
    OSError,
    ImportError,
    RuntimeError,
    MemoryError,
)  # others are bugs, with a traceback

_EXAMPLES = """\
examples:
  mixed-glm fit trial.csv "y ~ dose + (1 | clinic)" --family binomial --save trial.mglm
  mixed-glm report trial.mglm --data trial.csv -o trial.html
  mixed-glm predict trial.mglm new_patients.csv --output predicted.csv
  mixed-glm effects trial.mglm trial.csv
  mixed-glm loo trial.mglm --exact
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
    except KeyboardInterrupt:
        complain("", "interrupted")
        return INTERRUPTED
    except ClosedPipe:
        return CLOSED_PIPE
    except (*_TOLD, ExceptionGroup) as error:
        for one in error.exceptions if isinstance(error, ExceptionGroup) else [error]:
            if not isinstance(one, ClosedPipe):
                complain("error: ", _spelt(one))
        return USER_ERROR
    return 0


def _spelt(error: Exception) -> str:
    """What one line says of an error."""
    said = str(error).strip()
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename!r}: {error.strerror}"
    if isinstance(error, MemoryError):
        return f"out of memory{': ' if said else ''}{said}"
    return (said if isinstance(error, _TOLD) else f"{type(error).__name__}: {said}") or type(error).__name__


def _show_warning(message: Warning | str, *_where: object, **_options: object) -> None:
    complain("warning: ", str(message))


class _OneLineParser(argparse.ArgumentParser):
    """Errors are one line; the usage is for --help."""

    def error(self, message: str) -> NoReturn:
        told = "; ".join([message, *self._missing(message)])
        complain("error: ", f"{told} (try {self.prog} --help)")
        self.exit(USER_ERROR)

    def _missing(self, message: str) -> list[str]:
        """What may stand for the arguments that a message says are required."""
        named = message.partition("are required: ")[2].replace("/", ", ").split(", ")
        found = []
        for action in self._actions:
            name = action.option_strings[-1] if action.option_strings else str(action.metavar)
            meaning = action.help or ", ".join(action.choices or ())
            if action.required and name in named and meaning:
                found.append(f"{name}: {meaning}")
        return found


def _parser() -> argparse.ArgumentParser:
    parser = _OneLineParser(
        prog="mixed-glm",
        description="Bayesian generalized linear mixed models.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"mixed-glm {_core.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    for command in (_fit, _report, _predict, _effects, _loo, _compare, _demo):
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
