"""eTIV in two ways: what is compared, what is doubted, what is written."""

from pathlib import Path

import numpy as np
import pytest

from fs_sclimbic.cases.etiv_comparison import (
    COLUMNS,
    EtivSource,
    check_transform_paths,
    compare_etiv,
    find_sources,
    format_etiv_table,
    write_transforms,
)
from fs_sclimbic.errors import ImageError, UsageError
from fs_sclimbic.image.transforms import format_xfm, read_transform
from fs_sclimbic.image.volume import encode_volume
from fs_sclimbic.registration.talairach import Registration

OURS = np.diag([1.12, 1.1, 1.1, 1.0])
SOUND = Registration(OURS, 0.91, False, ())
ATLAS_MM3 = 1948106.0


def compare(image, *transforms, found=SOUND):
    return compare_etiv(EtivSource("head", image, transforms), lambda _: found)


@pytest.mark.parametrize(
    ("names", "transform", "expected"),
    [
        (["a/t1.nii.gz"], "b.xfm", [("t1", "a/t1.nii.gz", ["b.xfm"])]),
        (
            ["a/x.mgz", "a/y.nii"],
            ".t.xfm",
            [("x", "a/x.mgz", ["a/x.t.xfm"]), ("y", "a/y.nii", ["a/y.t.xfm"])],
        ),
        (["bert"], "mine.lta", [("bert", "/subjects/bert/mri/nu.mgz", ["/subjects/bert/mine.lta"])]),
        (["a/t1.nii.gz"], None, [("t1", "a/t1.nii.gz", [])]),
    ],
)
def test_names_of_images_and_subjects(names, transform, expected):
    found = find_sources(names, "/subjects", transform)
    assert [(s.name, str(s.image), [str(path) for path in s.transforms]) for s in found] == expected


def test_a_subject_needs_a_folder_of_subjects():
    with pytest.raises(UsageError, match="'bert' is no image file"):
        find_sources(["bert"], None, None)


def test_both_volumes_and_their_difference(tmp_path, head_file):
    (tmp_path / "t.xfm").write_text(format_xfm(np.diag([1.1, 1.1, 1.1, 1])))
    compared = compare(head_file, tmp_path / "none.xfm", tmp_path / "t.xfm")
    assert compared.image_mm3 == pytest.approx(ATLAS_MM3 / 1.12 / 1.21)
    assert compared.transform_mm3 == pytest.approx(ATLAS_MM3 / 1.331)
    assert compared.difference == pytest.approx(1.1 / 1.12 - 1)
    assert compared.flags == ()
    assert format_etiv_table([compared]).splitlines()[0].split("\t") == list(COLUMNS)


@pytest.mark.parametrize(
    ("matrix", "word"),
    [
        (np.diag([1.2, 1.2, 1.2, 1]), "differ by more than 10%"),
        (np.eye(4), "scales nothing"),
        (np.diag([1.0, 1.05, 1.4, 1]), "stretched"),
        (np.diag([-1.1, 1.1, 1.1, 1]), "determinant"),
    ],
)
def test_doubtful_transforms_are_flagged(tmp_path, head_file, matrix, word):
    (tmp_path / "t.xfm").write_text(format_xfm(matrix))
    assert any(word in flag for flag in compare(head_file, tmp_path / "t.xfm").flags)


def test_a_transform_that_is_missing_or_unreadable_is_a_flag(tmp_path, head_file):
    (tmp_path / "bad.xfm").write_text("garbage")
    (tmp_path / "annexed.xfm").symlink_to(".git/annex/objects/a/b")
    for name, word in (("bad", "MNI Transform File"), ("annexed", "git-annex"), ("none", "no transform to compare")):
        compared = compare(head_file, tmp_path / f"{name}.xfm")
        assert compared.transform_mm3 is None
        assert word in compared.flags[0]
        assert format_etiv_table([compared]).splitlines()[1].split("\t")[1] == "n/a"


def test_doubts_of_the_registration_are_flags(head_file):
    assert compare(head_file, found=Registration(OURS, 0.6, False, ("it looks odd",))).flags == ("it looks odd",)


def test_notes_tell_how_the_image_was_read(tmp_path, head):
    (tmp_path / "head.mgz").write_bytes(encode_volume(head, "head.mgh"))
    compared = compare(tmp_path / "head.mgz")
    assert compared.flags == ()
    assert compared.notes[0].startswith(f"{tmp_path / 'head.mgz'}: the file is not compressed")


def test_an_image_that_cannot_be_read_is_an_error():
    with pytest.raises(ImageError, match="does not exist"):
        compare(Path("nowhere.nii"))


def test_transforms_come_back_and_overwrite_nothing(tmp_path, head_file):
    source = EtivSource("head", head_file, (tmp_path / "head.talairach.xfm",))
    write_transforms(source, SOUND, tmp_path / "out")
    for ending in ("xfm", "lta"):
        assert np.allclose(read_transform(tmp_path / f"out/head.talairach.{ending}"), OURS, rtol=1e-15)
    check_transform_paths([source], tmp_path / "out")
    with pytest.raises(UsageError, match="would be overwritten"):
        check_transform_paths([source], tmp_path)
    with pytest.raises(UsageError, match="two cases"):
        check_transform_paths([source, EtivSource("head", Path("b/head.nii"), ())], tmp_path / "out")
