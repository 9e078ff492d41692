"""Practice checks: what is right in a reader's function, what is not yet, and a likely reason.

    from hwlib.labs import check

    check("conv_forward", conv_forward_naive)
    check("conv_backward", conv_forward_naive, conv_backward_naive)

An exercise has a name, cases to try, a reference, and wrong variants of the reference, each with
the words for its mistake. All of them are defined in this package, one file a subject:

    @exercise(cases=lambda: [(np.ones(2),)])
    def double(x):
        return 2 * x

    @double.mistake("the factor is missing")
    def same(x):
        return x

The checks run in the reader's own notebook and give no mark. No exception of the reader's code
gets out of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout, suppress
from copy import deepcopy
from difflib import get_close_matches
from inspect import signature
from io import StringIO
from typing import Any

import numpy as np

from hwlib.labs.answers import Answer, Hint, Named, Unfilled, explained, is_stub, turn_of
from hwlib.labs.patterns import apart, beside, exchanged, pattern
from hwlib.labs.said import described, ended, named, of_type, sentence, settings
from hwlib.testing import assert_close

__all__ = ["EXERCISES", "Exercise", "Hint", "case", "check", "exercise", "practice"]

EXERCISES: dict[str, Any] = {}  # name: what looks at the answers, an `Exercise` or a function
PAIR = ("forward", "backward")  # the answers where a backward pass is looked at
COARSE = {"float16": 1e-2, "float32": 1e-4}  # relative tolerance where the reference is so coarse
ROUNDED = {"float16": 2e-3, "float32": 1e-5}  # where only the answer is: what rounding to it costs


def check(name: str, *answers: Callable) -> Verdict:
    """Try a reader's functions on the cases of an exercise; print what is right or what is not.

    Args:
        name: of the exercise.
        *answers: the reader's function, or functions where the exercise needs more than one.

    Returns:
        Whether every case is right.

    Raises:
        ValueError: if there is no exercise of this name; the message lists similar names.
        TypeError: if the answers are not functions, or not as many as the exercise asks for.

    >>> check("conv_froward", len)
    Traceback (most recent call last):
    ValueError: check: there is no exercise 'conv_froward'; did you mean 'conv_forward', \
'conv_backward' or 'batchnorm_forward'?
    """
    found = _find("check", name)
    takes = found.answers if isinstance(found, Exercise) else tuple(signature(found).parameters)
    for word, answer in zip(takes, answers, strict=False):
        if not callable(answer) and word != "settings":
            kind = type(answer).__name__
            raise TypeError(f"check: {name!r} takes functions; {word} is a {kind}")
    if len(answers) != len(takes):
        raise TypeError(f"check: {name!r} takes {', '.join(takes)}; {len(answers)} were given")
    return Verdict(found(*answers))


class Verdict(int):
    """Whether all is right; in a notebook it adds no output to what the check has printed.

    >>> Verdict(True), bool(Verdict(False))
    (True, False)
    """

    def __repr__(self):
        return str(bool(self))

    def _ipython_display_(self):
        pass


def case(name: str, number: int) -> tuple:
    """The arguments of one case of an exercise, copies: `attempt(*case("conv_forward", 3))`.

    For a backward pass the last of them is dout, and the others are the forward pass's.

    Args:
        name: of the exercise.
        number: of the case, from 1, as in the check's messages.

    Raises:
        ValueError: if there is no such exercise, or no such case.

    >>> x, w, b, conv_param = case("conv_forward", 3)
    >>> x.shape, conv_param
    ((2, 3, 4, 4), {'pad': 1, 'stride': 2})
    """
    found = _find("case", name)
    shown = isinstance(found, Exercise) and found.arguments is not None
    cases = found.cases() if shown else []
    if not 1 <= number <= len(cases):
        raise ValueError(
            f"case: {name!r} has {len(cases)} cases to show; there is no case {number}"
        )
    return found.arguments(*deepcopy(tuple(cases[number - 1])))


def _find(who, name):
    if name in EXERCISES:
        return EXERCISES[name]
    near = get_close_matches(str(name), EXERCISES, n=3, cutoff=0.3) or sorted(EXERCISES)
    *first, last = map(repr, near)
    raise ValueError(
        f"{who}: there is no exercise {name!r}; did you mean "
        f"{', '.join(first) + ' or ' if first else ''}{last}?"
    )


class Exercise:
    """A reference with cases and known mistakes. Called, it is the reference itself.

    Args:
        reference: the function to agree with; its parameters name the arguments of a case.
        cases: makes the cases, tuples of arguments.
        outputs: names of what is returned, where that is a tuple; empty for one array.
        look: `look(*answers, *case)` calls the answers and returns what is compared with the
            reference, or raises a `Hint`; None to call the one answer.
        answers: names of the answers.
        arguments: makes of a case what the reader's function is given, for `case` to show; None
            if no call shows it.
        simpler: `simpler(*case)` makes of a case simpler ones, by what it shows if the answer is
            right there: the end of a sentence that begins with "This case comes out right".
        compare_cases: whether the cases behind a wrong one are tried too, to tell which setting the
            right ones have; False if a wrong answer may take forever there.
        library: whether the reference is the library's.
        any_float: whether right values are right in another floating type too.
        rtol: relative tolerance of the values.
        atol: absolute tolerance of the values.

    >>> double = Exercise(lambda x: 2 * x, lambda: [(np.ones(2),)])
    >>> double(lambda x: x + x)
    Right: `<lambda>` is right in the one case.
    True
    """

    def __init__(
        self,
        reference: Callable,
        cases: Callable[[], Sequence[tuple]],
        *,
        outputs: Sequence[str] = (),
        look: Callable | None = None,
        answers: Sequence[str] = ("attempt",),
        arguments: Callable[..., tuple] | None = lambda *case: case,
        simpler: Callable[..., Mapping[str, tuple]] = lambda *case: {},
        compare_cases: bool = True,
        library: bool = False,
        any_float: bool = True,
        rtol: float = 1e-9,
        atol: float = 1e-9,
    ):
        self.reference, self.cases, self.outputs = reference, cases, tuple(outputs)
        self.look = look or (lambda attempt, *case: attempt(*arguments(*case)))
        self.answers, self.arguments, self.library = tuple(answers), arguments, library
        self.simpler, self.compare_cases = simpler, compare_cases
        self.any_float, self.rtol, self.atol = any_float, rtol, atol
        self.name: str | None = None
        self.mistakes: dict[str, Callable] = {}
        self.explanations: list[Callable] = []
        self.__doc__ = reference.__doc__

    def __call__(self, *answers: Callable) -> bool:
        """Check the answers and print the verdict."""
        return self.judge([Answer(a) for a in answers])

    def mistake(self, words: str) -> Callable[[Callable], Callable]:
        """Decorate a wrong variant of the reference; it may raise where it does not apply."""

        def add(variant):
            self.mistakes[words] = variant
            return variant

        return add

    def explanation(self, explain: Callable[..., str | None]) -> Callable[..., str | None]:
        """Decorate `explain(actual, *case)`: a true sentence about a wrong answer, or None.

        It is asked where no wrong variant gives the same answer.
        """
        self.explanations.append(explain)
        return explain

    def judge(self, answers: Sequence[Answer]) -> bool:
        """Run all cases up to the first that is wrong, and print the verdict."""
        name = answers[-1 if self.answers == PAIR else 0].name
        for answer in reversed(answers):  # of a pair, the backward pass is what is checked
            if is_stub(answer.function):
                print(turn_of(answer.function))
                return False
        cases, remarks = self.cases(), []
        for number, given in enumerate(cases, 1):
            try:
                remarks += self._remarks(answers, given, name)
            except Unfilled as turn:
                print(turn)
                return False
            except Exception as fault:  # also what the look makes of an odd answer
                if isinstance(turn := explained(fault, name), Unfilled):  # a stub in a layer
                    print(turn)
                    return False
                print(f"Not yet: in case {number} of {len(cases)}, {sentence(fault, name)}")
                self._show(number, given, answers)
                if not isinstance(fault, Named):
                    self._show_simpler(given, answers, name)
                if self.compare_cases:
                    self._show_apart(cases, number, answers, name)
                return False
        agrees = "agrees with the library" if self.library else "is right"
        where = f"in all {len(cases)} cases" if len(cases) > 1 else "in the one case"
        print(f"Right: `{name}` {agrees} {where}.")
        for remark in remarks[:1]:
            print(f"  One remark: {remark}")
        return True

    def _remarks(self, answers, given, name):
        """Remarks on a case that is right; raise what is wrong with it."""
        with np.errstate(all="ignore"):
            actual = self.look(*answers, *deepcopy(given))
            wanted = self.reference(*deepcopy(given))
            return self._compare(given, actual, wanted, name)

    def _compare(self, given, actual, wanted, name):
        """Raise a Hint about the first output that is wrong; return remarks on right ones."""
        remarks = []
        parts = _parts(actual, wanted, self.outputs, name)
        for k, (part, a, w) in enumerate(parts):
            if fault := self.fault(part, a, w):
                if words := self.named_mistake(given, k, actual):
                    raise Named(words)
                known = self._explained(given, actual)
                raise Hint(known or self._described(given, part, a, w, fault, parts))
            if _cast(a, w) is not a:
                remarks.append(of_type(part, a.dtype, w.dtype))
        return remarks

    def _described(self, given, part, actual, wanted, fault, parts):
        """The fault of an output, and what its wrong values have in common."""
        if order := exchanged(parts, self.fault):
            return order
        tolerances = self._tolerances(actual, wanted)
        common = pattern(actual, wanted, **tolerances)
        common = common or beside(actual, wanted, named(self.reference, given), **tolerances)
        return f"{ended(fault)}\n  In {part}, {common}" if common else fault

    def fault(self, part: str, actual: Any, wanted: Any) -> str | None:
        """Say what is wrong with one output, in whatever floating type it is; None if nothing.

        Where the reference is float32, as its arguments are, honest float32 arithmetic is right.
        Where the answer alone is coarser, right values that were rounded to its type are still
        right, but a larger error is an error, and not excused by the type.
        """
        try:
            cast = _cast(actual, wanted) if self.any_float else actual
            assert_close(cast, wanted, **self._tolerances(actual, wanted), name=part)
        except AssertionError as error:
            return str(error).rpartition(" (rtol=")[0] or str(error)
        return None

    def _tolerances(self, actual, wanted):
        kinds = [str(getattr(a, "dtype", "")) for a in (actual, wanted)]
        coarse = max(ROUNDED.get(kinds[0], 0.0), COARSE.get(kinds[1], 0.0))
        return {"rtol": max(self.rtol, coarse), "atol": max(self.atol, coarse / 10)}

    def named_mistake(self, given, k, actual):
        """The words of the wrong variant that gives the same wrong answer, or None.

        One that explains all outputs is better than one that explains the first wrong one alone.
        """
        explains = None
        for words, variant in self.mistakes.items():
            try:
                other = variant(*deepcopy(given))
            except Exception:  # the mistake cannot be made in this case
                continue
            pairs = list(zip(actual, other, strict=True)) if self.outputs else [(actual, other)]
            if pairs[k][1] is None or self.fault("", *pairs[k]):
                continue
            if all(self.fault("", a, b) is None for a, b in pairs if b is not None):
                return words
            explains = explains or words
        return explains

    def _explained(self, given, actual):
        """What the first explanation that has something to say says, or None."""
        for explain in self.explanations:
            try:
                words = explain(actual, *deepcopy(given))
            except Exception:  # the answer is not such that it can be explained
                continue
            if words:
                return words
        return None

    def _show(self, number, given, answers):
        """Print what a case is, and a line of code that makes it."""
        if told := described(named(self.reference, given)):
            print(f"  The case: {told}")
        if self.name is None or self.arguments is None:
            return
        made = f"check.case({self.name!r}, {number})"
        names = [a.name for a in answers]
        if not all(name.isidentifier() for name in names):
            functions = "functions" if len(names) > 1 else "function"
            print(f"  To try it, call your {functions} with {made}")
        elif self.answers == PAIR:
            forward, backward = names
            print(f"  To try it: *given, dout = {made}; {backward}(dout, {forward}(*given)[1])")
        else:
            print(f"  To try it: {names[0]}(*{made})")

    def _show_simpler(self, given, answers, name):
        """Print what the first simpler case shows for which the answer is right."""
        for words, case in self.simpler(*deepcopy(given)).items():
            if self._right(answers, case, name):
                print(f"  This case comes out right {ended(words)}")
                return

    def _show_apart(self, cases, number, answers, name):
        """Print which setting the wrong cases have and the right ones have not.

        Case `number` is the first that is wrong, so only those behind it are still to be tried.
        """
        later = [self._right(answers, given, name) for given in cases[number:]]
        right = [True] * (number - 1) + [False] + later
        if told := apart([settings(named(self.reference, given)) for given in cases], right):
            print(f"  {told}")

    def _right(self, answers, given, name):
        with redirect_stdout(StringIO()), suppress(Exception):
            self._remarks(answers, given, name)
            return True
        return False


def exercise(*, name: str | None = None, **options: Any) -> Callable[[Callable], Exercise]:
    """Decorate a reference: it becomes the exercise of its own name, or of the name given.

    Raises:
        ValueError: if the name is taken.

    >>> @exercise(cases=list)
    ... def conv_forward(x, w, b, conv_param):
    ...     return None
    Traceback (most recent call last):
    ValueError: exercise: there are two of the name 'conv_forward'
    """

    def register(reference):
        made = Exercise(reference, **options)
        made.name = name or reference.__name__
        if made.name in EXERCISES:
            raise ValueError(f"exercise: there are two of the name {made.name!r}")
        EXERCISES[made.name] = made
        return made

    return register


def practice(
    attempt: Callable[..., Any],
    reference: Callable[..., Any],
    cases: Sequence[tuple],
    *,
    mistakes: Mapping[str, Callable[..., Any]] | None = None,
    name: str | None = None,
    **options: Any,
) -> bool:
    """Check one function by an exercise that is made for it on the spot.

    Args:
        attempt: the reader's function.
        reference: the function to agree with.
        cases: argument tuples.
        mistakes: what a wrong variant does, in words, and the variant itself.
        name: what the messages call `attempt`; None for its own name.
        **options: of the `Exercise`.

    >>> practice(lambda x: x - 1, lambda x: x + 1, [(np.ones(2),)],
    ...          mistakes={"the sign is wrong": lambda x: x - 1})
    Not yet: in case 1 of 1, the sign is wrong.
      The case: x 2, float64
    False
    """
    made = Exercise(reference, lambda: cases, **options)
    made.mistakes.update(mistakes or {})
    return made.judge([Answer(attempt, name)])


# ---------------------------------------------------------------------------- what is compared


def _parts(actual, wanted, outputs, name):
    """Pair what was returned with what should have been: (name, actual, wanted)."""
    if not outputs:
        return [("the result", actual, wanted)]
    asked = f"return {len(outputs)} values, {', '.join(outputs)}"
    if actual is None:
        raise Hint(f"what `{name}` returns is None; is there a return? It should {asked}")
    if not isinstance(actual, tuple | list) or len(actual) != len(outputs):
        got = f"{len(actual)} values" if isinstance(actual, tuple | list) else type(actual).__name__
        raise Hint(f"{asked}; it was {got}")
    return list(zip(outputs, actual, wanted, strict=True))


def _cast(actual, wanted):
    """A float array in the dtype that it should have; anything else as it is."""
    for a in (actual, wanted):
        if getattr(getattr(a, "dtype", None), "kind", None) != "f":
            return actual
    return actual if actual.dtype == wanted.dtype else actual.astype(wanted.dtype)
