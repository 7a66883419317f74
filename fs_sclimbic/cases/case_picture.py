"""The picture of a case: what is drawn, and where it lies. Who draws it is given: see `fs_sclimbic.qc.case_picture`."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import SclimbicError
from ..files.staging import write_atomically
from ..image.labels import ColorTable
from ..image.transforms import read_transform
from ..image.volume import Volume, image_suffix, read_volume
from ..segmentation.measure import SegStats
from .case import Case
from .head_size import HeadSize

PICTURE_SUFFIX = ".webp"


@dataclass(frozen=True, eq=False, kw_only=True)
class PictureContent:
    """What the picture of a case shows."""

    title: str
    t1: Volume
    labels: Volume
    """SegIds on the grid of the T1."""
    colors: ColorTable
    stats: SegStats
    ras2mni: NDArray[np.float64] | None = None
    """Scanner RAS to MNI305, 4 x 4, mm: the transform of eTIV, also a doubtful one; None without eTIV."""


DrawPicture = Callable[[PictureContent], bytes]
"""Draws the picture of a case, as the bytes of a .webp file."""


def picture_file_of(segmentation: Path) -> Path:
    """The picture of a segmentation: beside it, with its name.

    Parameters
    ----------
    segmentation : Path

    Returns
    -------
    Path
    """
    return segmentation.with_name(segmentation.name.removesuffix(image_suffix(segmentation) or "") + PICTURE_SUFFIX)


def is_older(picture: Path, segmentation: Path) -> bool:
    """Whether a picture is missing, or older than its segmentation: then it shows other labels.

    Parameters
    ----------
    picture, segmentation : Path

    Returns
    -------
    bool
    """
    try:
        return picture.stat().st_mtime_ns < segmentation.stat().st_mtime_ns
    except OSError:
        return True


def transform_to_show(head: HeadSize) -> NDArray[np.float64] | None:
    """The transform of eTIV for a picture, also where it is in doubt; None where there is none."""
    if head.registration is not None:
        return head.registration.ras2mni
    return head.ras2mni if head.ras2mni is not None or head.transform is None else read_transform(head.transform)


def draw_picture(
    draw: DrawPicture, content: Callable[[], PictureContent], path: Path
) -> tuple[bytes | None, list[str]]:
    """Draw the picture of a case. A case never fails for its picture.

    Parameters
    ----------
    draw : callable
    content : callable
        Gives what is drawn.
    path : Path
        For the message.

    Returns
    -------
    bytes or None
        The file; None if it could not be drawn.
    list of str
        Warnings.
    """
    try:
        return draw(content()), []
    except (SclimbicError, OSError, MemoryError) as error:
        reason = str(error) or type(error).__name__
    except Exception as error:  # a fault of ours must not cost the case
        reason = f"unexpected {type(error).__name__}: {error}"
    return None, [f"{path}: picture was not drawn ({' '.join(reason.split())[:200]}); the numbers are not affected"]


def draw_missing_picture(case: Case, colors: ColorTable, stats: SegStats, draw: DrawPicture) -> list[str]:
    """Draw the picture of a case that was done before from its files, if it has none or an older one.

    Parameters
    ----------
    case : Case
    colors : ColorTable
    stats : SegStats
        The numbers of the case.
    draw : callable

    Returns
    -------
    list of str
        Warnings.
    """
    path = case.outputs.picture
    if path is None or (path.is_symlink() and not path.exists()) or not is_older(path, case.outputs.segmentation):
        return []

    def content() -> PictureContent:
        given = next(
            (transform for transform in (case.outputs.xfm, *case.transforms) if transform and transform.is_file()), None
        )
        return PictureContent(
            title=case.name,
            t1=read_volume(case.t1),
            labels=read_volume(case.outputs.segmentation),
            colors=colors,
            stats=stats,
            ras2mni=None if given is None or stats.etiv_mm3 is None else read_transform(given),
        )

    drawn, warnings = draw_picture(draw, content, path)
    if drawn is not None:
        try:
            write_atomically(path, drawn)
        except OSError as error:
            warnings.append(f"{path}: picture cannot be written ({error.strerror or error})")
    return warnings
