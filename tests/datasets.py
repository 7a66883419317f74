"""BIDS datasets for tests."""

import json
from pathlib import Path

from fs_sclimbic.bids.tree import find_t1_images


def make_dataset(folder: Path, *files: str, head: Path | None = None, **description) -> Path:
    """A dataset of files that are empty, or links to a head; keywords go into dataset_description.json."""
    folder.mkdir(parents=True, exist_ok=True)
    about = {"Name": "study", "BIDSVersion": "1.10.0", **description}
    (folder / "dataset_description.json").write_text(json.dumps(about))
    for name in files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if head is None:
            path.touch()
        else:
            path.symlink_to(head)
    return folder


def t1(*entities: str, ending: str = ".nii.gz") -> str:
    """The path of a T1w image: ``t1("sub-01", "ses-1", "run-2")``."""
    folders = [entity for entity in entities if entity.startswith(("sub-", "ses-"))]
    return "/".join((*folders, "anat", "_".join((*entities, f"T1w{ending}"))))


def images_of(folder: Path, *files: str):
    """What is found in a dataset of these files."""
    return find_t1_images(make_dataset(folder, *files))
