"""The sample head is the average that it claims to be."""

import sys

import numpy as np
import pytest

from fs_sclimbic.errors import UsageError
from fs_sclimbic.image.sample import sample_head


def test_the_sample_is_a_brain_in_mni_space():
    pytest.importorskip("nilearn")
    head = sample_head()
    assert head.grid.orientation == "RAS"
    assert np.allclose(head.grid.voxel_size_mm, 1)
    assert head.data.dtype == np.uint8
    assert head.data.max() == 255
    assert 1.5e6 < (head.data > 0).sum() < 2.5e6
    middle = (head.grid.vox2ras @ [*np.argwhere(head.data > 0).mean(axis=0), 1])[:3]
    assert abs(middle[0]) < 2, "symmetric about the middle plane"


def test_without_nilearn_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "nilearn", None)
    with pytest.raises(UsageError, match=r'pip install "fs_sclimbic\[demo\]"'):
        sample_head()
