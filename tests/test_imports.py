"""Modules import downwards only, each heavy library has one home, and importing does nothing."""

import ast
import subprocess
import sys

import pytest

from .conftest import ROOT

PACKAGE = ROOT / "fs_sclimbic"
FLOORS = [
    {"errors", "resources", "box", "packing"},
    {"labels", "xfm", "staging", "group.table", "group.expression", "group.glm"},
    {"volume", "group.contrast", "group.permutation"},
    {"place", "affine", "group.design", "group.glm_tree", "group.results"},
    {"average_brain", "average_head", "group.fsgd_tags", "group.fsgd_make", "group.design_summary", "group.rows"},
    {"locate", "verdict", "group.study", "group.fsgd_checks", "group.subject_lists"},
    {"model", "group.panels", "group.fsgd"},
    {"weights", "store", "conform", "measure", "etiv", "provenance", "recipe", "sample", "group.plots"},
    {
        "talairach",
        "postprocess",
        "stats",
        "record",
        "augment",
        "training_set",
        "checkpoint",
        "given_weights",
        "framing",
        "group.glm_files",
    },
    {"qa", "subject", "training_record", "plots", "group.report", "group.study_summary", "nn.backend", "nn.extents"},
    {
        "tables",
        "group.stats_values",
        "segmentation",
        "nn.unet",
        "nn.generator",
        "nn.losses",
        "nn.averaging",
        "nn.openvino_engine",
    },
    {"pipeline", "group.stats_table", "nn.keras_engine", "nn.teaching"},
    {"cohort", "nn.predictor", "nn.train"},
    {"cli.progress", "cli.flags", "cli.plan", "cli.glm_flags"},
    {"cli.guard"},
    {"cli.run", "cli.train_run"},
    {"cli.segment", "cli.etiv", "cli.table", "cli.fsgd", "cli.glm", "cli.model", "cli.train"},
    {"cli.demo"},
    {"cli.main"},
    {"__main__"},
]
HOMES = {
    "tensorflow": "nn.",
    "openvino": "nn.openvino_engine",
    "keras": "nn.",
    "torch": "nn.",
    "jax": "nn.",
    "nibabel": "volume",
    "surfa": "conform",
    "h5py": "weights",
    "pooch": "store",
    "filelock": "cohort",
    "matplotlib": ("plots", "group.plots"),
    "nilearn": "sample",
    "tensorboardX": "cli.train_run",
    "platformdirs": "store",
    "argparse": "cli.",
    "rich": "cli.",
}
FLOOR = {name: floor for floor, names in enumerate(FLOORS) for name in names}
MODULES = sorted(
    path.relative_to(PACKAGE).with_suffix("").as_posix().replace("/", ".")
    for path in PACKAGE.rglob("*.py")
    if path.name != "__init__.py"
)


def imported(module):
    """Full names of everything a module imports, relative imports resolved, inside functions too."""
    tree = ast.parse((PACKAGE / (module.replace(".", "/") + ".py")).read_text())
    parents = ["fs_sclimbic", *module.split(".")[:-1]]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = [*parents[: len(parents) - node.level + 1]] if node.level else []
            source = ".".join([*start, *([node.module] if node.module else [])])
            yield from (f"{source}.{alias.name}" for alias in node.names)


def own(name):
    """The module of this package that an imported name lives in, or None."""
    parts = name.split(".")[1:] if name.startswith("fs_sclimbic.") else []
    return next((module for n in (2, 1) if (module := ".".join(parts[:n])) in FLOOR), None)


def test_every_module_has_a_floor():
    assert set(MODULES) == set(FLOOR)


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_down(module):
    assert not {name for name in imported(module) if (found := own(name)) and FLOOR[found] >= FLOOR[module]}


@pytest.mark.parametrize("module", MODULES)
def test_heavy_libraries_stay_home(module):
    strays = {
        library
        for name in imported(module)
        if (library := name.split(".")[0]) in HOMES and not module.startswith(HOMES[library])
    }
    assert not strays


def test_the_walk_sees_relative_imports():
    assert "fs_sclimbic.volume.Volume" in set(imported("nn.predictor"))
    assert own("fs_sclimbic.nn.unet.build_unet") == "nn.unet"


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

    assert all(getattr(fs_sclimbic, name) is not None for name in fs_sclimbic.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
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
        "fs_sclimbic.cli.glm",
    ],
)
def test_help_loads_nothing_heavy(module):
    # What help loads is checked; its time (under 0.3 s) is measured by the benchmark.
    found = loaded_by(f"from {module} import main\nmain(['--help'])")
    assert not found & {"tensorflow", "keras", "nibabel", "numpy", "scipy", "surfa", "rich", "h5py"}
