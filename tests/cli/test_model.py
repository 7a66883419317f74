from functools import partial

import pytest

from fs_sclimbic.cli import model
from fs_sclimbic.cli.main import main as fs_sclimbic
from fs_sclimbic.files.hashing import sha256_of
from fs_sclimbic.network.store import PUBLISHED_NAME, KnownWeights


@pytest.fixture
def main(tmp_path, monkeypatch, tiny_model):
    """The command, where the tiny model plays the published one."""
    monkeypatch.setenv("FS_SCLIMBIC_MODELS", str(tmp_path / "mine"))
    return partial(model.main, known=KnownWeights(published_sha256=sha256_of(tiny_model.weights)))


def test_list_install_list(main, tiny_model, tmp_path, capsys):
    assert main(["list"]) == 0
    printed = capsys.readouterr().out
    assert "* shipped" in printed
    assert "for the published weights run 'fs_sclimbic model install FILE|URL'" in printed
    assert main(["install", str(tiny_model.weights)]) == 0
    assert main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert next(line for line in lines if line.startswith("* installed")).endswith(
        f"{tmp_path / 'mine' / PUBLISHED_NAME} (published)"
    )


def test_verify(main, tiny_model, capsys):
    ctab = str(tiny_model.weights.with_name("tiny.ctab"))
    assert main(["verify", str(tiny_model.weights), "--ctab", ctab, "--features", "2"]) == 0
    assert "the published file" in capsys.readouterr().out
    assert main(["verify", str(tiny_model.weights)]) == 1
    assert "--features 2" in capsys.readouterr().err


def test_install_refuses_other_files(main, tmp_path, capsys):
    (tmp_path / "x.h5").write_text("x")
    assert main(["install", str(tmp_path / "x.h5")]) == 1
    assert "not the published file" in capsys.readouterr().err
    assert main(["install", "gopher://x"]) == 2
    assert main(["nonsense"]) == 2


def test_one_command_for_all(capsys):
    assert fs_sclimbic([]) == 1
    assert fs_sclimbic(["--help"]) == 0
    assert fs_sclimbic(["nonsense"]) == 2
    assert fs_sclimbic(["segment", "--version"]) == 0
    assert fs_sclimbic(["--i", "x.mgz"]) == 2
    assert fs_sclimbic(["model", "list"]) == 0
    assert "no command 'nonsense'" in capsys.readouterr().err
