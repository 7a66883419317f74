import pytest

from fs_sclimbic.cli.main import COMMANDS, HEADINGS, main


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_itself(command, capsys):
    assert main([command, "--help"]) == 0
    assert "usage:" in capsys.readouterr().out


@pytest.mark.parametrize(("words", "status"), [([], 1), (["--help"], 0), (["-h"], 0), (["help"], 0)])
def test_help_lists_the_commands(words, status, capsys):
    assert main(words) == status
    printed = capsys.readouterr().out
    assert not [name for name, (_, about) in COMMANDS.items() if f"  {name} " not in printed or about not in printed]


def test_headings_stand_over_commands_that_are_there(capsys):
    assert main(["--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {lines[i + 1].split()[0]: lines[i][:-1] for i in range(len(lines)) if lines[i].endswith(":")} == HEADINGS


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_is_its_help_flag(command, capsys):
    assert main([command, "--help"]) == 0
    whole = capsys.readouterr().out
    assert main(["help", command]) == 0
    assert capsys.readouterr().out == whole


@pytest.mark.parametrize("words", [["segmnt", "--i", "a.mgz"], ["help", "segmnt"]])
def test_unknown_command(words, capsys):
    assert main(words) == 2
    assert "no command 'segmnt'" in capsys.readouterr().err


def test_a_slip_in_a_command_names_the_command_and_does_not_fill_the_screen(capsys):
    assert main(["tabel"]) == 2
    printed = capsys.readouterr()
    assert printed.err == "fs_sclimbic: error: no command 'tabel'; did you mean table?\n"
    assert printed.out == ""


def test_flags_alone_go_to_segment(capsys):
    assert main(["--i", "T1.nii.gz"]) == 2
    assert "mri_sclimbic_seg: error: --i needs --o" in capsys.readouterr().err


def test_status_of_the_command_is_passed_on(tmp_path, capsys):
    assert main(["fsgd", "check", str(tmp_path / "none.fsgd")]) == 1
    assert "FSGD does not exist" in capsys.readouterr().err
