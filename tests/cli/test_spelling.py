import pytest

from fs_sclimbic.cli.arguments import build_parser
from fs_sclimbic.cli.spelling import PUBLISHED_FLAGS, spell_out

CASES = {
    "--et": "--etiv",
    "--no": "--no-cite-sclimbic",
    "--write-volumes": "--write_volumes",
    "--population_stats=x.csv": "--population-stats=x.csv",
    "--vox-count_volumes": "--vox-count-volumes",
    "--write": "--write",
    "--s": "--s",
    "--etiv-from-image": "--etiv-from-image",
    "--full-fov": "--full-fov",
    "-i": "-i",
    "T1.nii.gz": "T1.nii.gz",
}


@pytest.mark.parametrize(("typed", "meant"), CASES.items())
def test_spelling(typed, meant):
    assert spell_out(typed) == meant


@pytest.mark.parametrize("flag", PUBLISHED_FLAGS)
def test_full_names_stay(flag):
    assert spell_out(flag) == flag
    assert flag in build_parser().format_help()
