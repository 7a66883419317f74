"""All flags of a case together, and the lines that tell them."""

import numpy as np
import pytest

from fs_sclimbic.image.intensity import intensity_range
from fs_sclimbic.image.labels import ColorTable, Structure
from fs_sclimbic.image.volume import Volume
from fs_sclimbic.segmentation.case_flags import SeenImage, crop_labels, find_flags, flag_messages
from fs_sclimbic.segmentation.flag import Flag
from fs_sclimbic.segmentation.intensity_check import profile_intensities
from fs_sclimbic.segmentation.measure import SegStats, StructureStats

A, B = Structure(1, "Left-A", (1, 1, 1, 0)), Structure(2, "Left-B", (1, 1, 1, 0))
COLORS = ColorTable((Structure(0, "Unknown", (0, 0, 0, 0)), A, B))


@pytest.fixture
def labels(head):
    """Left-A in two far parts; Left-B, which is left out of the numbers, in two as well."""
    data = np.zeros(head.grid.shape, np.int32)
    for structure, row in ((A, 20), (B, 30)):
        data[10:14, row : row + 4, 20:24] = structure.index
        data[40:44, row : row + 4, 20:24] = structure.index
    return Volume(data, head.grid)


def stats_of(*structures):
    return SegStats(tuple(StructureStats(one, 128, 128.0, 0.9, 64) for one in structures), 1.0)


def test_only_structures_of_the_numbers_are_flagged(labels):
    assert [flag.structure for flag in find_flags(stats_of(A), {}, labels, COLORS)] == ["Left-A"]
    assert [flag.structure for flag in find_flags(stats_of(A, B), {}, labels, COLORS)] == ["Left-A", "Left-B"]


def test_what_the_run_knows_of_the_case(labels):
    flags = find_flags(stats_of(), {}, labels, COLORS, is_beyond=True, doubt="no head was found in the image")
    assert [(flag.kind, flag.severity) for flag in flags] == [("OFF_CENTRE", "look"), ("PLACE", "look")]


def test_the_image_is_judged_when_it_is_given(labels, head):
    image = Volume(np.rint(head.data).astype(np.uint8), head.grid)
    seen = SeenImage(image=image, profile=profile_intensities(image.data), intensities=intensity_range(image.data))
    assert [flag.kind for flag in find_flags(stats_of(), {}, labels, COLORS, seen=seen)] == ["LABELS"]


def test_crops_keep_their_place(labels):
    crop = crop_labels(labels)
    assert crop.data.shape < labels.data.shape
    voxel = np.argwhere(crop.data == 2)[0]
    ras = crop.grid.vox2ras @ [*voxel, 1]
    back = np.rint(np.linalg.inv(labels.grid.vox2ras) @ ras).astype(int)
    assert labels.data[tuple(back[:3])] == 2
    assert crop_labels(Volume(np.zeros_like(labels.data), labels.grid)).data.shape == (1, 1, 1)


def test_messages():
    flags = [
        Flag(kind="EMPTY", severity="bad", reason="left a lost", structure="Left-A"),
        Flag(kind="EMPTY", severity="bad", reason="left b lost", structure="Left-B"),
        Flag(kind="HOT", severity="look", reason="told by a warning of its own"),
        Flag(kind="NOISE", severity="look", reason="noise is 12 % of the contrast"),
    ]
    assert flag_messages(flags) == [
        "EMPTY (no voxel found, or nearly none): Left-A, Left-B",
        "NOISE (noisy): noise is 12 % of the contrast",
    ]
