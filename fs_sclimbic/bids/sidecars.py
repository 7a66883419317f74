"""The files beside a segmentation in BIDS derivatives: names and colours of labels, volumes, where they come from."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..cases.record import Record, header_value
from .cases import BidsCase
from .dataset import write_if_changed

BACKGROUND = "Background"
MORPH_COLUMNS: Mapping[str, Mapping[str, str]] = {
    "index": {"LongName": "SegId", "Description": "Number of the structure in the label image"},
    "name": {"Description": "Name of the structure"},
    "n_voxels": {"Description": "Voxels that carry the label, at the voxel size of the T1"},
    "volume": {"Description": "Volume of the structure", "Units": "mm^3"},
    "confidence": {"Description": "Mean posterior inside the label, 0 to 1; 0 without a voxel"},
    "detached_voxels": {"Description": "Voxels that do not touch the largest part of the structure"},
}


def write_sidecars(bids_case: BidsCase, record: Record) -> list[Path]:
    """Write the sidecars of a finished case, those that are missing or hold something else.

    Parameters
    ----------
    bids_case : BidsCase
    record : Record
        Of the case; all that the sidecars say is in it, so that a run that was cut short can write them later.

    Returns
    -------
    list of Path
        The files that were written.

    Raises
    ------
    OSError
        If one cannot be written.
    """
    stem, outputs = bids_case.stem, bids_case.case.outputs
    texts = {
        "dseg.tsv": dseg_table(record),
        "dseg.json": _json(dseg_sidecar(bids_case, record)),
        "morph.tsv": morph_table(record),
        "morph.json": _json(morph_sidecar(bids_case, record)),
    }
    posteriors = outputs.posteriors or next(path for path in outputs.optional if path.name.endswith("_probseg.nii.gz"))
    if posteriors.name in record.files and os.path.isfile(posteriors):
        texts["probseg.json"] = _json(probseg_sidecar(bids_case, record))
    paths = {stem.with_name(f"{stem.name}_{ending}"): text for ending, text in texts.items()}
    return [path for path, text in paths.items() if write_if_changed(path, text)]


def _json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def dseg_table(record: Record) -> str:
    """The text of ``_dseg.tsv``: index, name and colour of each label."""
    rows = [
        f"{index}\t{name}\t#{red:02x}{green:02x}{blue:02x}"
        for index, name, (red, green, blue, *_) in record.settings["colors"][1:]
    ]
    return "\n".join(["index\tname\tcolor", *rows]) + "\n"


def morph_table(record: Record) -> str:
    """The text of ``_morph.tsv``: what is measured of each structure."""
    rows = [
        f"{row.structure.index}\t{row.structure.name}\t{row.n_voxels}\t{row.volume_mm3:.4f}\t{row.confidence:.4f}\t"
        f"{row.detached_voxels}"
        for row in record.stats.structures
    ]
    return "\n".join(["\t".join(MORPH_COLUMNS), *rows]) + "\n"


def dseg_sidecar(bids_case: BidsCase, record: Record) -> dict[str, Any]:
    """The content of ``_dseg.json``.

    Parameters
    ----------
    bids_case : BidsCase
    record : Record

    Returns
    -------
    dict
    """
    return {
        **_of_image(bids_case, "Segmentation of limbic structures"),
        **how_it_was_made(record),
    }


def probseg_sidecar(bids_case: BidsCase, record: Record) -> dict[str, Any]:
    """The content of ``_probseg.json``; LabelMap names the frames.

    Parameters
    ----------
    bids_case : BidsCase
    record : Record

    Returns
    -------
    dict
    """
    names = [name for _, name, _ in record.settings["colors"][1:]]
    return {
        **_of_image(
            bids_case, "Posteriors of limbic structures, cropped to the box in which they are not all background"
        ),
        "LabelMap": [BACKGROUND, *names],
        **how_it_was_made(record),
    }


def morph_sidecar(bids_case: BidsCase, record: Record) -> dict[str, Any]:
    """The content of ``_morph.json``: the columns, and eTIV, which is no structure's.

    Parameters
    ----------
    bids_case : BidsCase
    record : Record

    Returns
    -------
    dict
    """
    etiv = record.stats.etiv_mm3
    return {
        "Description": "Volumes of limbic structures",
        "Sources": list(bids_case.sources),
        **({} if etiv is None else {"EstimatedTotalIntraCranialVolume": {"Value": round(etiv, 6), "Units": "mm^3"}}),
        **MORPH_COLUMNS,
    }


def _of_image(bids_case: BidsCase, description: str) -> dict[str, Any]:
    """What every image that was made of a case says."""
    return {
        "Description": description,
        "Sources": list(bids_case.sources),
        "SpatialReference": bids_case.sources[0],
        "Manual": False,
    }


def how_it_was_made(record: Record) -> dict[str, Any]:
    """Weights and settings, as they stand in the header of the stats file."""
    words = ("Weights", "Engine", "Preset", "IntensityRange")
    return {word: value for word in words if (value := header_value(record, word))}
