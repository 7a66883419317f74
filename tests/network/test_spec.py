import pytest

from fs_sclimbic.errors import ModelError, UsageError
from fs_sclimbic.files.hashing import sha256_of
from fs_sclimbic.image.labels import read_ctab
from fs_sclimbic.network.spec import ModelSpec, network_weights
from tests.conftest import ROOT


def test_published_network_has_its_795590_parameters():
    shapes = [shape for layer in network_weights(14, 24, 1).values() for shape in layer.values()]
    total = 0
    for shape in shapes:
        size = 1
        for n in shape:
            size *= n
        total += size
    # Keras counts the 432 moving means and variances apart from the trainable ones.
    assert total == 795_590
    assert network_weights(14, 24, 1)["unet_conv_uparm_3_0"]["kernel"] == (3, 3, 3, 144, 48)


@pytest.mark.parametrize(("key", "value"), [("fov", 150), ("fov", 0), ("features", 0), ("channels", 2)])
def test_impossible_geometry(key, value):
    with pytest.raises(UsageError, match=str(value)):
        ModelSpec(ROOT / "x.h5", "", read_ctab(), **{key: value})


def test_hash(tmp_path):
    (tmp_path / "x").write_bytes(b"abc")
    assert sha256_of(tmp_path / "x") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    with pytest.raises(ModelError, match="cannot be read"):
        sha256_of(tmp_path / "none")
