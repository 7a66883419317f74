"""The picture file of a case, for the pipeline."""

from ..cases.case_picture import PICTURE_SUFFIX, PictureContent
from .pictures import draw_case


def encode_case_picture(content: PictureContent) -> bytes:
    """Draw a case, as the bytes of its picture file.

    Parameters
    ----------
    content : PictureContent

    Returns
    -------
    bytes
    """
    picture = draw_case(
        content.t1,
        content.labels,
        content.colors,
        title=content.title,
        stats=content.stats,
        ras2mni=content.ras2mni,
    )
    return picture.encode(PICTURE_SUFFIX)
