import pytest

from fs_sclimbic.cli.main import COMMANDS, main


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_itself(command, capsys):
    assert main([command, "--help"]) == 0
    assert "usage:" in capsys.readouterr().out


@pytest.mark.parametrize(("words", "status"), [([], 1), (["--help"], 0), (["-h"], 0), (["help"], 0)])
def test_help_lists_the_commands(words, status, capsys):
    assert main(words) == status
    printed = capsys.readouterr().out
    assert not [name for name, (_, about) in COMMANDS.items() if f"  {name} " not in printed or about not in printed]


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


def test_flags_alone_go_to_segment(capsys):
    assert main(["--i", "T1.nii.gz"]) == 2
    assert "mri_sclimbic_seg: error: --i needs --o" in capsys.readouterr().err


def test_status_of_the_command_is_passed_on(tmp_path, capsys):
    assert main(["fsgd", "check", str(tmp_path / "none.fsgd")]) == 1
    assert "FSGD does not exist" in capsys.readouterr().err
