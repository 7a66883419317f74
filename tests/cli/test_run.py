"""From flags to the computation."""

import json
import os
import shlex

import pytest

from fs_sclimbic.cli.arguments import build_parser, parse_flags
from fs_sclimbic.cli.run import options_of
from fs_sclimbic.cli.segment import main
from fs_sclimbic.image.volume import Volume, write_volume
from fs_sclimbic.network.architecture import network_weights
from fs_sclimbic.segmentation.population import Norm
from tests.conftest import BRIGHT, DARK, MODEL_FLAGS, make_model


@pytest.mark.parametrize(
    ("flags", "field", "value"),
    [
        (["--7T"], "percentile", 99.9),
        (["--percentile", "95"], "percentile", 95.0),
        ([], "percentile", None),
        (["--conform"], "conform", True),
        ([], "conform", False),
        (["--redo"], "redo", True),
        (["--vox-count-volumes"], "voxel_counts", True),
        (["--no-etiv"], "without_etiv", True),
        ([], "exclude", frozenset({853})),
        (["--keep_ac"], "exclude", frozenset()),
        (["--exclude", "26", "58"], "exclude", frozenset({26, 58, 853})),
        ([], "average_shifts", 1),
        (["--average-shifts", "3"], "average_shifts", 3),
        ([], "preset", "published"),
        (["--preset", "published"], "preset", "published"),
        (["--preset", "study"], "preset", "study"),
        (["--preset", "study", "--conform", "--keep_ac"], "exclude", frozenset()),
    ],
)
def test_flags_reach_the_computation(flags, field, value):
    args = build_parser().parse_args(["--s", *([] if not flags else ["x"]), *flags])
    assert getattr(options_of(args), field) == value


def test_the_preset_is_in_headers_and_in_the_record(tmp_path, head_file, run_seg):
    for preset in ("published", "study"):
        out = tmp_path / preset / "o.mgz"
        assert run_seg(f"--i {head_file} --o {out} --write_volumes --preset {preset}") == 0
    published, study = ((tmp_path / name / "o.stats").read_text() for name in ("published", "study"))
    assert "Preset" not in published
    assert "# IntensityRange minimum to the maximum" in published
    assert "# Preset study" in study
    assert "# IntensityRange percentile 0.1 of all voxels to percentile 99.9 of the non-zero voxels" in study
    assert "# Posteriors averaged over 4 starts" in study
    assert json.loads((tmp_path / "study/o.sclimbic.json").read_text())["settings"]["low_percentile"] == 0.1


def test_another_preset_runs_the_case_again_when_asked(tmp_path, head_file, run_seg, capsys):
    call = f"--i {head_file} --o {tmp_path}/o.mgz"
    assert run_seg(call) == 0
    assert run_seg(f"{call} --preset study") == 2
    assert "the case was made with another top of the intensity range, another bottom" in capsys.readouterr().err
    assert run_seg(f"{call} --preset study --redo") == 0
    assert "replaced an earlier result, made with other average shifts, low percentile, percentile" in (
        capsys.readouterr().err
    )
    assert run_seg(f"{call} --preset study") == 0
    assert "skipped" in capsys.readouterr().out


def test_folders_of_results_are_not_searched_for_leftovers_more_than_once(subjects_dir, run_seg, monkeypatch):
    """Of subjects that are done, not at all."""
    scanned, scan = [], os.scandir

    def count(path="."):
        scanned.append(str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", count)
    for folder in ("mri", "stats", "scripts"):
        (subjects_dir / "bert" / folder).mkdir(exist_ok=True)
    assert run_seg(f"--sd {subjects_dir} --s bert") == 0
    assert [scanned.count(str(subjects_dir / "bert" / folder)) for folder in ("mri", "stats", "scripts")] == [1, 1, 1]
    scanned.clear()
    assert run_seg(f"--sd {subjects_dir} --s bert") == 0
    assert not [path for path in scanned if path.startswith(str(subjects_dir))]


def test_cold_and_hot_voxels_are_told_before_the_network_runs(tmp_path, head, predictor, run_seg, capsys):
    spoiled = head.data.copy()
    spoiled[5, 5, 5] = 1500
    write_volume(Volume(spoiled, head.grid), tmp_path / "hot.mgz")
    before = []

    def load(_spec, **_how):
        before.append(capsys.readouterr().err)
        return predictor

    run_seg(f"--i {tmp_path}/hot.mgz --o {tmp_path}/o.mgz", load_predictor=load)
    assert before[0].count("hot: warning: the brightest voxel (1500)") == 1
    assert "--preset study" in before[0]
    assert "the brightest voxel (1500)" not in capsys.readouterr().err, "not again at the end"
    assert "the brightest voxel (1500)" in (tmp_path / "mri_sclimbic.log").read_text()


def test_what_is_given_and_not_used_is_noted(tmp_path, head_file, run_seg, capsys):
    call = f"--i {head_file} --o {tmp_path}/o.mgz --sd {tmp_path} --tal {tmp_path}/none.xfm"
    assert run_seg(call) == 0
    printed = capsys.readouterr().out
    assert "note: --sd" in printed
    assert "note: --tal" in printed
    log = (tmp_path / "mri_sclimbic.log").read_text()
    assert "note --sd" in log
    assert run_seg(f"{call} --write_volumes") == 1, "eTIV would be in the stats file"


def test_subjects_with_an_output(subjects_dir, run_seg, capsys):
    """As a public pipeline calls it: the results still lie in the subject, as the published tool writes them."""
    assert run_seg(f"--s bert --sd {subjects_dir} --o {subjects_dir}/x/seg.mgz") == 0
    assert "note: --o" in capsys.readouterr().out
    assert (subjects_dir / "bert/mri/sclimbic.mgz").is_file()
    assert not (subjects_dir / "x").exists()


def test_shipped_weights_under_a_freesurfer_home_are_warned_of(tmp_path, monkeypatch, capsys):
    """Its models folder may lack the weights; the numbers would be taken for FreeSurfer's."""
    monkeypatch.setenv("FREESURFER_HOME", str(tmp_path / "freesurfer"))
    monkeypatch.setenv("FS_SCLIMBIC_MODELS", str(tmp_path / "models"))
    (tmp_path / "a.mgz").write_text("garbage")
    call = ["--i", str(tmp_path / "a.mgz"), "--o", str(tmp_path / "o.mgz"), "--quiet"]
    assert main(call) == 1
    assert "warning: FREESURFER_HOME is" in capsys.readouterr().err
    assert "warning: FREESURFER_HOME is" in (tmp_path / "mri_sclimbic.log").read_text()
    monkeypatch.delenv("FREESURFER_HOME")
    assert main(call) == 1
    assert "FREESURFER_HOME is" not in capsys.readouterr().err


def test_population_reaches_the_computation(tmp_path):
    (tmp_path / "p.csv").write_text("name,mean,std\nA,1,2\n")
    for spelling in ("--population-stats", "--population_stats"):
        args = parse_flags(["--s", "x", spelling, str(tmp_path / "p.csv")])
        assert options_of(args).population == {"A": Norm(1, 2)}


def test_how_it_is_run_reaches_the_network(tmp_path, head_file, predictor, run_seg):
    given = []

    def load(spec, *, weights, **how):
        given.append(how)
        assert set(weights) == set(network_weights(len(spec.colors), spec.features, spec.channels)), "read once"
        return predictor

    call = f"--i {head_file} --o {tmp_path / 'o.mgz'} --redo --threads"
    assert run_seg(f"{call} 3 --cuda-device 1 --precision bfloat16", load_predictor=load) == 0
    assert run_seg(f"{call} 2 --engine openvino", load_predictor=load) == 0
    assert given == [
        {"threads": 3, "device": "1", "engine": "auto", "precision": "bfloat16"},
        {"threads": 2, "device": None, "engine": "openvino", "precision": "float32"},
    ]


@pytest.fixture(scope="session")
def other_flags(tmp_path_factory):
    """The flags of the tiny model with other weights."""
    spec = make_model(tmp_path_factory.mktemp("other"), lines=(BRIGHT, DARK))
    return ["--model", str(spec.weights), "--ctab", str(spec.weights.with_name("tiny.ctab")), *MODEL_FLAGS]


def test_a_study_has_one_set_of_weights(subjects_dir, run_seg, other_flags, capsys):
    """Also of subjects that have no result yet, and in tasks that start at once."""
    assert run_seg(f"--s bert --sd {subjects_dir}") == 0
    before = (subjects_dir / "bert/mri/sclimbic.mgz").read_bytes()
    other = shlex.join(other_flags)
    assert run_seg(f"--s --sd {subjects_dir} {other}", model=False) == 2
    assert "1 of 3 cases was made with other weights (bert)" in capsys.readouterr().err
    assert run_seg(f"--s ernie --sd {subjects_dir} {other}", model=False) == 2
    assert "1 of 1 other cases of this study was made with other weights (bert)" in capsys.readouterr().err
    assert run_seg(f"--s ernie --sd {subjects_dir} {other} --redo", model=False) == 2
    assert not (subjects_dir / "ernie/mri/sclimbic.mgz").exists()
    assert run_seg(f"--s ernie --sd {subjects_dir} {other} --output-base lim", model=False) == 0
    assert run_seg(f"--s --sd {subjects_dir} {other} --redo", model=False) == 0
    assert (subjects_dir / "bert/mri/sclimbic.mgz").read_bytes() != before
    assert run_seg(f"--s ernie --sd {subjects_dir}") == 2


def test_nothing_is_done_before_a_run_is_refused(tmp_path, head_file, run_seg, capsys):
    call = f"--i {tmp_path} --o {tmp_path}/out --write_volumes"
    assert run_seg(call) == 0
    before = {path: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert run_seg(f"{call} --7T") == 2
    assert "--redo replaces them, --output-base NAME keeps both" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    assert run_seg(f"{call} --conform") == 0
    assert run_seg(f"{call} --7T --output-base seven") == 0
    assert {path: path.read_bytes() for path in before if path.suffix != ".log"}.items() <= before.items()


def test_a_subject_that_recon_all_works_on_fails_alone(subjects_dir, run_seg, capsys):
    (subjects_dir / "bert/scripts").mkdir()
    (subjects_dir / "bert/scripts/IsRunning.lh+rh").write_text("HOST far\nPROCESSID 1\n")
    assert run_seg(f"--s bert ernie --sd {subjects_dir}") == 1
    assert "IsRunning.lh+rh: recon-all works on this subject (far); --wait-for-recon-all" in capsys.readouterr().err
    assert (subjects_dir / "ernie/mri/sclimbic.mgz").exists()
