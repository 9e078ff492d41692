"""Mathematics: rendered by KaTeX while pages are written, its css and fonts in the site."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.logging import get_node_location
from sphinx.writers.html5 import HTML5Translator

from bookkit.pages.npm import NODE, node_modules

# Strict, and without its own way with errors: to print them in red and go on.
PROGRAM = """
const katex = require(process.argv[1]);
const lines = require("readline").createInterface({ input: process.stdin });
lines.on("line", (line) => {
  const [tex, displayMode] = JSON.parse(line), answer = {};
  try { answer.html = katex.renderToString(tex, { displayMode, strict: "error" }); }
  catch (error) { answer.error = error.message; }
  process.stdout.write(JSON.stringify(answer) + "\\n");
});
"""


def connect(app: Sphinx) -> None:
    """Register this module's event handlers and the renderer `katex`."""
    katex = Katex(Path(app.srcdir))
    app.add_html_math_renderer("katex", (katex.inline, None), (katex.display, None))
    app.connect("builder-inited", add_files)
    app.connect("build-finished", lambda app, exception: katex.stop())


class Katex:
    """KaTeX in a process of its own, from the first formula of a build to the end."""

    def __init__(self, root: Path):
        self.root = root
        self.process: subprocess.Popen | None = None

    def render(self, tex: str, display: bool) -> str:
        """The HTML of a formula.

        Raises:
            ValueError: if the TeX is not right, with what KaTeX says.
            ExtensionError: if node gives no answer.
        """
        if self.process is None:
            self.process = subprocess.Popen(
                [NODE, "-e", PROGRAM, node_modules(self.root) / "katex"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                encoding="utf-8",
            )
        try:
            print(json.dumps([tex, display]), file=self.process.stdin, flush=True)
            answer = json.loads(self.process.stdout.readline())
        except (BrokenPipeError, json.JSONDecodeError):
            raise ExtensionError(f"node did not render the formula {tex}") from None
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer["html"]

    def stop(self) -> None:
        """End the process, if there is one."""
        if self.process is not None:
            self.process.communicate()
            self.process = None

    def inline(self, page: HTML5Translator, node: nodes.math) -> None:
        """Write a formula in a line of text."""
        page.body.append(page.starttag(node, "span", "", CLASS="math"))
        self._write(page, node, "</span>")

    def display(self, page: HTML5Translator, node: nodes.math_block) -> None:
        """Write a formula in lines of its own, with its number if it has a label."""
        page.body.append(page.starttag(node, "div", CLASS="math"))
        if node["number"]:
            page.body.append(f'<span class="eqno">({node["number"]})')
            page.add_permalink_ref(node, "Link to this equation")
            page.body.append("</span>")
        self._write(page, node, "</div>")

    def _write(self, page: HTML5Translator, node: nodes.Element, end: str) -> None:
        tex = node.astext()
        try:
            page.body.append(self.render(tex, isinstance(node, nodes.math_block)) + end)
        except ValueError as error:
            raise ExtensionError(
                f"{get_node_location(node)}: the formula {tex.strip()}: {error}"
            ) from None
        raise nodes.SkipNode


def add_files(app: Sphinx) -> None:
    """Put KaTeX's css, fonts and license into the site."""
    source = node_modules(Path(app.srcdir)) / "katex"
    static = Path(app.outdir).parent / "assets"
    shutil.rmtree(static, ignore_errors=True)
    (static / "katex" / "fonts").mkdir(parents=True)
    css = (source / "dist" / "katex.min.css").read_text(encoding="utf-8")
    # Every browser in use reads woff2: leave out the two older copies of each font.
    css = re.sub(r',url\([^)]*\.(?:woff|ttf)\) format\("(?:woff|truetype)"\)', "", css)
    (static / "katex" / "katex.min.css").write_text(css, encoding="utf-8")
    app.add_css_file("katex/katex.min.css")
    shutil.copy(source / "LICENSE", static / "katex")  # which its license asks for
    for font in sorted((source / "dist" / "fonts").glob("*.woff2")):
        shutil.copy(font, static / "katex" / "fonts")
    # Copied text has each formula once, as TeX.
    shutil.copy(source / "dist" / "contrib" / "copy-tex.min.js", static / "katex")
    app.add_js_file("katex/copy-tex.min.js")
    app.config.html_static_path.append(str(static))
