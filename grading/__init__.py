"""What instructors grade labs with: for scores in a sandbox, or for feedback with otter-grader.

============  ===========================================================================
`checks`      grades one notebook, each check in a process of its own; the zip carries it
`graded`      what of a lab is graded, and by which checks
`results`     what grading a submission gives, and the two notebooks that are graded first
`score`       grades one notebook for scores, its answers in a sandbox
`folders`     the folder of submissions, and the folder of results
`grade`       `python -m grading.grade LAB FOLDER --out OUT`: grades a folder in that way
`otter`       `python -m grading.otter LAB --out FOLDER`: a lab for otter-grader
`otter_run`   `python -m grading.otter_run LAB FILES --out FOLDER`: grades submissions with it
============  ===========================================================================
"""
