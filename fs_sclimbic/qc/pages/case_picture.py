"""The picture of a case as pages show it: the one that lies beside the segmentation, or a new one."""

from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from ...cases.case_picture import PICTURE_SUFFIX, is_older, picture_file_of
from ...cases.record import read_record
from ...errors import SclimbicError
from ...image.conform import resample_nearest
from ...image.transforms import read_transform
from ...image.volume import Volume
from ..finished_case import FinishedCase
from ..pictures import draw_case


def draw_case_picture(case: FinishedCase, t1: Volume | None, labels: Volume) -> bytes:
    """Draw a case.

    Parameters
    ----------
    case : FinishedCase
    t1 : Volume or None
        None where it is no longer there.
    labels : Volume
        SegIds; on the T1's grid or another one.

    Returns
    -------
    bytes
        Of a .webp file.
    """
    if (made := _read_made(case)) is not None:
        return made
    if t1 is not None and not t1.grid.matches(labels.grid):
        labels = resample_nearest(Volume(np.asarray(labels.data, np.int32), labels.grid), t1.grid)
    ras2mni = _read_ras2mni(case)
    picture = draw_case(t1, labels, case.colors, title=case.name, stats=case.stats, ras2mni=ras2mni)
    return picture.encode(PICTURE_SUFFIX)


def _read_made(case: FinishedCase) -> bytes | None:
    """The picture that was made with the segmentation; None if there is none, or an older one."""
    path = picture_file_of(case.segmentation)
    try:
        picture = path.read_bytes()
        return picture if _is_recorded(case, picture) or not is_older(path, case.segmentation) else None
    except OSError:
        return None


def _is_recorded(case: FinishedCase, picture: bytes) -> bool:
    """Whether one run wrote picture and segmentation: a copy of them may have any times."""
    record = None if case.record_file is None else read_record(case.record_file)
    if record is None:
        return False
    now = {
        picture_file_of(case.segmentation).name: sha256(picture).hexdigest(),
        case.segmentation.name: sha256(case.segmentation.read_bytes()).hexdigest(),
    }
    return all(record.files.get(name) == digest for name, digest in now.items())


def _read_ras2mni(case: FinishedCase) -> NDArray[np.float64] | None:
    if case.transform is None or case.stats.etiv_mm3 is None:
        return None
    try:
        return read_transform(case.transform)
    except SclimbicError:  # the labels are worth looking at without it
        return None
