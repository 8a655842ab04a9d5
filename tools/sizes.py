"""The size table: the longest files and functions, so that growth is seen."""

from __future__ import annotations

import ast
from pathlib import Path

FILE_GOAL, FUNCTION_GOAL = 250, 40
FILE_LIMIT, FUNCTION_LIMIT = 400, 80
ROWS = 12


def measure_functions(path: Path) -> list[tuple[int, str]]:
    """(lines, place) of every function of a file."""
    tree = ast.parse(path.read_text("utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    found = [node for node in ast.walk(tree) if isinstance(node, kinds)]
    return [
        ((node.end_lineno or node.lineno) - node.lineno + 1, f"{path}:{node.lineno} {node.name}")
        for node in found
    ]


def main() -> int:
    """Print the table; fail only far above the goals."""
    files = sorted(Path("src").rglob("*.py"))
    sizes = sorted(((len(p.read_text("utf-8").splitlines()), str(p)) for p in files), reverse=True)
    functions = sorted((row for p in files for row in measure_functions(p)), reverse=True)
    print(f"{len(files)} files, {sum(n for n, _ in sizes)} lines in src")
    for title, rows, goal in (("files", sizes, FILE_GOAL), ("functions", functions, FUNCTION_GOAL)):
        above = sum(n > goal for n, _ in rows)
        print(f"longest {title} ({above} of {len(rows)} above {goal} lines)")
        for lines, place in rows[:ROWS]:
            print(f"  {lines:>4}  {place}")
    return int(sizes[0][0] > FILE_LIMIT or functions[0][0] > FUNCTION_LIMIT)


if __name__ == "__main__":
    raise SystemExit(main())
