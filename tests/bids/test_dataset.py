import json

import pytest

from fs_sclimbic.bids.dataset import (
    check_output_folder,
    read_dataset_info,
    write_if_changed,
    write_output_description,
)
from fs_sclimbic.errors import UsageError
from tests.datasets import make_dataset


def description(folder):
    return json.loads((folder / "dataset_description.json").read_text())


@pytest.mark.parametrize(
    ("about", "is_derived"),
    [
        ({}, False),
        ({"DatasetType": "raw", "GeneratedBy": [{"Name": "dcm2bids"}]}, False),
        ({"DatasetType": "derivative"}, True),
        ({"GeneratedBy": [{"Name": "heudiconv"}]}, False),
        ({"PipelineDescription": {"Name": "fMRIPrep"}}, True),
    ],
)
def test_raw_or_derived(tmp_path, about, is_derived):
    info = read_dataset_info(make_dataset(tmp_path, DatasetDOI="doi:10.1/x", **about))
    assert info.is_derived == is_derived
    assert (info.name, info.doi) == ("study", "doi:10.1/x")


@pytest.mark.parametrize("text", [None, "{", "[]", '{"Name": "x"}'])
def test_a_broken_description_is_an_error_unless_it_is_let_pass(tmp_path, text):
    if text is not None:
        (tmp_path / "dataset_description.json").write_text(text)
    with pytest.raises(UsageError, match=r"dataset_description\.json: .* --skip-bids-validation"):
        read_dataset_info(tmp_path)
    assert not read_dataset_info(tmp_path, lenient=True).is_derived


def test_a_dataset_that_is_not_there(tmp_path):
    with pytest.raises(UsageError, match="does not exist"):
        read_dataset_info(tmp_path / "x", lenient=True)


def test_what_the_results_say_of_themselves(tmp_path):
    dataset = make_dataset(tmp_path / "study", DatasetDOI="doi:10.1/x")
    out = tmp_path / "out"
    write_output_description(out, dataset, read_dataset_info(dataset), {"raw": dataset})
    about = description(out)
    assert about["DatasetType"] == "derivative"
    assert about["GeneratedBy"][0]["Name"] == "fs_sclimbic"
    assert about["SourceDatasets"] == [{"URL": dataset.as_uri(), "DOI": "doi:10.1/x"}]
    assert about["DatasetLinks"] == {"raw": dataset.as_uri()}
    assert "*_morph.tsv" in (out / ".bidsignore").read_text().splitlines()


def test_results_of_another_dataset_are_not_replaced(tmp_path):
    dataset, out = make_dataset(tmp_path / "study"), tmp_path / "out"
    write_output_description(out, dataset, read_dataset_info(dataset), {"raw": dataset})
    moved, renamed = make_dataset(tmp_path / "moved"), make_dataset(tmp_path / "study", Name="better")
    for same in (moved, renamed):
        check_output_folder(out, same, read_dataset_info(same))
    other = make_dataset(tmp_path / "other", Name="other")
    with pytest.raises(UsageError, match=r"holds results of another dataset \(Limbic structures of study; file://"):
        check_output_folder(out, other, read_dataset_info(other))


def test_what_a_user_wrote_stays(tmp_path):
    dataset, out = make_dataset(tmp_path / "study"), tmp_path / "out"
    out.mkdir()
    (out / "README").write_text("mine")
    (out / ".bidsignore").write_text("/mine\n/group_*")
    for _ in range(2):
        write_output_description(out, dataset, read_dataset_info(dataset), {})
    assert not (out / "README.md").exists()
    assert (out / ".bidsignore").read_text() == "/mine\n/group_*\n*_morph.tsv\n*_morph.json\n/sclimbic_qc\n"


def test_the_input_and_other_datasets_are_not_written_into(tmp_path):
    dataset = make_dataset(tmp_path / "study")
    other = make_dataset(tmp_path / "other", GeneratedBy=[{"Name": "fMRIPrep"}])
    for out, message in (
        (dataset, "is the input"),
        (other, "made by fMRIPrep"),
        (dataset / "../study", "is the input"),
    ):
        with pytest.raises(UsageError, match=message):
            write_output_description(out, dataset, read_dataset_info(dataset), {})
    with pytest.raises(UsageError, match="not a result of this tool"):
        write_output_description(make_dataset(tmp_path / "third"), dataset, read_dataset_info(dataset), {})


def test_a_file_that_holds_the_text_is_not_written_again(tmp_path):
    path = tmp_path / "a/b.json"
    assert write_if_changed(path, "x")
    assert not write_if_changed(path, "x")
    assert write_if_changed(path, "y")
    assert path.read_text() == "y"
