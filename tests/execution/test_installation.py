"""What fs_sclimbic doctor looks at."""

import errno
import os
import sys

import pytest

from fs_sclimbic.cases.run import Run
from fs_sclimbic.cases.study_folder import StudyFolder
from fs_sclimbic.cases.study_weights import claim_study
from fs_sclimbic.execution.installation import (
    find_commands,
    look_at_commands,
    look_at_engine,
    look_at_folder,
    look_at_machine,
    look_at_study,
    look_at_weights,
    models_finding,
    telemetry_finding,
)
from fs_sclimbic.network.libraries import TELEMETRY_MODULE


def program(folder, text):
    folder.mkdir(exist_ok=True)
    path = folder / "mri_sclimbic_seg"
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_the_first_program_on_the_path_is_what_runs(tmp_path):
    ours = program(tmp_path / "a", "#!/usr/bin/python\nfrom fs_sclimbic.cli.segment import main\n")
    theirs = program(tmp_path / "b", "#!/bin/tcsh\n")
    (tmp_path / "c").mkdir()
    (tmp_path / "c/mri_sclimbic_seg").write_text("not a program")
    path = os.pathsep.join(map(str, (tmp_path / "c", theirs.parent, "", ours.parent)))
    assert find_commands(path) == [(theirs, False), (ours, True)]
    assert [finding.severity for finding in look_at_commands(path)] == ["problem", "note"]
    assert [finding.severity for finding in look_at_commands(str(ours.parent))] == ["ok"]
    assert next(look_at_commands("")).severity == "note"


def test_weights(tiny_model, monkeypatch, tmp_path):
    findings, spec = look_at_weights("none.h5")
    assert (findings[0].severity, spec) == ("problem", None)
    findings, spec = look_at_weights(None)
    assert [finding.severity for finding in findings] == ["ok", "note"]
    monkeypatch.setenv("FREESURFER_HOME", str(tmp_path))
    findings, _ = look_at_weights(None)
    assert [finding.severity for finding in findings] == ["ok", "problem"], "its models folder lacks the weights"


def test_the_network_is_run_and_timed(tiny_model, predictor):
    seconds = iter([0.0, 1.5, 4.0])
    engine, telemetry = look_at_engine(tiny_model, 2, lambda _spec, threads: predictor, lambda: next(seconds))
    assert engine.text == f"{predictor.engine}, 2 threads: loaded in 1.5 s, 64 mm box in 2.5 s"
    assert (engine.severity, telemetry.severity) == ("ok", "ok")


def test_a_network_that_does_not_run(tiny_model):
    def broken(*_, **__):
        raise ImportError("libfoo.so: no such file")

    (found,) = look_at_engine(tiny_model, 1, broken)
    assert found.severity == "problem"
    assert "libfoo.so" in found.text


def test_telemetry(monkeypatch):
    assert telemetry_finding().severity == "ok"
    monkeypatch.setitem(sys.modules, TELEMETRY_MODULE, sys)
    assert telemetry_finding().severity == "problem"


def no_locks(_descriptor):
    raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))


def test_folders(tmp_path):
    assert "writable, has locks" in look_at_folder("x", tmp_path).text
    assert "no locks, heartbeats" in look_at_folder("x", tmp_path, system_lock=no_locks).text
    assert "a/b: will be made" in look_at_folder("x", tmp_path / "a/b").text
    (tmp_path / "file").touch()
    assert look_at_folder("x", tmp_path / "file/b").severity == "problem"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_read_only(tmp_path):
    tmp_path.chmod(0o555)
    assert look_at_folder("x", tmp_path).severity == "problem"
    tmp_path.chmod(0o755)


def test_the_folder_of_models(tmp_path, monkeypatch):
    monkeypatch.setenv("FS_SCLIMBIC_MODELS", str(tmp_path / "models"))
    assert models_finding().severity == "ok"
    (tmp_path / "file").touch()
    monkeypatch.setenv("FS_SCLIMBIC_MODELS", str(tmp_path / "file/models"))
    assert models_finding().severity == "note"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_results_of_other_weights(tmp_path, tiny_model):
    assert list(look_at_study(tmp_path, "sclimbic", tiny_model)) == []
    study = StudyFolder(folder=tmp_path, of_subjects=True)
    claim_study(study.weights_file, Run(tiny_model, ()), list)
    assert [finding.severity for finding in look_at_study(tmp_path, "sclimbic", tiny_model)] == ["ok"]
    study.weights_file.write_text(study.weights_file.read_text().replace(tiny_model.sha256, "0" * 64))
    assert [finding.severity for finding in look_at_study(tmp_path, "sclimbic", tiny_model)] == ["problem"]


def test_the_machine():
    lines = {finding.subject: finding.text for finding in look_at_machine()}
    assert lines["fs_sclimbic"].endswith(f"({sys.executable})")
    assert "numpy" in lines["libraries"]
    assert "processors" in lines["system"]
