"""OpenVINO on processors without a precision."""

import pytest

from fs_sclimbic.errors import ModelError
from fs_sclimbic.network.openvino_engine import OpenvinoEngine
from tests.networks import random_weights


class OldCore:
    """A processor that computes in float32 and int8."""

    def get_property(self, *_):
        return ["FP32", "INT8"]


def test_a_processor_without_bfloat16():
    weights = random_weights(3, 2)
    with pytest.raises(ModelError, match=r"does not compute in bfloat16.*leave --precision out"):
        OpenvinoEngine(weights, precision="bfloat16", core=OldCore())
    OpenvinoEngine(weights, core=OldCore())
