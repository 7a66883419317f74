import pytest

from fs_sclimbic.errors import UsageError
from fs_sclimbic.image.labels import read_ctab
from fs_sclimbic.network.spec import ModelSpec
from tests.conftest import ROOT


@pytest.mark.parametrize(("key", "value"), [("fov", 150), ("fov", 0), ("features", 0), ("channels", 2)])
def test_impossible_geometry(key, value):
    with pytest.raises(UsageError, match=str(value)):
        ModelSpec(ROOT / "x.h5", "", read_ctab(), **{key: value})
