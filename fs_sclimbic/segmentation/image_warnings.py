"""What a reader should know about an image and about where its structures lie, one line each."""

import numpy as np
from numpy.typing import NDArray

from ..image.box import Box, three
from ..image.conform import SAME_SIZE_TOLERANCE_MM, Conformed
from ..image.volume import Volume
from .box_choice import EDGE_MM
from .flag_limits import LIMITS
from .image_flags import labels_flags
from .intensity_check import IntensityProfile, intensity_warnings
from .local_prediction import LocalPrediction
from .options import Options
from .postprocess import CROP_MARGIN_VOXELS, box_without_islands
from .preset import PRESETS, STUDY_PRESET

COARSE_VOXEL_MM = 1.5
IMAGE_EDGE_MM = 3
AXIS_NAMES = ("left-right", "front-back", "top-bottom")


def image_warnings(image: Volume, conformed: Conformed, profile: IntensityProfile, options: Options) -> list[str]:
    """Warnings that an image itself gives reason for.

    Parameters
    ----------
    image : Volume
        As it was read.
    conformed : Conformed
        The same image, laid on the network's voxels.
    profile : IntensityProfile
        Its intensities.
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
    warnings += [f"{flag.reason} {LIMITS[flag.kind].advice}" for flag in labels_flags(image.data)]
    return warnings + intensity_warnings(
        profile,
        conformed.intensities,
        robust_top=options.percentile is not None,
        robust_bottom=options.low_percentile is not None,
    )


def size_notes(conformed: Conformed) -> list[str]:
    """Notes on an image that is a hair larger than a whole number of voxels, and so gets one voxel more.

    Parameters
    ----------
    conformed : Conformed

    Returns
    -------
    list of str
    """
    grid = conformed.t1.grid
    size_mm = grid.voxel_size_mm * grid.shape
    excess = size_mm - np.floor(size_mm)
    is_hair = (excess > conformed.size_tolerance_voxels) & (excess <= PRESETS[STUDY_PRESET].size_tolerance_voxels)
    return [
        f"{name}: the image measures {mm:.6f} mm and gets {int(np.ceil(mm))} voxels of 1 mm, as in the published tool; "
        f"with {int(mm)} all voxels would lie half a voxel elsewhere (--preset study takes {int(mm)})"
        for name, mm, here in zip(AXIS_NAMES, size_mm, is_hair, strict=True)
        if here and not np.allclose(grid.voxel_size_mm, 1, atol=SAME_SIZE_TOLERANCE_MM, rtol=0)
    ]


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
    computed, box = prediction.box, conformed.box
    structures = Box(
        three(np.where(np.array(crop.low) > computed.low, np.array(crop.low) + CROP_MARGIN_VOXELS, computed.low)),
        three(np.where(np.array(crop.high) < computed.high, np.array(crop.high) - CROP_MARGIN_VOXELS, computed.high)),
    )
    near, goes_on = _near_edges(conformed, prediction, structures)
    if prediction.whole and near.any():  # islands are kept there, and may lie at an edge
        near, goes_on = _near_edges(conformed, prediction, box_without_islands(prediction.winner) or structures)

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


def are_structures_cut(conformed: Conformed, prediction: LocalPrediction) -> bool:
    """Whether structures of the whole field of view lie so near to an edge that a part of them may be missing.

    Parameters
    ----------
    conformed : Conformed
    prediction : LocalPrediction
        Of the whole field of view.

    Returns
    -------
    bool
    """
    structures = box_without_islands(prediction.winner)
    return structures is not None and bool(_near_edges(conformed, prediction, structures)[0].any())


def _near_edges(
    conformed: Conformed, prediction: LocalPrediction, structures: Box
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Along which axes structures lie near an edge, and along which the image goes on beyond the network's box."""
    goes_on = conformed.goes_on & ~np.array(prediction.beyond)
    ends = conformed.image if prediction.beyond else conformed.image.clipped(conformed.box)
    margin = np.where(goes_on, EDGE_MM, IMAGE_EDGE_MM)
    near = (np.array(structures.low) - ends.low < margin) | (np.array(ends.high) - structures.high < margin)
    return near, goes_on


def _names(axes: NDArray[np.bool_]) -> str:
    return ", ".join(name for name, is_near in zip(AXIS_NAMES, axes, strict=True) if is_near)
