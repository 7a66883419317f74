"""Messages to Python name arguments; flags of other programs stay."""

import ast
import re

import pytest

from fs_sclimbic.api.wording import ARGUMENTS, name_arguments, naming_arguments
from fs_sclimbic.cli.spelling import PUBLISHED_FLAGS
from fs_sclimbic.errors import ImageError, ModelError
from tests.conftest import ROOT

PACKAGE = ROOT / "fs_sclimbic"
REACHED = ("image", "network", "segmentation", "registration")
"""Folders whose messages `segment` and `load_model` may raise."""
OTHERS = {"--outlta", "--frame"}
"""Flags of lta_convert and mri_convert."""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("use --conform to resample", "use Options(conform=True) to resample"),
        ("--preset study leaves such voxels out", "Options.study() leaves such voxels out"),
        ("give --nchannels 1", "give channels 1"),
        ("Give --model FILE, set X", "Give a weight file, set X"),
        ("mri_convert --frame 0, --fov-like", "mri_convert --frame 0, --fov-like"),
    ],
)
def test_flags_become_arguments(text, expected):
    assert name_arguments(text) == expected


def test_every_flag_in_a_message_has_its_argument():
    found = set()
    for folder in REACHED:
        for path in (PACKAGE / folder).glob("*.py"):
            tree = ast.parse(path.read_text())
            for node in ast.walk(tree):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and "\n" not in node.value:
                    found |= {(path.name, flag) for flag in re.findall(r"(?<![\w-])--[a-zA-Z][\w-]*", node.value)}
    assert found
    left = {(name, flag) for name, flag in found if "--" in name_arguments(flag + " study 99.9 FILE tensorflow")}
    assert {flag for _, flag in left} <= OTHERS, left


def test_arguments_stand_for_flags_that_exist():
    names = {flag.split()[0] for flag in ARGUMENTS}
    assert names - set(PUBLISHED_FLAGS) == {"--preset", "--engine", "--precision", "--etiv-from-image"}


def test_errors_keep_their_kind_and_others_pass():
    with pytest.raises(ImageError, match=r"use Options\(conform=True\)"), naming_arguments():
        raise ImageError("use --conform")
    with pytest.raises(ModelError, match="as it is") as caught, naming_arguments():
        raise ModelError("as it is")
    assert caught.value.__cause__ is None
    with pytest.raises(ValueError, match="--conform"), naming_arguments():
        raise ValueError("--conform")
