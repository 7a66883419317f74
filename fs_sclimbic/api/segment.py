"""Segment one image from Python."""

from contextlib import nullcontext
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import naming
from ..image.nibabel_image import is_nibabel_image, volume_from_nibabel
from ..image.volume import Volume, read_volume
from ..segmentation.local_prediction import Predictor
from ..segmentation.options import Options
from ..segmentation.segment import segment as segment_volume
from .segmented_image import SegmentedImage
from .wording import name_arguments, naming_arguments


class NibabelImage(Protocol):
    """An image as nibabel has it in memory."""

    dataobj: Any
    affine: Any
    header: Any


def segment(
    t1: Volume | NibabelImage | str | PathLike[str],
    model: Predictor,
    options: Options | None = None,
    *,
    etiv_mm3: float | None = None,
    ras2mni: NDArray[np.float64] | None = None,
) -> SegmentedImage:
    """Segment one image.

    Parameters
    ----------
    t1 : Volume, nibabel image or path-like
        One T1-weighted head, whole or brain-extracted; any orientation; 1 mm isotropic, or any voxel size
        with ``options.conform``.
    model : Predictor
        From `fs_sclimbic.load_model`.
    options : Options, optional
    etiv_mm3 : float, optional
        Estimated total intracranial volume to put into the stats (see `fs_sclimbic.etiv_mm3`).
    ras2mni : ndarray, shape (4, 4), optional
        Scanner RAS to MNI305 (``talairach.xfm``), mm: where to look first; by default the head is searched for.

    Returns
    -------
    SegmentedImage
        Labels, posteriors and measures. A notebook shows its table and its picture.

    Raises
    ------
    ImageError
        If the image cannot be read, is blank, has voxels that are not finite, is not 1 mm without
        ``conform``, or shows no structure at all, or half of the structures and no head.
    TransformError
        If ``ras2mni`` is singular or not finite.
    TypeError
        If ``t1`` is something else.
    """
    options = (options or Options()).with_norms_of(model.spec.sha256)
    with naming_arguments():
        image, path = _read(t1)
        with nullcontext() if path is None else naming(path):
            found = segment_volume(image, model, options, etiv_mm3=etiv_mm3, ras2mni=ras2mni)
    found = replace(found, warnings=tuple(name_arguments(warning) for warning in found.warnings))
    return SegmentedImage.of(found, t1=image, path=path, spec=model.spec, options=options, ras2mni=ras2mni)


def _read(t1: object) -> tuple[Volume, Path | None]:
    if isinstance(t1, Volume):
        return t1, None
    if isinstance(t1, str | PathLike):
        return read_volume(t1), Path(t1)
    if is_nibabel_image(t1):
        return volume_from_nibabel(t1), None
    raise TypeError(f"t1 is a {type(t1).__name__}; give a file name, a Volume (read_volume) or a nibabel image")
