"""Results as Markdown: one table for each part of the page, behind a comment with its name.

The page includes them one by one, from a comment to the next.
"""

import json
from datetime import datetime, timezone

NOT_TORCH_S = "products", "memory"  # tables that compare something else


def publish(results, render, stored=None):
    """Print the results of today as tables; store both, as .json and .md, if a path is given."""
    results = {"date": datetime.now(timezone.utc).date().isoformat(), **results}
    text = render(results)
    print(text)
    if stored is not None:
        data = json.dumps(results, indent=1) + "\n"
        stored.with_suffix(".json").write_text(data, encoding="utf-8")
        stored.with_suffix(".md").write_text(text, encoding="utf-8")


def render(results):
    """Return all tables."""
    return marked(
        machine=machine(results),
        conv=ratios(results, "conv", "convolution"),
        layers=ratios(results, "layers", "layer"),
        training=ratios(results, "training", "what"),
        products=products(results),
        memory=memory(results),
        verdict=verdict(results),
    )


def marked(**tables):
    """Return all tables, each behind its name, and a mark at the end."""
    tables["end"] = ""
    return "\n".join(f"<!-- {name} -->\n\n{table}" for name, table in tables.items())


def markdown(head, rows):
    """Return a table; its first column is words, the others are numbers or short."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)


def aligned(results, table):
    """Yield the rows of a table: for each a list with its measurement in every run."""
    for rows in zip(*(run["rows"] for run in results["runs"]), strict=True):
        (key,) = {(row["table"], row["name"], row["part"]) for row in rows}
        if key[0] == table:
            yield rows


def settings(results):
    """Name each run: its kernel, and whether memory was kept."""
    kept = {True: ", memory kept", False: ""}
    return [f"{r['machine']['kernel']} kernel{kept[r['keep_memory']]}" for r in results["runs"]]


def spread(quartiles):
    """Write a median and the middle half of the rounds, in one line: no break at blank or dash."""
    low, middle, high = (f"{q:.2f}" for q in quartiles)
    return f"{middle}\N{NO-BREAK SPACE}({low}–\N{WORD JOINER}{high})"


def machine(results):
    facts = results["runs"][0]["machine"]
    names = {
        "cpu": "processor",
        "cores": "cores",
        "python": "Python",
        "numpy": "NumPy",
        "blas": "NumPy's BLAS",
        "torch": "PyTorch",
        "torch_kernel": "PyTorch's instructions",
    }
    rows = [[name, facts[key]] for key, name in names.items()]
    for run in (run for run in results["runs"] if not run["keep_memory"]):
        how = f"`OPENBLAS_CORETYPE={run['coretype']}`" if run["coretype"] else "its own choice"
        rows.append([f"OpenBLAS kernel, {how}", run["machine"]["kernel"]])
    return markdown(["what", "measured with"], [*rows, ["threads", 1], ["date", results["date"]]])


def ratios(results, table, first):
    found = list(aligned(results, table))
    chosen = settings(results)[0]
    layouts = any("channels_last" in row for rows in found for row in rows)
    head = [first, *(f"hwlib ÷ PyTorch, {setting}" for setting in settings(results))]
    head += [f"hwlib ÷ channels last, {chosen}"] * layouts
    lines = []
    for rows in found:
        row = rows[0]
        line = [f"{row['name']}, {row['part']}", *(spread(r["ratio"]) for r in rows)]
        line += [spread(row["channels_last"]) if "channels_last" in row else "–"] * layouts
        lines.append([*line, f"{row['ms'][1]:.2f}", row["shape"]])
    return markdown([*head, "PyTorch, ms", "x"], lines)


def products(results):
    convs = {
        rows[0]["name"]: rows for rows in aligned(results, "conv") if rows[0]["part"] == "forward"
    }
    head = ["convolution", "product", "PyTorch's product, GFLOP/s"]
    for setting in settings(results):
        head += [f"NumPy's, {setting}", f"hwlib's convolution, {setting}"]
    lines = []
    for rows in aligned(results, "products"):
        line = [rows[0]["name"], rows[0]["shape"], f"{rows[0]['gflops'][1]:.0f}"]
        for row, conv in zip(rows, convs[rows[0]["name"]], strict=True):
            line += [f"{row['gflops'][0]:.0f}", f"{conv['gflops'][0]:.0f}"]
        lines.append(line)
    return markdown(head, lines)


def memory(results):
    head = ["convolution", "hwlib, MB", "whole batch, MB", "whole batch ÷ hwlib"]
    head += [f"time, hwlib ÷ whole batch, {setting}" for setting in settings(results)]
    lines = []
    for rows in aligned(results, "memory"):
        ours, theirs = rows[0]["peak_mb"]
        line = [f"{rows[0]['name']}, {rows[0]['part']}", f"{ours:.1f}", f"{theirs:.1f}"]
        lines.append([*line, f"{theirs / ours:.1f}", *(spread(row["ratio"]) for row in rows)])
    return markdown(head, lines)


def verdict(results):
    """Sort all calls by the median ratio of the first run."""
    classes = [
        ("hwlib is faster", 0, 1),
        ("PyTorch is up to twice as fast", 1, 2),
        ("PyTorch is more than twice as fast", 2, float("inf")),
    ]
    rows = [row for row in results["runs"][0]["rows"] if row["table"] not in NOT_TORCH_S]
    lines = []
    for words, low, high in classes:
        found = [f"{r['name']} {r['part']}" for r in rows if low <= r["ratio"][1] < high]
        lines.append(f"- **{words}:** {'; '.join(found) or 'nowhere'}.\n")
    return "".join(lines)
