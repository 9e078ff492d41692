"""Grades a folder of submissions for scores, in a sandbox; needs Linux and bubblewrap.

First it says which exercises it leaves to be graded by hand, and grades two notebooks of its own:
the lab with all solutions, which must get full points, and the untouched lab, which must get none.
Otherwise it grades nobody. Then it grades each notebook in the folder and below, and writes
`OUT/<submission>.json`, with a status and a reason for each exercise, and all of them as
`OUT/results.csv` and `OUT/results.json`.

Inputs are drawn from a secret seed, a new one each time; `results.json` has it, and `--seed`
repeats it. A command that was interrupted goes on where it stopped, with the seed that it had:
results of the same lab, seed and file are kept, unless `--again` is given.

    python -m grading.grade LAB FOLDER --out OUT [--seed N] [--seconds N] [--again]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import secrets
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from multiprocessing.connection import wait
from pathlib import Path

import nbformat

from bookkit.course.settings import Book
from grading.checks.notebook import SubmissionError, read
from grading.checks.trial import ERROR, NOT_GRADED, WRONG
from grading.checks.worker import limit_memory
from grading.folders import alone, fingerprint, left_out, loaded, submissions, tables
from grading.graded import SECONDS, GradingError, description, known
from grading.results import GRADED, proved, reference, result, said, write
from grading.score import judge
from grading.score.sandbox import START, Sandbox, SandboxError

TOGETHER = 2  # submissions that are graded at the same time
MEMORY = 3 << 30  # more bytes that one may take outside the sandbox, where its file is read


class Grader:
    """Grades submissions of one lab with one seed.

    Args:
        book: the book.
        lab: its `grading.graded.description`.

    Raises:
        GradingError: if all exercises are to be graded by hand.
        SandboxError: if there is no sandbox here.
    """

    def __init__(self, book: Book, lab: dict):
        solved = nbformat.reads(reference(book, lab["lab"]), as_version=4).cells
        self.by_hand = judge.by_hand(lab, [cell.source for cell in solved])
        if len(self.by_hand) == len(lab["exercises"]):
            raise GradingError(f"{lab['lab']}: all exercises have to be graded by hand")
        self.by_hand |= dict.fromkeys(lab["unchecked"], "no check looks at it")
        self.lab = lab | {"exercises": lab["exercises"] | lab["unchecked"]}
        with Sandbox():  # it can be had
            pass
        self.digest = digest(book, lab)

    def grade(self, name: str, path: Path) -> dict:
        """The result of one file, whatever it is; this process grades nothing else then."""
        if path.is_symlink():  # to a solution, or to someone else's file
            return self.result(name, ERROR, "the file is a link")
        try:
            cells = read(path)
            exercises = judge.grade(self.lab, cells, self.by_hand)
        except SubmissionError as error:
            return self.result(name, ERROR, str(error))
        except Exception as error:
            return self.result(name, NOT_GRADED, f"{type(error).__name__}: {error}")
        failed = any(one["status"] == NOT_GRADED for one in exercises.values())
        status = NOT_GRADED if failed else GRADED
        for key, one in exercises.items():
            wanted = [name for c in self.lab["exercises"][key]["checks"] for name in c["given"]]
            if one["status"] == WRONG and not any(n in cell for n in wanted for cell in cells):
                one["message"] += f"\nNo cell mentions `{wanted[0]}`; is it another lab's notebook?"
        return result(self.lab, name, status, exercises)

    def result(self, name: str, status: str, message: str) -> dict:
        """The result of a submission of which nothing was run."""
        hands = {
            key: {"status": judge.BY_HAND, "message": why} for key, why in self.by_hand.items()
        }
        return result(self.lab, name, status, hands, message)

    def tables(self, out: Path, results: list[dict]) -> None:
        """Write the tables of these results."""
        head = {"lab": self.lab["lab"], "seed": self.lab["seed"], "digest": self.digest}
        tables(out, head | {"by hand": self.by_hand}, self.lab["exercises"], results)

    def seconds(self) -> float:
        """How long a submission may take before the fault is taken to be ours."""
        checks = sum(len(one["checks"]) for one in self.lab["exercises"].values())
        return START + checks * (START + self.lab["seconds"])

    def all(self, jobs: dict[str, Path]) -> Iterator[dict]:
        """Grade files, each in a process of its own; the results come as they are there."""
        work = side_by_side(jobs, lambda name: self.grade(name, jobs[name]), self.seconds())
        for name, found in work:
            ended = "the grader itself ended or took too long"
            yield found or self.result(name, NOT_GRADED, ended)


def side_by_side(
    jobs: Iterable[str], work: Callable[[str], dict], seconds: float
) -> Iterator[tuple[str, dict | None]]:
    """Do jobs in processes of their own; None for one that gives nothing in this time."""
    context, running, left = multiprocessing.get_context("fork"), {}, list(jobs)[::-1]
    taken = int(Path("/proc/self/statm").read_text().split()[0])  # pages

    def run(pipe, job):
        limit_memory(os.sysconf("SC_PAGE_SIZE") * taken + MEMORY)
        pipe.send_bytes(json.dumps(work(job)).encode())

    while left or running:
        while left and len(running) < TOGETHER:
            ours, theirs = context.Pipe(duplex=False)
            process = context.Process(target=run, args=(theirs, left[-1]), daemon=True)
            # An interrupt is for this process alone, which ends the others.
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            process.start()
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
            theirs.close()
            running[ours] = left.pop(), process, time.monotonic() + seconds
        ready = wait(running, timeout=1)
        for pipe, (job, process, deadline) in list(running.items()):
            if pipe not in ready and time.monotonic() < deadline:
                continue
            try:
                found = json.loads(pipe.recv_bytes()) if pipe in ready else None
            except EOFError:
                found = None
            process.kill()
            process.join()
            process.close()  # left to its deletion, an interrupt meanwhile would be lost
            pipe.close()
            del running[pipe]
            yield job, found


def digest(book: Book, lab: dict) -> str:
    """What tells a lab and the code that grades it from what they were before."""
    text = json.dumps({key: value for key, value in lab.items() if key != "seed"}, sort_keys=True)
    made = hashlib.sha256(text.encode())
    for folder in ("hwlib", "grading"):
        for path in sorted((book.root / folder).rglob("*.py")):
            made.update(path.read_bytes())
    return made.hexdigest()


def main(arguments: list[str] | None = None) -> int:
    """Grade a folder; the exit status is 1 if anybody could not be graded."""
    parser = argparse.ArgumentParser(prog="python -m grading.grade")
    parser.add_argument("lab", metavar="LAB", help="the name of a lab, as in chapters/")
    parser.add_argument("folder", metavar="FOLDER", help="the submissions")
    parser.add_argument("--out", required=True, type=Path, help="the folder for the results")
    parser.add_argument("--seed", type=int, help="of the inputs, above 0; else a secret one")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="the limit of one check")
    parser.add_argument("--again", action="store_true", help="keep no result that is there")
    options = parser.parse_args(arguments)
    if not options.folder:
        parser.error("say which folder holds the submissions: make grade LAB=... FROM=...")
    with ExitStack() as stack:
        try:
            book = Book(Path.cwd()).checked()
            name, folder = known(book, options.lab), Path(options.folder)
            files = submissions(folder)
            stack.enter_context(alone(options.out, name))
            seed = secrets.randbits(63) + 1 if options.seed is None else options.seed
            lab = description(book, name, seed, options.seconds)
            grader = Grader(book, lab)
            before = loaded(options.out / "results.json")
            if options.seed is None and not options.again and before.get("digest") == grader.digest:
                grader.lab["seed"] = before["seed"]
            for exercise, why in grader.by_hand.items():
                print(f"By hand: {exercise} ({why})", flush=True)
            faults = proved(book, grader.lab, lambda path: next(grader.all({path.name: path})))
        except (ValueError, SandboxError) as error:
            faults = [str(error)]
        if faults:
            print("Nobody is graded:", "; ".join(faults), file=sys.stderr)
            return 1
        status = finish(grader, files, options.out, options.again)
    if others := left_out(folder):
        print(others)
    return status


def finish(grader: Grader, files: dict[str, Path], out: Path, again: bool) -> int:
    """Grade the files that have no result yet, and write all results."""
    keys, results = {}, {}
    for name, path in files.items():
        keys[name] = [grader.digest, grader.lab["seed"], fingerprint(path)]
        there = loaded(out / f"{name}.json")
        if there.get("key") == keys[name] and not again and there["status"] != NOT_GRADED:
            results[name] = there
    if results:
        print(f"{len(results)} results are kept.")
    try:
        grader.tables(out, list(results.values()))
    except OSError as error:
        print(f"Nobody is graded: the results cannot be written ({error})", file=sys.stderr)
        return 1
    try:
        for found in grader.all({name: files[name] for name in files if name not in results}):
            name = found["submission"]
            results[name] = found | {"key": keys[name]}
            write(out / f"{name}.json", results[name])
            print(f"[{len(results)}/{len(files)}] {said(found)}", flush=True)
    except KeyboardInterrupt:
        command = "The same command without AGAIN=1" if again else "The same command"
        raise KeyboardInterrupt(f"{command} goes on from here.") from None
    finally:
        grader.tables(out, [results[name] for name in files if name in results])
    return int(any(one["status"] == NOT_GRADED for one in results.values()))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt as stop:
        sys.exit(f"Stopped. {stop or 'Nobody is graded.'}")
