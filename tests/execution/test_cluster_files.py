"""The recipes and descriptors of docs/cluster agree with the package and its commands."""

import configparser
import json
import re
import shlex

import pytest
from boutiques import bosh

from fs_sclimbic import __version__
from fs_sclimbic.cli.bids import parse_bids_flags
from tests.conftest import ROOT

FOLDER = ROOT / "docs/cluster"
DESCRIPTOR = FOLDER / "nipoppy/descriptor.json"
NOT_IN_CONTAINER = {"keras", "tensorflow"}


def package_of(requirement):
    return re.match(r"[\w.-]+", requirement)[0].lower()


def test_the_container_installs_what_setup_asks_for_but_tensorflow():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    asked = [line.split(";")[0].strip() for line in setup["options"]["install_requires"].split("\n") if line.strip()]
    expected = {line for line in asked if package_of(line) not in NOT_IN_CONTAINER} | {"matplotlib"}
    lines = (FOLDER / "requirements-light.txt").read_text().splitlines()
    assert {line for line in lines if not line.startswith("#")} == expected


@pytest.mark.parametrize("recipe", ["Dockerfile", "fs_sclimbic.def"])
def test_both_recipes_run_the_same_steps_and_the_same_command(recipe):
    text = (FOLDER / recipe).read_text()
    assert "bash /src/docs/cluster/install_light.sh /src" in text
    assert "debian:12-slim" in text
    assert "/opt/fs_sclimbic/bin:$PATH" in text
    assert re.search(r"fs_sclimbic\"?,? \"?bids", text)


def test_the_descriptor_is_valid_and_of_this_version():
    bosh(["validate", str(DESCRIPTOR)])
    descriptor = json.loads(DESCRIPTOR.read_text())
    assert descriptor["tool-version"] == __version__
    assert {entry["code"] for entry in descriptor["error-codes"]} == {1, 2, 130}


def command_of(tmp_path, invocation):
    """The words of the command that Boutiques makes of an invocation."""
    file = tmp_path / "invocation.json"
    file.write_text(json.dumps(invocation))
    return shlex.split(bosh(["exec", "simulate", str(DESCRIPTOR), "-i", str(file)]).shell_command)


def test_the_command_takes_what_the_descriptor_makes(tmp_path):
    filter_file = tmp_path / "filter.json"
    filter_file.write_text("{}")
    everything = {
        "bids_dir": "/data/bids",
        "output_dir": "/data/out put",
        "analysis_level": "participant",
        "participant_label": ["01", "02"],
        "session_id": ["1"],
        "bids_filter_file": str(filter_file),
        "skip_bids_validation": True,
        "subjects_dir": "/data/subjects",
        "preset": "study",
        "model": "shipped",
        "threads": 4,
        "workers": 2,
        "part": "3/10",
        "no_etiv": True,
        "write_posteriors": True,
        "redo": True,
    }
    descriptor = json.loads(DESCRIPTOR.read_text())
    assert {entry["id"] for entry in descriptor["inputs"]} == set(everything)
    program, command, *words = command_of(tmp_path, everything)
    assert (program, command) == ("fs_sclimbic", "bids")
    args = vars(parse_bids_flags(words))
    expected = {**everything, "threads": 2}  # of each worker
    assert {name: args[name] for name in expected if name != "part"} == {
        name: value for name, value in expected.items() if name != "part"
    }


def test_the_bundle_of_nipoppy_fits_the_descriptor(tmp_path):
    bundle = DESCRIPTOR.parent
    config = json.loads((bundle / "config.json").read_text())
    assert config["VERSION"] == __version__
    (step,) = config["STEPS"]
    files = [value for name, value in step.items() if name.endswith("_FILE")]
    assert len(files) == 4
    assert all((bundle / name).is_file() for name in files)
    invocation = json.loads((bundle / step["INVOCATION_FILE"]).read_text())
    parse_bids_flags(command_of(tmp_path, invocation)[2:])
