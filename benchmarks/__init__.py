"""hwlib beside torch, in one run, as ratios.

    python -m benchmarks             # print the tables: a few minutes
    python -m benchmarks --write     # and store them for the book's page
    python -m benchmarks --quick     # small batches, few rounds: does everything run?

===========  ======================================================================
`__main__`   the command line: one process for each setting, then the tables
`measure`    runs in such a process: checks every case, times it in pairs, prints JSON
`cases`      what is compared
`tables`     stored results as Markdown
`gpu`        a measurement of its own: images per second on a GPU, and its table
===========  ======================================================================

`results.json` holds what was measured, `results.md` the same as tables, which
`chapters/benchmarks.md` includes.
"""
