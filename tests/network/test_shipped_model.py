"""The weights in the package: complete, known to its record and card, and of use on a head that pip can bring."""

import json

import numpy as np
import pytest

from fs_sclimbic.files.hashing import sha256_of
from fs_sclimbic.files.resources import data_file
from fs_sclimbic.network.store import SHIPPED_NAME, find_model
from fs_sclimbic.network.weights import read_weights
from tests.conftest import ROOT

SIDES = [
    ("Left-Nucleus-Accumbens", "Right-Nucleus-Accumbens"),
    ("Left-HypoThal-noMB", "Right-HypoThal-noMB"),
    ("Left-Fornix", "Right-Fornix"),
    ("Left-MammillaryBody", "Right-MammillaryBody"),
    ("Left-Basal-Forebrain", "Right-Basal-Forebrain"),
    ("Left-SeptalNuc", "Right-SeptalNuc"),
]


@pytest.fixture
def weights():
    return data_file("models", SHIPPED_NAME)


def test_it_fits_the_network_and_is_of_the_expected_size(weights):
    assert sum(array.size for layer in read_weights(find_model()).values() for array in layer.values()) == 795_590
    assert 3.0e6 < weights.stat().st_size < 3.6e6


def test_record_and_card_speak_of_these_weights(weights):
    record = json.loads(weights.with_suffix(".json").read_text())
    assert record["weights"]["sha256"] == sha256_of(weights)
    card = (ROOT / "docs" / "model_card.md").read_text()
    assert sha256_of(weights) in card
    assert all(head["licence"] for head in record["data"])
    held_out = {head["case"] for head in record["data"] if head["split"] == "test"}
    assert held_out >= {"colin27", "studyforrest", "t1crop", "philips"}


def test_it_segments_the_mni_head(mni_demo):
    """Every structure is there, in its place, about as large as on the other side."""
    from fs_sclimbic.image.labels import read_ctab
    from fs_sclimbic.image.volume import read_volume

    labels = read_volume(mni_demo / "mni152_sclimbic.nii.gz")
    index = {structure.name: structure.index for structure in read_ctab()}
    volumes, centers = {}, {}
    for name, i in index.items():
        where = np.argwhere(labels.data == i)
        assert len(where), name
        volumes[name] = len(where)
        centers[name] = (labels.grid.vox2ras @ [*where.mean(0), 1])[:3]
    for left, right in SIDES:
        assert centers[left][0] < 0 < centers[right][0]
        assert np.allclose(centers[left] * [-1, 1, 1], centers[right], atol=4)
        assert 0.6 < volumes[left] / volumes[right] < 1.6
    # Where an atlas has them, mm in MNI space.
    for name, place in {"Left-Nucleus-Accumbens": (-10, 12, -8), "Mid-AntCom": (0, 2, -4)}.items():
        assert np.linalg.norm(centers[name] - place) < 6, (name, centers[name])
    assert sum(volumes[name] for name in volumes if name != "Unknown") < 9000
