"""Grades one notebook, exercise by exercise, each check in a process of its own.

================  ===========================================================================
`notebook`        the code cells of a submission, however it was saved
`definitions`     of all those cells, the statements that one check needs
`trial`           runs one check in a new process with limits; the five statuses
`worker`          that process
`otter`           what the test files of an otter-grader zip call
================  ===========================================================================

The zip for otter-grader carries this package, so it imports nothing but itself.
"""
