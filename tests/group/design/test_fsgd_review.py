import unicodedata

import pytest

from fs_sclimbic.errors import DesignError, UsageError
from fs_sclimbic.group.design.fsgd_review import ReviewOptions, review_fsgd
from fs_sclimbic.group.name_matching import NameRule
from fs_sclimbic.group.text_table import format_group_table
from tests.groups import SUBJECTS, fsgd_text, make_table, reordered


@pytest.fixture
def fsgd(tmp_path):
    path = tmp_path / "g.fsgd"
    path.write_text(fsgd_text())
    return path


def test_a_sound_file(fsgd):
    review = review_fsgd(fsgd, ReviewOptions(contrasts=("Patient:Age-Control:Age",)))
    assert (review.problems, review.notices) == ((), ())
    assert review.design.subjects == SUBJECTS
    assert review.lines[0] == f"{fsgd}: 12 subjects"
    assert "Contrast Patient_Age-Control_Age (t):" in review.lines


def test_every_contrast_that_does_not_fit_is_a_problem(fsgd, tmp_path):
    (tmp_path / "c.mtx").write_text("1 -1 0\n")
    options = ReviewOptions(contrast_files=((str(tmp_path / "c.mtx"), None),), contrasts=("Patient", "Patient", "X"))
    review = review_fsgd(fsgd, options)
    assert len(review.problems) == 3
    assert "c.mtx: the contrast has 3 weights a row" in review.problems[0]
    assert "'X' is no column" in review.problems[1]
    assert "two contrasts are called 'Patient'" in review.problems[2]


def test_against_a_table(fsgd, tmp_path):
    table, path = make_table(), tmp_path / "t.dat"

    def review(rows):
        path.write_text(format_group_table(reordered(table, rows)))
        return review_fsgd(fsgd, ReviewOptions(table=str(path)))

    assert review(range(12)).problems == ()
    assert review(range(11)).problems == (f"{path}: no row of subject 'sub-12'",)
    assert any("stand in another order" in notice for notice in review(range(11, -1, -1)).notices)
    path.write_text("Measure:volume A\nother 1\n")
    (problem,) = review_fsgd(fsgd, ReviewOptions(table=str(path))).problems
    assert "holds no subject of the FSGD" in problem


def test_against_a_subjects_directory(fsgd, tmp_path):
    for name in SUBJECTS[:2]:
        (tmp_path / "sd" / name / "stats").mkdir(parents=True)
    (tmp_path / "sd" / SUBJECTS[0] / "stats/sclimbic.stats").write_text("")
    problems = review_fsgd(fsgd, ReviewOptions(subjects_dir=str(tmp_path / "sd"))).problems
    assert len(problems) == 11
    assert problems[0].endswith(
        "sub-02/stats/sclimbic.stats: does not exist; segment the subject first, or give --stats"
    )
    assert problems[1].endswith("sub-03: subject does not exist")
    with pytest.raises(UsageError, match="subjects directory does not exist"):
        review_fsgd(fsgd, ReviewOptions(subjects_dir=str(tmp_path / "none")))


def test_blank_lines_and_a_broken_file(fsgd):
    fsgd.write_text(fsgd_text("\n"))
    (notice,) = review_fsgd(fsgd, ReviewOptions()).notices
    assert notice == f"{fsgd}:6: blank line(s), which stop asegstats2table --fsgd, not us"
    fsgd.write_text("no fsgd")
    with pytest.raises(DesignError, match="expected 'GroupDescriptorFile 1'"):
        review_fsgd(fsgd, ReviewOptions())


def test_a_session_of_the_table_is_chosen(fsgd, tmp_path):
    text = format_group_table(make_table())
    for session in ("1", "2"):
        text = text.replace(
            "sub-02\t", f"sub-02_ses-{session}\t" + text.split("sub-02\t")[1].split("\n")[0] + "\nsub-02\t", 1
        )
    (tmp_path / "t.dat").write_text("\n".join(line for line in text.split("\n") if not line.startswith("sub-02\t")))
    options = ReviewOptions(table=str(tmp_path / "t.dat"))
    (problem,) = review_fsgd(fsgd, options).problems
    assert "'sub-02' fits sub-02_ses-1 and sub-02_ses-2; choose one with --session" in problem
    review = review_fsgd(fsgd, ReviewOptions(table=str(tmp_path / "t.dat"), names=NameRule(session="1")))
    assert f"{tmp_path / 't.dat'}: no row of subject 'sub-01'" in review.problems
    assert not [problem for problem in review.problems if "'sub-02'" in problem]


def test_names_with_accents_meet(fsgd, tmp_path):
    composed, decomposed = (unicodedata.normalize(form, "Müller") for form in ("NFC", "NFD"))
    fsgd.write_text(fsgd_text().replace("sub-02", composed))
    (tmp_path / "t.dat").write_text(format_group_table(make_table()).replace("sub-02", decomposed))
    for name in (decomposed, *SUBJECTS):
        (tmp_path / "sd" / name / "stats").mkdir(parents=True)
        (tmp_path / "sd" / name / "stats/sclimbic.stats").write_text("")
    review = review_fsgd(fsgd, ReviewOptions(table=str(tmp_path / "t.dat"), subjects_dir=str(tmp_path / "sd")))
    assert review.problems == ()
    where = tmp_path / "t.dat"
    assert review.notices == (f"names written with other letters or bytes in {where} were matched: {composed}",)


def test_what_is_valid_but_wrong(fsgd):
    text = fsgd_text().replace("Age", "age").replace("Control 31", "Control 999")
    for number, name in enumerate(SUBJECTS):
        text = text.replace(f"{name} ", f"sub-{number // 2}_ses-{number % 2} ")
    fsgd.write_text(text)
    review = review_fsgd(fsgd, ReviewOptions())
    assert len(review.problems) == 2
    assert "no age in years" in review.problems[0]
    assert "6 person(s) stand in 12 rows" in review.problems[1]
    assert len(review_fsgd(fsgd, ReviewOptions(allow_repeated=True)).problems) == 1
    fsgd.write_text(fsgd_text().replace("Patient", "?"))
    assert any("class '?' (6 subject(s)) has the name of a missing value" in note for note in review_fsgd(
        fsgd, ReviewOptions()).notices)  # fmt: skip
