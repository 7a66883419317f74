"""Cases of image files: one image with a named output, or a folder of images."""

import glob
import os
from collections.abc import Sequence
from pathlib import Path

from ..errors import SclimbicError, UsageError
from ..files.content import find_problem
from ..image.volume import image_suffix
from .case import DEFAULT_BASE, Case, Outputs, Requests
from .case_picture import picture_file_of
from .record import read_record

MAX_TWINS = 3
"""A message names no more images than this."""


def image_case(image: Path, segmentation: Path, requests: Requests, *, transform: Path | None = None) -> Case:
    """The case of one image file with a named output file; the other outputs lie beside it.

    Parameters
    ----------
    image : Path
    segmentation : Path
        The output.
    requests : Requests
    transform : Path, optional
        To MNI305, for eTIV.

    Returns
    -------
    Case

    Raises
    ------
    SclimbicError
        If the output is not named as an image.
    """
    suffix = _suffix_of_output(segmentation)
    stem = segmentation.name.removesuffix(suffix)
    return Case(
        name=stem,
        input_name=stem_of(image),
        t1=image,
        transforms=(transform,) if transform else (),
        outputs=_image_outputs(segmentation.parent / stem, suffix, requests, segmentation.parent / f"{stem}.ctab"),
        problem=None if os.path.isfile(image) else find_problem(image, "image"),
    )


def folder_cases(
    folder: Path, output: Path, requests: Requests, *, base: str = DEFAULT_BASE, transform_suffix: str | None = None
) -> list[Case]:
    """The cases of a folder of images, sorted by name.

    Two images that differ only in their ending would share one name in tables and outputs: both are
    returned with a problem. Outputs of this tool in the folder are left out.

    Parameters
    ----------
    folder : Path
        Of the images.
    output : Path
        Folder of the outputs.
    requests : Requests
    base : str
        Stands for ``sclimbic`` in the names of the outputs.
    transform_suffix : str, optional
        A case's transform to MNI305 is ``<case><suffix>`` beside the image.

    Returns
    -------
    list of Case

    Raises
    ------
    UsageError
        If the folder does not exist or holds no image.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: folder does not exist")
    images = images_in(folder)
    if not images:
        hint = "; for a BIDS dataset give 'fs_sclimbic bids'" if any(folder.glob("sub-*/")) else ""
        raise UsageError(f"{folder}: no image found; expected files that end in .mgz, .mgh, .nii or .nii.gz{hint}")
    return images_cases(images, output, requests, base=base, transform_suffix=transform_suffix)


def images_cases(
    images: Sequence[Path],
    output: Path,
    requests: Requests,
    *,
    base: str = DEFAULT_BASE,
    transform_suffix: str | None = None,
) -> list[Case]:
    """The cases of images whose outputs go into one folder.

    Parameters
    ----------
    images : sequence of Path
        Those that share a name are returned with a problem: their outputs would be one.
    output : Path
        Folder of the outputs.
    requests : Requests
    base : str
        Stands for ``sclimbic`` in the names of the outputs.
    transform_suffix : str, optional
        A case's transform to MNI305 is ``<case><suffix>`` beside the image.

    Returns
    -------
    list of Case
        In the order of the images, those of one name together.
    """
    by_name: dict[str, list[Path]] = {}
    for image in images:
        by_name.setdefault(stem_of(image), []).append(image)
    cases = []
    for name, same in by_name.items():
        one_folder = len({image.parent for image in same}) == 1
        twins = " and ".join(image.name if one_folder else str(image) for image in same[:MAX_TWINS])
        more = " ..." if len(same) > MAX_TWINS else ""
        for image in same:
            outputs = _image_outputs(
                output / f"{name}.{base}", _suffix_of_output(image), requests, output / f"{base}.ctab"
            )
            transforms = (image.parent / f"{name}{transform_suffix}",) if transform_suffix else ()
            problem = f"{image}: case name '{name}' is shared by {twins}{more}; rename one" if len(same) > 1 else None
            cases.append(Case(name=name, t1=image, transforms=transforms, outputs=outputs, problem=problem))
    return cases


def find_images(given: Sequence[str]) -> list[Path]:
    """The images that are named, or that match patterns such as ``raw/*/T1.nii.gz``; ``**`` is any depth.

    Parameters
    ----------
    given : sequence of str
        An image that is not there is kept, and fails as a case.

    Returns
    -------
    list of Path
        In the order in which they are given, those of a pattern sorted, each once.

    Raises
    ------
    UsageError
        If a folder is given, or a pattern matches no image.
    """
    found: list[Path] = []
    for text in given:
        path = Path(text)
        if path.is_dir():
            raise UsageError(f"--i {path}: is a folder; give one folder alone, or images and patterns of images")
        if path.exists() or not any(sign in text for sign in "*?["):
            found.append(path)
            continue
        matches = [Path(match) for match in sorted(glob.glob(text, recursive=True)) if image_suffix(match)]
        if not matches:
            raise UsageError(f"--i '{text}': matches no image (.mgz .mgh .nii .nii.gz)")
        found += [match for match in matches if not match.is_dir()]
    return list(dict.fromkeys(found))


def images_in(folder: Path) -> list[Path]:
    """Images of a folder by name, without hidden ones and without results whose record lies beside them."""
    paths = sorted(folder.iterdir())  # once: a folder may hold thousands, over a network
    records = (read_record(path) for path in paths if path.name.endswith(f".{DEFAULT_BASE}.json"))
    results = {name for record in records if record for name in record.files}
    return [
        path
        for path in paths
        # os.path: an image that cannot be looked at is no folder, and fails as a case.
        if image_suffix(path) and not path.name.startswith(".") and path.name not in results and not os.path.isdir(path)
    ]


def _image_outputs(start: Path, suffix: str, requests: Requests, ctab: Path) -> Outputs:
    def beside(ending: str) -> Path:
        return start.with_name(start.name + ending)

    # From the segmentation's name alone: whoever writes that file finds its record.
    record = start.with_name(f"{start.name.removesuffix(f'.{DEFAULT_BASE}')}.{DEFAULT_BASE}.json")
    posteriors, stats, qa_stats = beside(f".posteriors{suffix}"), beside(".stats"), beside(".qa.stats")
    xfm, lta = beside(".talairach.xfm"), beside(".talairach.lta")
    picture = picture_file_of(beside(suffix))
    return Outputs(
        segmentation=beside(suffix),
        record=record,
        ctab=ctab if suffix.lower().startswith(".nii") else None,
        posteriors=posteriors if requests.posteriors else None,
        stats=stats if requests.volumes else None,
        qa_stats=qa_stats if requests.qa_stats else None,
        xfm=xfm if requests.etiv_from_image else None,
        lta=lta if requests.etiv_from_image else None,
        picture=picture if requests.picture else None,
        optional=(posteriors, stats, qa_stats, xfm, lta, picture),
    )


def _suffix_of_output(path: Path) -> str:
    suffix = image_suffix(path)
    if suffix is None:
        raise SclimbicError(f"{path}: expected an image that ends in .mgz, .mgh, .nii or .nii.gz")
    return suffix


def stem_of(path: Path) -> str:
    """The name of an image without its ending."""
    return path.name.removesuffix(image_suffix(path) or "")
