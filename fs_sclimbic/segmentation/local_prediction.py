"""Run the network where the structures are, and make sure that they are there.

The network is local, so a box that holds the structures and leaves them room gives the posteriors of the whole field
of view, for a tenth of the work. Where the box should lie is a guess (a transform to MNI305, and the model's prior).
What is found in it decides: whether all structures are there, whether they keep clear of its faces, and which part is
kept. The part that is kept depends on the labels, not on the guess: a poor guess costs time, no voxel of a structure.
(An island a few voxels from a structure may count as its own where a guess is turned by more than ten degrees.)
Therefore a box is believed only when it shows every structure, and what is kept grows until no label lies near it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..image.box import Box, three
from ..image.conform import Conformed, shift_grid
from ..image.volume import Volume
from ..network.architecture import FOV_MULTIPLE, REACH
from ..network.spec import ModelSpec
from ..network.structure_prior import Expectation, StructurePrior, expect
from .placement_check import MARGIN, PlacementCheck, check_placement, hull_of

SLACK = 3
"""Further voxels that are computed at least, so that a guess may be wrong by as much."""
SIZES = 8
"""Boxes measure multiples of this: a network is prepared for each size, and most heads of a cohort share one."""
MOVES = 3
WORTHWHILE = 0.6
"""Share of the whole field of view; a box that needs more of the image is no gain."""
EDGE_MM = 8
"""Structures nearer to a face of the network's box may be cut by it."""

# Boxes that begin and end 2 voxels off the multiples of 4 cost least: their maps end at whole voxels of every level.
PHASE = (2, 2, 2)

Shift = tuple[int, int, int]
UNSHIFTED = (0, 0, 0)

Guess = tuple[str, NDArray[np.float64]]
"""Where a transform comes from, in words, and the transform: scanner RAS to MNI305, mm."""


class Predictor(Protocol):
    """A model with its weights loaded."""

    spec: ModelSpec

    def predict(self, conformed: Volume, wanted: Box | None = None) -> Volume:
        """Posteriors of a conformed image.

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


@dataclass(frozen=True, eq=False)
class LocalPrediction:
    """Posteriors, and how they were come by."""

    posteriors: Volume
    box: Box
    """Their voxels, counted from the first one of the network's box."""
    whole: bool
    """Whether they are all that the published tool has."""
    beyond: bool
    """Whether the image was looked at beyond the network's box, which would have cut structures."""
    notes: tuple[str, ...] = ()
    """What was done, one line each."""
    doubt: str = ""
    """Why all is kept though it is known where the structures should be."""


def frame(
    conformed: Conformed,
    model: Predictor,
    prior: StructurePrior | None,
    guesses: Callable[[], Iterator[Guess]],
    shifts: Sequence[Shift] = (UNSHIFTED,),
) -> LocalPrediction:
    """Posteriors of the structures.

    Parameters
    ----------
    conformed : Conformed
    model : Predictor
    prior : StructurePrior or None
        Where the model's structures lie in a head; None: the whole field of view is looked at.
    guesses : callable
        Transforms of this head to MNI305, the best first; looked at one by one, while they are needed.
    shifts : sequence of (int, int, int)
        Starts of the box, voxels, that posteriors are averaged over; the first is (0, 0, 0), the published start.
        The network is not shift-invariant: the average is more repeatable.
    """
    notes: list[str] = []
    framed, expected = None, None
    if prior is not None:
        for origin, ras2mni in guesses():
            expected = expect(prior, ras2mni, conformed.grid)
            framed = _search(conformed, model, expected, hull_of(expected), notes)
            notes.append(f"box placed by {origin}: {'verified' if framed else 'given up'}")
            if framed:
                break
    if framed is None:
        framed = _from_whole(conformed, model, expected, prior is not None, notes)
    if len(shifts) > 1:
        posteriors = _averaged(conformed, model, framed, shifts)
        notes.append(f"posteriors averaged over {len(shifts)} starts of the box")
        framed = replace(framed, posteriors=posteriors)
    return replace(framed, notes=tuple(notes))


def _search(
    conformed: Conformed,
    model: Predictor,
    expected: Expectation,
    start: Box,
    notes: list[str],
    seen_whole: bool = False,
) -> LocalPrediction | None:
    """Look where the structures should be, and move to where they are; None if they are not found so.

    A structure that is lost may lie elsewhere, where a guess is wrong, unless the whole field of view was looked at.
    """
    around, beyond = start.grown(MARGIN), _cut_by_box(conformed, start)
    for _ in range(MOVES):
        domain = None if beyond else conformed.box
        box = _roomy(around)
        box = box.clipped(domain) if domain else box
        if min(box.shape) < 1 or box.grown(REACH).voxels > WORTHWHILE * conformed.box.voxels:
            notes.append(f"no box tried: {_words(box)} around the structures is no gain")
            return None
        posteriors = predict_box(conformed, model, box, domain)
        verdict = check_placement(posteriors.data, box, expected)
        notes.append(
            f"looked at {_words(box)}: {verdict.found} of {len(expected.voxels)} structures in place, "
            f"{100 * verdict.share:.0f} % of their average volume"
        )
        if not verdict.good:
            return None
        keep, around = verdict.structures.grown(MARGIN), verdict.structures.hull(verdict.sites).grown(MARGIN)
        is_cut = _cut_by_box(conformed, verdict.structures)
        if not beyond:
            keep, around = keep.clipped(conformed.box), around.clipped(conformed.box)
        if is_cut == beyond and box.holds(around):
            if not (verdict.complete or seen_whole):
                return None
            return LocalPrediction(_part(posteriors, box, keep), keep, whole=False, beyond=beyond)
        beyond = is_cut
    return None


def _from_whole(
    conformed: Conformed, model: Predictor, expected: Expectation | None, known: bool, notes: list[str]
) -> LocalPrediction:
    """Look at the whole box of the network, as the published tool does, and keep what a box would have kept."""
    whole = whole_field_of_view(conformed, model)
    if expected is None:
        notes.append("looked at the whole field of view and kept it: where the structures should be is not known")
        return replace(whole, doubt="no head was found in the image") if known else whole
    verdict = check_placement(whole.posteriors.data, whole.box, expected)
    if not verdict.good or verdict.astray:
        notes.append("looked at the whole field of view and kept it: the structures are not where they should be")
        return replace(whole, doubt="the structures are not where they are in other heads")
    if _cut_by_box(conformed, verdict.structures):
        framed = _search(conformed, model, expected, verdict.structures, notes, seen_whole=True)
        if framed:
            return framed
    notes.append("looked at the whole field of view, and kept what lies around the structures")
    return _cut_down(whole, verdict)


def trimmed(conformed: Conformed, whole: LocalPrediction, expected: Expectation) -> LocalPrediction:
    """Of the whole field of view what a box would have kept; all where the structures are not as expected."""
    verdict = check_placement(whole.posteriors.data, whole.box, expected)
    if not verdict.good or verdict.astray or _cut_by_box(conformed, verdict.structures):
        return whole
    return _cut_down(whole, verdict)


def _cut_down(whole: LocalPrediction, verdict: PlacementCheck) -> LocalPrediction:
    """Of the whole field of view the structures and the margin around them."""
    keep = verdict.structures.grown(MARGIN).clipped(whole.box)
    return replace(whole, posteriors=_part(whole.posteriors, whole.box, keep), box=keep, whole=False)


def whole_field_of_view(conformed: Conformed, model: Predictor) -> LocalPrediction:
    """Posteriors of the network's whole box, islands far from the structures included, as the published tool has."""
    posteriors = predict_box(conformed, model, conformed.box, conformed.box)
    return LocalPrediction(
        posteriors, conformed.box, whole=True, beyond=False, notes=("looked at the whole field of view",)
    )


def _averaged(conformed: Conformed, model: Predictor, framed: LocalPrediction, shifts: Sequence[Shift]) -> Volume:
    total = framed.posteriors.data.copy()
    size = [_usual(n + FOV_MULTIPLE - 1) for n in framed.box.shape]
    for shift in shifts:
        if shift != UNSHIFTED:
            # Of a usual size, and where it costs least: else a network would have to be prepared for each pass.
            low = [n - (n - phase - s) % FOV_MULTIPLE for n, phase, s in zip(framed.box.low, PHASE, shift, strict=True)]
            box = Box(three(low), three(n + wide for n, wide in zip(low, size, strict=True)))
            total += _part(predict_box(conformed, model, box, None, shift), box, framed.box).data
    total /= len(shifts)
    return Volume(total, framed.posteriors.grid)


def predict_box(
    conformed: Conformed, model: Predictor, box: Box, domain: Box | None, shift: Shift = UNSHIFTED
) -> Volume:
    """Posteriors of a box, as if the network had been run on the domain, or on all space, from start ``shift``."""
    needed = box.grown(REACH).aligned(FOV_MULTIPLE, shift)
    needed = needed.clipped(domain) if domain else needed
    return model.predict(conformed.block(needed), box.seen_from(needed))


def _usual(voxels: int) -> int:
    """The smallest usual size that holds so many voxels."""
    return -(-voxels // SIZES) * SIZES


def _roomy(around: Box) -> Box:
    """A box of one of the usual sizes about the middle of what must be inside."""
    least = around.grown(SLACK)
    size = [_usual(n) for n in least.shape]
    low = [n - (wide - narrow) // 2 for n, wide, narrow in zip(least.low, size, least.shape, strict=True)]
    half = FOV_MULTIPLE // 2
    start = [n + (phase - n + half) % FOV_MULTIPLE - half for n, phase in zip(low, PHASE, strict=True)]
    box = Box(three(start), three(n + wide for n, wide in zip(start, size, strict=True)))
    return box if box.holds(around) else box.hull(around).aligned(FOV_MULTIPLE, PHASE)


def _cut_by_box(conformed: Conformed, structures: Box) -> bool:
    """Whether structures come near a face of the network's box beyond which the image goes on."""
    near = (np.array(structures.low) < EDGE_MM) | (np.array(structures.high) > np.array(conformed.box.high) - EDGE_MM)
    return bool((near & conformed.goes_on).any())


def _part(posteriors: Volume, box: Box, keep: Box) -> Volume:
    inside = keep.seen_from(box)
    # A copy: a view would keep the whole in memory.
    return Volume(posteriors.data[inside.slices].copy(), shift_grid(posteriors.grid, inside.low, inside.shape))


def _words(box: Box) -> str:
    return f"{' x '.join(map(str, box.shape))} voxels from {', '.join(map(str, box.low))}"
