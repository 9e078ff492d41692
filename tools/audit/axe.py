"""Accessibility of a page by axe-core: WCAG 2.2 AA and more, at each width, in both themes.

All is opened that can be opened. A page of mathematics has twenty thousand elements, nearly all of
them letters of formulas and of code; axe would look at them for minutes. So they are put together
first: one box in the place of a formula, one element for each kind of token in a piece of code;
and contrast is measured once for each pair of text and background that the page shows.
"""

from __future__ import annotations

from pathlib import Path

from bookkit.pages.npm import node_modules

WIDTHS = (1280, 320)
THEMES = ("light", "dark")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COLORS = ["color-contrast", "link-in-text-block"]  # what depends on the theme


def violations(page, root: Path, colors_at: tuple[int, ...] = WIDTHS) -> list[str]:
    """What axe finds on a loaded page, at every width and in both themes: best nothing.

    Args:
        page: Playwright's page; its document is changed on the way.
        root: the book's folder.
        colors_at: the widths at which colors are looked at; pages of one kind share their menus.
    """
    page.add_script_tag(path=node_modules(root) / "axe-core" / "axe.min.js")
    page.add_script_tag(path=Path(__file__).with_name("axe.js"))
    page.evaluate("audit.open(); audit.putTogether()")
    rules = {name: {"enabled": False} for name in COLORS}
    rules["label-content-name-mismatch"] = {"enabled": True}  # off by itself: "experimental"
    structure = {"runOnly": TAGS, "rules": rules}
    colors = {"runOnly": {"type": "rule", "values": COLORS}}
    run = "([scope, options]) => audit.run(scope, options)"
    found = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(500)  # the theme makes what scrolls focusable, a while later
        found += [f"{width} px: {said}" for said in page.evaluate(run, ["html", structure])]
        for theme in THEMES if width in colors_at else ():
            page.evaluate("(theme) => { document.documentElement.dataset.theme = theme }", theme)
            page.evaluate("audit.markLooks()")
            said = page.evaluate(run, ["[data-look]", colors])
            found += [f"{width} px {theme}: {line}" for line in said]
    return found
