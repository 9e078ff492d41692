"""Every small fault that could stand in a module: one place of its source text changed at a time.

What is changed: operators, comparisons, conditions, constants, the order of tuples, bounds of
slices, pairs such as min and max; what is left out: statements, keyword arguments, copies,
operands. What is not: docstrings, annotations, decorators, f-strings, imports and what follows
`raise`; for the wording of an error is no behaviour to be pinned down letter by letter.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

SWAPS = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "/"),
    ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "/"),
    ast.Mod: ("%", "//"),
    ast.Pow: ("**", "*"),
    ast.MatMult: ("@", "*"),
    ast.BitOr: ("|", "&"),
    ast.BitAnd: ("&", "|"),
    ast.LShift: ("<<", ">>"),
    ast.RShift: (">>", "<<"),
    ast.And: ("and", "or"),
    ast.Or: ("or", "and"),
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
}
NEGATED_BY_SWAP = ast.Eq, ast.NotEq, ast.Is, ast.IsNot, ast.In, ast.NotIn
NAMES = dict(
    pair
    for a, b in [
        ("min", "max"),
        ("minimum", "maximum"),
        ("argmin", "argmax"),
        ("any", "all"),
        ("zeros", "ones"),
        ("zeros_like", "ones_like"),
    ]
    for pair in [(a, b), (b, a)]
)
WRAPPERS = {"reversed", "deepcopy", "abs", "float"}  # f(a) becomes a
METHODS = {"copy", "astype"}  # a.f() becomes a
SKIPPED_NODES = ast.Raise, ast.JoinedStr, ast.Import, ast.ImportFrom
SKIPPED_FIELDS = {"annotation", "returns", "decorator_list"}
COMMENT = re.compile(r"  # .*")


@dataclass(frozen=True)
class Mutant:
    """One fault: the characters from `start` to `end` of a module's source made `text`."""

    module: str
    function: str  # "" at the top of the module, and "Class.method" in a class
    line: int
    before: str  # the changed lines, without indentation
    after: str
    start: int
    end: int
    text: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What names the mutant as long as its line stays what it is."""
        return self.module, self.function, self.before, self.after

    def __str__(self) -> str:
        where = f"hwlib.{self.module}, line {self.line}, {self.function or '(top)'}"
        return f"{where}\n    - {self.before}\n    + {self.after}"

    def apply(self, source: str) -> str:
        return source[: self.start] + self.text + source[self.end :]


def mutants(module: str, source: str) -> list[Mutant]:
    """All mutants of a source that still compile, each once."""
    found = {}
    for (first, last), function, start, end, text in _Module(source).edits():
        mutated = source[first:start] + text + source[end:last]  # the statement around it
        if mutated == source[first:last] or (first, mutated) in found or not _compiles(mutated):
            continue
        left, right = source.rfind("\n", 0, start) + 1, source.find("\n", end)
        before, after = source[left:right], source[left:start] + text + source[end:right]
        before, after = (" ".join(COMMENT.sub("", lines).split()) for lines in (before, after))
        line = source.count("\n", 0, start) + 1
        found[first, mutated] = Mutant(module, function, line, before, after, start, end, text)
    return list(found.values())


def _compiles(source: str) -> bool:
    try:
        compile(source, "mutant", "exec")
    except SyntaxError:
        return False
    return True


class _Module:
    """A parsed source that knows where each node stands in the text."""

    def __init__(self, source: str):
        self.source = source
        self.lines = source.splitlines(keepends=True)
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line))
        self.tree = ast.parse(source)
        functions = (n for n in ast.walk(self.tree) if isinstance(n, ast.FunctionDef))
        self.required = {f.name: set(_required(f.args)) for f in functions}

    def edits(self) -> Iterator[tuple[tuple[int, int], str, int, int, str]]:
        """The span of the statement, the function, and start, end and new text of each change."""
        for statement in self.tree.body:
            for edit in self._within(statement, "", set()):
                yield self._span(statement), *edit

    def _within(self, node: ast.AST, function: str, assigned: set[str]):
        """The edits of a node and all below it; `assigned` are the local names seen so far."""
        if isinstance(node, SKIPPED_NODES) or _is_no_code(node):
            return
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            function = f"{function}.{node.name}".lstrip(".")
        if isinstance(node, ast.FunctionDef):
            arguments = node.args
            every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
            assigned = {a.arg for a in every}
        for edit in self._at(node, assigned):
            yield function, *edit
        assigned |= set(_targets(node))
        for field, value in ast.iter_fields(node):
            if field not in SKIPPED_FIELDS:
                for child in value if isinstance(value, list) else [value]:
                    if isinstance(child, ast.AST):
                        yield from self._within(child, function, assigned)

    def _at(self, node: ast.AST, assigned: set[str]):
        """The edits of one node: start, end, new text."""
        match node:
            case ast.BinOp(left=left, op=op, right=right):
                yield self._operator(left, op, right)
                if isinstance(op, ast.BitOr | ast.BitAnd):
                    yield self._replace(node, self._text(left))
                    yield self._replace(node, self._text(right))
            case ast.AugAssign(target=target, op=op, value=value):
                yield self._operator(target, op, value)
                yield self._replace(node, "pass")
            case ast.Compare(left=left, ops=ops, comparators=others):
                for a, op, b in zip([left, *others], ops, others, strict=False):
                    yield self._operator(a, op, b)
            case ast.BoolOp(op=op, values=values):
                for a, b in pairwise(values):
                    yield self._operator(a, op, b)
                for value in values:  # as if it were not there
                    yield self._replace(value, str(isinstance(op, ast.And)))
            case ast.UnaryOp(op=ast.USub() | ast.Not() | ast.Invert(), operand=operand):
                yield self._replace(node, f"({self._text(operand)})")
            case ast.Constant(value=bool(value)):
                yield self._replace(node, str(not value))
            case ast.Constant(value=int(value)):
                yield self._replace(node, str(value + 1))
                yield self._replace(node, str(value - 1))
            case ast.Constant(value=float(value)):
                yield self._replace(node, {0.0: "1.0", 1.0: "0.0"}.get(value, str(2 * value)))
            case ast.Constant(value=str(value)):
                yield self._replace(node, repr(value + "?"))
            case ast.Tuple(elts=items, ctx=ast.Load()):
                yield from self._neighbours(items)
            case ast.Slice(lower=lower, upper=upper):
                for bound in lower, upper:
                    if bound and not isinstance(bound, ast.Constant):
                        yield self._replace(bound, f"{self._text(bound)} + 1")
                        yield self._replace(bound, f"{self._text(bound)} - 1")
                if lower and not upper:
                    yield self._replace(node, f"{self._text(lower)}:-1")
                if upper and not lower:
                    yield self._replace(node, f"1:{self._text(upper)}")
            case ast.Name(id=name) if name in NAMES:
                yield self._replace(node, NAMES[name])
            case ast.Attribute(value=value, attr=name) if name in NAMES:
                yield self._replace(node, f"{self._text(value)}.{NAMES[name]}")
            case ast.Call():
                yield from self._call(node)
            case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test):
                yield from self._negation(test)
            case ast.comprehension(ifs=tests):
                for test in tests:
                    yield from self._negation(test)
            case ast.Assign(targets=[target]):
                if not set(_targets(node)) - assigned or isinstance(target, ast.Subscript):
                    yield self._replace(node, "pass")
            case ast.Expr():
                yield self._replace(node, "pass")
            case ast.Continue():
                yield self._replace(node, "break")

    def _call(self, node: ast.Call):
        match node:
            case ast.Call(func=ast.Name(id=name), args=[argument]) if name in WRAPPERS:
                yield self._replace(node, f"({self._text(argument)})")
            case ast.Call(func=ast.Attribute(value=value, attr=name)) if name in METHODS:
                yield self._replace(node, self._text(value))
            case ast.Call(func=ast.Attribute(attr="transpose"), args=axes):
                yield from self._neighbours(axes)
        required = self.required.get(getattr(node.func, "id", ""), set())
        for keyword in node.keywords:
            if keyword.arg not in {None, "strict", *required}:  # strict=False does for strict
                start, end = self._span(keyword)
                yield start, end + len(re.match(r"\s*,?\s*", self.source[end:])[0]), ""

    def _neighbours(self, items: list[ast.expr]):
        """Exchange each two neighbours."""
        for a, b in pairwise(items):
            (start, a_end), (b_start, end) = self._span(a), self._span(b)
            between = self.source[a_end:b_start]
            yield start, end, f"{self._text(b)}{between}{self._text(a)}"

    def _negation(self, test: ast.expr):
        negated = isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)
        if isinstance(test, ast.Compare) and len(test.ops) == 1:
            negated = isinstance(test.ops[0], NEGATED_BY_SWAP)
        if not negated:
            yield self._replace(test, f"not ({self._text(test)})")

    def _operator(self, left: ast.expr, op: ast.AST, right: ast.expr):
        """Exchange the operator that stands between two nodes."""
        old, new = SWAPS[type(op)]
        start = self.source.index(old, self._span(left)[1], self._span(right)[0])
        return start, start + len(old), new

    def _replace(self, node: ast.AST, text: str):
        return *self._span(node), text

    def _text(self, node: ast.AST) -> str:
        start, end = self._span(node)
        return self.source[start:end]

    def _span(self, node: ast.AST) -> tuple[int, int]:
        return (
            self._place(node.lineno, node.col_offset),
            self._place(node.end_lineno, node.end_col_offset),
        )

    def _place(self, line: int, column: int) -> int:
        """From ast's line and column, counted in bytes, to a place in the text."""
        text = self.lines[line - 1].encode()
        return self.starts[line - 1] + len(text[:column].decode())


def _required(arguments: ast.arguments) -> Iterator[str]:
    """Names of the arguments that have no default."""
    positional = [*arguments.posonlyargs, *arguments.args]
    yield from (a.arg for a in positional[: len(positional) - len(arguments.defaults)])
    keyword_only = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    yield from (a.arg for a, default in keyword_only if default is None)


def _targets(node: ast.AST) -> Iterator[str]:
    """Names that a statement assigns to."""
    if isinstance(node, ast.Assign | ast.For):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            for name in ast.walk(target):
                if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store):
                    yield name.id


def _is_no_code(node: ast.AST) -> bool:
    """Whether a statement is a docstring, names a type, or is for tools, as __all__."""
    match node:
        case ast.Expr(value=ast.Constant(value=str())):
            return True
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            is_type = isinstance(value, ast.BinOp) and isinstance(value.op, ast.BitOr)
            return name.startswith("__") or (is_type and name[0].isupper())
    return False
