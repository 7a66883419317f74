import pytest

from fs_sclimbic.files.resources import data_file
from fs_sclimbic.image.labels import read_ctab


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("ctab", "sclimbic.ctab"),
        ("stats_templates", "sclimbic.volstats.csv"),
        ("templates", "brain305.nii.gz"),
        ("templates", "head305.nii.gz"),
    ],
)
def test_every_shipped_file_is_there(folder, name):
    path = data_file(folder, name)
    assert path.name == name
    assert path.parent.name == folder
    assert path.stat().st_size > 100


def test_a_shipped_table_can_be_read():
    assert len(read_ctab(data_file("ctab", "sclimbic.ctab"))) == 14


def test_a_missing_file_says_that_the_installation_is_incomplete():
    with pytest.raises(FileNotFoundError, match=r"ctab/none\.ctab is missing from the installation"):
        data_file("ctab", "none.ctab")
