"""The audit's bars; what axe finds is tested in a browser."""

from __future__ import annotations

from pathlib import Path

from tools.audit import lighthouse


def report(**scores):
    return {"categories": {name.replace("_", "-"): {"score": s} for name, s in scores.items()}}


def test_scores_and_bars():
    good = lighthouse.read(report(performance=0.95, accessibility=1, best_practices=1, seo=1))
    assert good == {"performance": 95, "accessibility": 100, "best-practices": 100, "seo": 100}
    assert lighthouse.misses(good) == []
    bad = lighthouse.read(report(performance=0.94, accessibility=0.99, best_practices=None, seo=1))
    assert lighthouse.misses(bad) == [
        "performance 94 < 95",
        "accessibility 99 < 100",
        "best-practices 0 < 100",
    ]


def test_performance_is_the_median_of_three(monkeypatch):
    asked, said = [], iter([0.91, 0.97, 0.96])

    def run(address, root, categories):
        asked.append(categories)
        measured = report(accessibility=1, best_practices=0.9, seo=1, performance=next(said))
        named = {name: measured["categories"][name] for name in categories}
        return {"categories": named}

    monkeypatch.setattr(lighthouse, "_run", run)
    found = lighthouse.scores("http://127.0.0.1/", Path())
    assert found == {"performance": 96, "accessibility": 100, "best-practices": 90, "seo": 100}
    assert asked == [list(lighthouse.BARS), ["performance"], ["performance"]]
