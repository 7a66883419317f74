"""Folders import downwards only, each heavy library has one home, and importing does nothing."""

import subprocess
import sys

import pytest

from tests.conftest import ROOT


def test_import_contracts_hold():
    """The contracts in pyproject.toml: layers, and homes of heavy libraries."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def loaded_by(code):
    script = f"import sys\n{code}\nprint(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    return set(
        subprocess.run(
            [sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True, text=True
        ).stdout.split()
    )


def test_importing_the_package_loads_nothing_heavy():
    assert not loaded_by("import fs_sclimbic") & {"tensorflow", "keras", "nibabel", "numpy", "surfa", "rich"}


def test_api_names_load_no_network_until_a_model_is_wanted():
    assert not loaded_by("from fs_sclimbic import read_volume, segment, SegStats") & {"tensorflow", "keras"}


def test_openvino_runs_a_model_without_keras(tiny_model):
    ctab = tiny_model.weights.with_name("tiny.ctab")
    code = (
        "import numpy as np\n"
        "from fs_sclimbic import Grid, Volume, load_model\n"
        f"model = load_model({str(tiny_model.weights)!r}, {str(ctab)!r}, fov=48, features=2, engine='openvino')\n"
        "head = Volume(np.random.default_rng(1).random((48, 48, 48), np.float32), Grid((48, 48, 48), np.eye(4)))\n"
        "assert model.predict(head).data.shape == (48, 48, 48, 3)"
    )
    found = loaded_by(code)
    assert "openvino" in found
    assert not found & {"tensorflow", "keras", "torch", "jax"}


def test_every_public_name_is_there():
    import fs_sclimbic

    assert {"segment", "load_model", "__version__"} <= set(fs_sclimbic.__all__)
    assert set(dir(fs_sclimbic)) == set(fs_sclimbic.__all__)
    assert all(getattr(fs_sclimbic, name) is not None for name in fs_sclimbic.__all__)
    with pytest.raises(AttributeError, match="attribute nonsense"):
        fs_sclimbic.nonsense  # noqa: B018


@pytest.mark.parametrize(
    "module",
    [
        "fs_sclimbic.cli.segment",
        "fs_sclimbic.cli.main",
        "fs_sclimbic.cli.train",
        "fs_sclimbic.cli.etiv",
        "fs_sclimbic.cli.demo",
        "fs_sclimbic.cli.table",
        "fs_sclimbic.cli.fsgd",
        "fs_sclimbic.cli.harmonize",
        "fs_sclimbic.cli.glm",
    ],
)
def test_help_loads_nothing_heavy(module):
    # What help loads is checked; its time (under 0.3 s) is measured by the benchmark.
    found = loaded_by(f"from {module} import main\nmain(['--help'])")
    assert not found & {"tensorflow", "keras", "nibabel", "numpy", "scipy", "surfa", "rich", "h5py"}
