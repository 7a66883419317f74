"""Pages name what is there: links lead to files and headings, quoted messages are messages of the code."""

import ast
import re

from tests.conftest import ROOT

PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
LINK = re.compile(r"""(?:\]\(|src=")([^)"#\s]*)(#[^)"\s]*)?[)"]""")


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {"#" + re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_links_lead_somewhere():
    wrong = []
    for page in PAGES:
        for file, anchor in LINK.findall(page.read_text("utf-8")):
            if "://" in file:
                continue
            target = page.parent / file if file else page
            if not target.exists() or (anchor and anchor not in anchors(target.read_text("utf-8"))):
                wrong.append(f"{page.name}: {file}{anchor}")
    assert sum(len(LINK.findall(page.read_text("utf-8"))) for page in PAGES) > 40
    assert not wrong


def test_every_page_is_in_the_index():
    index = (ROOT / "docs/README.md").read_text("utf-8")
    assert not [page.name for page in ROOT.glob("docs/*.md") if page.name != "README.md" and page.name not in index]


def texts_of_the_code() -> list[str]:
    """Every text constant of the package; the values in an f-string read as ``{}``."""
    found = []
    for path in ROOT.glob("fs_sclimbic/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
            elif isinstance(node, ast.JoinedStr):
                parts = [part.value if isinstance(part, ast.Constant) else "{}" for part in node.values]
                found.append("".join(map(str, parts)))
    return found


def test_messages_that_are_explained_exist():
    page = (ROOT / "docs/troubleshooting.md").read_text("utf-8")
    quoted = re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE)
    code = texts_of_the_code()
    assert len(quoted) > 25
    assert not [message for message in quoted if not any(message in text for text in code)]
