"""From flags to the computation."""

import pytest

from fs_sclimbic.cli.arguments import build_parser, parse_flags
from fs_sclimbic.cli.run import options_of
from fs_sclimbic.network.architecture import network_weights
from fs_sclimbic.segmentation.population import Norm


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
    ],
)
def test_flags_reach_the_computation(flags, field, value):
    args = build_parser().parse_args(["--s", *([] if not flags else ["x"]), *flags])
    assert getattr(options_of(args), field) == value


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
