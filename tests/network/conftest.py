"""A model of random weights, and folders in which weights are looked for."""

import hashlib
from dataclasses import replace

import pytest

from fs_sclimbic.files.hashing import sha256_of
from fs_sclimbic.network.store import KnownWeights
from fs_sclimbic.network.weights import write_weights
from tests.conftest import TWO_BALLS, make_model
from tests.networks import random_weights

# The published weights are the text "weights".
KNOWN = KnownWeights(published_sha256=hashlib.sha256(b"weights").hexdigest())


def put(path, text="weights"):
    """Write a file and its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.fixture
def homes(tmp_path, monkeypatch):
    """FREESURFER_HOME and the user's folder, empty."""
    monkeypatch.setenv("FREESURFER_HOME", str(tmp_path / "fs"))
    monkeypatch.setenv("FS_SCLIMBIC_MODELS", str(tmp_path / "mine"))
    return tmp_path


@pytest.fixture
def random_model(tmp_path):
    spec = make_model(tmp_path)
    write_weights(spec.weights, random_weights(len(TWO_BALLS), 2))
    return replace(spec, fov=12, sha256=sha256_of(spec.weights))
