"""The package as its code draws it: which folder imports which, and how large its parts are.

    python benchmarks/house.py                  # figures of this checkout
    python benchmarks/house.py --root OTHER     # of another one, to compare before and after
    python benchmarks/house.py --write          # put the diagram of the folders into CONTRIBUTING.md
    python benchmarks/house.py --check          # exit status 1 if that diagram is out of date

Needs grimp, which comes with import-linter (``pip install ".[test]"``).
"""

import argparse
import ast
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "fs_sclimbic"
START, END = "<!-- house: start -->", "<!-- house: end -->"
LEAVES = {"errors", "notice", "_version", "__main__"}
"""Modules of the root that any folder may import, and the one that calls the commands: not drawn."""

Arrow = tuple[str, str]


def folder_of(module: str, folders: set[str]) -> str:
    """The folder that a module lies in.

    Parameters
    ----------
    module : str
        Dotted, such as ``fs_sclimbic.image.volume``.
    folders : set of str
        The folders of the package.

    Returns
    -------
    str
        The folder's name; that of the module if it is one of LEAVES; "(root)" for others in the package's root.
    """
    first = [*module.split("."), ""][1]
    return first if first in folders | LEAVES else "(root)"


def read_arrows(root: Path) -> Counter[Arrow]:
    """How many modules of one folder import one of another, for each pair of folders; LEAVES are left out."""
    sys.path.insert(0, str(root))
    graph = grimp.build_graph(PACKAGE, cache_dir=None)
    folders = {path.name for path in (root / PACKAGE).iterdir() if (path / "__init__.py").is_file()}
    arrows: Counter[Arrow] = Counter()
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            start, end = folder_of(module, folders), folder_of(imported, folders)
            if start != end and not {start, end} & LEAVES:
                arrows[start, end] += 1
    return arrows


def floors(arrows: Counter[Arrow]) -> list[list[str]]:
    """Folders from the top down, those of one floor together; folders that import each other are never placed.

    Parameters
    ----------
    arrows : Counter of (str, str)

    Returns
    -------
    list of list of str
        A folder stands above all that it imports, as low as it can.
    """
    left = {folder for arrow in arrows for folder in arrow}
    upwards: list[list[str]] = []
    while left:
        ready = sorted(f for f in left if not any(start == f and end in left for start, end in arrows))
        if not ready:
            break
        upwards.append(ready)
        left -= set(ready)
    return upwards[::-1]


def upward(arrows: Counter[Arrow]) -> list[Arrow]:
    """Pairs of folders that import each other, directly or by way of others."""
    reach = {start: {end for begin, end in arrows if begin == start} for start, _ in arrows}
    for _ in reach:
        for ends in reach.values():
            ends |= {further for end in list(ends) for further in reach.get(end, set())}
    return sorted((a, b) for a, b in arrows if a in reach.get(b, set()))


def direct(arrows: Counter[Arrow]) -> list[Arrow]:
    """The arrows that no way over other folders implies: what a diagram needs."""

    def leads(start: str, end: str) -> bool:
        return any(a == start and (b == end or leads(b, end)) for a, b in arrows)

    return sorted(
        (start, end) for start, end in arrows if not any(a == start and b != end and leads(b, end) for a, b in arrows)
    )


@dataclass(frozen=True)
class Size:
    """How large something is, and where it stands."""

    size: int
    where: str


def trees(root: Path) -> Iterator[tuple[str, ast.Module]]:
    """Each module's name and its parsed source."""
    for path in sorted((root / PACKAGE).glob("**/*.py")):
        yield path.relative_to(root / PACKAGE).as_posix(), ast.parse(path.read_text("utf-8"))


def functions(root: Path) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Each function, and where it stands."""
    for module, tree in trees(root):
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                yield f"{module}: {node.name}", node


def longest_module(root: Path) -> Size:
    """The module with the most lines."""
    paths = (root / PACKAGE).glob("**/*.py")
    return max((Size(len(p.read_text("utf-8").splitlines()), p.name) for p in paths), key=lambda found: found.size)


def longest_function(root: Path) -> Size:
    """The function with the most lines, its docstring not counted."""

    def lines(function: ast.FunctionDef) -> int:
        text = function.body[0]
        with_text = ast.get_docstring(function) is not None and text.end_lineno is not None
        docstring = text.end_lineno - text.lineno + 1 if with_text and text.end_lineno else 0
        return (function.end_lineno or function.lineno) - function.lineno + 1 - docstring

    return max((Size(lines(node), where) for where, node in functions(root)), key=lambda found: found.size)


def widest_signature(root: Path) -> Size:
    """The function that takes the most values by position."""
    counts = ((Size(len([*f.args.posonlyargs, *f.args.args]), where)) for where, f in functions(root))
    return max(counts, key=lambda found: found.size)


def widest_call(root: Path) -> Size:
    """The call of a function or class of the package that gives the most values by position."""
    ours = {node.name for _, tree in trees(root) for node in ast.walk(tree) if hasattr(node, "name")}
    found = []
    for module, tree in trees(root):
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if name in ours:
                    found.append(Size(len(node.args), f"{module}:{node.lineno}: {name}"))
    return max(found, key=lambda found: found.size)


def print_figures(root: Path) -> None:
    """Print the arrows between folders and the largest parts."""
    arrows = read_arrows(root)
    folders = {folder for arrow in arrows for folder in arrow}
    both = upward(arrows)
    print(f"folders {len(folders)}, arrows between them {len(arrows)}, imports behind them {arrows.total()}")
    print(f"arrows that point up (in a circle): {len(both)}" + "".join(f"\n  {a} <-> {b}" for a, b in both if a < b))
    for (start, end), count in sorted(arrows.items()):
        print(f"  {start:<13s} -> {end:<13s} {count:3d}")
    lengths = [len(path.read_text("utf-8").splitlines()) for path in (root / PACKAGE).glob("**/*.py")]
    print(f"modules {len(lengths)}, lines {sum(lengths)}")
    for what, measure in (
        ("longest module, lines", longest_module),
        ("longest function, lines without docstring", longest_function),
        ("widest signature, parameters by position", widest_signature),
        ("widest call, values by position", widest_call),
    ):
        largest = measure(root)
        print(f"{what}: {largest.size} ({largest.where})")


def diagram(root: Path) -> str:
    """The folders as a mermaid diagram, and as a table with a line each."""
    arrows = read_arrows(root)
    order = [folder for floor in floors(arrows) for folder in floor]
    about = {f: ast.get_docstring(ast.parse((root / PACKAGE / f / "__init__.py").read_text("utf-8"))) for f in order}
    lines = ["```mermaid", "flowchart TD"]
    lines += [
        f"    {start} --> {end}" for start, end in sorted(direct(arrows), key=lambda arrow: order.index(arrow[0]))
    ]
    lines += ["```", "", "| folder | what is in it |", "|---|---|"]
    lines += [f"| `{folder}/` | {' '.join((text or '').split())} |" for folder, text in about.items()]
    return "\n".join(lines)


def with_diagram(text: str, drawn: str) -> str:
    """A page whose part between the two marks is replaced.

    Parameters
    ----------
    text, drawn : str
        The page, and what stands between its marks from now on.

    Returns
    -------
    str
    """
    before, rest = text.split(START)
    _, after = rest.split(END)
    return f"{before}{START}\n{drawn}\n{END}{after}"


def main() -> int:
    """Print the figures, write the diagram, or compare it with what the code says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=ROOT, help="the checkout to look at (default: this one)")
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--write", action="store_true", help="write the diagram into CONTRIBUTING.md")
    choice.add_argument("--check", action="store_true", help="say whether the diagram in CONTRIBUTING.md is up to date")
    args = parser.parse_args()
    if not (args.write or args.check):
        print_figures(args.root.resolve())
        return 0
    page = args.root / "CONTRIBUTING.md"
    text = page.read_text("utf-8")
    new = with_diagram(text, diagram(args.root))
    if args.write:
        page.write_text(new, "utf-8")
    elif new != text:
        print("the diagram in CONTRIBUTING.md is out of date: run python benchmarks/house.py --write")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
