"""Tables from results: ``python -m benchmarks.analyse results.jsonl --to FOLDER``.

Prints them, and writes ``speed.md``, ``many.md``, ``kernels.md``, ``accuracy.md``, ``memory.md`` and ``after.md`` (those for which
there are results). Returns 1 if two packages' answers differ.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks import tables
from benchmarks.compare import OURS, agreement, ratios
from benchmarks.other_tables import OTHERS
from benchmarks.results import Record, of_kind, read

__all__ = ["SUMMARY_HEADER", "Comparison", "compare", "main", "measured_on", "summary_rows", "title"]

Comparison = dict[str, Any]

STAGES = ("cold", "prepared", "fit() cold", "fit() prepared")
PICTURES = {"many", "kernels"}  # pages with a plot of their own, beside that of speed


def compare(records: Sequence[Record], clock: str = "cpu", statistic: str = "min") -> list[Comparison]:
    """One entry a problem: description, times and verdicts of the peers, who is absent, ratios.

    Parameters
    ----------
    clock : {"cpu", "wall"}
        Processor time summed over threads, or time on the clock.
    statistic : {"min", "median"}
        Of the runs.
    """
    times = pd.DataFrame(of_kind(records, "time"))
    return [_problem(problem, records, times, clock, statistic) for problem in of_kind(records, "problem")]


def _problem(
    problem: Record, records: Sequence[Record], times: pd.DataFrame, clock: str, statistic: str
) -> Comparison:
    here = [r for r in records if r.get("problem") == problem["problem"]]
    answers = {r["peer"]: r for r in of_kind(here, "answer")}
    own = times[times["problem"] == problem["problem"]] if len(times) else times
    summary: dict[str, dict[str, float | None]] = {}
    for peer in answers:
        stages = own[own["peer"] == peer].groupby("stage")[clock].agg(statistic)
        summary[peer] = {stage: stages.get(stage) for stage in STAGES}
    return {
        "problem": problem,
        "versions": {peer: answer["version"] for peer, answer in answers.items()},
        "converged": {peer: answer["converged"] for peer, answer in answers.items()},
        "times": summary,
        "runs": {peer: int(((own["peer"] == peer) & (own["stage"] == "cold")).sum()) for peer in answers},
        "verdicts": agreement(answers) if answers else {},
        "absent": {r["peer"]: r["reason"] for r in of_kind(here, "absent")},
        "ratios": ratios(summary),
    }


PEER_HEADER = ("package", "version", "runs", "cold", "prepared", "cold / ours", "gap", "fe", "sd", "")


def peer_rows(comparison: Comparison) -> list[tuple[str, ...]]:
    """One row a package: times, how many times ours, and how far its answer is from the best."""
    ours = comparison["times"].get(OURS, {}).get("cold")
    rows = []
    for peer, times in comparison["times"].items():
        verdict = comparison["verdicts"][peer]
        words = ["agrees" if verdict["agrees"] else "DIFFERS"]
        if comparison["converged"][peer] is False:
            words.append("not converged")
        rows.append(
            (
                peer,
                comparison["versions"][peer],
                str(comparison["runs"][peer]),
                tables.seconds(times["cold"]),
                tables.seconds(times["prepared"]),
                "-" if ours is None else f"{times['cold'] / ours:.2f}",
                f"{verdict['gap']:.3f}",
                *("-" if verdict[key] is None else f"{verdict[key]:.3f}" for key in ("fe", "sd")),
                ", ".join(words),
            )
        )
    blank = ("",) * (len(PEER_HEADER) - 2)
    return rows + [(peer, *blank, reason) for peer, reason in comparison["absent"].items()]


SUMMARY_HEADER = (
    "problem", "fit()", "prepared", "Laplace at the mode", "prepared", "fastest other", "its time", "ratio of fit()",
    "ratio of Laplace", "prepared", "answers",
)  # fmt: skip


def summary_rows(comparisons: Sequence[Comparison]) -> list[tuple[str, ...]]:
    """One row a problem: our times, of `fit()` first, the fastest other package's, and the ratios."""
    return [_summary_row(c) for c in comparisons if c["ratios"] is not None]


def title(problem: Record) -> str:
    """What was fitted, and how unless by Laplace."""
    return problem["description"] + ("" if problem["method"] == "laplace" else f"; {problem['method']}")


def _summary_row(comparison: Comparison) -> tuple[str, ...]:
    found, ours = comparison["ratios"], comparison["times"][OURS]
    return (
        title(comparison["problem"]),
        *(tables.seconds(ours[stage]) for stage in ("fit() cold", "fit() prepared", "cold", "prepared")),
        found["fastest"],
        tables.seconds(comparison["times"][found["fastest"]]["cold"]),
        "-" if ours["fit() cold"] is None else f"{found['fit()']:.1f}",
        f"{found['cold']:.1f}",
        f"{found['prepared']:.1f}",
        "agree" if all(v["agrees"] for v in comparison["verdicts"].values()) else "differ",
    )


def measured_on(records: Sequence[Record], clock: str, statistic: str) -> str:
    """Machine, versions, and what the times are."""
    machine = next(of_kind(records, "machine"))
    return (
        f"{machine['processor']}, {machine['cores']} cores, one thread; Python {machine['python']}, mixed_glm "
        f"{machine['versions']['mixed-glm']} (instruction set {machine['instruction set of mixed_glm']}). "
        f"Times: {statistic} of {'processor' if clock == 'cpu' else 'wall'} time over the runs, from arrays to the fit, "
        "or *prepared*: of a model constructed before. Only ratios mean anything.\n"
    )


def speed_page(
    records: Sequence[Record], comparisons: Sequence[Comparison], clock: str, statistic: str
) -> str:
    """All tables of speed, in markdown, with what they were measured on."""
    parts = [
        measured_on(records, clock, statistic),
        tables.markdown(SUMMARY_HEADER, summary_rows(comparisons)),
        "![times as multiples of mixed_glm's](speed.svg)\n",  # benchmarks.plot makes the pictures
    ]
    for comparison in comparisons:
        parts.append(f"**{title(comparison['problem'])}**\n")
        parts.append(tables.markdown(PEER_HEADER, peer_rows(comparison)))
    work = {record["peer"]: record["work"] for record in of_kind(records, "peer")}
    parts.append("What each does in the time:\n")
    parts.append("\n".join(f"- {peer}: {text}" for peer, text in work.items()) + "\n")
    return "\n".join(parts)


def show(comparisons: Sequence[Comparison]) -> None:
    """Print the tables of speed."""
    for comparison in comparisons:
        print(f"{comparison['problem']['problem']}: {comparison['problem']['description']}")
        print(tables.text(PEER_HEADER, peer_rows(comparison)), end="\n\n")
    print(tables.text(SUMMARY_HEADER, summary_rows(comparisons)))


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns 1 if answers differ, 0 otherwise."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.analyse", description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("--to", type=Path, help="folder for the tables in markdown")
    parser.add_argument("--clock", choices=("cpu", "wall"), default="cpu", help="cpu: summed over threads")
    parser.add_argument("--statistic", choices=("min", "median"), default="min")
    options = parser.parse_args(arguments)
    records = read(options.results)
    comparisons = compare(records, options.clock, options.statistic)
    show(comparisons)
    pages = {name: page for name, make in OTHERS.items() if (page := make(records))}
    for page in pages.values():
        print("\n" + page)
    if options.to is not None:
        pages["speed"] = speed_page(records, comparisons, options.clock, options.statistic)
        for name in PICTURES & set(pages):
            pages[name] += f"\n![the same as a plot]({name}.svg)\n"
        options.to.mkdir(parents=True, exist_ok=True)
        for name, page in pages.items():
            (options.to / f"{name}.md").write_text(page, encoding="utf-8")
    return 0 if all(v["agrees"] for c in comparisons for v in c["verdicts"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())
