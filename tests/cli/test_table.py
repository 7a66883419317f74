import os
import re
import shlex

import pytest

from fs_sclimbic.cases.stats_files import format_qa_stats, format_stats
from fs_sclimbic.cli.main import main as fs_sclimbic
from fs_sclimbic.cli.table import main
from fs_sclimbic.group.text_table import read_group_table
from fs_sclimbic.image.labels import Structure
from fs_sclimbic.segmentation.measure import SegStats, StructureStats
from fs_sclimbic.segmentation.population import Norm

ETIV = "EstimatedTotalIntraCranialVol"


def segmented(volume, etiv=1e6):
    rows = ((26, "Left-A", volume, 0.8), (58, "Right-A", 2 * volume, 0.9), (853, "Mid", 7.25, 0.7))
    return SegStats(
        tuple(StructureStats(Structure(i, name, (0, 0, 0, 0)), int(v), v, c, 0) for i, name, v, c in rows), 1.0, etiv
    )


@pytest.fixture
def subjects(tmp_path, monkeypatch):
    """A SUBJECTS_DIR with bert, ernie and kermit, who was not segmented."""
    folder = tmp_path / "subjects"
    for name, volume in (("ernie", 12.5), ("bert", 10.0)):
        stats = folder / name / "stats"
        stats.mkdir(parents=True)
        (stats / "sclimbic.stats").write_text(format_stats(segmented(volume)))
        (stats / "sclimbic.qa.stats").write_text(format_qa_stats(segmented(volume), {"Left-A": Norm(10, 5)}))
    (folder / "kermit/mri").mkdir(parents=True)
    (folder / "kermit/mri/nu.mgz").write_text("")
    (folder / "fsaverage/mri").mkdir(parents=True)
    monkeypatch.setenv("SUBJECTS_DIR", str(folder))
    return folder


@pytest.fixture
def run(tmp_path, subjects, capsys):
    """Run the command; returns status, text of the table or None, stdout and stderr."""

    def run_command(*words):
        table = tmp_path / "out/t.dat"
        table.unlink(missing_ok=True)
        status = main([*map(str, words), "--tablefile", str(table)])
        printed = capsys.readouterr()
        left = [path.name for path in table.parent.glob("*")] if table.parent.exists() else []
        assert not [name for name in left if name.startswith(".sclimbic")]
        return status, table.read_text() if table.exists() else None, printed.out, printed.err

    return run_command


HEADER = f"Measure:volume\tLeft-A\tRight-A\tMid\t{ETIV}\n"
BERT, ERNIE = "bert\t10.0\t20.0\t7.25\t1000000.0\n", "ernie\t12.5\t25.0\t7.25\t1000000.0\n"


def test_table_and_what_is_printed(run, subjects, tmp_path):
    status, text, out, err = run("--subjects", "ernie", "bert")
    assert (status, text, err) == (0, HEADER + ERNIE + BERT, "")
    assert out == (
        f"SUBJECTS_DIR : {subjects}\nParsing the .stats files\nBuilding the table..\n"
        "rows made with weights: not named in the files, as in those of the published tool\n"
        f"Writing the table to {tmp_path / 'out/t.dat'}\n"
    )


def test_every_source_gives_its_rows_in_order(run, tmp_path, subjects):
    (tmp_path / "s.txt").write_text("ernie\n\nbert\n")
    (tmp_path / "g.fsgd").write_text("GroupDescriptorFile 1\nClass A\nInput ernie A\n\nInput bert A\n")
    (tmp_path / "q.dat").write_text("fsid fsid-base\nernie x\nbert x\n")
    for words in (
        ["-s", "ernie", "-s", "bert"],
        ["--subjects", "ernie", "-s", "bert"],
        ["--subjects", "ernie/", "bert"],
        ["--subjectsfile", tmp_path / "s.txt"],
        ["--fsgd", tmp_path / "g.fsgd"],
        ["--qdec", tmp_path / "q.dat"],
    ):
        assert run(*words)[:2] == (0, HEADER + ERNIE + BERT)
    status, text, _, err = run("--all")
    assert (status, text) == (0, HEADER + BERT + ERNIE)
    assert err == "WARNING: no stats/sclimbic.stats, so not in the table: kermit\n"
    for name in ("ernie", "bert"):
        (subjects / name).rename(subjects / f"{name}.long.x")
    assert run("--qdec-long", tmp_path / "q.dat")[1].splitlines()[1].startswith("ernie.long.x\t12.5")


def test_sd_and_subdir_and_stats(run, subjects, tmp_path, monkeypatch):
    monkeypatch.delenv("SUBJECTS_DIR")
    status, _, _, err = run("--subjects", "bert")
    assert (status, err) == (2, "sclimbic_stats2table: error: SUBJECTS_DIR is not set; set it, or give --sd DIR\n")
    assert run("--sd", tmp_path / "none", "--all")[0] == 2
    assert run("--sd", subjects, "--subjects", "bert")[1] == HEADER + BERT
    (subjects / "bert/stats").rename(subjects / "bert/deep")
    (subjects / "bert/deep/sclimbic.stats").rename(subjects / "bert/deep/lim.stats")
    for flag in ("--stats", "--statsfile"):
        assert run("--sd", subjects, "--subdir", "deep", flag, "lim.stats", "--all")[1] == HEADER + BERT


def test_inputs_by_number_and_by_name(run, subjects, tmp_path, monkeypatch):
    monkeypatch.delenv("SUBJECTS_DIR")
    files = [subjects / name / "stats/sclimbic.stats" for name in ("ernie", "bert")]
    status, text, out, _ = run("--inputs", *files)
    assert (status, text) == (0, HEADER + ERNIE.replace("ernie", "0") + BERT.replace("bert", "1"))
    assert "SUBJECTS_DIR" not in out
    assert run("-i", files[0], "-i", files[1])[1] == text
    assert run("--inputs", *files, "--names-from-files")[1] == HEADER + ERNIE + BERT
    for name, file in zip(("b", "a"), files, strict=True):
        file.rename(tmp_path / f"{name}.sclimbic.stats")
    status, text, _, _ = run("--inputs", *sorted(tmp_path.glob("*.stats")), "--names-from-files")
    assert [line.split("\t")[0] for line in text.splitlines()[1:]] == ["a", "b"]


def test_measures(run):
    assert run("--all", "--meas", "nvoxels")[1] == (
        "Measure:nvoxels\tLeft-A\tRight-A\tMid\nbert\t10.0\t20.0\t7.0\nernie\t12.0\t25.0\t7.0\n"
    )
    assert run("--all", "-m", "confidence")[1] == (
        "Measure:confidence\tLeft-A\tRight-A\tMid\nbert\t0.8\t0.9\t0.7\nernie\t0.8\t0.9\t0.7\n"
    )
    status, text, _, err = run("--subjects", "bert", "ernie", "-m", "z")
    assert (status, text) == (0, "Measure:z\tLeft-A\nbert\t0.0\nernie\t0.5\n")
    assert err == "WARNING: no z in any file, so left out: Right-A, Mid\n"
    status, text, _, err = run("--all", "-m", "z", "--stats", "sclimbic.stats")
    assert (status, text) == (1, None)
    assert len(re.findall(r"\.stats:\d+: expected the columns .* stands in the \.qa\.stats", err)) == 2


def test_formats(run):
    _, text, _, err = run("--subjects", "bert", "-d", "comma", "--scale", "0.1")
    assert text == f"Measure:volume,Left-A,Right-A,Mid,{ETIV}\nbert,1.0,2.0,0.7250000000000001,100000.0\n"
    assert "t.dat has comma as delimiter: mri_glmfit expects tab or space in a file of this name" in err
    assert run("--subjects", "bert", "--transpose", "-d", "space")[1] == (
        f"Measure:volume bert\nLeft-A 10\nRight-A 20\nMid 7.25\n{ETIV} 1e+06\n"
    )
    assert (
        run("--subjects", "bert", "--etiv", "--scale", "2")[1].splitlines()[1] == "bert\t0.002\t0.004\t0.00145\t200.0"
    )


def test_choices(run, subjects, tmp_path):
    (tmp_path / "ids").write_text("853\n26\n\n")
    for words in (["--segno", 853, 26, 853], ["--segids-from-file", tmp_path / "ids"]):
        assert (
            run("--subjects", "bert", *words)[1]
            == f"Measure:volume\tMid\tLeft-A\t{ETIV}\nbert\t7.25\t10.0\t1000000.0\n"
        )
    assert run("--subjects", "bert", "--no-segno", 26, "--maxsegno", 58, "--no-vol-extras")[1] == (
        "Measure:volume\tRight-A\nbert\t20.0\n"
    )
    stats = subjects / "ernie/stats/sclimbic.stats"
    stats.write_text(format_stats(SegStats(segmented(12.5).structures[:2], 1.0, 1e6)))
    status, text, _, err = run("--subjects", "bert", "ernie")
    assert (status, text) == (1, None)
    assert f"lacks Mid: {stats}" in err
    assert run("--subjects", "bert", "ernie", "--common-segs")[1] == (
        f"Measure:volume\tLeft-A\tRight-A\t{ETIV}\nbert\t10.0\t20.0\t1000000.0\nernie\t12.5\t25.0\t1000000.0\n"
    )
    _, text, _, err = run("--subjects", "bert", "ernie", "--all-segs")
    assert text == HEADER + BERT + ERNIE.replace("7.25", "0.0")
    assert err == "WARNING: Mid is not in the stats file, so 0 was written, which is no measurement: ernie\n"
    _, text, _, err = run("--subjects", "bert", "ernie", "--all-segs", "--missing", "nan")
    assert text == HEADER + BERT + ERNIE.replace("7.25", "nan")
    assert "so nan was written" in err


def test_missing_subjects_are_all_named(run, subjects):
    (subjects / "tiny/stats").mkdir(parents=True)
    (subjects / "tiny/stats/sclimbic.stats").write_text("# x\n")
    status, text, _, err = run("--subjects", "bert", "ghost", "kermit", "tiny")
    assert (status, text) == (1, None)
    lines = err.splitlines()
    assert lines[0] == "sclimbic_stats2table: error: 3 of 4 stats files are not there:"
    assert [line.split(": ")[0] for line in lines[1:4]] == [
        f"{subjects}/{name}/stats/sclimbic.stats" for name in ("ghost", "kermit", "tiny")
    ]
    assert "--skip" in lines[4]


def test_results_of_a_folder_are_hinted_at_when_nobody_has_stats(run, tmp_path, subjects):
    (tmp_path / "g.fsgd").write_text("GroupDescriptorFile 1\nClass A\nInput ghost A\nInput kermit A\n")
    hint = "results of a folder of images are taken by --inputs OUT/*.sclimbic.stats --names-from-files"
    csv = "; OUT/sclimbic_volumes_all.csv is such a table already"
    empty = tmp_path / "empty"
    empty.mkdir()
    for words in (
        ["--fsgd", tmp_path / "g.fsgd"],
        ["-s", "ghost"],
        ["-s", "ghost", "--skip"],
        ["--all", "--sd", empty],
    ):
        status, text, _, err = run(*words)
        assert (status, text) == (1, None)
        assert err.splitlines()[-1] == hint + csv
        assert err.count(hint) == 1
    quality = hint.replace(".stats", ".qa.stats")
    assert run("-s", "ghost", "-m", "z")[3].splitlines()[-1] == quality
    for words in (["-s", "ghost", "-s", "bert"], ["--inputs", tmp_path / "x.stats"]):
        assert hint not in run(*words)[3]


def test_skipped_subjects_are_told_and_written(run, subjects, tmp_path):
    words = ["--subjects", "ghost", "bert", "kermit", "--skip", "--skipped", tmp_path / "skipped.txt"]
    status, text, _, err = run(*words)
    assert (status, text) == (0, HEADER + BERT)
    assert (tmp_path / "skipped.txt").read_text() == "ghost\nkermit\n"
    assert f"Skipping {subjects}/ghost/stats/sclimbic.stats" in err
    assert "WARNING: 2 of 3 rows left out; leave them out of the design too: ghost, kermit" in err
    assert run("--subjects", "bert", *words[4:])[0] == 0
    assert (tmp_path / "skipped.txt").read_text() == ""
    status, text, _, err = run("--subjects", "ghost", "--skip")
    assert (status, text) == (1, None)
    assert "all 1 stats files were skipped" in err


def test_skip_passes_over_nothing_that_is_there(run, subjects):
    stats = subjects / "ernie/stats/sclimbic.stats"
    stats.write_text(stats.read_text().replace("12.5000", "nan"))
    status, text, _, err = run("--subjects", "bert", "ernie", "--skip")
    assert (status, text) == (1, None)
    assert re.search(r"ernie/stats/sclimbic\.stats:\d+: expected a finite number", err)


def test_files_that_were_cut_off(run, subjects):
    stats = subjects / "bert/stats/sclimbic.stats"
    stats.write_text("".join(stats.read_text().splitlines(keepends=True)[:-1]))
    assert "holds 2 rows, its line NRows says 3" in run("--subjects", "bert")[3]
    status, text, _, err = run("--subjects", "bert", "--lenient")
    assert (status, text) == (0, f"Measure:volume\tLeft-A\tRight-A\t{ETIV}\nbert\t10.0\t20.0\t1000000.0\n")
    assert "WARNING: --lenient: " in err


def test_warnings_of_the_segmentation_are_passed_on(run, subjects):
    plain = run("--subjects", "bert", "ernie")[1]
    stats = subjects / "ernie/stats/sclimbic.stats"
    stats.write_text(format_stats(segmented(12.5), ["Warning ETIV (doubtful): x", "Warning SMALL (y): Left-A"]))
    status, text, _, err = run("--subjects", "bert", "ernie")
    assert (status, text) == (0, plain)
    assert err == (
        "WARNING: 1 of 2 stats files carry warnings of their segmentation: ernie (ETIV, SMALL); look at them before "
        "the analysis (lines '# Warning' of the files)\n"
    )


def test_subjects_twice(run):
    assert "subject 'bert' is listed twice" in run("--subjects", "bert", "bert")[3]
    status, text, _, _ = run("--subjects", "bert", "bert", "--allow-repeated")
    assert (status, text) == (0, HEADER + BERT + BERT)


def test_warnings_of_the_fsgd_and_of_names(run, subjects, tmp_path):
    (tmp_path / "g.fsgd").write_text("GroupDescriptorFile 1\nInptu ernie A\nInput bert A\n")
    assert "g.fsgd:2: 'Inptu' is no FSGD tag" in run("--fsgd", tmp_path / "g.fsgd")[3]
    (subjects / "bert").rename(subjects / "bert 2")
    status, text, _, err = run("--subjects", "bert 2")
    assert status == 0
    assert text == HEADER + BERT.replace("bert", "bert 2")
    assert "a name holds a blank" in err
    assert run("--subjects", "bert 2", "-d", "space")[0] == 1


def test_an_old_table_stays_when_the_new_one_fails(run, tmp_path, capsys):
    table = tmp_path / "old.dat"
    table.write_text("old")
    assert main(["--subjects", "ghost", "-t", str(table)]) == 1
    assert table.read_text() == "old"
    assert main(["--subjects", "bert", "-t", str(table)]) == 0
    assert table.read_text() == HEADER + BERT


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--subjects"],
        ["--subjects", "bert", "--all"],
        ["--subjects", "bert", "--fsgd", "g"],
        ["--all", "--segno", "1", "--segids-from-file", "f"],
        ["--all", "--segno", "x"],
        ["--all", "--common-segs", "--all-segs"],
        ["--all", "--missing", "nan"],
        ["--all", "--skipped", "f"],
        ["--all", "--names-from-files"],
        ["--all", "--scale", "0"],
        ["--all", "--scale", "nan"],
        ["--all", "--scale", "inf"],
        ["--all", "-d", "dot"],
    ],
)
def test_usage(run, words):
    status, text, _, err = run(*words)
    assert (status, text) == (2, None)
    assert len(err.splitlines()) == 2


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--stiv"], r"--stiv divides by SegmentedTotalIntracranialVol, .* --etiv gives percent of eTIV"),
        (["--append"], r"--append puts a second table into one file, .* name all subjects at once"),
        (["--meas", "mean"], r"--meas mean takes intensities, which the stats files here do not hold; take volume, "),
        (["--meas=std"], r"--meas std takes intensities"),
        (["-m", "max"], r"--meas max takes intensities"),
        (["-msnr"], r"--meas snr takes intensities"),
        (["-m", "Area_mm2"], r"--meas Area_mm2 takes an area"),
    ],
)
def test_options_that_are_not_here_are_refused_with_the_reason(run, capsys, words, reason):
    for others in (["--all"], ["--subjects", "bert"], []):
        status, text, _, err = run(*others, *words)
        assert (status, text) == (2, None)
        assert re.fullmatch(f"sclimbic_stats2table: error: {reason}.*\n", err)
    assert main(words) == 2
    assert run("--subjects", "bert", "--meas")[0] == 2


def test_tablefile_is_needed_and_help_is_there(capsys):
    assert main(["--all"]) == 2
    assert main(["--help"]) == 0
    assert "asegstats2table" in capsys.readouterr().out


@pytest.mark.parametrize("path", ["-", "/dev/stdout", "."])
def test_only_files_are_written(subjects, path, capsys):
    assert main(["--subjects", "bert", "-t", path]) == 2
    assert f"{path}: expected the name of a file to write" in capsys.readouterr().err
    assert main(["--subjects", "bert", "--skip", "-t", "a.dat", "--skipped", "./a.dat"]) == 2


def test_one_command_for_all(subjects, tmp_path):
    assert fs_sclimbic(["table", "--subjects", "bert", "-t", str(tmp_path / "t.dat")]) == 0
    assert (tmp_path / "t.dat").read_text() == HEADER + BERT


def original_cases(folder):
    """Name, arguments and exit status of every case that the original was run on."""
    summary = (folder / "SUMMARY.txt").read_text()
    return [
        (name, shlex.split(words, comments=False), int(status))
        for name, words, status in re.findall(r"^## (\S+): (.*)\n\s+rc732=(\d+)", summary, re.MULTILINE)
    ]


# Where ours does not stop as the original did. The table it writes, by the original's case with the same rows; None:
# no table.
SENSIBLE = {
    "fsgd_blank_end": "sub-002",  # a blank line in an FSGD is legal
    "subjectsfile_blank": "sub-001 sub-002",  # the original looks for a subject without a name
    "subjectsfile_comment": "sub-001",  # ... and for one called '#c'
    "file_blankline": "blankline",  # a blank line at the end of a stats file
    "default_stats": "sub-001",  # the default is sclimbic.stats, not aseg.stats
}
# A file that holds fewer rows than it says, and a row with a '#' in it: refused, unless asked for.
ONLY_LENIENT = ("file_headonly", "file_hashname")


@pytest.mark.parity
def test_text_of_the_original(shared, tmp_path, monkeypatch, capsys):
    """Equal to the character where the original works; where it stops, a clear line or the table that is meant."""
    folder = shared / "reference/group/asegstats2table"
    monkeypatch.chdir(folder)
    monkeypatch.setenv("SUBJECTS_DIR", "sd")
    monkeypatch.setenv("SD", str(folder / "sd"))
    cases, equal = original_cases(folder), set()
    assert len(cases) >= 60
    for name, words, status in cases:
        table, reference = tmp_path / f"{name}.dat", folder / "out" / f"{name}.dat"
        argv = [*map(os.path.expandvars, words), "-t", str(table)]
        if name in ONLY_LENIENT:
            assert main(argv) == 1
            assert re.search(r"sclimbic\.stats(:11)?: .*--lenient", capsys.readouterr().err)
            argv.append("--lenient")
        ours = main(argv)
        err = capsys.readouterr().err
        assert "Traceback" not in err
        if status == 0:
            assert (name, ours) == (name, 0)
            assert table.read_bytes() == reference.read_bytes(), name
            equal.add(reference.name)
        elif name in SENSIBLE:
            assert (name, ours) == (name, 0)
            assert list(read_group_table(table).subjects) == SENSIBLE[name].split()
        else:
            assert ours in (1, 2), name
            assert not table.exists()
            assert "sclimbic_stats2table: error: " in err
    assert equal == {path.name for path in (folder / "out").iterdir()}


@pytest.mark.parity
def test_table_of_the_reference_cohort(shared, tmp_path):
    group = shared / "reference/group"
    for source in (["--all"], ["--fsgd", str(group / "group.fsgd")]):
        assert main([*source, "--sd", str(group / "subjects"), "-t", str(tmp_path / "t.dat")]) == 0
        assert (tmp_path / "t.dat").read_bytes() == (group / "sclimbic.dat").read_bytes()


@pytest.mark.parity
def test_stats_of_images_make_the_volumes_table(shared, tmp_path):
    """By case, since the original's own table has the order of its folder."""
    folder = shared / "reference/seg/t1"
    stats = [str(path) for path in sorted(folder.glob("*.sclimbic.stats"))]
    assert main(["--inputs", *stats, "--names-from-files", "-t", str(tmp_path / "t.dat")]) == 0
    ours, published = read_group_table(tmp_path / "t.dat"), read_group_table(folder / "sclimbic_volumes_all.csv")
    assert ours.columns == published.columns
    assert len(ours.subjects) >= 10
    assert dict(zip(ours.subjects, ours.values.tolist(), strict=True)) == dict(
        zip(published.subjects, published.values.tolist(), strict=True)
    )


def test_etiv_alone_is_no_table(run):
    status, text, _, err = run("--subjects", "bert", "--maxsegno", "0")
    assert (status, text) == (1, None)
    assert "no structure is left after choosing, only EstimatedTotalIntraCranialVol" in err


def test_the_etiv_of_an_identity_is_told_and_never_divides(run, subjects):
    (subjects / "ernie/stats/sclimbic.stats").write_text(format_stats(segmented(12.5, 1948106.0)))
    status, _, _, err = run("--subjects", "bert", "ernie")
    assert status == 0
    assert "WARNING: eTIV is 1948106 for ernie: their talairach.xfm changes no size" in err
    assert run("--subjects", "bert", "ernie", "--etiv")[:2] == (1, None)


def test_names_of_a_design_meet_folders_of_sessions(subjects, tmp_path, capsys):
    for old, new in (("bert", "sub-01_ses-1"), ("ernie", "sub-02_ses-1")):
        os.rename(subjects / old, subjects / new)
    line = f"--subjects 01 sub-02 -t {tmp_path / 't.dat'}"
    assert main(shlex.split(line)) == 0
    assert read_group_table(tmp_path / "t.dat").subjects == ("01", "sub-02")
    assert "2 subject(s) have folders of other names: 01 = sub-01_ses-1" in capsys.readouterr().err
    assert main(shlex.split(f"{line} --match exact")) == 1


def test_all_subjects_of_a_session(subjects, tmp_path, capsys):
    for old, new in (("bert", "sub-01_ses-1"), ("ernie", "sub-01_ses-2")):
        os.rename(subjects / old, subjects / new)
    assert main(shlex.split(f"--all --session ses-2 -t {tmp_path / 't.dat'}")) == 0
    assert read_group_table(tmp_path / "t.dat").subjects == ("sub-01_ses-2",)
    assert main(shlex.split(f"--all --session 3 -t {tmp_path / 't.dat'}")) == 1
    assert "no subject of session 3" in capsys.readouterr().err


MADE = ["Weights a.h5 SHA-256 0123456789abcdef (--model)", "IntensityRange minimum to the maximum"]


def made_with(path, *lines):
    path.write_text(format_stats(segmented(10.0), [*lines, "TransformFile /x.xfm"]))


def test_rows_made_in_different_ways_are_refused(run, subjects):
    bert, ernie = (subjects / name / "stats/sclimbic.stats" for name in ("bert", "ernie"))
    made_with(bert, *MADE)
    made_with(ernie, MADE[0].replace("0123", "f123"), MADE[1])
    status, text, _, err = run("--all")
    assert (status, text) == (1, None)
    assert "weights of " in err
    assert "--allow-mixed" in err
    status, text, _, err = run("--all", "--allow-mixed")
    assert (status, len(text.splitlines())) == (0, 3)
    assert "WARNING: mixed rows: weights of" in err
    made_with(ernie, *MADE, "Preset study")
    assert "settings of" in run("--all")[3]
    made_with(ernie, *MADE, "Transform computed from the image (whole head), score 0.9")
    assert "source of eTIV of" in run("--all")[3]
    assert run("--all", "--no-vol-extras")[0] == 0, "without eTIV its source does not count"


def test_rows_that_ratings_leave_out_do_not_count_as_mixed(run, subjects, tmp_path):
    made_with(subjects / "bert/stats/sclimbic.stats", *MADE)
    made_with(subjects / "ernie/stats/sclimbic.stats", MADE[0].replace("0123", "f123"), MADE[1])
    ratings = tmp_path / "ratings.tsv"
    ratings.write_text("case\trating\nernie\tfail\n")
    status, text, _, err = run("--all", "--exclude-from", str(ratings))
    assert (status, len(text.splitlines())) == (0, 2)
    assert "mixed" not in err
    ratings.write_text("case\trating\nernie\tunsure\n")
    assert run("--all", "--exclude-from", str(ratings))[0] == 1


def test_files_of_the_published_tool_do_not_mix_with_ours(run, subjects):
    made_with(subjects / "bert/stats/sclimbic.stats", *MADE)
    status, _, _, err = run("--all")
    assert status == 1
    assert "1 of 2 rows do not say their weights (files of the published tool do not), the others do: ernie" in err


def test_a_table_keeps_how_its_rows_were_made(run, subjects, tmp_path):
    for name in ("bert", "ernie"):
        made_with(subjects / name / "stats/sclimbic.stats", *MADE)
    _, _, out, _ = run("--all")
    assert "rows made with weights: a.h5 01234567\n" in out
    beside = (tmp_path / "out/t.dat.provenance.json").read_text()
    assert "a.h5 01234567" in beside
    assert "bert" in beside


def test_both_sides_and_groups_of_structures(run, tmp_path):
    _, text, _, err = run("--subjects", "bert", "--combine", "bilateral")
    assert text == f"Measure:volume\tBilateral-A\tMid\t{ETIV}\nbert\t30.0\t7.25\t1000000.0\n"
    _, text, _, err = run("--subjects", "bert", "--combine", "laterality", "--no-vol-extras")
    assert text.startswith("Measure:laterality\tLaterality-A\nbert\t-0.66")
    assert "WARNING: without two sides and left out: Mid" in err
    (tmp_path / "g.txt").write_text("All = Left-A + Right-A + Mid\n")
    _, text, _, _ = run("--subjects", "bert", "--groups", tmp_path / "g.txt", "--meas", "nvoxels")
    assert text == "Measure:nvoxels\tAll\nbert\t37.0\n"
    status, text, _, err = run("--subjects", "bert", "--combine", "bilateral", "--meas", "z")
    assert (status, text) == (2, None)
    assert "cannot be added up" in err
