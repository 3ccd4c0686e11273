"""How cells of a text file are separated, and which are missing."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

_SPELT = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "space": " ", "pipe": "|"}


@dataclass(frozen=True)
class Form:
    """Form of a table in text.

    Attributes
    ----------
    separator : str
        One character.
    missing : tuple of str, or None
        Cells that are missing, beside empty ones; None for those that pandas takes for it, such as ``NA`` and ``nan``.
    """

    separator: str = ","
    missing: tuple[str, ...] | None = None

    def is_missing(self, cell: str) -> bool:
        """Whether a cell that is not empty is read as a missing value."""
        known = USUAL if self.missing is None else self.missing
        return cell != "" and cell in known


USUAL = frozenset({
    "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA", "NULL", "NaN",
    "None", "n/a", "nan", "null",
})  # fmt: skip
COMMAS = Form()


def add_form(parser: argparse.ArgumentParser) -> None:
    """Options that say how a table in text is to be read."""
    group = parser.add_argument_group("how DATA is written, where it is text")
    group.add_argument("--sep", type=_separator, default=",", metavar="CHAR",
                       help="between cells: ',' (default), ';', tab, space or another character")  # fmt: skip
    group.add_argument("--na", action="append", metavar="TEXT",
                       help="cells that are missing, in the place of NA, nan, null and the like; may be repeated, and '' is "
                       "for empty cells alone")  # fmt: skip


def form_of(options: argparse.Namespace) -> Form:
    """The form that options say."""
    return Form(options.sep, None if options.na is None else tuple(t for t in options.na if t))


def _separator(text: str) -> str:
    char = _SPELT.get(text, text)
    if len(char) != 1 or char in '"\n\r':
        raise argparse.ArgumentTypeError(f"must be one character, or tab, got {text!r}")
    return char
