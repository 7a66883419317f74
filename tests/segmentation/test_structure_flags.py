"""Lost, small, large, uncertain and asymmetric structures are flagged by their numbers."""

import math

import numpy as np
import pytest

from fs_sclimbic.image.labels import Structure, read_ctab
from fs_sclimbic.image.volume import Grid, Volume
from fs_sclimbic.segmentation.measure import SegStats, StructureStats, measure, winning_channels
from fs_sclimbic.segmentation.population import Norm, read_population, z_score
from fs_sclimbic.segmentation.structure_flags import smallest_healthy_mm3, structure_flags

POPULATION = {"A": Norm(370, 60, 240)}


def row(name="A", volume=370.0, confidence=0.85, count=None):
    count = round(volume) if count is None else count
    return StructureStats(Structure(26, name, (0, 0, 0, 0)), count, volume, confidence, 0)


def kinds(*rows, population=POPULATION):
    return [(flag.kind, flag.severity) for flag in structure_flags(SegStats(rows, 1.0), population)]


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        (row(), []),
        (row(volume=0, confidence=0), [("EMPTY", "bad")]),
        (row(volume=59), [("EMPTY", "bad")]),
        (row(volume=61), [("SMALL", "bad")]),
        (row(volume=119), [("SMALL", "bad")]),
        (row(volume=121), [("VOLUME", "look")]),
        (row(volume=135), []),
        (row(volume=605), []),
        (row(volume=615), [("VOLUME", "look")]),
        (row(confidence=0.67), [("CONFIDENCE", "look")]),
        (row(confidence=0.69), []),
        (row(confidence=math.nan), []),
        (row("unknown", volume=5), []),
        (row("Left-Fornix", confidence=0.65), []),
        (row("Left-Fornix", confidence=0.63), [("CONFIDENCE", "look")]),
    ],
)
def test_flags_of_one_structure(case, expected):
    assert kinds(case) == expected


@pytest.mark.parametrize(
    ("name", "left", "right", "expected"),
    [
        ("Nucleus-Accumbens", 374, 103, [("ASYMMETRY", "bad")]),
        ("Basal-Forebrain", 98, 252, [("ASYMMETRY", "bad")]),
        ("Basal-Forebrain", 384, 191, [("ASYMMETRY", "bad")]),
        ("Basal-Forebrain", 300, 160, [("ASYMMETRY", "look")]),
        ("Nucleus-Accumbens", 374, 226, [("ASYMMETRY", "look")]),
        ("Nucleus-Accumbens", 374, 240, []),
        ("HypoThal-noMB", 450, 325, [("ASYMMETRY", "look")]),
        ("HypoThal-noMB", 450, 350, []),
        ("Fornix", 421, 257, []),
    ],
)
def test_asymmetry(name, left, right, expected):
    assert kinds(row(f"Left-{name}", left), row(f"Right-{name}", right), population={}) == expected


def test_asymmetry_names_the_smaller_side_in_plain_words():
    stats = SegStats((row("Left-Nucleus-Accumbens", 374), row("Right-Nucleus-Accumbens", 103)), 1.0)
    (flag,) = structure_flags(stats, {})
    assert flag.structure == "Right-Nucleus-Accumbens"
    assert flag.reason == "right accumbens is 103 mm^3 against 374 on the left"
    assert flag.value == pytest.approx(374 / 103)


def test_a_lost_side_is_told_once():
    assert kinds(row("Left-A", 370), row("Right-A", 0), population={}) == [("EMPTY", "bad")]


def test_a_lost_accumbens_is_found_although_its_z_is_ordinary():
    lost = row("Left-Nucleus-Accumbens", 0.0, 0.0)
    assert z_score(lost, read_population()) > -3
    (flag,) = structure_flags(SegStats((lost,), 1.0), read_population())
    assert (flag.kind, flag.reason) == ("EMPTY", "left accumbens lost")


def test_the_smallest_volume_where_the_table_lacks_it():
    assert smallest_healthy_mm3(Norm(370, 125, 227)) == 227
    assert smallest_healthy_mm3(Norm(200, 50)) == 100
    assert smallest_healthy_mm3(Norm(200, 90)) == 50


@pytest.mark.parity
@pytest.mark.parametrize(
    ("head", "is_bad"), [("ds-15", True), ("ds-16", True), ("ds-30", True), ("ds-02", False), ("colin27", False)]
)
def test_heads_on_which_the_published_weights_lose_structures(shared, head, is_bad):
    with np.load(shared / "data/train" / f"{head}.npz") as content:
        posteriors = content["posteriors"] / np.float32(255)
    stored = Volume(posteriors, Grid(posteriors.shape[:3], np.eye(4)))
    stats = measure(stored, winning_channels(stored), read_ctab(), exclude=frozenset({853}))
    assert any(flag.severity == "bad" for flag in structure_flags(stats, read_population())) == is_bad
