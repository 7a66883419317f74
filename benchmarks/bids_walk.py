"""How long it takes to find the T1w images of a large BIDS dataset: benchmarks/bids_walk.py [--participants N]."""

import argparse
import tempfile
import time
from pathlib import Path

from fs_sclimbic.bids.participant_level import DatasetRequest, plan_dataset

SESSIONS = ("1", "2")
FILES = (
    "anat/{}_T1w.nii.gz",
    "anat/{}_T1w.json",
    "anat/{}_T2w.nii.gz",
    "anat/{}_T2w.json",
    "func/{}_task-rest_bold.nii.gz",
    "func/{}_task-rest_bold.json",
    "dwi/{}_dwi.nii.gz",
    "dwi/{}_dwi.json",
    "dwi/{}_dwi.bval",
    "dwi/{}_dwi.bvec",
    "fmap/{}_dir-AP_epi.nii.gz",
    "fmap/{}_dir-AP_epi.json",
)


def make_tree(folder: Path, participants: int) -> None:
    """Make a dataset of empty files, two sessions a participant.

    Parameters
    ----------
    folder : Path
    participants : int
    """
    folder.mkdir(parents=True)
    (folder / "dataset_description.json").write_text('{"Name": "large", "BIDSVersion": "1.10.0"}')
    for number in range(participants):
        for session in SESSIONS:
            home = folder / f"sub-{number:05d}/ses-{session}"
            for kind in ("anat", "func", "dwi", "fmap"):
                (home / kind).mkdir(parents=True)
            for name in FILES:
                (home / name.format(f"sub-{number:05d}_ses-{session}")).touch()


def main() -> None:
    """Make the tree in a temporary folder, and plan its cases three times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--participants", type=int, default=10_000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        dataset = Path(folder) / "study"
        make_tree(dataset, args.participants)
        for _ in range(3):
            start, cpu = time.perf_counter(), time.process_time()
            planned = plan_dataset(DatasetRequest(dataset=dataset, out=Path(folder) / "out"))
            print(
                f"{len(planned.cases)} images in {time.perf_counter() - start:.1f} s, "
                f"{time.process_time() - cpu:.1f} s of processor time"
            )


if __name__ == "__main__":
    main()
