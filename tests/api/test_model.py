"""load_model is that of the network, with messages about arguments."""

import inspect

import pytest

from fs_sclimbic import UsageError, load_model
from fs_sclimbic.network import predictor as network


def test_errors_speak_of_arguments(tiny_model):
    with pytest.raises(UsageError, match=r"^fov 50: the network halves"):
        load_model(tiny_model.weights, fov=50)


def test_the_signature_and_the_help_are_kept():
    assert inspect.signature(load_model) == inspect.signature(network.load_model)
    assert load_model.__doc__ == network.load_model.__doc__
