"""The README's Python examples run as printed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

README = Path(__file__).resolve().parent.parent / "README.md"
EXAMPLES = re.findall(r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_there_are_examples():
    assert len(EXAMPLES) >= 2


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_example_runs_as_printed(number, capsys):
    variables: dict[str, object] = {}
    exec(compile(EXAMPLES[number], f"{README.name}[{number}]", "exec"), variables)  # noqa: S102
    result = variables["result"]
    assert result.converged
    assert str(result.summary()) in capsys.readouterr().out
