"""A dataset of two sessions that was segmented once, with the tiny model."""

import pytest

from fs_sclimbic.cli.bids import main
from fs_sclimbic.image.volume import write_volume
from tests.datasets import make_dataset, t1


@pytest.fixture(scope="session")
def segmented(tmp_path_factory, head, tiny_flags):
    """A dataset, ``study``, and its results, ``study/derivatives/sclimbic``: not to be changed."""
    folder = tmp_path_factory.mktemp("bids")
    write_volume(head, folder / "head.nii.gz")
    files = [t1("sub-01", "ses-1"), t1("sub-01", "ses-2"), t1("sub-02", "ses-1", "run-1")]
    dataset = make_dataset(folder / "study", *files, head=folder / "head.nii.gz")
    out = dataset / "derivatives/sclimbic"
    line = [str(dataset), str(out), "participant", "--no-etiv", "--write_posteriors", "--quiet", *tiny_flags]
    assert main(line) == 0
    return dataset, out
