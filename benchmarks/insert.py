"""Put the table of ratios into a page: ``python -m benchmarks.insert results.jsonl README.md``.

It replaces what stands between the lines ``<!-- speed -->`` and ``<!-- end of speed -->``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import tables
from benchmarks.analyse import SUMMARY_HEADER, compare, measured_on, summary_rows
from benchmarks.results import read

__all__ = ["insert", "main"]

BEGIN, END = "<!-- speed -->", "<!-- end of speed -->"


def insert(page: str, text: str) -> str:
    """The page with the text between the marks.

    Raises
    ------
    ValueError
        If the marks are not there, once each and in order.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end) or BEGIN in after or END in after:
        raise ValueError(f"the page must have the lines {BEGIN} and {END} once")
    return f"{before}{BEGIN}\n{text}\n{END}{after}"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.insert", description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("page", type=Path)
    parser.add_argument("--clock", choices=("cpu", "wall"), default="cpu", help="cpu: summed over threads")
    parser.add_argument("--statistic", choices=("min", "median"), default="min")
    options = parser.parse_args(arguments)
    records = read(options.results)
    comparisons = compare(records, options.clock, options.statistic)
    table = tables.markdown(SUMMARY_HEADER, summary_rows(comparisons))
    text = f"{table}\n{measured_on(records, options.clock, options.statistic)}"
    options.page.write_text(insert(options.page.read_text(encoding="utf-8"), text), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
