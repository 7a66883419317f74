"""The shape of the package and its tests: short modules, telling names, a test file each, nothing of ours patched."""

import ast
import re
from collections.abc import Iterator

from tests.conftest import ROOT

PACKAGE, TESTS = ROOT / "fs_sclimbic", ROOT / "tests"
MAX_LINES = 320
NAMES_THAT_SAY_NOTHING = {"utils", "util", "helpers", "helper", "common", "core", "misc", "tools"}

WITHOUT_TEST_FILE = {
    "__main__.py": "one call of cli.main",
    "_version.py": "one constant",
    "errors.py": "classes without code",
    "notice.py": "a value without code",
}
"""Modules that need no test file, each with the reason."""

STILL_PATCHED: dict[str, str] = {}
"""Names of ours that a test may patch, as ``tests/room/test_module.py: name``, each with the reason."""

DOCUMENTED = {"sys._current_frames"}
"""Names with a leading underscore that their library documents."""

MODULES = sorted(path for path in PACKAGE.glob("**/*.py") if path.name != "__init__.py")


def offenders(find) -> dict[str, list[str]]:
    """What ``find`` finds in the source of each test module, by module; those without a finding left out."""
    found = {path.relative_to(ROOT).as_posix(): find(path.read_text("utf-8")) for path in sorted(TESTS.glob("**/*.py"))}
    return {module: names for module, names in found.items() if names}


def test_modules_are_short():
    lengths = {path: len(path.read_text("utf-8").splitlines()) for path in PACKAGE.glob("**/*.py")}
    long = {path.relative_to(PACKAGE).as_posix(): lines for path, lines in lengths.items() if lines > MAX_LINES}
    assert not long, f"longer than {MAX_LINES} lines: split them by subject"


def test_names_of_modules_say_what_is_in_them():
    assert not [path for path in PACKAGE.glob("**/*") if path.stem in NAMES_THAT_SAY_NOTHING]


def test_each_module_has_its_test_file():
    lacking = [
        module.as_posix()
        for module in (path.relative_to(PACKAGE) for path in MODULES)
        if not (TESTS / module.parent / f"test_{module.name}").is_file()
    ]
    assert set(lacking) == set(WITHOUT_TEST_FILE), sorted({*lacking} ^ {*WITHOUT_TEST_FILE})


def imports_of(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Names bound by imports anywhere in a module, and what each is."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.asname or alias.name.split(".")[0], alias.name if alias.asname else alias.name.split(".")[0]
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield alias.asname or alias.name, f"{'.' * node.level}{node.module or ''}.{alias.name}"


def taken_from_tests(source: str) -> list[str]:
    """What a test module imports from other test modules."""
    taken = [what for _, what in imports_of(ast.parse(source))]
    return [what for what in taken if what.startswith((".", "tests.")) and ".test_" in what]


def test_no_test_module_imports_from_another():
    assert not offenders(taken_from_tests)


def root_of(node: ast.expr) -> str:
    """The first name of ``a.b.c``."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def patched_names(source: str) -> list[str]:
    """What a test module replaces in the package: ``monkeypatch.setattr`` and its like, and ``mock.patch``."""
    tree = ast.parse(source)
    ours = {name for name, what in imports_of(tree) if what.split(".")[0] == "fs_sclimbic"}
    found = []
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and node.args):
            continue
        called, target = ast.unparse(node.func), node.args[0]
        if not called.endswith((".setattr", ".delattr", ".setitem", ".delitem", "patch", "patch.object")):
            continue
        if isinstance(target, ast.Constant) and str(target.value).startswith("fs_sclimbic."):
            found.append(str(target.value).removeprefix("fs_sclimbic."))
        elif root_of(target) in ours:
            name = node.args[1].value if len(node.args) > 1 and isinstance(node.args[1], ast.Constant) else "..."
            found.append(f"{ast.unparse(target)}.{name}")
    return found


def test_nothing_of_ours_is_patched():
    found = {f"{module}: {name}" for module, names in offenders(patched_names).items() for name in names}
    assert found == set(STILL_PATCHED), "\n".join(sorted(found ^ set(STILL_PATCHED)))


def private_names(source: str) -> list[str]:
    """Names with a leading underscore that a test module reads from the package or from an object."""
    tree = ast.parse(source)
    imported = [what for _, what in imports_of(tree) if what.startswith("fs_sclimbic")]
    taken = [what for what in imported if any(re.match("_(?!_)", part) for part in what.split("."))]
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__"):
            taken.append(ast.unparse(node))
    # Notebooks look for _repr_html_ and its sisters: they are public.
    taken = [name for name in taken if not re.search(r"\._repr_\w+_$", name)]
    return [name for name in taken if not name.startswith("self._") and name not in DOCUMENTED]


def test_no_private_name_is_read():
    assert not offenders(private_names)


def test_rules_see_what_they_forbid():
    source = (
        "from fs_sclimbic.cases import pipeline\nfrom fs_sclimbic.cases.case import _hidden\nimport os\n"
        "from tests.cases.test_case import BALL\ndef test(monkeypatch):\n monkeypatch.setattr(os, 'replace', 1)\n"
        " monkeypatch.setattr(pipeline, 'register', 1)\n"
        " monkeypatch.setattr('fs_sclimbic.cases.cohort.learn', 1)\n pipeline._secret()\n"
    )
    assert taken_from_tests(source) == ["tests.cases.test_case.BALL"]
    assert patched_names(source) == ["pipeline.register", "cases.cohort.learn"]
    assert private_names(source) == ["fs_sclimbic.cases.case._hidden", "pipeline._secret"]
