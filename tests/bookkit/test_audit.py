"""The audit's bars; what axe finds is tested in a browser."""

from __future__ import annotations

from bookkit.audit import lighthouse


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
