from pathlib import Path

from fs_sclimbic.cases.run import Run


def test_lines_name_weights_command_and_host(tiny_model):
    run = Run(tiny_model, ("mri_sclimbic_seg", "--i", "a b.mgz"), threads=2)
    text = "\n".join(run.log_header())
    for words in (
        tiny_model.sha256,
        "tiny.h5",
        "--i 'a b.mgz'",
        f"hostname {run.host}",
        "threads 2",
        "fov 48 features 2 labels 3",
        "started 20",
    ):
        assert words in text


def test_the_log_names_the_colour_table(tiny_model):
    run = Run(tiny_model, (), ctab=Path("/models/tiny.ctab"))
    assert "ctab /models/tiny.ctab" in run.log_header()
