"""One image in memory: conform, predict, clean, measure, and back onto its own grid."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from os import PathLike

import numpy as np
from numpy.typing import NDArray

from ..errors import ImageError, TransformError, UsageError, naming
from ..image.box import Box, three
from ..image.conform import Conformed, conform, is_isotropic_1mm, resample_nearest, shift_grid
from ..image.labels import ColorTable
from ..image.volume import Volume, read_volume
from ..network.spec import MOST_STARTS, ModelSpec
from ..network.structure_prior import StructurePrior, expect, measure_prior
from ..registration.head_search import locate_head
from .flags import flag_messages
from .local_prediction import (
    EDGE_MM,
    UNSHIFTED,
    Guess,
    LocalPrediction,
    Predictor,
    Shift,
    frame,
    trimmed,
    whole_field_of_view,
)
from .measure import SegStats, label_image, measure
from .population import Population, read_population
from .postprocess import CROP_MARGIN, clean_posteriors, to_voxel_size

ANTERIOR_COMMISSURE = 853

COARSE_VOXEL_MM = 1.5
HOT_VOXEL_RATIO = 4.0
IMAGE_EDGE_MM = 3

SINGULAR = 1e-6
AROUND, WHOLE = "around the structures", "whole field of view"
BEYOND = "around the structures, beyond the network's box about the image centre"
GIVEN = "the given transform"
STARTS: tuple[Shift, ...] = (UNSHIFTED, (1, 2, 3), (2, 3, 1), (3, 1, 2), (2, 2, 2), (1, 1, 1), (3, 3, 3))
"""Starts of the box that posteriors are averaged over, voxels modulo 4; the order is the best that was measured."""
TWO_STARTS = (UNSHIFTED, (2, 2, 2))


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
    full_fov: bool = False
    """Look at the network's whole box and keep all labels, islands far from the structures too."""
    average_shifts: int = 1
    """Average the posteriors over so many starts of the box: more repeatable, and other numbers."""
    redo: bool = False
    """Run cases again that are done."""
    without_etiv: bool = False
    """Let a case whose transform is missing or unusable pass without eTIV, with a warning."""

    def __post_init__(self) -> None:
        if self.percentile is not None and not 0 < self.percentile <= 100:
            raise UsageError(f"percentile {self.percentile:g}: give a number above 0, up to 100")
        if not 1 <= self.average_shifts <= MOST_STARTS:
            raise UsageError(f"{self.average_shifts} shifts: give a number from 1 to {MOST_STARTS}")
        if self.full_fov and self.average_shifts > 1:
            raise UsageError("the whole field of view is for the published numbers; it goes without averaging shifts")


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
    notes: tuple[str, ...] = ()
    """Where the network looked, one line each, for the log."""
    region: str = AROUND
    """What of the head is kept, in words for the header of the stats."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """An image, ready for the network."""

    image: Volume
    conformed: Conformed
    guesses: tuple[Guess, ...]
    """What is known already of where the head lies."""
    searched: bool
    """Whether the head was searched for."""
    warnings: tuple[str, ...]


def segment(
    t1: Volume | str | PathLike[str],
    model: Predictor,
    options: Options | None = None,
    *,
    etiv_mm3: float | None = None,
    ras2mni: NDArray[np.float64] | None = None,
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
    ras2mni : ndarray, shape (4, 4), optional
        Scanner RAS to MNI305 (``talairach.xfm``), mm: where to look first; by default the head is searched for.

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
            return segment(image, model, options, etiv_mm3=etiv_mm3, ras2mni=ras2mni)
    prior = model.spec.prior
    prepared = prepare(t1, model.spec, options, prior, ras2mni)
    return finish(prepared, look(prepared, model, options, prior), model.spec, options, etiv_mm3)


def prepare(
    image: Volume,
    spec: ModelSpec,
    options: Options,
    prior: StructurePrior | None,
    ras2mni: NDArray[np.float64] | None = None,
) -> Prepared:
    """What comes before the network: check the image, lay the network's voxels over it, find the head."""
    if not options.conform and not is_isotropic_1mm(image.grid):
        sizes = " x ".join(f"{size:.4g}" for size in image.grid.voxel_size_mm)
        raise ImageError(f"voxels are {sizes} mm, expected 1 mm isotropic (within 0.01 mm); use --conform to resample")
    if ras2mni is not None and not (np.isfinite(ras2mni).all() and abs(np.linalg.det(ras2mni)) > SINGULAR):
        raise TransformError("the transform to MNI305 is singular or not finite; leave it out or make it again")
    conformed = conform(image, spec.fov, options.percentile)
    guesses: tuple[Guess, ...] = () if ras2mni is None else ((GIVEN, ras2mni),)
    search = prior is not None and not options.full_fov and not guesses
    guesses = tuple(_search_head(image)) if search else guesses
    return Prepared(image, conformed, guesses, search, tuple(_image_warnings(image, conformed, options)))


def look(prepared: Prepared, model: Predictor, options: Options, prior: StructurePrior | None) -> LocalPrediction:
    """Run the network."""
    if options.full_fov:
        return whole_field_of_view(prepared.conformed, model)

    def guesses() -> Iterator[Guess]:
        yield from prepared.guesses
        if not prepared.searched:
            yield from _search_head(prepared.image)

    return frame(prepared.conformed, model, prior, guesses, starts_of(options.average_shifts))


def finish(
    prepared: Prepared, framed: LocalPrediction, spec: ModelSpec, options: Options, etiv_mm3: float | None = None
) -> Segmentation:
    """What comes after the network: clean, measure, and bring the labels back onto the image."""
    image = prepared.image
    clean = clean_posteriors(framed.posteriors)
    if clean is None:
        hints = "; ".join(prepared.warnings) or (
            "is it a T1-weighted head, upright by its header and near the centre of the field of view?"
        )
        raise ImageError(f"no structure found in the {spec.fov} mm box about the image centre: {hints}")
    crop = _voxels_of(clean, prepared.conformed)
    # Counted from the network's box in one step: voxels at the crop's faces are inside or outside by the last digit.
    clean = Volume(clean.data, shift_grid(prepared.conformed.grid, crop.low, crop.shape))
    posteriors = to_voxel_size(clean, image.grid.voxel_size_mm)
    stats = measure(
        posteriors, spec.colors, exclude=options.exclude, voxel_counts=options.voxel_counts, etiv_mm3=etiv_mm3
    )
    labels = resample_nearest(label_image(posteriors, spec.colors), image.grid)
    doubt = f"{framed.doubt}: all labels of the {spec.fov} mm box are kept, islands too; look at the image"
    warnings = (
        *prepared.warnings,
        *([doubt] if framed.doubt else []),
        *_edge_warnings(prepared.conformed, framed, crop),
        *flag_messages(stats, options.population),
    )
    region = WHOLE if framed.whole else BEYOND if framed.beyond else AROUND
    return Segmentation(labels, posteriors, stats, spec.colors, warnings, framed.notes, region)


def starts_of(number: int) -> tuple[Shift, ...]:
    """So many starts of the box to average over (docs/repeatability.md)."""
    return TWO_STARTS if number == len(TWO_STARTS) else STARTS[:number]


def _search_head(image: Volume) -> Iterator[Guess]:
    head = locate_head(image)
    if head is not None:
        yield f"the head's place in the image (fit {head.score:.2f})", head.ras2mni


def learn_prior(
    prepared: Prepared, framed: LocalPrediction, spec: ModelSpec
) -> tuple[StructurePrior, LocalPrediction] | None:
    """Where the structures of a model whose place is not known lie in this head, and what is kept now that it is.

    None if the whole field of view was not looked at, or does not show a head with all structures.
    """
    if not framed.whole:
        return None
    head = locate_head(prepared.image)
    if head is None:
        return None
    prior = measure_prior(framed.posteriors.data.argmax(-1), spec.colors, head.ras2mni, framed.posteriors.grid)
    if prior is None:
        return None
    return prior, trimmed(prepared.conformed, framed, expect(prior, head.ras2mni, prepared.conformed.grid))


def _image_warnings(image: Volume, conformed: Conformed, options: Options) -> list[str]:
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
        brightest = float(conformed.intensities.top)
        if bright > 0 and brightest > HOT_VOXEL_RATIO * bright:
            warnings.append(
                f"the brightest voxel is {brightest / bright:.1f} times the 99.9th percentile "
                "and squeezes all others; "
                "consider --percentile 99.9"
            )
    return warnings


def _voxels_of(part: Volume, conformed: Conformed) -> Box:
    """Which voxels a part is, counted from the first one of the network's box."""
    first = np.rint((np.linalg.inv(conformed.grid.vox2ras) @ part.grid.vox2ras[:, 3])[:3]).astype(int)
    return Box.of_shape(part.grid.shape).moved(first)


def _edge_warnings(conformed: Conformed, framed: LocalPrediction, crop: Box) -> list[str]:
    """Structures near a face of the network's box, or of the image where that ends inside the box: they may be cut."""
    # The crop around the structures has a margin, but none beyond what was computed.
    structures = Box(
        three(np.where(np.array(crop.low) > framed.box.low, np.array(crop.low) + CROP_MARGIN, framed.box.low)),
        three(np.where(np.array(crop.high) < framed.box.high, np.array(crop.high) - CROP_MARGIN, framed.box.high)),
    )
    box, image = conformed.box, conformed.image
    goes_on = conformed.goes_on & ~np.array(framed.beyond)
    ends = image if framed.beyond else image.clipped(box)
    margin = np.where(goes_on, EDGE_MM, IMAGE_EDGE_MM)
    near = (np.array(structures.low) - ends.low < margin) | (np.array(ends.high) - structures.high < margin)

    def named(axes: NDArray[np.bool_]) -> str:
        names = ("left-right", "front-back", "top-bottom")
        return ", ".join(name for name, here in zip(names, axes, strict=True) if here)

    warnings = []
    if framed.beyond:
        warnings.append(
            f"the head is off the centre of its field of view: structures were found near or beyond the edge of the "
            f"{box.shape[0]} mm box about the image centre, where the published tool would have cut them"
        )
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
