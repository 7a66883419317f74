"""Heads to train on."""

import pytest

from fs_sclimbic.training.dataset import pair_folders
from tests.heads import write_heads


@pytest.fixture(scope="session")
def four_heads(tmp_path_factory):
    """Files of four heads with four structures (`tests.heads.FOUR`)."""
    folder = tmp_path_factory.mktemp("four-heads")
    write_heads(folder, range(4))
    return pair_folders(folder / "images", folder / "labels")
