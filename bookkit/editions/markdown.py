"""A chapter's Markdown as every notebook program shows it.

Plain Markdown takes the place of MyST: every construct that a chapter uses has a rule below, and
one without a rule stops the export.
"""

from __future__ import annotations

import posixpath
import re
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin

from bookkit.course.settings import Book
from bookkit.sources import bibliography, errata, numbering, tables

ADMONITIONS = {"note", "tip", "warning", "important", "seealso", "admonition", "exercise"}
OPTION = re.compile(r"^:([\w-]+):(.*)$")
OPEN = re.compile(r"^(?P<indent> *)(?P<fence>`{3,}|:{3,})\{(?P<name>[\w:-]+)\} *(?P<title>.*?) *$")
LABEL = re.compile(r"^\(([\w-]+)\)=$")
EQUATION = re.compile(r"^\$\$ *\(([\w:-]+)\)$")
CODE = re.compile(r"^ *(`{3,}|~{3,})")
# What a paragraph is made of, as far as it matters here; what is no role or link stays as it is.
INLINE = re.compile(
    r"\\."
    r"|\{(?P<role>[\w:-]+)\}`(?P<content>[^`]+)`"
    r"|(?P<ticks>`+)(?!`)(?:(?!(?P=ticks)).)+(?P=ticks)"
    r"|\$\$[^$]+\$\$|\$[^$]+\$"
    r"|(?P<bang>!?)\[(?P<words>(?:[^\[\]]|\[[^\]]*\])*)\]"
    r"\(\s*(?P<target>[^)\s]+)(?P<title>\s+\"[^\"]*\")?\s*\)",
    re.S,
)
PLAIN = MarkdownIt("commonmark").enable("table").use(dollarmath_plugin)


class ExportError(ValueError):
    """A chapter has something that no rule translates; the message names chapter and text."""


def linked(book: Book, page: str, target: str, link: str) -> str:
    """The page, such as `chapters/notation`, that a link of another page leads to.

    Raises:
        ExportError: if there is no such page; it says where the link is.
    """
    path = posixpath.normpath(f"/{page}/../{target}" if target[0] != "/" else target).lstrip("/")
    if not (book.root / f"{path}.md").is_file():
        raise ExportError(f"{page}.md: {link}: there is no {path}.md")
    return path


class Chapter:
    """Translates one chapter's Markdown from MyST to what every notebook program shows."""

    def __init__(self, book: Book, name: str):
        self.book, self.name = book, name
        self.source = book.course.announce(book.source(name), name)
        self.page = f"{book.site}/chapters/{name}.html"
        # Sphinx numbers labelled equations (1), (2), … on each page.
        labels = re.findall(r"^\$\$ *\(([\w:-]+)\)$", self.source, re.M)
        self.equations = {label: n for n, label in enumerate(labels, 1)}
        self.results = tables.table(book, "chapters").get(name, {})

    @cached_property
    def references(self) -> dict:
        """The entries of the bibliography, by key."""
        return bibliography.entries(self.book)

    def fail(self, message: str) -> ExportError:
        """The error to raise, with the chapter's name."""
        return ExportError(f"chapters/{self.name}.md: {message}")

    def markdown(self, text: str) -> str:
        """One Markdown cell, translated.

        Raises:
            ExportError: if something is left that only MyST understands.
        """
        text = numbering.refer(text, self.book, self._figure, f"chapters/{self.name}")
        text = "\n".join(self._blocks(text.splitlines()))
        text = re.sub(r"\n{3,}", "\n\n", text).strip("\n")
        self._check(PLAIN.parse(text))
        return text

    def _check(self, tokens: list[Token]) -> None:
        """Stop at what a notebook program would not understand, wherever it stands."""
        for token, after in pairwise([*tokens, None]):
            address = token.attrGet("href") or token.attrGet("src")
            left = {
                "fence": token.info.startswith("{") and token.info,
                "inline": re.search(r"\A:{3,}|^\(.*\)=$", token.content, re.M) and token.content,
                "text": after
                and after.type == "code_inline"
                and re.search(r"\{[\w:-]+\}$", token.content)
                and f"{token.content}`{after.content}`",
                "math_block_label": f"a label behind $$: {token.info}",
            }.get(token.type)
            if address and not re.match(r"https?://|mailto:", str(address)):
                left = f"the link to {address}"
            if left:
                raise self.fail(f"no rule for {left!r}")
            self._check(token.children or [])

    def _blocks(self, lines: list[str]) -> list[str]:
        out: list[str] = []
        while lines:
            line = lines.pop(0)
            if opening := OPEN.match(line):
                indent = opening["indent"]
                body = [
                    row.removeprefix(indent) for row in self._until(lines, opening["fence"], line)
                ]
                made = self._directive(opening["name"], opening["title"], body)
                out += [f"{indent}{row}" if row else row for row in made]
            elif fence := CODE.match(line):  # an ordinary code fence: nothing inside is MyST
                out += [line, *self._until(lines, fence[1], line), fence[0]]
            elif equation := EQUATION.match(line):
                # Sphinx puts the label behind the closing $$ as well as here; keep the number.
                raise self.fail(
                    f"an equation's label stands behind its closing $$: {equation[0]!r}"
                )
            elif line.strip() == "$$":
                out += self._equation(lines)
            elif LABEL.match(line):
                continue
            else:
                rows = [line]  # a paragraph, for links go on in the next line
                while line.strip() and lines and self._goes_on(lines[0]):
                    rows.append(lines.pop(0))
                out += INLINE.sub(self._inline, "\n".join(rows)).split("\n")
        return out

    def _goes_on(self, line: str) -> bool:
        special = (OPEN, CODE, EQUATION, LABEL)
        ends = not line.strip() or line.strip() == "$$"
        return not ends and not any(pattern.match(line) for pattern in special)

    def _until(self, lines: list[str], fence: str, opened: str) -> list[str]:
        body = []
        while lines:
            line = lines.pop(0)
            if line.strip() == fence:
                return body
            body.append(line)
        raise self.fail(f"{opened!r} is not closed")

    def _equation(self, lines: list[str]) -> list[str]:
        body = []
        while lines:
            line = lines.pop(0)
            if line.strip() == "$$":
                return ["$$", *body, "$$"]
            if label := EQUATION.match(line):
                return ["$$", *body, rf"\tag{{{self.equations[label[1]]}}}", "$$"]
            body.append(line)
        raise self.fail("a $$ is not closed")

    def _directive(self, name: str, title: str, body: list[str]) -> list[str]:
        options = {}
        while body and (option := OPTION.match(body[0])):
            options[option[1]] = option[2].strip()
            body.pop(0)
        if name == "bibliography":
            return [f"The [list of sources]({self.book.site}/chapters/bibliography.html)."]
        if name not in ADMONITIONS:
            raise self.fail(f"no rule for the directive {{{name}}}")
        head = {"admonition": title, "exercise": f"Exercise: {title}"}.get(name, name.capitalize())
        inner = self._blocks(body if name in ("admonition", "exercise") else [title, *body])
        text = "\n".join(inner).strip("\n").splitlines()
        return ["", *(f"> {line}".rstrip() for line in [f"**{head}**", "", *text]), ""]

    def _inline(self, match: re.Match) -> str:
        if match["role"]:
            return self._role(match, match["role"], match["content"])
        return self._link(match) if match["target"] else match[0]

    def _role(self, match: re.Match, role: str, content: str) -> str:
        titled = re.fullmatch(r"(.*?)\s*<([^>]+)>", content, re.S)
        words, target = titled.groups() if titled else (None, content)
        if role == "eq":
            if target not in self.equations:
                raise self.fail(f"no equation of this page has the label {target!r}")
            return f"[({self.equations[target]})]({self.page}#equation-{target})"
        if role == "doc":
            path = linked(self.book, f"chapters/{self.name}", target, match[0])
            return self._page(words or self.book.heading(Path(path).name), path)
        if role == "ref" and words:
            return f"[{words}]({self.page}#{target})"
        if role in ("cite", "cite:p", "cite:t"):
            return self._cite(role, target)
        if role == "erratum":
            if target not in (entries := errata.load(self.book.root)):
                raise self.fail(f"errata.yml has no entry {target!r}")
            if not entries[target].shown_with(self.book.course.released):
                return words or "erratum"
            return self._page(words or "erratum", errata.PAGE, entries[target].anchor)
        if role == "glue:text":
            if target not in self.results:
                raise self.fail(f"chapters/results.yml has no result {target!r}")
            return self.results[target]["shown"]
        raise self.fail(f"no rule for {match[0]!r}")

    def _figure(self, words: str, name: str) -> str:
        return self._page(words, f"chapters/{numbering.places(self.book)[name].page}", name)

    def _page(self, words: str, path: str, anchor: str = "") -> str:
        """A link to a page of the site; plain words where the course does without that page."""
        if path.removeprefix("chapters/") in self.book.course.leave_out:
            return words
        return f"[{words}]({self.book.site}/{path}.html{'#' + anchor if anchor else ''})"

    def _cite(self, role: str, keys: str) -> str:
        links, entries = [], self.references
        for key in map(str.strip, keys.split(",")):
            if key not in entries:
                raise self.fail(f"references.bib has no entry {key!r}")
            entry = entries[key]
            if missing := {"author", "year"} - {*entry.persons, *entry.fields}:
                raise self.fail(f"references.bib: {key!r} has no {min(missing)}")
            people = [" ".join(p.last_names) for p in entry.persons["author"]]
            who = people[0] + (
                " et al." if len(people) > 2 else "".join(f" and {p}" for p in people[1:])
            )
            year = entry.fields["year"]
            said = f"{who} ({year})" if role == "cite:t" else f"{who}, {year}"
            links.append(f"[{said}]({self.book.site}/chapters/bibliography.html)")
        return "; ".join(links) if role == "cite:t" else f"({'; '.join(links)})"

    def _link(self, match: re.Match) -> str:
        bang, words, target = match["bang"], match["words"], match["target"]
        if re.match(r"https?://|mailto:", target):
            return match[0]
        if bang:
            return f"![{words}]({self.book.site}/_images/{Path(target).name})"
        if target.startswith("#"):
            return f"[{words}]({self.page}{target})"
        path, _, anchor = target.partition("#")
        path = linked(self.book, f"chapters/{self.name}", path.removesuffix(".md"), match[0])
        return self._page(words, path, anchor)
