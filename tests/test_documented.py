"""The programme of documented models on one of them, with the files that R would have written; benchmarks/documented has all."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import mixed_glm as mg

SOURCE = Path(__file__).resolve().parent.parent
LIST = """
from benchmarks.documented.models import MODELS
print(len(MODELS), len({model.stem for model in MODELS}), len({model.family for model in MODELS}))
print(next(model.stem for model in MODELS if model.data == "cbpp" and "obs" not in model.formula))
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=SOURCE, capture_output=True, text=True, check=False
    )


def test_a_documented_model_is_fitted_and_compared(tmp_path: Path) -> None:
    done = run("-c", LIST)
    models, stems, families, stem = done.stdout.split()
    assert int(models) == int(stems) >= 120
    assert int(families) >= 5
    data = mg.datasets.load_cbpp()
    data.to_csv(tmp_path / f"{stem}.csv", index=False)
    factors = {
        c: {"levels": [str(v) for v in sorted(data[c].unique())], "ordered": False}
        for c in ("herd", "period")
    }
    (tmp_path / f"{stem}.json").write_text(json.dumps(factors), encoding="utf-8")
    r = {
        "names": ["(Intercept)", "period2", "period3", "period4"], "fixed": [-1.398, -0.992, -1.128, -1.580],
        "sd": [0.642], "of": ["(Intercept)|herd"],
    }  # fmt: skip
    (tmp_path / f"{stem}.fit").write_text(json.dumps(r), encoding="utf-8")
    page = tmp_path / "page.md"
    done = run("-m", "benchmarks.documented", "--no-r", "--cache", str(tmp_path), "--to", str(page))
    assert done.returncode == 0, done.stdout + done.stderr
    text = page.read_text(encoding="utf-8")
    assert text.startswith("1 models, 1 fitted in the formula as documented, 1 converged")
    fixed, sd = (float(cell) for cell in text.rstrip().splitlines()[-1].split("|")[-3:-1])
    assert 0.0 < fixed < 0.3
    assert 0.0 < sd < 1.0
