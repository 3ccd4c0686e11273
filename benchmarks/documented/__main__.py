"""Documented models in the formula as documented: ``python -m benchmarks.documented --to documented.md``."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.documented.models import MODELS, read_data, read_estimates, write_manifest
from benchmarks.documented.ours import fit
from benchmarks.documented.report import report

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; status 1 if a model could not be fitted."""
    options = _parse(arguments)
    options.cache.mkdir(parents=True, exist_ok=True)
    models = [model for model in MODELS if options.only in model.stem]
    if not options.no_r:
        write_manifest(models, options.cache / "manifest.csv")
        subprocess.run(["Rscript", str(Path(__file__).with_name("export.R")), str(options.cache)], check=True)
    outcomes, absent = [], []
    for model in models:
        if not (options.cache / f"{model.stem}.csv").exists():
            absent.append(model)
            continue
        outcome = fit(model, read_data(model, options.cache), read_estimates(model, options.cache))
        print(
            f"{outcome.seconds:7.2f} {model.package}.{model.data}: {model.formula} [{model.family}] {outcome.method} "
            f"{outcome.status} fixed {outcome.fixed:.2f} sd {outcome.sd:.2f} {' '.join(outcome.warned)}",
            flush=True,
        )
        outcomes.append(outcome)
    options.to.parent.mkdir(parents=True, exist_ok=True)
    options.to.write_text(report(outcomes, absent), encoding="utf-8")
    return int(not all(outcome.fitted for outcome in outcomes))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.documented", description=__doc__)
    cache = Path.home() / ".cache" / "mixed_glm" / "documented"
    parser.add_argument("--cache", type=Path, default=cache, help=f"folder of the data (default {cache})")
    parser.add_argument("--no-r", action="store_true", help="only what is in the folder already")
    parser.add_argument(
        "--only", default="", metavar="TEXT", help="only data whose package.name has this text"
    )
    parser.add_argument("--to", type=Path, default=Path("documented.md"))
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
