"""Far parts and misplaced structures are flagged; thin structures may be in two near parts."""

from dataclasses import replace

import numpy as np
import pytest

from fs_sclimbic.files.resources import data_file
from fs_sclimbic.image.labels import Structure, read_ctab
from fs_sclimbic.image.volume import Grid, Volume
from fs_sclimbic.network.store import PUBLISHED_SHA256
from fs_sclimbic.network.structure_prior import read_shipped_prior
from fs_sclimbic.segmentation.label_flags import find_parts, part_flags, place_flags

ACCUMBENS, FORNIX = Structure(26, "Left-Nucleus-Accumbens", (0, 0, 0, 0)), Structure(821, "Left-Fornix", (0, 0, 0, 0))


def two_parts(structure, gap_voxels, part_voxels, size_mm=1.0):
    """A block of 320 voxels and a second one, with their centres nearest to each other some voxels apart."""
    data = np.zeros((60, 12, 12), np.int32)
    data[2:12, 2:10, 2:6] = structure.index
    start = 11 + gap_voxels
    data[start : start + part_voxels // 4, 2:4, 2:4] = structure.index
    return Volume(data, Grid(data.shape, np.diag([size_mm, size_mm, size_mm, 1])))


def test_parts_are_measured_in_mm():
    labels = two_parts(ACCUMBENS, 10, 40, size_mm=0.5)
    (part,) = find_parts(labels.data == 26, labels.grid.voxel_size_mm)
    assert part.volume_mm3 == pytest.approx(40 / 8)
    assert part.gap_mm == pytest.approx(5)
    assert part.fraction == pytest.approx(40 / 360)
    assert find_parts(labels.data == 99, labels.grid.voxel_size_mm) == []


@pytest.mark.parametrize(
    ("structure", "gap", "voxels", "flagged"),
    [
        (ACCUMBENS, 3, 40, False),
        (ACCUMBENS, 5, 40, True),
        (ACCUMBENS, 20, 16, False),
        (FORNIX, 7, 40, False),
        (FORNIX, 10, 40, True),
    ],
)
def test_far_parts(structure, gap, voxels, flagged):
    flags = list(part_flags(two_parts(structure, gap, voxels), (structure,)))
    assert [flag.kind for flag in flags] == ["DETACHED"] * flagged
    if flagged:
        assert flags[0].structure == structure.name
        assert f"{gap} mm" in flags[0].reason


@pytest.fixture(scope="module")
def limbic_prior():
    return read_shipped_prior(data_file("models", "places.json"), PUBLISHED_SHA256)


def labels_at_sites(prior, shift_of=None, shift_mm=(0, 0, 0)):
    """Blocks of 27 voxels at the places of all structures, turned and scaled; one of them shifted."""
    structures = {structure.name: structure for structure in read_ctab().foreground}
    angle = np.radians(12)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    data = np.zeros((90, 100, 90), np.int32)
    for site in prior.sites:
        at = 0.87 * turn @ np.array(site.centre) + [45, 50, 50] + np.array(shift_mm) * (site.name == shift_of)
        x, y, z = np.rint(at).astype(int)
        data[x - 1 : x + 2, y - 1 : y + 2, z - 1 : z + 2] = structures[site.name].index
    return Volume(data, Grid(data.shape, np.eye(4))), tuple(structures.values())


def test_a_turned_and_smaller_head_is_no_reason(limbic_prior):
    labels, structures = labels_at_sites(limbic_prior)
    assert list(place_flags(labels, structures, limbic_prior)) == []


def test_a_structure_out_of_place(limbic_prior):
    labels, structures = labels_at_sites(limbic_prior, "Left-Basal-Forebrain", (0, 9, -8))
    flags = list(place_flags(labels, structures, limbic_prior))
    assert [(flag.kind, flag.structure) for flag in flags] == [("PLACE", "Left-Basal-Forebrain")]
    assert flags[0].value == pytest.approx(12, abs=1.5)


def test_few_structures_say_nothing_about_the_others(limbic_prior):
    few = replace(limbic_prior, sites=limbic_prior.sites[:5])
    labels, structures = labels_at_sites(few, few.sites[0].name, (0, 20, 0))
    assert list(place_flags(labels, structures, few)) == []
