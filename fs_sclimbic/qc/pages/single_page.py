"""A page of one case, all in one file."""

import base64
from collections.abc import Sequence

from ..finished_case import FinishedCase
from .build import PageOptions
from .case_files import INLINE_SCRIPT, DrawPicture, make_case_files
from .case_picture import draw_case_picture
from .identity import study_id
from .libraries import read_libraries
from .page import FIRST_SCRIPTS, SCRIPTS, STYLE, format_page, own_file
from .study import describe_study, format_study


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
    files = make_case_files(case, draw_picture, with_viewer=viewer is not None)
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
        *map(own_file, FIRST_SCRIPTS),
        libraries.tables,
        format_study(study).encode(),
        own_file(SCRIPTS[0]),
        files.script or b"",
        viewer or b"",
        *map(own_file, SCRIPTS[1:]),
    ]
    styles = "\n".join(f"<style>\n{css.decode()}\n</style>" for css in (libraries.table_style, own_file(STYLE)))
    inline = "\n".join(f"<script>\n{_for_a_page(source.decode())}\n</script>" for source in scripts)
    return format_page(study["title"], styles, inline).encode()


def _for_a_page(script: str) -> str:
    """A script that may stand in a page: it must not seem to end there."""
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _data_address(content: bytes) -> str:
    return f"data:image/webp;base64,{base64.b64encode(content).decode('ascii')}"
