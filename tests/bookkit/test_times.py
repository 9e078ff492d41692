"""The table of a build's times counts every second once."""

from __future__ import annotations

from bookkit.times import table


def test_the_table_adds_up_and_names_the_longest_first():
    executed = {"short": 3.0, "long": 40.5}
    assert table(executed, 0.0, begun=100.0, read=160.0, end=167.25) == [
        "where the time went",
        "executing   43.5 s",
        "  long      40.5 s",
        "  short      3.0 s",
        "reading     16.5 s",
        "writing      7.2 s",
    ]
    side_by_side = table(executed, 2.5, begun=100.0, read=160.0, end=167.25)
    assert side_by_side[1] == "executing   41.0 s"
    assert side_by_side[4] == "reading     19.0 s"
    assert table({}, 0.0, 0.0, 1.0, 3.0)[1:] == [
        "executing    0.0 s",
        "reading      1.0 s",
        "writing      2.0 s",
    ]
