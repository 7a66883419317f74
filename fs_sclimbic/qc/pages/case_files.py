"""The files that pages keep of each case: images for the viewer, the picture, the small picture."""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ...errors import SclimbicError, describe_memory_error, describe_system_error
from ...files.staging import StagedFiles
from ...image.volume import Volume, read_volume
from ..finished_case import FinishedCase
from ..pictures import lighten
from .case_images import CaseImages, cut_case_images, encode_image
from .libraries import encode_json
from .thumbnail import draw_thumbnail

CASES_FOLDER = "cases"
FORMAT = 5
"""Raised when what is made of the same images changes."""
MAX_NAME_CHARACTERS = 60
SCRIPT, PICTURE, THUMBNAIL = ".js", ".webp", ".small.webp"
MADE_NAME = re.compile(r".{1,60}-[0-9a-f]{16}(\.js|\.webp|\.small\.webp)")
INLINE_SCRIPT = "inline"
"""How a page that is one file calls the images in it."""

DrawPicture = Callable[[FinishedCase, Volume | None, Volume], bytes]
"""Draws a case from its T1 (None where it is no longer there) and its segmentation, as read; gives a WebP file."""


@dataclass(frozen=True, kw_only=True)
class CaseFiles:
    """What was made of a case."""

    script: bytes | None
    """Hands the images to the viewer; None for pages without it."""
    picture: bytes
    thumbnail: bytes


def make_case_files(case: FinishedCase, draw_picture: DrawPicture, *, with_viewer: bool = True) -> CaseFiles:
    """Read the images of a case, and make all that pages show of them.

    Parameters
    ----------
    case : FinishedCase
    draw_picture : callable
    with_viewer : bool

    Returns
    -------
    CaseFiles

    Raises
    ------
    SclimbicError
        If an image cannot be read.
    """
    labels = read_volume(case.segmentation)
    t1 = None if case.t1 is None else read_volume(case.t1)
    posteriors = None if case.posteriors is None or not with_viewer else read_volume(case.posteriors, frames=True)
    images = cut_case_images(t1, labels, posteriors, case.colors)
    return CaseFiles(
        script=_format_script(images).encode() if with_viewer else None,
        picture=draw_picture(case, t1, labels),
        thumbnail=draw_thumbnail(images).encode(PICTURE),
    )


def _format_script(images: CaseImages) -> str:
    content = {
        "gray": encode_image(images.gray),
        "labels": encode_image(images.labels, labels=True),
        "posteriors": None if images.posteriors is None else encode_image(images.posteriors),
        "structures": [{"name": one.name, "rgb": list(lighten(one.rgba[:3]))} for one in images.structures],
        "centers": [None if center is None else list(center) for center in images.centers],
        "vox2ras": images.gray.grid.vox2ras[:3].round(6).tolist(),
        "notes": list(images.notes),
    }
    return f"window.Sclimbic.images.receive({encode_json(content)});\n"


def file_stem(case: FinishedCase, *, with_viewer: bool) -> str:
    """Name of a case's files beside the page, without their endings.

    It holds a hash of all that they are made from: a file of that name need not be made again, and one that an open
    page shows is never replaced by other content.

    Parameters
    ----------
    case : FinishedCase
    with_viewer : bool

    Returns
    -------
    str

    Raises
    ------
    OSError
        If an image does not exist.
    """
    parts = [str(FORMAT), case.name, str(with_viewer)]
    for path in (case.segmentation, case.t1, case.posteriors, case.transform):
        if path is not None:
            found = path.stat()
            parts.append(f"{path.absolute()} {found.st_size} {found.st_mtime_ns}")
        parts.append("")
    for row in case.stats.structures:
        parts.append(f"{row.structure.name} {row.n_voxels} {row.volume_mm3}")
    digest = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()
    return f"{re.sub(r'[^A-Za-z0-9._-]', '_', case.name)[:MAX_NAME_CHARACTERS]}-{digest[:16]}"


def bring_up_to_date(
    case: FinishedCase, folder: Path, draw_picture: DrawPicture, *, with_viewer: bool
) -> tuple[dict[str, str], bool]:
    """Make the files of a case, unless they are there.

    Parameters
    ----------
    case : FinishedCase
    folder : Path
        Of the pages.
    draw_picture : callable
    with_viewer : bool

    Returns
    -------
    addresses : dict
        What the page is told: addresses of the files, or why there are none.
    is_new : bool
        Whether the images were read.
    """
    try:
        stem = file_stem(case, with_viewer=with_viewer)
        names = {
            **({"script": f"{CASES_FOLDER}/{stem}{SCRIPT}"} if with_viewer else {}),
            "picture": f"{CASES_FOLDER}/{stem}{PICTURE}",
            "thumbnail": f"{CASES_FOLDER}/{stem}{THUMBNAIL}",
        }
        if all((folder / name).is_file() for name in names.values()):
            return names, False
        made = make_case_files(case, draw_picture, with_viewer=with_viewer)
        with StagedFiles() as staged:
            for what, name in names.items():
                staged.write(folder / name, getattr(made, what))
    except SclimbicError as error:
        return {"pictureProblem": str(error)}, True
    except MemoryError as error:
        return {"pictureProblem": f"{case.segmentation}: {describe_memory_error(error)}"}, True
    except OSError as error:
        if error.filename is not None and Path(error.filename).is_relative_to(folder / CASES_FOLDER):
            raise  # the pages themselves cannot be written
        return {"pictureProblem": describe_system_error(error)}, True
    return names, True


def remove_old_files(folder: Path, made: Iterable[Mapping[str, str]]) -> int:
    """Remove files of cases that no page shows any more; what a person put there stays.

    Parameters
    ----------
    folder : Path
        Of the pages.
    made : iterable of mapping
        As `bring_up_to_date` returns them, of all cases.

    Returns
    -------
    int
        How many.
    """
    shown = {Path(address).name for addresses in made for address in addresses.values()}
    old = [
        path
        for path in (folder / CASES_FOLDER).glob("*")
        if path.name not in shown and MADE_NAME.fullmatch(path.name) and path.is_file()
    ]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)
