"""Images that are squeezed, clipped, coarse, noisy, or no T1 are flagged; plain heads are not."""

from dataclasses import replace

import numpy as np
import pytest

from fs_sclimbic.image.intensity import intensity_range
from fs_sclimbic.image.labels import Structure
from fs_sclimbic.image.volume import Grid, Volume
from fs_sclimbic.segmentation.image_flags import contrast_flags, image_flags, measure_contrast
from fs_sclimbic.segmentation.intensity_check import profile_intensities

GREY = Structure(26, "Left-Nucleus-Accumbens", (0, 0, 0, 0))
WHITE = Structure(821, "Left-Fornix", (0, 0, 0, 0))
FLUID_LEVEL, GREY_LEVEL, WHITE_LEVEL = 100.0, 250.0, 400.0


def make_head(noise=0.02, levels=(FLUID_LEVEL, GREY_LEVEL, WHITE_LEVEL), size_mm=1.0):
    """A ball of fluid with a grey and a white ball in it, and their labels."""
    grid = Grid((48, 48, 48), np.diag([size_mm] * 3 + [1.0]))
    points = np.moveaxis(np.indices(grid.shape), 0, -1)
    data = np.where(np.linalg.norm(points - 24, axis=-1) < 22, levels[0], 0.0)
    labels = np.zeros(grid.shape, np.int32)
    for structure, middle, level in ((GREY, (19, 24, 24), levels[1]), (WHITE, (29, 24, 24), levels[2])):
        ball = np.linalg.norm(points - middle, axis=-1) < 5
        data[ball], labels[ball] = level, structure.index
    data += noise * WHITE_LEVEL * np.random.default_rng(0).standard_normal(data.shape) * (data > 0)
    return Volume(data.astype(np.float32), grid), Volume(labels, grid)


def kinds_of(image, percentile=None):
    profile = profile_intensities(image.data)
    return [(flag.kind, flag.severity) for flag in image_flags(image, profile, intensity_range(image.data, percentile))]


def with_voxel(image, value):
    data = image.data.copy()
    data[24, 24, 40] = value
    return Volume(data, image.grid)


def test_a_plain_head():
    image, labels = make_head(noise=0.05)
    assert kinds_of(image) == []
    assert contrast_flags(image, labels, (GREY, WHITE)) == []


@pytest.mark.parametrize(("value", "severity"), [(1200, None), (2200, "look"), (4000, "bad")])
def test_a_hot_voxel(value, severity):
    image = with_voxel(make_head()[0], value)
    assert kinds_of(image) == [("HOT", severity)] * (severity is not None)
    assert kinds_of(image, percentile=99.9) == []


@pytest.mark.parametrize(("value", "severity"), [(-10, None), (-60, "look"), (-900, "bad")])
def test_a_cold_voxel(value, severity):
    assert kinds_of(with_voxel(make_head()[0], value)) == [("COLD", severity)] * (severity is not None)


def test_an_image_that_is_clipped():
    image = make_head()[0]
    clipped = Volume(np.minimum(image.data, 240), image.grid)
    assert ("SATURATED", "look") in kinds_of(clipped)


@pytest.mark.parametrize(("size_mm", "severity"), [(1.2, None), (2.0, "look"), (3.0, "bad")])
def test_coarse_voxels(size_mm, severity):
    assert kinds_of(make_head(size_mm=size_mm)[0]) == [("COARSE", severity)] * (severity is not None)


def test_a_segmentation_instead_of_a_t1():
    image, _ = make_head(noise=0)
    assert ("LABELS", "bad") in kinds_of(Volume(image.data.astype(np.int16), image.grid))
    noisy = make_head()[0]
    brain = np.where(noisy.data > 0, np.rint(noisy.data) + 40, 30).astype(np.int16)
    assert "LABELS" not in dict(kinds_of(Volume(brain, image.grid)))  # a background that is not 0
    smooth = Volume(np.where(image.data > 0, image.data + 0.25, 0), image.grid)  # no whole numbers: no segmentation
    assert "LABELS" not in dict(kinds_of(smooth))
    blank = Volume(np.ones_like(image.data), image.grid)
    assert "LABELS" not in dict(kinds_of(with_voxel(blank, 3)))


def test_headers_that_contradict_themselves_about_left():
    image = make_head()[0]
    mirrored = np.diag([-1.0, 1, 1, 1]) @ image.grid.vox2ras
    near = image.grid.vox2ras.copy()
    near[0, 3] += 2
    for qform, expected in ((mirrored, [("ORIENTATION", "look")]), (near, [])):
        assert kinds_of(Volume(image.data, replace(image.grid, qform2ras=qform))) == expected
    assert kinds_of(Volume(image.data, replace(image.grid, oriented=False))) == [("ORIENTATION", "look")]


@pytest.mark.parametrize(("noise", "severity"), [(0.05, None), (0.13, "look"), (0.4, "bad")])
def test_noise(noise, severity):
    image, labels = make_head(noise)
    flags = [
        (flag.kind, flag.severity) for flag in contrast_flags(image, labels, (GREY, WHITE)) if flag.kind == "NOISE"
    ]
    assert flags == [("NOISE", severity)] * (severity is not None)


def test_noise_is_measured_over_the_contrast():
    image, labels = make_head(0.1)
    found = measure_contrast(image, labels, (GREY, WHITE))
    assert found.noise == pytest.approx(0.1 * WHITE_LEVEL / (WHITE_LEVEL - FLUID_LEVEL), rel=0.3)
    assert found.white_above_grey == pytest.approx(0.5, abs=0.15)


def test_the_contrast_of_a_t2():
    image, labels = make_head(levels=(WHITE_LEVEL, GREY_LEVEL, FLUID_LEVEL))
    flags = contrast_flags(image, labels, (GREY, WHITE))
    assert ("CONTRAST", "bad") in [(flag.kind, flag.severity) for flag in flags]


def test_without_white_and_grey_structures_the_contrast_is_not_judged():
    image, labels = make_head(levels=(WHITE_LEVEL, GREY_LEVEL, FLUID_LEVEL))
    assert contrast_flags(image, labels, (replace(GREY, name="A"), replace(WHITE, name="B"))) == []
    assert contrast_flags(image, Volume(np.zeros_like(labels.data), labels.grid), (GREY, WHITE)) == []


@pytest.mark.parametrize(("above", "flagged"), [(0.05, False), (0.25, True)])
def test_sides_of_different_brightness(above, flagged):
    image, labels = make_head(levels=(FLUID_LEVEL, GREY_LEVEL, GREY_LEVEL + above * GREY_LEVEL))
    pair = (GREY, replace(WHITE, name="Right-Nucleus-Accumbens"))
    flags = contrast_flags(image, labels, pair)
    assert [flag.kind for flag in flags if flag.kind == "BRIGHTNESS"] == ["BRIGHTNESS"] * flagged


@pytest.mark.parametrize(("noise", "flagged"), [(0.05, False), (0.005, True)])
def test_a_structure_that_is_too_smooth(noise, flagged):
    image, labels = make_head(noise=0.05)
    right = labels.data == GREY.index
    image.data[right] = GREY_LEVEL + noise * WHITE_LEVEL * np.random.default_rng(1).standard_normal(right.sum())
    flags = [flag for flag in contrast_flags(image, labels, (GREY, WHITE)) if flag.kind == "SMOOTH"]
    assert [flag.structure for flag in flags] == [GREY.name] * flagged
