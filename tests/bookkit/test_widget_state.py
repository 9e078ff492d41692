"""A page's widget state: what is shown and no more, under names that every run gives alike."""

from __future__ import annotations

import json
import uuid
from types import SimpleNamespace

from bookkit.pages.page import WIDGET_STATE, prune_widget_state
from hwlib.explore import Figure
from tests.conftest import ROOT


def finished():
    """A page with two figures and a third, removed one, as a run leaves it: body and state."""
    names = {name: uuid.uuid4().hex for name in ("figure", "other", "layout", "inner", "removed")}
    states = {
        "removed": {"state": {"word": "gone"}},
        "inner": {"state": {"word": "inner"}},
        "layout": {"state": {"child": "IPY_MODEL_" + names["inner"], "word": "layout"}},
        "other": {
            "state": {"_css": ".own {}", "word": "other", "layout": "IPY_MODEL_" + names["layout"]}
        },
        "figure": {
            "state": {
                "_css": Figure._css,
                "layout": "IPY_MODEL_" + names["layout"],
                "word": "</figure>",
            }
        },
    }
    order = sorted(states, key=names.get)  # any order: it is that of the random names
    state = {"version_major": 2, "state": {names[name]: states[name] for name in order}}
    script = Script(type=WIDGET_STATE, body=json.dumps(state))
    context = {
        "body": "".join(f'<i>{{"model_id": "{names[name]}"}}</i>' for name in ("figure", "other")),
        "script_files": [script],
    }
    app = SimpleNamespace(srcdir=ROOT)
    prune_widget_state(app, "page", "page.html", context, None)
    return context["body"], context["script_files"][0].attributes["body"]


class Script(SimpleNamespace):
    """Sphinx's entry for a script."""

    def __init__(self, filename=None, *, priority=500, **attributes):
        super().__init__(filename=filename, priority=priority, attributes=attributes)


def test_two_runs_give_the_same_bytes_with_all_that_is_shown_and_nothing_else():
    body, state = finished()
    assert finished() == (body, state)
    assert "</" not in state
    left = json.loads(state)["state"]
    by_word = {entry["state"]["word"]: name for name, entry in left.items()}
    assert by_word.keys() == {"</figure>", "other", "layout", "inner"}
    assert body == "".join(
        f'<i>{{"model_id": "{by_word[word]}"}}</i>' for word in ("</figure>", "other")
    )
    # The sheet of all figures is linked by the page; an own one is not.
    assert "_css" not in left[by_word["</figure>"]]["state"]
    assert left[by_word["other"]]["state"]["_css"] == ".own {}"
    assert left[by_word["other"]]["state"]["layout"] == "IPY_MODEL_" + by_word["layout"]
    assert left[by_word["layout"]]["state"]["child"] == "IPY_MODEL_" + by_word["inner"]
