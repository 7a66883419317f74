import pytest

from fs_sclimbic.cli.glm import main
from fs_sclimbic.cli.mri_glmfit_options import IMAGE_ONLY, WITHOUT_EFFECT

PLAIN = ["--table", "t.dat", "--osgm", "--glmdir", "out", "--checkopts"]


@pytest.mark.parametrize("flag", ["--surf", "--sim", "--pca", "--y"])
def test_options_for_images_are_refused_with_the_reason(flag, capsys):
    assert main([*PLAIN, flag]) == 2
    assert f"{flag} {IMAGE_ONLY[flag]}" in capsys.readouterr().err


@pytest.mark.parametrize("flag", WITHOUT_EFFECT)
def test_options_without_effect_are_taken(flag):
    assert main([*PLAIN, flag]) == 0
