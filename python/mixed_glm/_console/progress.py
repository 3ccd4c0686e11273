"""Progress of a fit, shown by tqdm."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

Report = Callable[[str, int, float], object]  # stage, steps so far, value at the last one


def shown_progress(progress: bool, title: str, value: str) -> AbstractContextManager[Report | None]:
    """What a fit reports to, or None where nothing is to be shown.

    Parameters
    ----------
    progress : bool
    title : str
        Before the bar, with the stage.
    value : str
        What the value is, such as ``"log density"``.

    Raises
    ------
    ImportError
        If `progress` is true and tqdm is not installed.
    """
    return _shown_bar(title, value) if progress else contextlib.nullcontext()


@contextlib.contextmanager
def _shown_bar(title: str, value: str) -> Iterator[Report]:
    with tqdm_class()(desc=title, unit=" steps") as bar:

        def report(stage: str, steps: int, at: float) -> None:
            bar.set_description_str(f"{title}, {stage}", refresh=False)
            bar.set_postfix_str(f"{value} {at:.8g}", refresh=False)
            bar.n = steps
            bar.refresh()

        yield report


@contextlib.contextmanager
def shown_count(
    progress: bool, total: int, title: str, unit: str, scaled: bool = False
) -> Iterator[Callable[[int], object]]:
    """What is told how many more of `total` are done, and shows it where it is to be shown.

    `scaled`: large numbers as 1.2M.

    Raises
    ------
    ImportError
        If `progress` is true and tqdm is not installed.
    """
    if not progress:
        yield lambda more: None
        return
    with tqdm_class()(total=total, desc=title, unit=f" {unit}", unit_scale=scaled) as bar:
        yield bar.update


def tqdm_class() -> Any:
    """The bar of tqdm that suits terminal or notebook.

    Raises
    ------
    ImportError
        If tqdm is not installed.
    """
    try:
        from tqdm.auto import tqdm
    except ImportError as error:
        raise ImportError("progress=True needs tqdm: pip install 'mixed-glm[progress]'") from error
    return tqdm


def counting(report: Report | None, function: Callable[..., float]) -> Callable[..., float]:
    """An objective to be minimized that reports every evaluation, with its sign turned."""
    if report is None:
        return function
    steps = 0

    def counted(*arguments: object) -> float:
        nonlocal steps
        result = function(*arguments)
        steps += 1
        report("search", steps, -result)
        return result

    return counted
