"""`python -m tools.canary`: what it adds, and that it adds it once."""

from __future__ import annotations

import re
import shutil

import pytest

from tools import canary

PLAIN = """Because.

```{code-cell} ipython3
:tags: [hide-input]

x = 1
```

````{code-cell} ipython3
x = 1
````
"""


def test_text_and_every_cell_get_one_canary_below_the_cell_s_options():
    made = canary.marked(PLAIN, "x.md")
    (token,) = set(canary.TOKEN.findall(made))
    assert made.startswith(f"<!-- {token} -->\n\nBecause.\n")
    assert f":tags: [hide-input]\n\n# {token}\nx = 1\n```\n" in made
    assert f"````{{code-cell}} ipython3\n# {token}\nx = 1\n````\n" in made
    assert re.sub(r"(<!-- )?(# )?sol-\w+( -->\n)?\n", "", made) == PLAIN
    assert canary.marked(made, "x.md") == made
    assert canary.TOKEN.findall(canary.marked(PLAIN, "x.md"))[0] != token


@pytest.mark.parametrize("lost", [r"<!-- sol-.* -->\n\n", r"# sol-.*\n(?=x = 1\n````\n)"])
def test_what_is_missing_is_filled_in_with_the_one_that_is_there(lost):
    made = canary.marked(PLAIN, "x.md")
    less, removed = re.subn(lost, "", made)
    assert removed == 1
    assert canary.marked(less, "x.md") == made


def test_the_command_changes_only_what_lacks_one(root, tmp_path, monkeypatch, capsys):
    shutil.copytree(root / "solutions", tmp_path / "solutions")
    monkeypatch.chdir(tmp_path)
    assert canary.main() == 0
    assert capsys.readouterr().out == ""
    (tmp_path / "solutions/lab_convolution/mine.md").write_text(PLAIN)
    assert canary.main() == 0
    assert capsys.readouterr().out.startswith("solutions/lab_convolution/mine.md: has its canary")
    (tmp_path / "solutions/lab_convolution/mine.md").write_text("sol-0123456789 sol-abcdefabcd")
    assert canary.main() == 1
    assert "mine.md: has 2 canaries, sol-0123456789, sol-abc" in capsys.readouterr().err
