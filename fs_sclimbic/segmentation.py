"""One image in memory: conform, predict, clean, measure, and back onto its own grid."""

from dataclasses import dataclass, field
from os import PathLike
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .conform import conform, is_isotropic_1mm, ras_order, resample_nearest, scale_intensities
from .errors import ImageError, UsageError, naming
from .labels import ColorTable
from .measure import SegStats, label_image, measure
from .model import ModelSpec
from .postprocess import CROP_MARGIN, clean_posteriors, to_voxel_size
from .qa import Population, flag_messages, read_population
from .volume import Grid, Volume, read_volume

ANTERIOR_COMMISSURE = 853

COARSE_VOXEL_MM = 1.5
HOT_VOXEL_RATIO = 4.0
EDGE_MM = 8
IMAGE_EDGE_MM = 3


class Predictor(Protocol):
    """A model with its weights loaded."""

    spec: ModelSpec

    def predict(self, conformed: Volume) -> Volume:
        """Posteriors of a conformed image.

        Parameters
        ----------
        conformed : Volume
            float32 in [0, 1], shape (fov, fov, fov), 1 mm, RAS.

        Returns
        -------
        Volume
            float32 softmax on the same grid, shape (fov, fov, fov, labels).
        """


@dataclass(frozen=True)
class Options:
    """How a case is computed and measured."""

    conform: bool = False
    """Accept images that are not 1 mm isotropic."""
    percentile: float | None = None
    """Top of the intensity range, as a percentile of the non-zero voxels; None: the maximum."""
    voxel_counts: bool = False
    """Volumes from voxel counts instead of posteriors."""
    exclude: frozenset[int] = frozenset({ANTERIOR_COMMISSURE})
    """SegIds left out of stats and tables (never out of the image)."""
    population: Population = field(default_factory=read_population)
    """Norms for z scores and flags."""
    redo: bool = False
    """Run cases again that are done."""
    without_etiv: bool = False
    """Let a case whose transform is missing or unusable pass without eTIV, with a warning."""

    def __post_init__(self) -> None:
        if self.percentile is not None and not 0 < self.percentile <= 100:
            raise UsageError(f"percentile {self.percentile:g}: give a number above 0, up to 100")


@dataclass(frozen=True, eq=False)
class Segmentation:
    """The result for one image."""

    labels: Volume
    """int32 SegIds on the grid of the T1."""
    posteriors: Volume
    """float32, shape (x, y, z, labels), cropped to the structures, RAS, at the T1's voxel size."""
    stats: SegStats
    colors: ColorTable
    warnings: tuple[str, ...]
    """What a reader of the numbers should know, one line each."""


def segment(
    t1: Volume | str | PathLike[str], model: Predictor, options: Options | None = None, *, etiv_mm3: float | None = None
) -> Segmentation:
    """Segment one image.

    Parameters
    ----------
    t1 : Volume or path-like
        One T1-weighted head, whole or brain-extracted; any orientation; 1 mm isotropic, or any voxel size
        with ``options.conform``.
    model : Predictor
        From `fs_sclimbic.load_model`.
    options : Options, optional
    etiv_mm3 : float, optional
        Estimated total intracranial volume to put into the stats (see `fs_sclimbic.etiv_mm3`).

    Returns
    -------
    Segmentation

    Raises
    ------
    ImageError
        If the image cannot be read, is blank, has voxels that are not finite, is not 1 mm without
        ``conform``, or shows no structure at all.
    """
    options = options or Options()
    if not isinstance(t1, Volume):
        image = read_volume(t1)
        with naming(t1):
            return segment(image, model, options, etiv_mm3=etiv_mm3)
    image = t1
    if not options.conform and not is_isotropic_1mm(image.grid):
        sizes = " x ".join(f"{size:.4g}" for size in image.grid.voxel_size_mm)
        raise ImageError(f"voxels are {sizes} mm, expected 1 mm isotropic (within 0.01 mm); use --conform to resample")
    conformed = conform(scale_intensities(image, options.percentile), model.spec.fov)
    network_posteriors = model.predict(conformed)
    clean = clean_posteriors(network_posteriors)
    image_warnings = _image_warnings(image, options)
    if clean is None:
        hints = "; ".join(image_warnings) or (
            "is it a T1-weighted head, upright by its header and near the centre of the field of view?"
        )
        raise ImageError(f"no structure found in the {model.spec.fov} mm box about the image centre: {hints}")
    posteriors = to_voxel_size(clean, image.grid.voxel_size_mm)
    stats = measure(
        posteriors, model.spec.colors, exclude=options.exclude, voxel_counts=options.voxel_counts, etiv_mm3=etiv_mm3
    )
    labels = resample_nearest(label_image(posteriors, model.spec.colors), image.grid)
    warnings = (
        *image_warnings,
        *_edge_warnings(image.grid, conformed.grid, clean.grid),
        *flag_messages(stats, options.population),
    )
    return Segmentation(labels, posteriors, stats, model.spec.colors, warnings)


def _image_warnings(image: Volume, options: Options) -> list[str]:
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
        # Every eighth voxel tells a percentile well enough for a warning.
        some = np.asarray(image.data[::2, ::2, ::2], np.float32)
        bright = float(np.percentile(some[some != 0], 99.9)) if some.any() else 0.0
        if bright > 0 and image.data.max() > HOT_VOXEL_RATIO * bright:
            warnings.append(
                f"the brightest voxel is {image.data.max() / bright:.1f} times the 99.9th percentile "
                "and squeezes all others; "
                "consider --percentile 99.9"
            )
    return warnings


def _edge_warnings(image: Grid, box: Grid, structures: Grid) -> list[str]:
    """Structures near a face of the network's box, or of the image where that ends inside the box: they may be cut."""
    edge = np.array(box.shape, float)
    image_mm = (image.voxel_size_mm * image.shape)[ras_order(image)]
    goes_on = image_mm > edge + 1
    low, high = np.maximum((edge - image_mm) / 2, 0), np.minimum((edge + image_mm) / 2, edge)
    first = (np.linalg.inv(box.vox2ras) @ structures.vox2ras[:, 3])[:3]
    last = first + structures.shape
    # The crop around the structures has a margin, but none beyond the box.
    first, last = np.where(first > 0, first + CROP_MARGIN, 0), np.where(last < edge, last - CROP_MARGIN, edge)
    margin = np.where(goes_on, EDGE_MM, IMAGE_EDGE_MM)
    near = (first - low < margin) | (high - last < margin)

    def named(axes: NDArray[np.bool_]) -> str:
        names = ("left-right", "front-back", "top-bottom")
        return ", ".join(name for name, here in zip(names, axes, strict=True) if here)

    warnings = []
    if (near & goes_on).any():
        warnings.append(
            f"labels lie within {EDGE_MM} mm of the edge of the {box.shape[0]} mm box ({named(near & goes_on)}), which "
            "lies about the image centre: structures may be cut; centre the head in the field of view and run again"
        )
    if (near & ~goes_on).any():
        warnings.append(
            f"labels lie within {IMAGE_EDGE_MM} mm of the edge of the image ({named(near & ~goes_on)}): its field of "
            "view cuts the structures, their volumes are too small"
        )
    return warnings
