import pytest

from fs_sclimbic.cli.fsgd import main
from fs_sclimbic.cli.main import main as fs_sclimbic

FSGD = (
    "GroupDescriptorFile 1\nTitle small\nClass Control\nClass Patient\nVariables Age\n"
    "Input s1 Control 31\nInput s2 Patient 44\nInput s3 Control 52\nInput s4 Patient 29\n"
    "Input s5 Control 61\nInput s6 Patient 70\nInput s7 Control 38\nInput s8 Patient 55\n"
)
PARTICIPANTS = "participant_id,dx,age\n" + "".join(
    f"s{i},{'Patient' if i % 2 else 'Control'},{20 + 7 * i % 40}\n" for i in range(1, 9)
)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with g.fsgd, p.csv, t.dat and two contrasts, which is the current one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "g.fsgd").write_text(FSGD)
    (tmp_path / "p.csv").write_text(PARTICIPANTS)
    (tmp_path / "t.dat").write_text("Measure:volume A\n" + "".join(f"s{i} {i}.5\n" for i in range(1, 9)))
    (tmp_path / "group.mtx").write_text("-1 1 0 0\n\n")
    (tmp_path / "doss.mtx").write_text("-1 1 0\n")
    return tmp_path


def test_make(here, capsys):
    command = ["make", "p.csv", "-o", "out/new.fsgd", "--class-columns", "dx", "--variables", "age", "--title", "T t"]
    assert main([*command, "--demean", "--method", "doss"]) == 0
    assert (here / "out/new.fsgd").read_text() == (
        "GroupDescriptorFile 1\nTitle T t\nDeMeanFlag 1\nDOSS\nClass Control\nClass Patient\nVariables age\n"
        "Input s1 Patient 27\nInput s2 Control 34\nInput s3 Patient 41\nInput s4 Control 48\n"
        "Input s5 Patient 55\nInput s6 Control 22\nInput s7 Patient 29\nInput s8 Control 36\n"
    )
    out, err = capsys.readouterr()
    assert out.startswith("Continuous Variable Means (all subjects)\n0 age 36.5 10.3562\n")
    assert "1 Control  4  35.0000\n2 Patient  4  38.0000\n" in out
    assert out.endswith("wrote out/new.fsgd: 8 subjects, classes Control 4, Patient 4, variables age\n")
    assert err == ""
    assert main(["check", "out/new.fsgd"]) == 0


def test_make_with_subjects_and_missing_values(here, capsys):
    (here / "p.csv").write_text(PARTICIPANTS.replace("s3,Patient,41", "s3,Patient,n/a"))
    (here / "who.txt").write_text("s8\ns7\ns3\ns2\ns1\n")
    command = [
        "make",
        "p.csv",
        "-o",
        "new.fsgd",
        "--class-columns",
        "dx",
        "--variables",
        "age",
        "--subjects",
        "who.txt",
    ]
    assert main(command) == 1
    assert capsys.readouterr().err == (
        "fs_sclimbic fsgd make: error: p.csv:4: subject 's3' has no value of age\n"
        "1 subject(s) lack values; fill them in, or give --missing drop\n"
    )
    assert not (here / "new.fsgd").exists()
    assert main([*command, "--missing", "drop"]) == 0
    assert [line.split()[1] for line in (here / "new.fsgd").read_text().splitlines() if "Input" in line] == [
        "s8",
        "s7",
        "s2",
        "s1",
    ]
    err = capsys.readouterr().err
    assert "note: p.csv:4: subject 's3' has no value of age: left out\n" in err
    assert "note: 3 subject(s) of p.csv are not asked for and left out\n" in err


def test_an_earlier_file_stays_where_the_new_one_fails(here):
    assert main(["make", "p.csv", "-o", "g.fsgd", "--class-columns", "nope"]) == 1
    assert (here / "g.fsgd").read_text() == FSGD


def test_check_says_what_a_design_means(here, capsys):
    command = [
        "check",
        "g.fsgd",
        "--table",
        "t.dat",
        "--C",
        "group.mtx",
        "--contrast",
        "age=(Control:Age+Patient:Age)/2",
    ]
    assert main([*command, "--xonly", "X.dat"]) == 0
    out, err = capsys.readouterr()
    assert err.strip() == (
        "note: group: compares classes at Age = 0, since each class has its own slope and nothing is demeaned; "
        "DeMeanFlag 1 in the FSGD puts the mean there"
    )
    lines = out.splitlines()
    assert lines[0] == "g.fsgd: 8 subjects"
    assert lines[1] == "Method dods (the default): each class has its own offset and slope"
    for line in (
        "0 Age 47.5 13.6107",
        "1 Control  4  45.5000",
        "  Patient  n 4  mean 49.5  SD 17.3301  29 to 70",
        "Design matrix 8 x 4, 4 degrees of freedom",
        "   3 Control:Age",
        "nothing is wrong",
    ):
        assert line in lines
    start = lines.index("Contrast group (t):")
    assert [line.split() for line in lines[start + 1 : start + 5]] == [
        ["-1", "Control"],
        ["+1", "Patient"],
        ["0", "Control:Age"],
        ["0", "Patient:Age"],
    ]
    assert lines[lines.index("Contrast age (t):") + 3].split() == ["+0.5", "Control:Age"]
    assert (here / "X.dat").read_text().startswith("+1.00000 +0.00000 +31.00000 +0.00000 \n+0.00000 +1.00000 +0.00000 ")


def test_the_method(here, capsys):
    assert main(["check", "g.fsgd", "DOSS", "--C", "doss.mtx"]) == 0
    assert "Method doss (asked for): each class has its own offset, and one slope for all" in capsys.readouterr().out
    assert main(["check", "g.fsgd", "none"]) == 0
    (here / "g.fsgd").write_text(FSGD + "DOSS\n")
    assert main(["check", "g.fsgd", "dods"]) == 0
    out, err = capsys.readouterr()
    assert "Method doss (the file's DOSS tag, which goes before the command line)" in out
    assert "g.fsgd:14: the tag DOSS is used, not 'dods'" in err
    assert main(["check", "g.fsgd", "group.mtx"]) == 2
    assert "design method 'group.mtx': expected dods, doss or none" in capsys.readouterr().err


def test_check_says_every_problem_of_a_file(here, capsys):
    (here / "g.fsgd").write_text(FSGD + "Inptu s9 Control 1\nInput s9 Patient 1,5\nInput s1 Nobody 3\n")
    assert main(["check", "g.fsgd"]) == 1
    lines = capsys.readouterr().err.removeprefix("fs_sclimbic fsgd check: error: ").splitlines()
    assert [line.split(": ")[0] for line in lines] == ["g.fsgd:14", "g.fsgd:15", "g.fsgd:16", "g.fsgd:16"]


def test_check_against_everything_at_once(here, capsys):
    (here / "t.dat").write_text("Measure:volume A\n" + "".join(f"s{i} {i}.5\n" for i in (8, 2, 3, 4, 5, 6, 7, 20)))
    stats = here / "subjects"
    for i in range(1, 8):
        (stats / f"s{i}/stats").mkdir(parents=True)
        (stats / f"s{i}/stats/sclimbic.stats").write_text("x" if i < 7 else "")
    (stats / "s5/stats/sclimbic.stats").unlink()
    command = [
        "check",
        "g.fsgd",
        "--table",
        "t.dat",
        "--sd",
        "subjects",
        "--C",
        "doss.mtx",
        "--contrast",
        "Patient-Ctrl",
    ]
    assert main([*command, "--C", "group.mtx", "--contrast", "group=Patient-Control"]) == 1
    out, err = capsys.readouterr()
    assert "nothing is wrong" not in out
    assert "Contrast group (t):" in out
    lines = err.splitlines()
    at_zero = [line for line in lines if line.startswith("note: group: compares classes at Age = 0")]
    assert at_zero
    lines = [line for line in lines if line not in at_zero]
    assert lines[0] == "note: t.dat: 1 subject(s) are not in the FSGD: s20"
    assert lines[1].removeprefix("fs_sclimbic fsgd check: error: ").startswith("doss.mtx: the contrast has 3 weights")
    assert lines[1].endswith("it fits doss, whose columns are Control, Patient, Age")
    assert "'Ctrl' is no column of the design" in lines[2]
    assert lines[3:] == [
        "two contrasts are called 'group'; their results would overwrite each other",
        "t.dat: no row of subject 's1'",
        "subjects/s5/stats/sclimbic.stats: does not exist; segment the subject first, or give --stats",
        "subjects/s8: subject does not exist",
    ]


def test_check_notes_that_are_no_problems(here, capsys):
    (here / "t.dat").write_text("Measure:volume A\n" + "".join(f"s{i} {i}.5\n" for i in range(8, 0, -1)))
    (here / "g.fsgd").write_text(FSGD.replace("\nInput s1", "\n\nInput s1"))
    assert main(["check", "g.fsgd", "--table", "t.dat"]) == 0
    assert capsys.readouterr().err.splitlines() == [
        "note: g.fsgd:6: blank line(s), which stop asegstats2table --fsgd, not us",
        "note: t.dat: subjects stand in another order than in the FSGD; we match by name, mri_glmfit by order alone",
    ]
    (here / "t.dat").write_text("Measure:volume A\nsub-1 1\nsub-2 2\n")
    assert main(["check", "g.fsgd", "--table", "t.dat"]) == 1
    assert capsys.readouterr().err.endswith(
        "t.dat: holds no subject of the FSGD; names must be the same: 'sub-1' there, 's1' here\n"
    )
    (here / "t.dat").write_text("Measure:volume A\ns1 NA\n")
    assert main(["check", "g.fsgd", "--table", "t.dat"]) == 1
    assert "t.dat:2: subject 's1', column 'A'" in capsys.readouterr().err


def test_a_design_that_cannot_be_fitted(here, capsys):
    text = FSGD.replace("Age", "Age Year")
    (here / "g.fsgd").write_text(
        "".join(
            f"{line} {2010 + i % 3}\n" if "Input" in line else f"{line}\n" for i, line in enumerate(text.splitlines())
        )
    )
    assert main(["check", "g.fsgd", "doss"]) == 1
    err = capsys.readouterr().err
    assert "the design is ill-conditioned: the condition number of the normalised X'X is" in err
    assert "variable 'Year' (mean 2011, SD 0.866025) lies far from 0 for its spread; set DeMeanFlag 1" in err
    (here / "g.fsgd").write_text(
        FSGD.replace("Control 31", "Control 52").replace("Control 61", "Control 52").replace("Control 38", "Control 52")
    )
    assert main(["check", "g.fsgd", "--contrast", "Patient:Age", "--contrast", "Control:Age"]) == 1
    out, err = capsys.readouterr()
    assert "Contrast Patient_Age (t):" in out
    assert "variable 'Age' is the same for every subject of class Control" in err
    assert "column 'Control:Age' follows from others (Control:Age = 52*Control); leave it out" in err
    assert "contrast 'Control:Age': row 1 (+1*Control:Age) cannot be estimated" in err


def test_contrast_tags_are_checked(here, capsys):
    (here / "g.fsgd").write_text(FSGD + "Contrast group -1 1 0 0\nContrast slope 0 0 -1 1\nFContrast any group slope\n")
    assert main(["check", "g.fsgd"]) == 0
    out = capsys.readouterr().out
    assert "Contrast any (F, 2 rows):\n        -1        0  Control\n" in out
    assert main(["check", "g.fsgd", "doss"]) == 1
    assert "g.fsgd:14: contrast 'group': the contrast has 4 weights" in capsys.readouterr().err


def test_gamma0_on_the_command_line(here, capsys):
    (here / "null.txt").write_text("2.5\n")
    assert main(["check", "g.fsgd", "--C", "group.mtx", "null.txt"]) == 0
    assert "Contrast group (t, against 2.5):" in capsys.readouterr().out
    assert main(["check", "g.fsgd", "--C", "group.mtx", "null.txt", "third"]) == 2


def test_usage(here, capsys):
    assert main([]) == 2
    assert main(["check"]) == 2
    assert main(["make", "p.csv"]) == 2
    assert main(["make", "p.csv", "-o", "x.fsgd", "--variables", "age,,iq"]) == 2
    assert main(["check", "absent.fsgd"]) == 1
    assert main(["check", "g.fsgd", "--sd", "absent"]) == 2
    assert "absent: subjects directory does not exist" in capsys.readouterr().err
    for command in ([], ["make"], ["check"]):
        assert fs_sclimbic(["fsgd", *command, "--help"]) == 0
    assert "participants.tsv" in capsys.readouterr().out
    assert main(["check", "g.fsgd", "--fsgd-rescale", "--allowsubjrep"]) == 0
    assert "variables rescaled over all subjects" in capsys.readouterr().out


@pytest.mark.parity
def test_the_cohort_of_the_original(shared, tmp_path, capsys):
    group = shared / "reference/group"
    out = tmp_path / "X.dat"
    contrasts = [word for path in sorted((group / "contrasts").glob("dods-*")) for word in ("--C", str(path))]
    command = [
        "check",
        str(group / "group.fsgd"),
        "--table",
        str(group / "sclimbic.dat"),
        "--xonly",
        str(out),
        *contrasts,
    ]
    assert main(command) == 0
    assert out.read_bytes() == (group / "expected/dods-etiv/Xg.dat").read_bytes()
    assert "Normalized matrix condition is 51.157" in capsys.readouterr().out
    assert main(["check", str(group / "group.fsgd"), "--sd", str(group / "subjects")]) == 0


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_tabs_and_blank_lines_of_a_spreadsheet(here, capsys, end):
    """The FSGD of github.com/freesurfer/freesurfer/issues/1196, for which mris_preproc finds no subjects."""
    lines = ["GroupDescriptorFile 1", "Title lh_thickness\t\t\t", "Class young \t\t", "Class old \t\t"]
    lines += ["Variables gender age\t\t"]
    lines += [f"Input\tBN{i}\t{('young', 'old')[i % 2]}\t{i % 3}\t{22 + 5 * i}" for i in range(12)]
    (here / "g.fsgd").write_bytes("".join(f"{line}{end}{end}" for line in lines).encode())
    assert main(["check", "g.fsgd", "doss"]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("g.fsgd: 12 subjects\nMethod doss")
    assert "variable 'gender' is fitted as a number" in printed.err
    assert "g.fsgd:2: blank line(s), which stop asegstats2table --fsgd" in printed.err


def test_names_do_not_steer_the_terminal(here, capsys):
    (here / "g.fsgd").write_text(FSGD.replace("Patient", "Pat\x1b[2Jient").replace("Age", "S\x1b]0;x\x07"))
    assert main(["check", "g.fsgd", "--contrast", "Pat\x1b[2Jient"]) == 0
    (here / "p.csv").write_text(PARTICIPANTS.replace("Patient", "Pat\x1b[2Jient"))
    assert main(["make", "p.csv", "-o", "new.fsgd", "--class-columns", "dx"]) == 0
    printed = capsys.readouterr()
    assert not [sign for sign in printed.out + printed.err if not sign.isprintable() and sign != "\n"]
    assert "Pat\\x1b[2Jient" in printed.out


def test_a_session_of_a_bids_dataset(here, capsys):
    rows = "participant_id\tsession_id\tdx\tage\n" + "".join(
        f"sub-{i:02d}\tses-{s}\t{'Patient' if i % 2 else 'Control'}\t{20 + 7 * i % 40 + s}\n"
        for i in range(1, 9)
        for s in (1, 2)
    )
    (here / "participants.tsv").write_text(rows)
    (here / "who.txt").write_text("05_ses-2\nsub-01\nsub-02\nsub-03\nsub-04\n")
    line = "make participants.tsv -o s.fsgd --class-columns dx --variables age --session ses-2 --subjects who.txt"
    assert main(line.split()) == 0
    assert "Input sub-01 Patient 29\n" in (here / "s.fsgd").read_text()
    assert "01 = sub-01_ses-2" in capsys.readouterr().err
    assert main([*line.split(), "--match", "exact"]) == 1
    assert main(["make", "participants.tsv", "-o", "s.fsgd", "--class-columns", "dx", "--session", "2"]) == 0
    assert "Input sub-08_ses-2 Control\n" in (here / "s.fsgd").read_text()


def test_describe(here, capsys):
    command = ["describe", "p.csv", "--by", "dx", "--columns", "age", "-o", "one.csv"]
    assert main(command) == 0
    assert capsys.readouterr().out == "wrote one.csv and one.html: Control 4, Patient 4\n"
    assert (here / "one.csv").read_text() == (
        "variable,level,Control (n=4),Patient (n=4),all (n=8),missing,test,statistic,p,standardised difference\n"
        '"age, mean (SD)",,35.0 (10.6),38.0 (12.9),36.5 (11.1),0,Welch\'s t,-0.359,0.733,-0.254\n'
    )
    assert "Participants" in (here / "one.html").read_text()
    assert main([*command, "--medians", "iq"]) == 2
    assert main([*command[:-1], "one.html"]) == 2
    assert main(["describe", "p.csv", "--columns", "height", "-o", "one.csv"]) == 1
    assert "no column 'height'" in capsys.readouterr().err
