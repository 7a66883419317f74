"""Whether labels lie where the structures of a model lie in other heads."""

import numpy as np
import pytest

from fs_sclimbic.image.box import Box
from fs_sclimbic.network.structure_prior import Expectation
from fs_sclimbic.segmentation.placement_check import MARGIN_VOXELS, check_placement, hull_of

SHAPE = (60, 60, 60)
CENTRES = np.array([[20.0, 30, 30], [40, 30, 30], [30, 20, 30], [30, 40, 30]])
HALF = 3
EXPECTED = Expectation(CENTRES - HALF, CENTRES + HALF, CENTRES, np.full(4, 7.0**3))
WHOLE = Box.of_shape(SHAPE)


def cubes(shift=(0, 0, 0), without=(), half=HALF):
    """Four cubes of 7 voxels, shifted together."""
    winner = np.zeros(SHAPE, int)
    for label, centre in enumerate(CENTRES.astype(int) + shift, 1):
        if label not in without:
            winner[tuple(slice(n - half, n + half + 1) for n in centre)] = label
    return winner


@pytest.mark.parametrize("shift", [(0, 0, 0), (5, -9, 12)])
def test_structures_in_place_are_found_wherever_they_are_together(shift):
    check = check_placement(cubes(shift), WHOLE, EXPECTED)
    assert (check.found, check.volume_ratio) == (4, 1.0)
    assert (check.good, check.complete, check.astray) == (True, True, False)
    hull = Box((17, 17, 27), (44, 44, 34)).moved(shift)
    assert check.structures == check.sites == hull
    assert hull_of(EXPECTED) == hull.moved([-n for n in shift])


def test_no_label():
    check = check_placement(np.zeros(SHAPE, int), WHOLE, EXPECTED)
    assert (check.found, check.volume_ratio, check.good, check.complete) == (0, 0.0, False, False)


@pytest.mark.parametrize(("without", "good"), [((4,), True), ((3, 4), True), ((2, 3, 4), False)])
def test_structures_that_are_lost(without, good):
    """Half of them must be there; those that are lost keep their place in the box."""
    check = check_placement(cubes(without=without), WHOLE, EXPECTED)
    assert (check.found, check.good, check.complete) == (4 - len(without), good, False)
    assert check.structures.holds(hull_of(EXPECTED))


def test_a_structure_that_lies_elsewhere_is_astray():
    winner = cubes(without=(4,))
    winner[2:9, 2:9, 2:9] = 4
    check = check_placement(winner, WHOLE, EXPECTED)
    assert (check.good, check.complete, check.astray) == (True, False, True)


def test_a_near_label_joins_and_a_far_one_does_not():
    for gap, joins in ((MARGIN_VOXELS - 1, True), (MARGIN_VOXELS + 1, False)):
        winner = cubes()
        winner[44 + gap, 30, 30] = 2
        check = check_placement(winner, WHOLE, EXPECTED)
        assert check.structures.high[0] == (45 + gap if joins else 44)


def test_much_too_large_labels_are_not_these_structures():
    huge = cubes(half=9)
    assert check_placement(huge, WHOLE, EXPECTED).volume_ratio > 4
    assert not check_placement(huge, WHOLE, EXPECTED).good
