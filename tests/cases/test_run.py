from pathlib import Path

from fs_sclimbic.cases.run import Run
from fs_sclimbic.files.system import peak_memory_kb, versions


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


def test_versions_without_importing():
    assert versions(["numpy"])[0].startswith("numpy ")
    assert versions(["no-such-package"]) == ["no-such-package absent"]


def test_peak_memory_is_that_of_a_python():
    assert 10_000 < peak_memory_kb() < 10**9


def test_the_log_names_the_colour_table(tiny_model):
    run = Run(tiny_model, (), ctab=Path("/models/tiny.ctab"))
    assert "ctab /models/tiny.ctab" in run.log_header()
