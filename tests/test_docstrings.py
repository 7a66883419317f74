"""Public functions with two or more parameters say what goes in and what comes out, in numpydoc's sections.

The rule: a public function or method of the package with two or more parameters (``self`` and ``cls`` do not count) has
a docstring whose Parameters section names each of them, and a Returns or Yields section unless it returns None. The
parameters of ``__init__`` stand in the docstring of its class. Functions inside functions are left out.
"""

import ast
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from numpydoc.docscrape import NumpyDocString

from tests.conftest import ROOT

PACKAGE = ROOT / "fs_sclimbic"
MIN_PARAMETERS = 2
RETURNS_NOTHING = {"None", "Never", "NoReturn", "Iterator[None]"}


@dataclass(frozen=True)
class Documented:
    """A function and the docstring that has to describe it."""

    name: str
    parameters: tuple[str, ...]
    returns: str
    docstring: str


def functions_of(body: list[ast.stmt], prefix: str = "", owner: ast.ClassDef | None = None) -> Iterator[Documented]:
    """The public functions among statements, and those of public classes."""
    for node in body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from functions_of(node.body, f"{prefix}{node.name}.", node)
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        is_init = owner is not None and node.name == "__init__"
        if node.name.startswith("_") and not is_init:
            continue
        decorators = {ast.unparse(decorator) for decorator in node.decorator_list}
        names = [argument.arg for argument in [*node.args.posonlyargs, *node.args.args]]
        if owner is not None and "staticmethod" not in decorators:
            names = names[1:]
        names += [argument.arg for argument in node.args.kwonlyargs]
        names += [argument.arg for argument in (node.args.vararg, node.args.kwarg) if argument]
        described = owner if owner is not None and is_init else node
        yield Documented(
            f"{prefix}{node.name}",
            tuple(names),
            ast.unparse(node.returns) if node.returns else "",
            inspect.cleandoc(ast.get_docstring(described, clean=False) or ""),
        )


def complaints(function: Documented) -> list[str]:
    """What the docstring of a function lacks."""
    if len(function.parameters) < MIN_PARAMETERS:
        return []
    sections = NumpyDocString(function.docstring)
    described = {
        name.strip().lstrip("*")
        for parameter in [*sections["Parameters"], *sections["Other Parameters"]]
        for name in parameter.name.split(",")
    }
    lacking = [name for name in function.parameters if name not in described]
    found = [f"Parameters lacks {', '.join(lacking)}"] if lacking else []
    if function.returns not in RETURNS_NOTHING and not (sections["Returns"] or sections["Yields"]):
        found.append(f"no Returns or Yields for {function.returns}")
    unknown = sorted(described - set(function.parameters))
    return [*found, *([f"Parameters names {', '.join(unknown)}, which it does not have"] if unknown else [])]


def read_functions(path: Path) -> Iterator[Documented]:
    return functions_of(ast.parse(path.read_text("utf-8")).body)


MODULES = [path.relative_to(PACKAGE).as_posix() for path in sorted(PACKAGE.glob("**/*.py"))]


@pytest.mark.parametrize("module", MODULES)
def test_sections_are_complete(module):
    found = [f"{f.name}: {'; '.join(said)}" for f in read_functions(PACKAGE / module) if (said := complaints(f))]
    assert not found, "\n".join([f"{len(found)} in {module}", *found])


EXAMPLES = {
    "missing": ("def f(a: int, b: int) -> int: 'Add.'", ["Parameters lacks a, b", "no Returns or Yields for int"]),
    "grouped": ("def f(a: int, b: int) -> None:\n 'Add.\\n\\n Parameters\\n ----------\\n a, b : int\\n'", []),
    "renamed": (
        "def f(a: int, b: int) -> None:\n 'Add.\\n\\n Parameters\\n ----------\\n a, b, c : int\\n'",
        ["Parameters names c, which it does not have"],
    ),
    "one parameter": ("def f(a: int) -> int: 'Twice a.'", []),
    "in the class": (
        "class C:\n 'Hold.\\n\\n Parameters\\n ----------\\n a : int\\n '\n def __init__(self, a, b) -> None: ...",
        ["Parameters lacks b"],
    ),
}


@pytest.mark.parametrize(("code", "expected"), EXAMPLES.values(), ids=EXAMPLES)
def test_rule_sees_what_is_missing(code, expected):
    (function,) = functions_of(ast.parse(code).body)
    assert complaints(function) == expected
