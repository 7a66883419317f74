"""Build the pages of a study: a folder of static HTML that opens from disk.

The files of a case have names that hold a hash of what they show, and the script of the study is put in place last. So
a build that is killed leaves the earlier pages as they were, and the next one goes on where it ended.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

from ...files.locks import only_one
from ...files.staging import StagedFiles
from ...segmentation.population import Population, read_population
from ..finished_case import FinishedCase
from .case_files import DrawPicture, bring_up_to_date, remove_old_files
from .case_picture import draw_case_picture
from .identity import IDENTITY, choose_identity
from .libraries import PageLibraries, read_libraries
from .page import PAGE, STUDY, VIEWER, format_page, links_to_files, shared_files
from .site_groups import SiteGroups
from .study import describe_study, format_study

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
    max_wait_seconds: float = MAX_WAIT_SECONDS,
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
    max_wait_seconds : float
        How long to wait for another process that builds these pages.

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
    with only_one(home / LOCK_NAME, f"{home}: another run builds these pages", max_wait_seconds):
        made, n_made = _make_all(cases, home, draw_picture, viewer is not None, options.threads, progress)
        identity, kept = choose_identity(home, options.source)
        description = _describe(cases, options, made, libraries, identity)
        contents = {IDENTITY: kept, **shared_files(libraries, viewer), STUDY: format_study(description).encode()}
        contents[PAGE] = format_page(options.title, *links_to_files()).encode()
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
    cases: Sequence[FinishedCase],
    options: PageOptions,
    made: Mapping[str, Mapping[str, Any]],
    libraries: PageLibraries,
    identity: str,
) -> dict[str, Any]:
    description = describe_study(
        cases,
        population=options.population,
        title=options.title,
        identity=identity,
        groups=options.groups,
        with_paths=True,
        made=made,
    )
    viewer = VIEWER if options.with_viewer and libraries.viewer else None
    return {**description, "context": [], "viewer": viewer, "viewerProblem": libraries.viewer_problem}
