"""Transforms of heads pass; those of no head are doubted for the reason that they have."""

import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from fs_sclimbic.registration.etiv import ATLAS_FACTOR_MM3, etiv_mm3
from fs_sclimbic.registration.plausibility import find_transform_doubts, why_implausible
from tests.heads import RAS2MNI


def transform(linear, shift=(0, 0, 0)):
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = linear, shift
    return matrix


@given(
    st.tuples(*[st.floats(1.0, 1.25)] * 3),
    st.tuples(*[st.floats(-40, 40)] * 3),
    st.tuples(*[st.floats(-100, 100)] * 3),
)
def test_any_pose_and_size_of_a_head_passes(sizes, degrees, shift):
    turn = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix()
    matrix = transform(turn @ np.diag(np.array(sizes) * 1.02), shift)
    assert not list(find_transform_doubts(matrix))


def test_real_transforms_pass(shared):
    for row in (shared / "reference/etiv/recon_all_pairs.tsv").read_text().splitlines()[1:]:
        name, *matrix, _ = row.split("\t")
        ras2mni = np.vstack([[[float(x) for x in line.split()] for line in matrix], [0, 0, 0, 1]])
        assert not list(find_transform_doubts(ras2mni)), name


def test_failed_registrations_of_the_published_tool_are_doubted(shared):
    """Looked at: seg3d is stretched over a defaced head, ds-03 over a stripped brain."""
    with open(shared / "reference/etiv/talairach_avi.tsv", encoding="utf-8") as stream:
        rows = {row["image"]: row for row in csv.DictReader(stream, delimiter="\t")}
    for name, doubted in (("seg3d", True), ("ds-03", True), ("adi_brain", False), ("pumi2mm", False)):
        numbers = [rows[name][key].split() for key in ("talairach_xfm_row1", "row2", "row3")]
        doubts = list(find_transform_doubts(np.vstack([np.array(numbers, float), [0, 0, 0, 1]])))
        assert bool(doubts) == doubted, (name, doubts)


TURN = Rotation.from_euler("xyz", [10, -20, 5], degrees=True).as_matrix()


@pytest.mark.parametrize(
    ("linear", "reason"),
    [
        (np.eye(3), "scales nothing"),
        (TURN, "scales nothing"),
        (np.diag([-1.1, 1.1, 1.1]), "mirrors"),
        (np.diag([1.1, 0, 1.1]), "singular"),
        (np.full((3, 3), np.nan), "not finite"),
        (np.diag([1.0, 1.1, 1.5]), "stretched 1.50 times"),
        (1.1 * TURN @ np.array([[1, np.tan(np.deg2rad(20)), 0], [0, 1, 0], [0, 0, 1]]), "shears by 20 degrees"),
        (1.5 * TURN, "577 cm^3 is not that of a head (700-2500)"),
        (0.9 * TURN, "2672 cm^3 is not that of a head (700-2500)"),
        (np.eye(3) * 0.001, "singular"),
    ],
)
def test_what_is_no_head_is_doubted(linear, reason):
    doubts = list(find_transform_doubts(transform(linear, (3, -4, 5))))
    assert any(reason in doubt for doubt in doubts), doubts
    assert all("eTIV" not in doubt for doubt in doubts), "readers of headers look for that word"


@pytest.mark.parametrize(
    ("etiv", "plausible"), [(7.1e5, True), (2.4e6, True), (6.9e5, False), (2.6e6, False), (ATLAS_FACTOR_MM3, False)]
)
def test_an_etiv_alone(etiv, plausible):
    assert bool(why_implausible(etiv)) != plausible
    assert bool(why_implausible(float("nan")))


def test_an_etiv_near_that_of_the_atlas_is_a_head():
    assert not why_implausible(ATLAS_FACTOR_MM3 + 5)
    assert not why_implausible(etiv_mm3(RAS2MNI))
