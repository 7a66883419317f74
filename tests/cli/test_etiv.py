"""fs_sclimbic etiv as a user types it."""

import numpy as np
import pytest

from fs_sclimbic.cases.etiv_comparison import COLUMNS
from fs_sclimbic.cli.etiv import main
from fs_sclimbic.cli.main import main as fs_sclimbic
from fs_sclimbic.errors import ImageError
from fs_sclimbic.image.transforms import format_xfm, read_transform
from fs_sclimbic.image.volume import write_volume
from fs_sclimbic.registration.etiv import etiv_mm3
from fs_sclimbic.registration.talairach import Registration
from tests.heads import RAS2MNI, whole_head

BERT_MM3 = 1948106 / 1.1**3
OURS = np.diag([1.12, 1.1, 1.1, 1.0])


class Registered:
    """Takes every image for the same head; a test changes what is found."""

    def __init__(self):
        self.found = Registration(OURS, 0.91, False, ())

    def __call__(self, image):
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


@pytest.fixture
def registered():
    return Registered()


def rows_of(path):
    header, *rows = (line.split("\t") for line in path.read_text().splitlines())
    assert tuple(header) == COLUMNS
    return [dict(zip(header, row, strict=True)) for row in rows]


def test_subjects_beside_recon_all(subjects_dir, registered, tmp_path, capsys):
    out, tsv = tmp_path / "out", tmp_path / "tables/etiv.tsv"
    call = ["bert", "ernie", "--sd", str(subjects_dir), "--o", str(out), "--table", str(tsv)]
    assert main(call, register=registered) == 0
    bert, ernie = rows_of(tsv)
    assert (bert["case"], ernie["case"]) == ("bert", "ernie")
    assert float(bert["transform_mm3"]) == pytest.approx(BERT_MM3, abs=1e-5)
    assert float(bert["image_mm3"]) == pytest.approx(etiv_mm3(OURS), abs=1e-5)
    assert float(bert["difference_percent"]) == pytest.approx(100 * (1.1 / 1.12 - 1), abs=1e-3)
    assert (bert["score"], bert["stripped"], bert["flags"]) == ("0.9100", "false", "")
    assert "differ by more than 10%" in ernie["flags"], "by 27 %"
    assert sorted(path.name for path in out.iterdir()) == [
        f"{name}.talairach.{ending}" for name in ("bert", "ernie") for ending in ("lta", "xfm")
    ]
    assert np.array_equal(read_transform(out / "bert.talairach.xfm"), OURS)
    printed = capsys.readouterr().out
    assert "2 computed, 1 flagged, 0 failed" in printed
    assert "look at both over the image" in printed
    assert not list((subjects_dir / "bert").rglob("*.json")), "the subject is left alone"


def test_subjects_dir_from_the_environment(subjects_dir, registered, monkeypatch, capsys):
    assert main(["bert"], register=registered) == 2
    assert "SUBJECTS_DIR" in capsys.readouterr().err
    monkeypatch.setenv("SUBJECTS_DIR", str(subjects_dir))
    assert main(["bert"], register=registered) == 0
    line = capsys.readouterr().out.splitlines()[1].split()
    assert line[:3] == ["bert", f"{BERT_MM3 / 1000:.1f}", f"{etiv_mm3(OURS) / 1000:.1f}"]


def test_images_with_a_suffix(tmp_path, head, registered, capsys):
    for name in "ab":
        write_volume(head, tmp_path / f"{name}.nii.gz")
    (tmp_path / "a.tal.xfm").write_text(format_xfm(np.diag([1.1, 1.1, 1.1, 1])))
    images = [str(tmp_path / f"{name}.nii.gz") for name in "ab"]
    assert main([*images, "--tal", ".tal.xfm", "--table", str(tmp_path / "t.tsv")], register=registered) == 0
    a, b = rows_of(tmp_path / "t.tsv")
    assert float(a["transform_mm3"]) == pytest.approx(BERT_MM3, abs=1e-5)
    assert (b["transform_mm3"], b["difference_percent"]) == ("n/a", "n/a")
    assert f"no transform to compare with at {tmp_path / 'b.tal.xfm'}" in b["flags"]
    assert "2 computed, 1 flagged" in capsys.readouterr().out


def test_one_image_alone_needs_no_transform(tmp_path, head_file, registered, capsys):
    assert main([str(head_file)], register=registered) == 0
    assert capsys.readouterr().out.splitlines()[1].split() == ["head", "-", f"{etiv_mm3(OURS) / 1000:.1f}", "-", "0.91"]
    (tmp_path / "any.xfm").write_text(format_xfm(OURS))
    assert main([str(head_file), "--tal", str(tmp_path / "any.xfm")], register=registered) == 0
    assert "+0.0%" in capsys.readouterr().out


def test_a_path_inside_the_subjects(subjects_dir, registered, tmp_path):
    (subjects_dir / "bert/mine.xfm").write_text(format_xfm(np.diag([1.12, 1.1, 1.1, 1])))
    tsv = tmp_path / "t.tsv"
    assert main(["bert", "--sd", str(subjects_dir), "--tal", "mine.xfm", "--table", str(tsv)], register=registered) == 0
    assert rows_of(tsv)[0]["difference_percent"] == "0.000"


def test_doubts_are_shown(head_file, registered, tmp_path, capsys):
    registered.found = Registration(OURS, 0.6, False, ("it looks odd", "and is cut"))
    assert main([str(head_file), "--table", str(tmp_path / "t.tsv")], register=registered) == 0, (
        "a flagged one is computed"
    )
    assert "it looks odd; and is cut" in capsys.readouterr().out
    assert rows_of(tmp_path / "t.tsv")[0]["flags"] == "it looks odd; and is cut"


def test_failures_cost_no_other(tmp_path, subjects_dir, head_file, registered, capsys):
    (subjects_dir / "ernie/mri/transforms/talairach.xfm").write_text("garbage")
    names = [str(head_file), "bert", "ernie", "ghost", str(tmp_path / "nowhere.nii")]
    assert main([*names, "--sd", str(subjects_dir), "--table", str(tmp_path / "t.tsv")], register=registered) == 1
    assert [row["case"] for row in rows_of(tmp_path / "t.tsv")] == ["head", "bert", "ernie"]
    printed = capsys.readouterr()
    assert "3 computed, 1 flagged, 2 failed" in printed.out
    lines = printed.err.splitlines()
    assert [line.split()[0] for line in lines] == ["ghost", "nowhere"]
    assert all("does not exist" in line for line in lines)
    unreadable = rows_of(tmp_path / "t.tsv")[2]
    assert "MNI Transform File" in unreadable["flags"]
    assert unreadable["transform_mm3"] == "n/a"


@pytest.mark.parametrize(
    ("content", "word"),
    [(b"", "0 bytes"), (b"\0\0\0\1" + bytes(280), "dimension of 0"), (b"garbage" * 99, "version field")],
)
def test_a_bad_image_does_not_end_the_run(tmp_path, head_file, registered, capsys, content, word):
    (tmp_path / "bad.mgz").write_bytes(content)
    assert main([str(tmp_path / "bad.mgz"), str(head_file)], register=registered) == 1
    printed = capsys.readouterr()
    assert "1 computed, 0 flagged, 1 failed" in printed.out
    assert len(printed.err.splitlines()) == 1
    assert word in printed.err


def test_an_image_that_takes_too_much_memory_costs_no_other(tmp_path, head, capsys):
    for name in "ab":
        write_volume(head, tmp_path / f"{name}.nii")

    def register(image, calls=[]):  # noqa: B006
        calls.append(image)
        if len(calls) == 1:
            raise MemoryError("Unable to allocate 9.31 GiB")
        return Registration(OURS, 0.91, False, ())

    assert main([str(tmp_path / f"{name}.nii") for name in "ab"], register=register) == 1
    printed = capsys.readouterr()
    assert "1 computed, 0 flagged, 1 failed" in printed.out
    assert "a.nii: too little memory (Unable to allocate 9.31 GiB)" in printed.err


def test_an_image_without_a_head_is_named(head_file, registered, tmp_path, capsys):
    registered.found = ImageError("no head")
    out = tmp_path / "out"
    assert main([str(head_file), "--o", str(out)], register=registered) == 1
    assert f"{head_file}: no head" in capsys.readouterr().err
    assert not list(out.iterdir())


def test_two_cases_of_one_name(tmp_path, head, registered, capsys):
    for folder in "ab":
        (tmp_path / folder).mkdir()
        write_volume(head, tmp_path / folder / "t1.mgz")
    images = [str(tmp_path / folder / "t1.mgz") for folder in "ab"]
    assert main(images, register=registered) == 0
    capsys.readouterr()
    assert main([*images, "--o", str(tmp_path / "out")], register=registered) == 2
    assert "two cases would be written there" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_transform_to_compare_with_is_not_overwritten(tmp_path, head_file, registered, capsys):
    theirs = tmp_path / "head.talairach.xfm"
    theirs.write_text(format_xfm(np.eye(4)))
    assert main([str(head_file), "--tal", str(theirs), "--o", str(tmp_path)], register=registered) == 2
    assert "would be overwritten" in capsys.readouterr().err
    assert np.array_equal(read_transform(theirs), np.eye(4))


def test_usage(capsys):
    assert main([]) == 2
    assert main(["--nonsense"]) == 2
    assert main(["--help"]) == 0
    assert "recon-all" in capsys.readouterr().out
    assert fs_sclimbic(["etiv", "--help"]) == 0
    assert "usage: fs_sclimbic etiv" in capsys.readouterr().out


def test_a_real_registration(tmp_path, capsys):
    write_volume(whole_head(), tmp_path / "head.mgz")
    assert fs_sclimbic(["etiv", str(tmp_path / "head.mgz"), "--o", str(tmp_path)]) == 0
    found = etiv_mm3(read_transform(tmp_path / "head.talairach.xfm"))
    assert found == pytest.approx(etiv_mm3(RAS2MNI), rel=0.01)
    assert f"{etiv_mm3(read_transform(tmp_path / 'head.talairach.lta')):.6f}" == f"{found:.6f}"
    capsys.readouterr()
    assert main([str(tmp_path / "head.mgz"), "--tal", str(tmp_path / "head.talairach.xfm")]) == 0
    assert "+0.0%" in capsys.readouterr().out
