"""What a dataset says of itself: dataset_description.json, read of the input and written for the results."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._version import __version__
from ..errors import UsageError
from ..files.staging import encode_text, write_atomically
from .ignore import IGNORE_FILE

DESCRIPTION = "dataset_description.json"
BIDS_VERSION = "1.10.0"
PROGRAM = "fs_sclimbic"
IGNORED = ("*_morph.tsv", "*_morph.json", "/group_*", "/sclimbic_qc")
"""What BIDS has no names for yet, and pages of quality control."""
README = """\
# Limbic structures, segmented by fs_sclimbic

- `sub-*/[ses-*/]anat/*_seg-limbic_dseg.nii.gz`: labels on the grid of the T1; the `.tsv` beside it says which number is
  which structure, the `.json` where they come from.
- `*_seg-limbic_morph.tsv`: the volume of each structure, mm^3.
- `group_morph.tsv`: one row an image, one column a structure (`fs_sclimbic bids ... group`).
- `sourcedata/sclimbic/`: stats, records and logs, laid out as a SUBJECTS_DIR, so that `fs_sclimbic table --sd` and
  asegstats2table read it.
"""


@dataclass(frozen=True)
class DatasetInfo:
    """What is used of a dataset's description."""

    name: str
    is_derived: bool
    """Its DatasetType is derivative."""
    doi: str | None = None


def read_dataset_info(dataset: Path, *, lenient: bool = False) -> DatasetInfo:
    """Read the description of a BIDS dataset.

    Parameters
    ----------
    dataset : Path
    lenient : bool
        Take a dataset without a description, or with a broken one, for a raw one.

    Returns
    -------
    DatasetInfo

    Raises
    ------
    UsageError
        If the description is missing or broken.
    """
    path = dataset / DESCRIPTION
    if not dataset.is_dir():
        raise UsageError(f"{dataset}: BIDS dataset does not exist")
    try:
        content = _read_object(path)
    except UsageError as error:
        if not lenient:
            raise UsageError(f"{error}; --skip-bids-validation goes on without it") from error
        return DatasetInfo(dataset.name, is_derived=False)
    missing = [key for key in ("Name", "BIDSVersion") if not isinstance(content.get(key), str)]
    if missing and not lenient:
        raise UsageError(f"{path}: expected a text for {' and '.join(missing)}; --skip-bids-validation goes on without")
    kind, doi = content.get("DatasetType"), content.get("DatasetDOI")
    # PipelineDescription: how derivatives were told before BIDS 1.4. Raw datasets may have GeneratedBy, of a converter.
    is_derived = kind == "derivative" or (kind is None and "PipelineDescription" in content)
    return DatasetInfo(str(content.get("Name") or dataset.name), is_derived, doi if isinstance(doi, str) else None)


def _read_object(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); a BIDS dataset has one") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: is no JSON ({error})") from error
    if not isinstance(content, dict):
        raise UsageError(f"{path}: expected a JSON object, found {type(content).__name__}")
    return content


def write_output_description(out: Path, dataset: Path, info: DatasetInfo, links: Mapping[str, Path]) -> None:
    """Write what the results say of themselves: dataset_description.json, README.md and .bidsignore.

    Files that hold that already stay as they are. A README.md of somebody stays, lines are added to a .bidsignore.

    Parameters
    ----------
    out : Path
        Folder of the results; made if it is missing.
    dataset : Path
        The input.
    info : DatasetInfo
        Of the input.
    links : mapping of str to Path
        Datasets that the sidecars name as sources, by the word that stands for them in a BIDS URI.

    Raises
    ------
    UsageError
        If the folder holds another dataset.
    """
    check_output_folder(out, dataset)
    source = {"URL": file_uri(dataset), **({"DOI": info.doi} if info.doi else {})}
    description = {
        "Name": _name_of_results(info),
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": PROGRAM, "Version": __version__, "Description": "Segmentation of limbic structures"}],
        "SourceDatasets": [source],
        "DatasetLinks": {name: file_uri(path) for name, path in links.items()},
    }
    write_if_changed(out / DESCRIPTION, json.dumps(description, indent=2) + "\n")
    if not any(os.path.lexists(out / name) for name in ("README.md", "README", "README.txt", "README.rst")):
        write_atomically(out / "README.md", encode_text(README))
    ignore = out / IGNORE_FILE
    lines = ignore.read_text("utf-8", "surrogateescape").splitlines() if ignore.is_file() else []
    lacking = [line for line in IGNORED if line not in lines]
    if lacking:
        write_atomically(ignore, encode_text("\n".join((*lines, *lacking)) + "\n"))


def check_output_folder(out: Path, dataset: Path, info: DatasetInfo | None = None) -> None:
    """Refuse a folder that holds another dataset: results would lie among its files.

    Parameters
    ----------
    out : Path
    dataset : Path
        The input.
    info : DatasetInfo, optional
        Of the input. With it results of another input are refused: its sub-01 would be replaced. Another input has
        another name and lies elsewhere; a dataset may be moved, and its name may be changed.

    Raises
    ------
    UsageError
    """
    if os.path.realpath(out) == os.path.realpath(dataset):
        raise UsageError(f"{out}: is the input, which is not written to; give another folder, as derivatives/sclimbic")
    path = out / DESCRIPTION
    if not os.path.lexists(path):
        return
    about = _read_object(path)
    makers = about.get("GeneratedBy")
    names = [maker.get("Name") for maker in makers if isinstance(maker, dict)] if isinstance(makers, list) else []
    if PROGRAM not in names:
        by = f"made by {', '.join(map(str, names))}" if names else "not a result of this tool"
        raise UsageError(f"{out}: holds a dataset that is {by} ({DESCRIPTION}); give another folder")
    if info is not None and about.get("Name") != _name_of_results(info) and file_uri(dataset) not in _sources(about):
        raise UsageError(
            f"{out}: holds results of another dataset ({about.get('Name')}; {', '.join(_sources(about))}); give "
            "another folder, or --skip-bids-validation if it is the same one, moved and renamed"
        )


def _name_of_results(info: DatasetInfo) -> str:
    return f"Limbic structures of {info.name}"


def _sources(about: Mapping[str, Any]) -> list[str]:
    """The addresses of the datasets that results were made from."""
    sources = about.get("SourceDatasets")
    found = [source.get("URL") for source in sources if isinstance(source, dict)] if isinstance(sources, list) else []
    return [url for url in found if isinstance(url, str)]


def file_uri(path: Path) -> str:
    """The address of a folder on this machine."""
    return Path(os.path.abspath(path)).as_uri()


def write_if_changed(path: Path, text: str) -> bool:
    """Write a small file atomically, unless it holds this text; returns whether it was written.

    Parameters
    ----------
    path : Path
    text : str

    Returns
    -------
    bool
    """
    content = encode_text(text)
    try:
        if path.read_bytes() == content:
            return False
    except OSError:
        pass
    write_atomically(path, content)
    return True
