"""The page itself: its template, its own scripts and styles, and those of the libraries."""

import html
from collections.abc import Iterator, Mapping

from ...files.resources import data_file
from .libraries import PageLibraries

WEB_FOLDER = "qc/pages/web"
PAGE, STYLE = "index.html", "qc.css"
FIRST_SCRIPTS = ("elements.js",)
SCRIPTS = (
    "images.js", "marks.js", "cohort_table.js", "pictures.js", "distributions.js", "groups.js", "outlines.js",
    "viewer.js", "review.js", "case_view.js", "main.js",
)  # fmt: skip
"""After the study, in this order."""
SHARED_FOLDER = "page"
STUDY = "study.js"
TABLES, TABLE_STYLE, VIEWER = (f"{SHARED_FOLDER}/{name}" for name in ("datatables.js", "datatables.css", "niivue.js"))


def own_file(name: str) -> bytes:
    """A file of the page that ships with the package."""
    return data_file(WEB_FOLDER, name).read_bytes()


def shared_files(libraries: PageLibraries, viewer: bytes | None) -> dict[str, bytes]:
    """Scripts and styles that stand once beside the pages of all cases.

    Parameters
    ----------
    libraries : PageLibraries
    viewer : bytes or None
        NiiVue; None for pages without the viewer.

    Returns
    -------
    dict
        Content by path within the folder of the pages.
    """
    return {
        **{f"{SHARED_FOLDER}/{name}": own_file(name) for name in (*FIRST_SCRIPTS, *SCRIPTS, STYLE)},
        TABLES: libraries.tables,
        TABLE_STYLE: libraries.table_style,
        **({VIEWER: viewer} if viewer else {}),
    }


def links_to_files() -> tuple[str, str]:
    """How the page names its styles and its scripts, where they lie beside it."""
    styles = (TABLE_STYLE, f"{SHARED_FOLDER}/{STYLE}")
    scripts = (
        *(f"{SHARED_FOLDER}/{name}" for name in FIRST_SCRIPTS),
        TABLES,
        STUDY,
        *(f"{SHARED_FOLDER}/{name}" for name in SCRIPTS),
    )
    return (
        "\n".join(f'<link rel="stylesheet" href="{address}">' for address in styles),
        "\n".join(f'<script src="{address}"></script>' for address in scripts),
    )


def format_page(title: str, styles: str, scripts: str) -> str:
    """Fill the template of the page, in one pass: nothing that is put in is taken for a mark.

    Parameters
    ----------
    title : str
        Plain text.
    styles, scripts : str
        HTML.

    Returns
    -------
    str
    """
    # A name that is not UTF-8 cannot stand in a page.
    plain = title.encode("utf-8", "replace").decode()
    texts = {"title": html.escape(plain), "styles": styles, "scripts": scripts}
    return "".join(_filled(own_file(PAGE).decode(), texts))


def _filled(template: str, texts: Mapping[str, str]) -> Iterator[str]:
    for number, piece in enumerate(template.replace("}}", "{{").split("{{")):
        yield texts[piece] if number % 2 else piece
