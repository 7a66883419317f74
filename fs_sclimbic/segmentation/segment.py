"""One image in memory: conform, predict, clean, measure, and back onto its own grid."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from os import PathLike

import numpy as np
from numpy.typing import NDArray

from ..errors import ImageError, TransformError, naming
from ..image.conform import Conformed, conform, is_isotropic_1mm, resample_nearest, shift_grid
from ..image.labels import ColorTable
from ..image.volume import Volume, read_volume
from ..network.spec import ModelSpec
from ..network.structure_prior import StructurePrior, expect, measure_prior
from ..registration.head_search import Head, locate_head
from .case_flags import SeenImage, find_flags, flag_messages
from .flag import Flag
from .image_warnings import are_structures_cut, edge_warnings, image_warnings, size_notes
from .intensity_check import IntensityProfile, check_content, profile_intensities
from .local_prediction import Guess, LocalPrediction, Predictor, predict_locally, trimmed, whole_field_of_view
from .measure import SegStats, label_image, measure, winning_channels
from .options import Options
from .postprocess import clean_posteriors, to_voxel_size

MIN_DETERMINANT = 1e-6
"""Determinant of a transform below which it is singular."""
MIN_EMPTY_FRACTION, MIN_EMPTY_STRUCTURES = 0.5, 2
"""Structures without a voxel from which the image must at least look like a head. One may really be missing."""
AROUND, WHOLE = "around the structures", "whole field of view"
BEYOND = "around the structures, beyond the network's box about the image centre"
GIVEN = "the given transform"

LocateHead = Callable[[Volume], Head | None]
"""Finds a head in an image, as `registration.head_search.locate_head` does."""


@dataclass(frozen=True, eq=False, kw_only=True)
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
    """Where the network was run, one line each, for the log."""
    flags: tuple[Flag, ...] = ()
    """What looks wrong about the case or one of its structures."""
    region: str = AROUND
    """Which part of the head is kept, in words for the header of the stats."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Prepared:
    """An image, ready for the network."""

    image: Volume
    conformed: Conformed
    profile: IntensityProfile
    """The intensities of the image."""
    guesses: tuple[Guess, ...]
    """Transforms of the head to MNI305 that are known already."""
    locate: LocateHead
    is_searched: bool
    """Whether the head was searched for."""
    warnings: tuple[str, ...]
    notes: tuple[str, ...] = ()
    """What was done with the image, one line each, for the log."""


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
        ``conform``, or shows no structure at all, or half of the structures and no head.
    TransformError
        If ``ras2mni`` is singular or not finite.
    """
    options = (options or Options()).with_norms_of(model.spec.sha256)
    if not isinstance(t1, Volume):
        image = read_volume(t1)
        with naming(t1):
            return segment(image, model, options, etiv_mm3=etiv_mm3, ras2mni=ras2mni)
    prepared = prepare(t1, model.spec, options, ras2mni)
    return finish(prepared, predict(prepared, model, model.spec.prior, options), model.spec, options, etiv_mm3)


def prepare(
    image: Volume,
    spec: ModelSpec,
    options: Options,
    ras2mni: NDArray[np.float64] | None = None,
    locate: LocateHead = locate_head,
) -> Prepared:
    """Check the image, lay the network's voxels over it, and find the head if its position is needed.

    Parameters
    ----------
    image : Volume
        One T1-weighted head.
    spec : ModelSpec
    options : Options
    ras2mni : ndarray, shape (4, 4), optional
        Scanner RAS to MNI305, mm; by default the head is searched for.
    locate : callable
        Finds the head.

    Returns
    -------
    Prepared

    Raises
    ------
    ImageError
        If the image is blank, has voxels that are not finite, is not 1 mm without ``conform``, or a few voxels squeeze
        its intensities into nothing.
    TransformError
        If ``ras2mni`` is singular or not finite.
    """
    if not options.conform and not is_isotropic_1mm(image.grid):
        sizes = " x ".join(f"{size:.4g}" for size in image.grid.voxel_size_mm)
        raise ImageError(f"voxels are {sizes} mm, expected 1 mm isotropic (within 0.01 mm); use --conform to resample")
    if ras2mni is not None and not (np.isfinite(ras2mni).all() and abs(np.linalg.det(ras2mni)) > MIN_DETERMINANT):
        raise TransformError("the transform to MNI305 is singular or not finite; leave it out or make it again")
    conformed = conform(image, spec.fov, options.percentile, options.low_percentile, options.size_tolerance_voxels)
    profile = profile_intensities(image.data)
    check_content(profile, conformed.intensities)
    guesses: tuple[Guess, ...] = () if ras2mni is None else ((GIVEN, ras2mni),)
    search = spec.prior is not None and not options.full_fov and not guesses
    return Prepared(
        image=image,
        conformed=conformed,
        profile=profile,
        guesses=tuple(_search_head(image, locate)) if search else guesses,
        locate=locate,
        is_searched=search,
        warnings=tuple(image_warnings(image, conformed, profile, options)),
        notes=tuple(size_notes(conformed)),
    )


def predict(prepared: Prepared, model: Predictor, prior: StructurePrior | None, options: Options) -> LocalPrediction:
    """Run the network.

    Parameters
    ----------
    prepared : Prepared
    model : Predictor
    prior : StructurePrior or None
        Where the model's structures lie in a head; None: the network runs on its whole box.
    options : Options

    Returns
    -------
    LocalPrediction
    """
    if options.full_fov:
        return whole_field_of_view(prepared.conformed, model)

    def guesses() -> Iterator[Guess]:
        yield from prepared.guesses
        if not prepared.is_searched:
            yield from _search_head(prepared.image, prepared.locate)

    return predict_locally(prepared.conformed, model, prior, guesses, options.starts)


def finish(
    prepared: Prepared, prediction: LocalPrediction, spec: ModelSpec, options: Options, etiv_mm3: float | None = None
) -> Segmentation:
    """Clean the posteriors, measure, and bring the labels back onto the image.

    Parameters
    ----------
    prepared : Prepared
    prediction : LocalPrediction
        Of the prepared image.
    spec : ModelSpec
    options : Options
    etiv_mm3 : float, optional
        Estimated total intracranial volume, for the stats.

    Returns
    -------
    Segmentation

    Raises
    ------
    ImageError
        If no structure was found; or if half of the structures or more are empty, and no head is found.
    """
    image, conformed = prepared.image, prepared.conformed
    clean = clean_posteriors(prediction.posteriors, prediction.winner)
    if clean is None:
        hints = "; ".join(prepared.warnings) or (
            "is it a T1-weighted head, upright by its header and near the centre of the field of view?"
        )
        raise ImageError(f"no structure found in the {spec.fov} mm box about the image centre: {hints}")
    crop = clean.box.moved(prediction.box.low)
    # One step from the network's box: rounding decides whether voxels at the crop's faces lie inside the image.
    cropped = Volume(clean.posteriors.data, shift_grid(conformed.grid, crop.low, crop.shape))
    posteriors = to_voxel_size(cropped, image.grid.voxel_size_mm, options.size_tolerance_voxels)
    # Taken again: cleaning and resampling change the winner.
    winner = winning_channels(posteriors)
    stats = measure(
        posteriors, winner, spec.colors, exclude=options.exclude, voxel_counts=options.voxel_counts, etiv_mm3=etiv_mm3
    )
    _check_head(prepared, stats)
    doubt = f"{prediction.doubt}: all labels of the {spec.fov} mm box are kept, islands too; look at the image"
    labels = resample_nearest(label_image(winner, spec.colors, posteriors.grid), image.grid)
    flags = find_flags(
        stats,
        options.population,
        labels,
        spec.colors,
        seen=SeenImage(image=image, profile=prepared.profile, intensities=conformed.intensities),
        prior=spec.prior,
        box_mm=spec.fov,
        is_beyond=prediction.beyond,
        doubt=prediction.doubt,
    )
    return Segmentation(
        labels=labels,
        posteriors=posteriors,
        stats=stats,
        colors=spec.colors,
        warnings=(
            *prepared.warnings,
            *([doubt] if prediction.doubt else []),
            *edge_warnings(conformed, prediction, crop),
            *flag_messages(flags),
        ),
        flags=flags,
        notes=(*prepared.notes, *prediction.notes),
        region=WHOLE if prediction.whole else BEYOND if prediction.beyond else AROUND,
    )


def _check_head(prepared: Prepared, stats: SegStats) -> None:
    """Fail if half of the structures are empty and no head is found: zeros would look like numbers in a table."""
    n_empty = sum(row.n_voxels == 0 for row in stats.structures)
    are_many = n_empty >= max(MIN_EMPTY_FRACTION * len(stats.structures), MIN_EMPTY_STRUCTURES)
    if not are_many or prepared.locate(prepared.image) is not None:
        return
    hints = "; ".join(prepared.warnings) or "is it a T1-weighted head, upright by its header?"
    raise ImageError(
        f"no head was found in the image, and {n_empty} of {len(stats.structures)} structures have no voxel: {hints}"
    )


def learn_prior(
    prepared: Prepared, prediction: LocalPrediction, spec: ModelSpec
) -> tuple[StructurePrior, LocalPrediction] | None:
    """Measure where a model's structures lie in this head.

    Parameters
    ----------
    prepared : Prepared
    prediction : LocalPrediction
        Of the prepared image.
    spec : ModelSpec

    Returns
    -------
    (StructurePrior, LocalPrediction) or None
        The prior, and the part of the prediction that is kept now that the prior is known. None if the network did not
        run on the whole field of view, or this does not show a head with all structures, none of them cut.
    """
    if not prediction.whole or are_structures_cut(prepared.conformed, prediction):
        return None
    head = prepared.locate(prepared.image)
    if head is None:
        return None
    prior = measure_prior(prediction.winner, spec.colors, head.ras2mni, prediction.posteriors.grid)
    if prior is None:
        return None
    return prior, trimmed(prepared.conformed, prediction, expect(prior, head.ras2mni, prepared.conformed.grid))


def _search_head(image: Volume, locate: LocateHead) -> Iterator[Guess]:
    head = locate(image)
    if head is not None:
        yield f"the head's place in the image (fit {head.score:.2f})", head.ras2mni
