"""Build the pages of a study: a folder of static HTML that opens from disk.

The files of a case have names that hold a hash of what they show, and the script of the study is put in place last. So
a build that is killed leaves the earlier pages as they were, and the next one goes on where it ended.
"""

import base64
import html
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

from ...files.locks import only_one
from ...files.resources import data_file
from ...files.staging import StagedFiles
from ...segmentation.population import Population, read_population
from ..finished_case import FinishedCase
from .case_files import INLINE_SCRIPT, DrawPicture, bring_up_to_date, make_case_files, remove_old_files
from .case_picture import draw_case_picture
from .libraries import PageLibraries, read_libraries
from .site_groups import SiteGroups
from .study import describe_study, format_study, study_id

WEB_FOLDER = "qc/pages/web"
PAGE, STYLE = "index.html", "qc.css"
FIRST_SCRIPTS = ("elements.js",)
SCRIPTS = (
    "images.js", "marks.js", "cohort_table.js", "pictures.js", "distributions.js", "groups.js", "outlines.js",
    "viewer.js", "review.js", "case_view.js", "main.js",
)  # fmt: skip
"""After the study, in this order."""
SHARED_FOLDER = "page"
STUDY, TABLES, TABLE_STYLE, VIEWER = "study.js", "datatables.js", "datatables.css", "niivue.js"
LOCK_NAME = ".sclimbic-pages.lock"
MAX_WAIT_SECONDS = 5.0

Progress = Callable[[int, int], None]
"""Is told how many cases are done, and of how many."""


@dataclass(frozen=True, kw_only=True)
class PageOptions:
    """How pages are built."""

    title: str
    source: Path
    """Folder of the results; it tells studies apart in the browser."""
    groups: SiteGroups | None = None
    with_viewer: bool = True
    """With the viewer's images, about 0.8 MB a case."""
    threads: int = 1
    population: Population = field(default_factory=read_population)


@dataclass(frozen=True, kw_only=True)
class BuiltPages:
    """What was built."""

    index: Path
    n_made: int
    """Cases whose images were read."""
    n_kept: int
    """Cases whose files were there."""
    problems: Mapping[str, str]
    """Why a case has no picture, by its name."""
    notes: tuple[str, ...] = ()


def build_pages(
    cases: Sequence[FinishedCase],
    folder: str | PathLike[str],
    options: PageOptions,
    *,
    draw_picture: DrawPicture = draw_case_picture,
    progress: Progress = lambda done, of: None,
) -> BuiltPages:
    """Build the pages of a study, or bring them up to date.

    Parameters
    ----------
    cases : sequence of FinishedCase
        With different names.
    folder : path-like
        Where the pages go; other files in it stay.
    options : PageOptions
    draw_picture : callable, optional
    progress : callable, optional

    Returns
    -------
    BuiltPages

    Raises
    ------
    UsageError
        If a package is missing that pages need, or another process builds these pages now.
    OSError
        If the pages cannot be written.
    """
    libraries, home = read_libraries(), Path(folder)
    viewer = libraries.viewer if options.with_viewer else None
    home.mkdir(parents=True, exist_ok=True)
    with only_one(home / LOCK_NAME, f"{home}: another run builds these pages", MAX_WAIT_SECONDS):
        made, n_made = _make_all(cases, home, draw_picture, viewer is not None, options.threads, progress)
        description = _describe(cases, options, made, libraries)
        contents = {
            **{f"{SHARED_FOLDER}/{name}": content for name, content in _shared_files(libraries, viewer).items()},
            STUDY: format_study(description).encode(),
            PAGE: _format_page(options.title, _links()).encode(),
        }
        with StagedFiles() as staged:
            for name, content in contents.items():
                path = home / name
                if not (path.is_file() and path.read_bytes() == content):
                    staged.write(path, content)
        remove_old_files(home, made.values())
    problems = {case.name: case.problem for case in cases if case.problem}
    problems |= {name: told["pictureProblem"] for name, told in made.items() if "pictureProblem" in told}
    return BuiltPages(
        index=home / PAGE,
        n_made=n_made,
        n_kept=len(made) - n_made,
        problems=problems,
        notes=(libraries.viewer_problem,) if options.with_viewer and libraries.viewer_problem else (),
    )


def _make_all(
    cases: Sequence[FinishedCase],
    home: Path,
    draw_picture: DrawPicture,
    with_viewer: bool,
    threads: int,
    progress: Progress,
) -> tuple[dict[str, dict[str, str]], int]:
    """Files of all cases; a case that fails costs itself alone."""
    readable = [case for case in cases if not case.problem]

    def make(case: FinishedCase) -> tuple[dict[str, str], bool]:
        return bring_up_to_date(case, home, draw_picture, with_viewer=with_viewer)

    made, n_made = {}, 0
    pool = ThreadPoolExecutor(max(threads, 1))
    try:
        for done, (case, (told, is_new)) in enumerate(zip(readable, pool.map(make, readable), strict=True), 1):
            made[case.name] = told
            n_made += is_new
            progress(done, len(readable))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return made, n_made


def _describe(
    cases: Sequence[FinishedCase], options: PageOptions, made: Mapping[str, Mapping[str, Any]], libraries: PageLibraries
) -> dict[str, Any]:
    description = describe_study(
        cases,
        population=options.population,
        title=options.title,
        identity=study_id(options.source),
        groups=options.groups,
        with_paths=True,
        made=made,
    )
    viewer = f"{SHARED_FOLDER}/{VIEWER}" if options.with_viewer and libraries.viewer else None
    return {**description, "context": [], "viewer": viewer, "viewerProblem": libraries.viewer_problem}


def _own_file(name: str) -> bytes:
    return data_file(WEB_FOLDER, name).read_bytes()


def _shared_files(libraries: PageLibraries, viewer: bytes | None) -> dict[str, bytes]:
    """Scripts and styles that stand once beside the pages of all cases."""
    return {
        **{name: _own_file(name) for name in (*FIRST_SCRIPTS, *SCRIPTS, STYLE)},
        TABLES: libraries.tables,
        TABLE_STYLE: libraries.table_style,
        **({VIEWER: viewer} if viewer else {}),
    }


def _links() -> dict[str, str]:
    """How the page names its styles and scripts."""
    before = [f"{SHARED_FOLDER}/{name}" for name in (*FIRST_SCRIPTS, TABLES)]
    after = [f"{SHARED_FOLDER}/{name}" for name in SCRIPTS]
    return {
        "styles": "\n".join(f'<link rel="stylesheet" href="{SHARED_FOLDER}/{name}">' for name in (TABLE_STYLE, STYLE)),
        "scripts": "\n".join(f'<script src="{address}"></script>' for address in (*before, STUDY, *after)),
    }


def _format_page(title: str, parts: Mapping[str, str]) -> str:
    """The page from its template; in one pass, so that nothing that is put in is taken for a mark."""
    texts = {"title": html.escape(title.encode("utf-8", "replace").decode()), **parts}
    pieces = iter(_own_file(PAGE).decode().replace("}}", "{{").split("{{"))
    return "".join(_filled(pieces, texts))


def _filled(pieces: Iterator[str], texts: Mapping[str, str]) -> Iterator[str]:
    for number, piece in enumerate(pieces):
        yield texts[piece] if number % 2 else piece


def build_single_page(
    case: FinishedCase,
    cases: Sequence[FinishedCase],
    options: PageOptions,
    *,
    draw_picture: DrawPicture = draw_case_picture,
) -> bytes:
    """Build a page of one case, all in one file, to send to others.

    It tells no paths and no names of other cases; their numbers are in it, to compare.

    Parameters
    ----------
    case : FinishedCase
        Without a problem.
    cases : sequence of FinishedCase
        All of the study.
    options : PageOptions
        Groups are not told.
    draw_picture : callable, optional

    Returns
    -------
    bytes
        Of an HTML file.

    Raises
    ------
    SclimbicError
        If an image cannot be read, or a package is missing that pages need.
    """
    libraries = read_libraries()
    viewer = libraries.viewer if options.with_viewer else None
    files = make_case_files(case, draw_picture, INLINE_SCRIPT, with_viewer=viewer is not None)
    made = {
        case.name: {
            "script": INLINE_SCRIPT if viewer else None,
            "picture": _data_address(files.picture),
            "thumbnail": _data_address(files.thumbnail),
        }
    }
    described = describe_study(
        cases,
        population=options.population,
        title=f"{options.title}: {case.name}",
        identity=study_id(options.source),
        groups=None,
        with_paths=False,
        made=made,
    )
    others = [one for one in described["cases"] if one["name"] != case.name]
    nameless = ("etiv", "volumes", "z", "confidences")
    study = {
        **described,
        "cases": [one for one in described["cases"] if one["name"] == case.name],
        "context": [{"name": "", "flags": [], **{key: one[key] for key in nameless}} for one in others],
        "viewer": INLINE_SCRIPT if viewer else None,
        "viewerProblem": libraries.viewer_problem,
    }
    scripts = [
        *map(_own_file, FIRST_SCRIPTS),
        libraries.tables,
        format_study(study).encode(),
        _own_file(SCRIPTS[0]),
        files.script or b"",
        viewer or b"",
        *map(_own_file, SCRIPTS[1:]),
    ]
    parts = {
        "styles": "\n".join(f"<style>\n{css.decode()}\n</style>" for css in (libraries.table_style, _own_file(STYLE))),
        "scripts": "\n".join(f"<script>\n{_for_a_page(source.decode())}\n</script>" for source in scripts),
    }
    return _format_page(study["title"], parts).encode()


def _for_a_page(script: str) -> str:
    """A script that may stand in a page: it must not seem to end there."""
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _data_address(content: bytes) -> str:
    return f"data:image/webp;base64,{base64.b64encode(content).decode('ascii')}"
