"""Run the network where the structures are, and check that they are there.

The network is local: a box that holds the structures and some room around them gives the same posteriors as the whole
field of view, for a tenth of the work. The first position of the box is a guess (a transform to MNI305, and the model's
prior). The labels found in it decide: whether all structures are there, whether they keep clear of its faces, and which
part is kept. The kept part depends on the labels, not on the guess: a poor guess costs time, no voxel of a structure.
(An island a few voxels from a structure may count as its own where a guess is turned by more than ten degrees.)
Therefore a box is only accepted if it shows every structure, and the kept part grows until no label lies near it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..image.box import Box
from ..image.conform import Conformed, shift_grid
from ..image.volume import Volume
from ..network.architecture import FOV_MULTIPLE, REACH
from ..network.spec import ModelSpec
from ..network.structure_prior import Expectation, StructurePrior, expect
from .box_choice import box_from_start, is_cut_by_box, roomy_box
from .measure import winning_channels
from .placement_check import MARGIN_VOXELS, PlacementCheck, check_placement, hull_of

MAX_TRIES = 3
"""Positions of the box that are tried for one guess."""
MAX_BOX_FRACTION = 0.6
"""Fraction of the whole field of view above which a box is not worth while."""
Shift = tuple[int, int, int]
UNSHIFTED = (0, 0, 0)

Guess = tuple[str, NDArray[np.float64]]
"""Where a transform comes from, in words, and the transform: 4 x 4, scanner RAS to MNI305, mm."""


class Predictor(Protocol):
    """A model with its weights loaded."""

    spec: ModelSpec

    def predict(self, conformed: Volume, wanted: Box | None = None) -> Volume:
        """Predict posteriors of a conformed image.

        Parameters
        ----------
        conformed : Volume
            float32 in [0, 1], 1 mm, RAS; each axis a multiple of 4. Beyond it the network pads with zeros.
        wanted : Box, optional
            The voxels whose posteriors are wanted; by default all.

        Returns
        -------
        Volume
            float32 softmax, shape (x, y, z, labels), on the grid of the wanted voxels.
        """


@dataclass(frozen=True, eq=False, kw_only=True)
class LocalPrediction:
    """Posteriors of the structures, and how their box was chosen."""

    posteriors: Volume
    """float32 softmax, shape (x, y, z, labels), 1 mm, axes along RAS."""
    winner: NDArray[np.int_]
    """Channel of the winning posterior in each voxel, shape (x, y, z)."""
    box: Box
    """The voxels of the posteriors, counted from the first one of the network's box."""
    whole: bool
    """Whether this is the whole field of view, as in the published tool."""
    beyond: bool
    """Whether the image was read beyond the network's box, which would have cut structures."""
    notes: tuple[str, ...] = ()
    """What was done, one line each."""
    doubt: str = ""
    """Why the whole field of view is kept though the position of the structures in other heads is known."""


def predict_locally(
    conformed: Conformed,
    model: Predictor,
    prior: StructurePrior | None,
    guesses: Callable[[], Iterator[Guess]],
    shifts: Sequence[Shift] = (UNSHIFTED,),
) -> LocalPrediction:
    """Find the structures, and predict the posteriors around them.

    Parameters
    ----------
    conformed : Conformed
    model : Predictor
    prior : StructurePrior or None
        Where the model's structures lie in a head; None: the network runs on the whole field of view.
    guesses : callable
        Gives transforms of this head to MNI305, the best first; they are tried one by one, while they are needed.
    shifts : sequence of (int, int, int)
        Starts of the box, voxels, that posteriors are averaged over; the first is (0, 0, 0), the published start.
        The network is not shift-invariant: the average is more repeatable.

    Returns
    -------
    LocalPrediction
    """
    notes: list[str] = []
    found, expected = None, None
    if prior is not None:
        for origin, ras2mni in guesses():
            expected = expect(prior, ras2mni, conformed.grid)
            found = _search(conformed, model, expected, hull_of(expected), notes)
            notes.append(f"box placed by {origin}: {'verified' if found else 'given up'}")
            if found:
                break
    if found is None:
        found = _from_whole(conformed, model, expected, prior is not None, notes)
    if len(shifts) > 1:
        posteriors = _averaged(conformed, model, found, shifts)
        notes.append(f"posteriors averaged over {len(shifts)} starts of the box")
        found = replace(found, posteriors=posteriors, winner=winning_channels(posteriors))
    return replace(found, notes=tuple(notes))


def _search(
    conformed: Conformed,
    model: Predictor,
    expected: Expectation,
    start: Box,
    notes: list[str],
    seen_whole: bool = False,
) -> LocalPrediction | None:
    """Predict where the structures should be, and move the box to where they are; None if they are not found.

    A structure that is missing may lie elsewhere if the guess is wrong, unless the whole field of view was seen before.
    """
    around, beyond = start.grown(MARGIN_VOXELS), is_cut_by_box(conformed, start)
    for _ in range(MAX_TRIES):
        domain = None if beyond else conformed.box
        box = roomy_box(around)
        box = box.clipped(domain) if domain else box
        if min(box.shape) < 1 or box.grown(REACH).voxels > MAX_BOX_FRACTION * conformed.box.voxels:
            notes.append(f"no box tried: {_words(box)} around the structures is no gain")
            return None
        posteriors = predict_box(conformed, model, box, domain)
        winner = winning_channels(posteriors)
        check = check_placement(winner, box, expected)
        notes.append(
            f"looked at {_words(box)}: {check.found} of {len(expected.voxels)} structures in place, "
            f"{100 * check.volume_ratio:.0f} % of their average volume"
        )
        if not check.good:
            return None
        keep = check.structures.grown(MARGIN_VOXELS)
        around = check.structures.hull(check.sites).grown(MARGIN_VOXELS)
        is_cut = is_cut_by_box(conformed, check.structures)
        if not beyond:
            keep, around = keep.clipped(conformed.box), around.clipped(conformed.box)
        if is_cut == beyond and box.holds(around):
            if not (check.complete or seen_whole):
                return None
            everything = LocalPrediction(posteriors=posteriors, winner=winner, box=box, whole=False, beyond=beyond)
            return _cropped(everything, keep)
        beyond = is_cut
    return None


def _from_whole(
    conformed: Conformed, model: Predictor, expected: Expectation | None, has_prior: bool, notes: list[str]
) -> LocalPrediction:
    """Run on the whole box of the network, as the published tool does, and keep what a local box would have kept."""
    whole = whole_field_of_view(conformed, model)
    if expected is None:
        notes.append("looked at the whole field of view and kept it: where the structures should be is not known")
        return replace(whole, doubt="no head was found in the image") if has_prior else whole
    check = check_placement(whole.winner, whole.box, expected)
    if not check.good or check.astray:
        notes.append("looked at the whole field of view and kept it: the structures are not where they should be")
        return replace(whole, doubt="the structures are not where they are in other heads")
    if is_cut_by_box(conformed, check.structures):
        found = _search(conformed, model, expected, check.structures, notes, seen_whole=True)
        if found:
            return found
    notes.append("looked at the whole field of view, and kept what lies around the structures")
    return _around_structures(whole, check)


def trimmed(conformed: Conformed, whole: LocalPrediction, expected: Expectation) -> LocalPrediction:
    """Keep of the whole field of view what a local box would have kept.

    Parameters
    ----------
    conformed : Conformed
    whole : LocalPrediction
        Of the whole field of view.
    expected : Expectation
        Where the structures should be in this head.

    Returns
    -------
    LocalPrediction
        ``whole`` itself if the structures are not as expected.
    """
    check = check_placement(whole.winner, whole.box, expected)
    if not check.good or check.astray or is_cut_by_box(conformed, check.structures):
        return whole
    return _around_structures(whole, check)


def _around_structures(whole: LocalPrediction, check: PlacementCheck) -> LocalPrediction:
    """The structures and the margin around them."""
    return replace(_cropped(whole, check.structures.grown(MARGIN_VOXELS).clipped(whole.box)), whole=False)


def _cropped(prediction: LocalPrediction, keep: Box) -> LocalPrediction:
    """A part of a prediction; ``keep`` is counted from the first voxel of the network's box."""
    inside = keep.seen_from(prediction.box)
    posteriors, winner = _part(prediction.posteriors, inside), prediction.winner[inside.slices].copy()
    return replace(prediction, posteriors=posteriors, winner=winner, box=keep)


def whole_field_of_view(conformed: Conformed, model: Predictor) -> LocalPrediction:
    """Run the network on its whole box, as the published tool does; islands far from the structures are kept.

    Parameters
    ----------
    conformed : Conformed
    model : Predictor

    Returns
    -------
    LocalPrediction
    """
    posteriors = predict_box(conformed, model, conformed.box, conformed.box)
    return LocalPrediction(
        posteriors=posteriors,
        winner=winning_channels(posteriors),
        box=conformed.box,
        whole=True,
        beyond=False,
        notes=("looked at the whole field of view",),
    )


def _averaged(conformed: Conformed, model: Predictor, found: LocalPrediction, shifts: Sequence[Shift]) -> Volume:
    total = found.posteriors.data.copy()
    for shift in shifts:
        if shift != UNSHIFTED:
            box = box_from_start(found.box, shift)
            total += _part(predict_box(conformed, model, box, None, shift), found.box.seen_from(box)).data
    total /= len(shifts)
    return Volume(total, found.posteriors.grid)


def predict_box(
    conformed: Conformed, model: Predictor, box: Box, domain: Box | None, shift: Shift = UNSHIFTED
) -> Volume:
    """Posteriors of a box, as if the network had been run on a larger domain.

    Parameters
    ----------
    conformed : Conformed
    model : Predictor
    box : Box
        The voxels whose posteriors are wanted, counted from the first one of the network's box.
    domain : Box or None
        Where the network sees the image; beyond it are zeros. None: all of the image.
    shift : (int, int, int)
        Where the network starts, voxels modulo 4.

    Returns
    -------
    Volume
        float32, shape (x, y, z, labels).
    """
    needed = box.grown(REACH).aligned(FOV_MULTIPLE, shift)
    needed = needed.clipped(domain) if domain else needed
    return model.predict(conformed.block(needed), box.seen_from(needed))


def _part(posteriors: Volume, inside: Box) -> Volume:
    """The voxels of a box, counted from the first voxel of the posteriors."""
    # A copy: a view would keep the whole in memory.
    return Volume(posteriors.data[inside.slices].copy(), shift_grid(posteriors.grid, inside.low, inside.shape))


def _words(box: Box) -> str:
    return f"{' x '.join(map(str, box.shape))} voxels from {', '.join(map(str, box.low))}"
