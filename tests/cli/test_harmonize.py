import pytest

from fs_sclimbic.cli.harmonize import main
from fs_sclimbic.cli.main import main as fs_sclimbic
from tests.group.harmonize.sites import AGES, SEXES, SUBJECTS, people_text, table_text


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.dat").write_text(table_text())
    (tmp_path / "p.tsv").write_text(people_text())
    return tmp_path


COMMAND = ["t.dat", "--participants", "p.tsv", "--site", "site", "--keep", "sex,age,eTIV"]


def test_files_and_words(here, capsys):
    assert main([*COMMAND, "-o", "out/h.dat", "--save-model", "out/m.json"]) == 0
    out, err = capsys.readouterr()
    assert "the table is harmonised over 'site' (A 6, B 9, C 7) by ComBat" in out
    assert out.endswith("wrote out/h.dat: 22 subjects, 5 structures\n")
    assert "warning: fewer than 20 subjects" in err
    names = {path.name for path in (here / "out").iterdir()}
    assert names >= {"h.dat", "h.dat.provenance.json", "h.dat.sites.tsv", "m.json"}
    again = [*COMMAND, "-o", "again.dat", "--apply", "out/m.json", "--no-figure"]
    assert fs_sclimbic(["harmonize", *again]) == 0
    assert (here / "again.dat").read_text() == (here / "out/h.dat").read_text()
    assert not (here / "again.dat.sites.png").exists()
    assert main(["out/h.dat", *COMMAND[1:], "-o", "twice.dat"]) == 1
    assert "is harmonised over 'site' already" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["t.dat", "--participants", "p.tsv", "--site", "site", "-o", "h.dat"],
        [*COMMAND, "-o", "t.dat"],
        [*COMMAND, "-o", "h.dat", "--apply", "m.json", "--save-model", "n.json"],
        [*COMMAND, "-o", "h.dat", "--keep", "sex,,age"],
        COMMAND,
    ],
    ids=["nothing said to keep", "same file", "apply and save", "empty name", "no output"],
)
def test_usage(here, words):
    assert main(words) == 2
    assert not (here / "h.dat").exists()


def test_glm_tells_that_the_table_is_harmonised(here, run_glm):
    assert main([*COMMAND, "-o", "h.dat", "--no-figure"]) == 0
    rows = "".join(f"Input {name} {sex} {age:g}\n" for name, sex, age in zip(SUBJECTS, SEXES, AGES, strict=True))
    (here / "g.fsgd").write_text(f"GroupDescriptorFile 1\nClass F\nClass M\nVariables age\n{rows}")
    flags = ["--table", "h.dat", "--fsgd", "g.fsgd", "doss", "--contrast", "M-F", "--no-report", "--glmdir", "out"]
    assert "the table is harmonised over 'site' (A 6, B 9, C 7) by ComBat" in run_glm(*flags).out
    assert "the table is harmonised over 'site'" in (here / "out/notices.tsv").read_text()
    again = run_glm(*flags, "--participants", "p.tsv", "--covariates", "site")
    assert "warning: 'site' is in the design, and the table is harmonised over it already" in again.err
