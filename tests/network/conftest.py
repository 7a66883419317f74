"""A model of random weights."""

from dataclasses import replace

import pytest

from fs_sclimbic.network.weights import write_weights
from tests.conftest import TWO_BALLS, make_model
from tests.networks import random_weights


@pytest.fixture
def random_model(tmp_path):
    spec = make_model(tmp_path)
    write_weights(spec.weights, random_weights(len(TWO_BALLS), 2))
    return replace(spec, fov=12)
