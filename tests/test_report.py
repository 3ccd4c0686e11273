"""The report: one page that stands by itself, whatever the data are called."""

from __future__ import annotations

import importlib
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from cbpp_fits import with_herds

import mixed_glm as mg
from mixed_glm._page import figures, quality
from mixed_glm._page import report as report_module
from mixed_glm.plots._axes import draw_intervals

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")

VOID = {"meta", "img", "br", "hr", "input", "link"}
WILD = "<b>bold</b> & \"quoted\" 'one' $x^2$"


class Page(HTMLParser):
    """Elements in their order, which must be closed as they were opened."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def read(path: Path) -> tuple[str, Page]:
    text = path.read_text(encoding="utf-8")
    return text, Page(text)


def named_wildly(n: int = 120) -> mg.MixedGLMResults:
    rng = np.random.default_rng(3)
    groups = np.array([f"{WILD} {j}" for j in range(8)])
    data = pd.DataFrame({WILD: rng.normal(size=n), "<script>": groups[rng.integers(0, 8, n)]})
    data["kind"] = np.where(rng.random(n) < 0.5, "<i>", WILD)
    data["y"] = rng.poisson(np.exp(0.3 * data[WILD]))
    formula = f"y ~ `{WILD}` + kind + (1 | `<script>`)"
    return mg.MixedGLM.from_formula(formula, data=data, family="poisson").fit()


@pytest.fixture(scope="module")
def cbpp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "cbpp.html"
    with_herds().report(path)
    return path


def test_it_is_one_accessible_page(cbpp: Path) -> None:
    text, page = read(cbpp)
    assert page.all("html")[0]["lang"] == "en"
    assert len(page.all("h1")) == 1
    headings = [tag for tag, _ in page.found if re.fullmatch(r"h[1-6]", tag)]
    assert headings == ["h1"] + ["h2"] * 9
    ids = [attributes["id"] for _, attributes in page.found if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = [a["href"] for a in page.all("a")]
    assert {f"#{name}" for name in ids} >= set(targets)
    for svg in page.all("svg"):
        assert svg["role"] == "img"
        assert svg["aria-labelledby"] in ids
    assert len(page.all("svg")) == len(page.all("title")) - 1 == 5
    assert len(page.all("figcaption")) == 5
    assert all(th.get("scope") in ("row", "col") for th in page.all("th"))
    assert "prefers-color-scheme: dark" in text


def test_nothing_is_fetched(cbpp: Path) -> None:
    text, page = read(cbpp)
    sources = [a[k] for _, a in page.found for k in ("src", "href", "xlink:href", "action") if k in a]
    assert all(s.startswith(("#", "data:")) for s in sources)
    assert not page.all("script")
    assert not page.all("link")
    assert re.findall(r"url\((?!#)", text) == []
    assert "@import" not in text
    assert set(re.findall(r"https?://[^\s\"'<]+", text)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }


def test_it_says_what_the_fit_says(cbpp: Path) -> None:
    result = with_herds()
    text = " ".join("".join(read(cbpp)[1].text).split())
    assert "The data are 56 rows." in text
    assert "Each of the 15 groups of herd has its own level." in text
    for value in result.fe_mean:
        assert f"{value:.3f}".replace("-", "\u2212") in text
    assert f"{result.varcorr()['mean'].iloc[0]:.3f}" in text
    assert f"{result.loo(exact='unreliable').elpd:.2f}" in text
    assert str(result.check()).splitlines()[0] in text
    assert "LogNormal(" in text
    assert mg.__version__ in text


def test_names_of_the_data_are_texts_and_no_markup(tmp_path: Path) -> None:
    named_wildly().report(tmp_path / "wild.html", title=WILD)
    text, page = read(tmp_path / "wild.html")
    assert {"b", "i", "script"}.isdisjoint({tag for tag, _ in page.found})
    assert WILD in page.text
    assert any("<script>" in part for part in page.text)
    assert "<b>" not in text


def test_a_fit_from_a_file_takes_its_data(tmp_path: Path) -> None:
    result = with_herds()
    result.save(tmp_path / "cbpp.mglm")
    loaded = mg.load(tmp_path / "cbpp.mglm")
    loaded.report(tmp_path / "without.html")
    assert "they need the data table" in (tmp_path / "without.html").read_text()
    frame = mg.datasets.load_cbpp()
    loaded.report(tmp_path / "with.html", newdata=frame, n_trials="size")
    result.report(tmp_path / "own.html")
    assert (tmp_path / "with.html").read_text() == (tmp_path / "own.html").read_text()


def ordinal() -> mg.MixedGLMResults:
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"x": rng.normal(size=150), "g": rng.integers(0, 10, 150)})
    codes = np.digitize(data["x"] + rng.logistic(size=150), [-1.0, 1.0])
    data["y"] = pd.Categorical.from_codes(codes, ["low", "mid", "high"], ordered=True)
    return mg.MixedGLM.from_formula("y ~ x + (1 | g)", data=data, family="cumulative").fit()


def correlated() -> mg.MixedGLMResults:
    rng = np.random.default_rng(2)
    data = pd.DataFrame({"x": rng.normal(size=150), "g": np.repeat(np.arange(15), 10)})
    data["y"] = (1.0 + rng.normal(size=15)[data["g"]]) * data["x"] + rng.normal(size=150)
    return mg.MixedGLM.from_formula("y ~ x + (x | g)", data=data, family="gaussian").fit()


def of_arrays() -> mg.MixedGLMResults:
    rng = np.random.default_rng(4)
    exog_vc = np.eye(10)[np.repeat(np.arange(10), 5)]
    return mg.MixedGLM(
        rng.poisson(1.0, 50), np.ones((50, 1)), exog_vc, np.zeros(10, int), family="poisson"
    ).fit()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (ordinal, ["low < mid < high", "Fixed effects and thresholds", "Probability of each category"]),
        (correlated, ["has its own level and effect of x, which may be correlated", "sigma (of the family)"]),
        (of_arrays, ["the model was made from arrays"]),
        (lambda: with_herds().model.fit_vb(), ["too narrow"]),
    ],
)
def test_every_kind_of_fit(make, said: list[str], tmp_path: Path) -> None:
    make().report(tmp_path / "fit.html", draws=200)
    text = " ".join("".join(read(tmp_path / "fit.html")[1].text).split())
    for words in said:
        assert words in text


def test_what_cannot_be_made_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.warns(mg.VarianceCollapseWarning):
        collapsed = mg.MixedGLM.from_formula(
            "y ~ 1 + (1 | g)",
            data=pd.DataFrame({"y": [0, 1] * 20, "g": np.repeat(range(10), 4)}),
            family="binomial",
        ).fit_map()
    collapsed.report(tmp_path / "map.html", draws=100)
    _, page = read(tmp_path / "map.html")
    assert any("collapsed" in part for part in page.text)

    def refuse(*_args: object) -> list[str]:
        raise RuntimeError("no draws <here>")

    monkeypatch.setattr(quality, "of_check", refuse)
    with_herds().report(tmp_path / "fit.html", draws=100)
    _, page = read(tmp_path / "fit.html")
    assert "Check: no draws <here>" in page.text
    assert len(page.all("svg")) == 5


def test_large_fits_have_fewer_draws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(quality, "of_check", lambda _fit, draws, _rng: asked.append(draws) or [])
    monkeypatch.setattr(report_module, "_ENTRIES", 71 * 250)  # cbpp has 56 rows and 15 herds
    with_herds().report(tmp_path / "fit.html")
    with_herds().report(tmp_path / "fit.html", draws=100)
    monkeypatch.setattr(report_module, "_ENTRIES", 71)
    with_herds().report(tmp_path / "fit.html")
    assert asked == [250, 100, 100]


def test_the_check_of_a_large_fit_takes_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    fit = with_herds().fit
    monkeypatch.setattr(quality, "_EVALUATIONS", 60 * 56 * 25)  # 56 rows, 25 nodes of a herd
    assert "of 60" in "".join(quality.of_check(fit, 1000, 0))
    monkeypatch.setattr(quality, "_EVALUATIONS", 1)
    assert "of 25" in "".join(quality.of_check(fit, 1000, 0))


def test_many_dots_are_an_image_beside_sharp_axes() -> None:
    def paint(ax: Any) -> None:
        draw_intervals(ax, *np.random.default_rng(0).normal(size=(3, 3000)))
        ax.set_xlabel("effect")

    drawn = figures.draw("many", "Dots", (5.4, 4.0), paint)
    assert drawn.dots == ""
    assert 1 <= drawn.vectors.count("<image") <= 2
    assert len(drawn.vectors) < 300_000
    assert "currentColor" in drawn.vectors


def test_pictures_leave_the_settings_alone(tmp_path: Path) -> None:
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    before, open_before = dict(mpl.rcParams), plt.get_fignums()
    with_herds().report(tmp_path / "fit.html", draws=100)
    assert dict(mpl.rcParams) == before
    assert plt.get_fignums() == open_before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"alpha": 2.0}, "alpha"),
        ({"draws": 0}, "draws"),
        ({"draws": "many"}, "draws"),
        ({"newdata": max}, "data must be a data frame"),
    ],
)
def test_bad_arguments(arguments, message: str, tmp_path: Path) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        with_herds().report(tmp_path / "fit.html", **arguments)
    assert not (tmp_path / "fit.html").exists()


def test_a_place_that_cannot_be_written_is_told_first(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nowhere"):
        with_herds().report(tmp_path / "nowhere" / "fit.html")


@pytest.mark.parametrize("package", ["jinja2", "matplotlib"])
def test_without_a_package(package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.import_module

    def refuse(name: str, *args):
        if name == package:
            raise ImportError(name)
        return real(name, *args)

    monkeypatch.setattr(importlib, "import_module", refuse)
    with pytest.raises(ImportError, match=r"mixed-glm\[report\]"):
        with_herds().report(tmp_path / "fit.html")


@pytest.mark.slow
@pytest.mark.parametrize(("width", "scheme"), [(400, 0), (400, 1), (1200, 0), (1200, 1)])
def test_a_browser_shows_it(cbpp: Path, tmp_path: Path, width: int, scheme: int) -> None:
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium")
    image = pytest.importorskip("PIL.Image")
    shot = tmp_path / "shot.png"
    command = [
        browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
        f"--blink-settings=preferredColorScheme={scheme}", f"--window-size={width},2000", f"--screenshot={shot}", cbpp.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, timeout=120, check=False)
    if not shot.exists():
        pytest.skip(f"Chromium does not run here: {done.stderr[-200:]!r}")
    pixels = np.asarray(image.open(shot).convert("L"), dtype=float)
    paper = np.median(pixels)
    assert paper < 60 if scheme == 0 else paper > 200
    assert (np.abs(pixels - paper) > 100).mean() > 0.005  # there is something to read
    edge = pixels[:, -8:] if width == 1200 else pixels[:, -4:]
    assert np.ptp(np.median(edge, axis=0)) < 5
