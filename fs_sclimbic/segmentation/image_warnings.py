"""What a reader should know about an image and about where its structures lie, one line each."""

import numpy as np
from numpy.typing import NDArray

from ..image.box import Box, three
from ..image.conform import Conformed
from ..image.volume import Volume
from .box_choice import EDGE_MM
from .local_prediction import LocalPrediction
from .options import HIGH_FIELD_PERCENTILE, Options
from .postprocess import CROP_MARGIN_VOXELS

COARSE_VOXEL_MM = 1.5
HOT_VOXEL_RATIO = 4.0
"""Brightest voxel over the high-field percentile from which it is named."""
IMAGE_EDGE_MM = 3
AXIS_NAMES = ("left-right", "front-back", "top-bottom")


def image_warnings(image: Volume, conformed: Conformed, options: Options) -> list[str]:
    """Warnings that an image itself gives reason for.

    Parameters
    ----------
    image : Volume
        As it was read.
    conformed : Conformed
        The same image, laid on the network's voxels.
    options : Options

    Returns
    -------
    list of str
    """
    warnings = []
    if not image.grid.oriented:
        warnings.append(
            "the header does not say how the head lies (no qform, sform or goodRASFlag): left and right may be swapped"
        )
    if image.grid.voxel_size_mm.max() > COARSE_VOXEL_MM:
        warnings.append(
            f"voxels of {image.grid.voxel_size_mm.max():.3g} mm: the published numbers are for about "
            "1 mm, small structures may be lost"
        )
    if options.percentile is None:
        # Every eighth voxel gives the percentile well enough for a warning.
        some = np.asarray(image.data[::2, ::2, ::2], np.float32)
        bright = float(np.percentile(some[some != 0], HIGH_FIELD_PERCENTILE)) if some.any() else 0.0
        brightest = float(conformed.intensities.top)
        if bright > 0 and brightest > HOT_VOXEL_RATIO * bright:
            warnings.append(
                f"the brightest voxel is {brightest / bright:.1f} times the 99.9th percentile "
                "and squeezes all others; "
                "consider --percentile 99.9"
            )
    return warnings


def edge_warnings(conformed: Conformed, prediction: LocalPrediction, crop: Box) -> list[str]:
    """Warnings of structures that may be cut: near a face of the network's box, or of the image.

    Parameters
    ----------
    conformed : Conformed
    prediction : LocalPrediction
    crop : Box
        The box around all labels, with its margin, counted from the first voxel of the network's box.

    Returns
    -------
    list of str
    """
    # The crop has a margin around the labels, but none beyond what was computed.
    computed = prediction.box
    structures = Box(
        three(np.where(np.array(crop.low) > computed.low, np.array(crop.low) + CROP_MARGIN_VOXELS, computed.low)),
        three(np.where(np.array(crop.high) < computed.high, np.array(crop.high) - CROP_MARGIN_VOXELS, computed.high)),
    )
    box, image = conformed.box, conformed.image
    goes_on = conformed.goes_on & ~np.array(prediction.beyond)
    ends = image if prediction.beyond else image.clipped(box)
    margin = np.where(goes_on, EDGE_MM, IMAGE_EDGE_MM)
    near = (np.array(structures.low) - ends.low < margin) | (np.array(ends.high) - structures.high < margin)

    warnings = []
    if prediction.beyond:
        warnings.append(
            f"the head is off the centre of its field of view: structures were found near or beyond the edge of the "
            f"{box.shape[0]} mm box about the image centre, where the published tool would have cut them"
        )
    if (near & goes_on).any():
        warnings.append(
            f"labels lie within {EDGE_MM} mm of the edge of the {box.shape[0]} mm box ({_names(near & goes_on)}), "
            "which lies about the image centre: structures may be cut; centre the head in the field of view and run "
            "again"
        )
    if (near & ~goes_on).any():
        warnings.append(
            f"labels lie within {IMAGE_EDGE_MM} mm of the edge of the image ({_names(near & ~goes_on)}): its field of "
            "view cuts the structures, their volumes are too small"
        )
    return warnings


def _names(axes: NDArray[np.bool_]) -> str:
    return ", ".join(name for name, is_near in zip(AXIS_NAMES, axes, strict=True) if is_near)
