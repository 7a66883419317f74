"""Gauss-Newton steps find a known transform, gain and bias field again."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fs_sclimbic.image.grid import Grid, Volume
from fs_sclimbic.registration.affine import MAX_SCORE_LOSS, find_field, refine
from fs_sclimbic.registration.head_template import shipped_head
from fs_sclimbic.registration.level import field_terms, pitch_matrix, smooth
from fs_sclimbic.registration.talairach import smoothing_to_reach
from tests.heads import RAS2MNI, whole_head

TRUE = np.linalg.inv(RAS2MNI)
HOW = {"max_steps": 40, "last_step_mm": 0.01}


@pytest.fixture(scope="module")
def level():
    return shipped_head().whole.coarse


@pytest.fixture(scope="module")
def image(level) -> Volume:
    head = whole_head(noise=0.02, bias=0.2)
    head = Volume(head.data / np.float32(head.data.max() / 1.6), head.grid)
    return smooth(head, smoothing_to_reach(level.smoothing_mm, head.grid))


def error_mm(fit, level):
    """Largest distance of a brain point from where it is."""
    points = np.column_stack([level.points[::50], np.ones(len(level.points[::50]))])
    return np.linalg.norm((points @ (fit.mni2ras - TRUE).T)[:, :3], axis=1).max()


def start_off_by(shift_mm=(0, 0, 0), pitch_deg=0.0, scale=1.0):
    warp = np.eye(4)
    warp[:3, :3], warp[:3, 3] = pitch_matrix(scale, np.deg2rad(pitch_deg)), shift_mm
    return TRUE @ warp


@settings(max_examples=6)
@given(st.tuples(*[st.integers(-6, 6)] * 3), st.integers(-6, 6), st.floats(0.94, 1.06))
def test_a_start_near_by_leads_to_the_transform(level, image, shift_mm, pitch_deg, scale):
    fit = refine(image, level, start_off_by(shift_mm, pitch_deg, scale), **HOW)
    assert error_mm(fit, level) < 1.5
    assert fit.score > 0.9


def test_gain_does_not_matter(level, image):
    usual, bright = (
        refine(Volume(image.data * np.float32(gain), image.grid), level, start_off_by((4, 3, -2)), **HOW)
        for gain in (1, 3)
    )
    assert np.abs(bright.mni2ras - usual.mni2ras).max() < 0.02
    assert bright.score == pytest.approx(usual.score, abs=1e-3)


def test_steps_end_at_the_first_small_one(level, image):
    start = start_off_by((5, 0, 0))
    one_step = refine(image, level, start, max_steps=1, last_step_mm=0.01)
    assert np.array_equal(refine(image, level, start, max_steps=9, last_step_mm=14).mni2ras, one_step.mni2ras)
    assert error_mm(one_step, level) > error_mm(refine(image, level, start, **HOW), level)
    assert np.array_equal(refine(image, level, start, max_steps=0, last_step_mm=0.01).mni2ras, start)


@pytest.mark.parametrize("guarded", [False, True])
def test_a_brain_out_of_view_scores_0(level, image, guarded):
    start = start_off_by((300, 0, 0))
    fit = refine(image, level, start, guarded=guarded, **HOW)
    assert fit.score == 0
    assert np.array_equal(fit.mni2ras, start)


def test_a_guarded_search_never_ends_much_below_its_best(level, image):
    for scale in (0.6, 0.8, 1.3):
        start = start_off_by((15, -20, 10), 25, scale)
        at_start = refine(image, level, start, guarded=True, max_steps=0, last_step_mm=0.01)
        assert refine(image, level, start, guarded=True, **HOW).score >= at_start.score - MAX_SCORE_LOSS


@pytest.mark.parametrize("scale", [0.3, 3.0])
def test_an_impossible_size_scores_0(level, image, scale):
    assert refine(image, level, start_off_by(scale=scale), max_steps=0, last_step_mm=0.01).score == 0


def test_noise_scores_far_below_a_head(level):
    data = np.random.default_rng(3).random((92, 116, 108)).astype(np.float32)
    noise = smooth(Volume(data, Grid(data.shape, whole_head().grid.vox2ras)), 3.4)
    assert refine(noise, level, TRUE, guarded=True, **HOW).score < 0.5


def test_the_bias_field_is_found(level, image):
    """The image times a known field: the coefficients are multiplied by the same field."""
    to_mni = RAS2MNI @ image.grid.vox2ras
    index = np.indices(image.grid.shape).reshape(3, -1)
    points = (to_mni[:3, :3] @ index + to_mni[:3, 3:]).T
    slope = (1 + 0.3 * points[:, 0] / 50).reshape(image.grid.shape).astype(np.float32)
    plain, tilted = (
        field_terms(level.points) @ find_field(Volume(data, image.grid), level, TRUE)
        for data in (image.data, image.data * slope)
    )
    expected = 1 + 0.3 * level.points[:, 0] / 50
    assert np.median(np.abs(tilted / plain / expected - 1)) < 0.02
