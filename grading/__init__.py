"""What instructors grade labs with, by otter-grader.

============  ===========================================================================
`checks`      grades one notebook, each check in a process of its own; the zip carries it
`graded`      what of a lab is graded, and by which checks
`otter`       `python -m grading.otter LAB --out FOLDER`: a lab for otter-grader
`otter_run`   `python -m grading.otter_run LAB FILES --out FOLDER`: grades submissions
============  ===========================================================================
"""
