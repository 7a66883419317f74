"""eTIV of one case from its transform and from its image, side by side."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import TransformError, UsageError, naming
from ..files.staging import StagedFiles
from ..image.transforms import format_lta, format_xfm, read_transform
from ..image.volume import Volume, image_suffix, read_volume
from ..registration.etiv import etiv_mm3
from ..registration.plausibility import find_transform_doubts
from ..registration.talairach import Registration
from .case import SUBJECT_T1, SUBJECT_TRANSFORMS

MAX_SOUND_DIFFERENCE = 0.10
"""Of eTIV. Repeated registrations by recon-all differ by up to 14 %, sound ones by 5 %."""


@dataclass(frozen=True)
class EtivSource:
    """The files that the two eTIVs of a case come from."""

    name: str
    """Of the subject, or of the image without its ending."""
    image: Path
    transforms: tuple[Path, ...]
    """Transforms to MNI305 to compare with; the first one that exists is taken."""


@dataclass(frozen=True, kw_only=True)
class EtivComparison:
    """eTIV of one case in two ways."""

    name: str
    transform_mm3: float | None
    """From the transform on disk; None where there is none."""
    image_mm3: float
    """From the image."""
    registration: Registration
    """The transform that was found in the image."""
    flags: tuple[str, ...]
    """Reasons to look at the case."""
    notes: tuple[str, ...] = ()
    """How the image was read, where that departs from its name or format."""

    @property
    def difference(self) -> float | None:
        """How much larger the image's eTIV is, as a share of the transform's."""
        return None if self.transform_mm3 is None else self.image_mm3 / self.transform_mm3 - 1


def find_sources(names: Sequence[str], subjects_dir: str | None, transform: str | None) -> list[EtivSource]:
    """Find the files of subjects and images.

    Parameters
    ----------
    names : sequence of str
        A name that is a file, or ends like an image, is an image; others are subjects.
    subjects_dir : str, optional
        Folder of the subjects.
    transform : str, optional
        What to compare with: for one image a file, for several a suffix (``<image><suffix>``), for subjects a path
        inside the subject. By default, and only for subjects, that of recon-all.

    Returns
    -------
    list of EtivSource
        In the order of ``names``.

    Raises
    ------
    UsageError
        If a subject is named without ``subjects_dir``.
    """
    sources = []
    for name in names:
        if image_suffix(name) or Path(name).is_file():
            stem = Path(name).name.removesuffix(image_suffix(name) or "")
            given = transform and (Path(transform) if len(names) == 1 else Path(name).with_name(f"{stem}{transform}"))
            sources.append(EtivSource(stem, Path(name), (given,) if given else ()))
        elif subjects_dir:
            folder = Path(subjects_dir) / name
            paths = (transform,) if transform else SUBJECT_TRANSFORMS
            sources.append(EtivSource(Path(name).name, folder / SUBJECT_T1, tuple(folder / path for path in paths)))
        else:
            raise UsageError(f"'{name}' is no image file; for a subject give --sd DIR or set SUBJECTS_DIR")
    return sources


def compare_etiv(source: EtivSource, register: Callable[[Volume], Registration]) -> EtivComparison:
    """Compute eTIV of a case from its image, and from its transform where there is one.

    Parameters
    ----------
    source : EtivSource
    register : callable
        Finds the transform to MNI305 in an image, as `fs_sclimbic.register` does.

    Returns
    -------
    EtivComparison
        A transform that cannot be used is a flag, not an error.

    Raises
    ------
    ImageError
        If the image cannot be read, or holds no head.
    """
    t1 = read_volume(source.image)
    with naming(source.image):
        registration = register(t1)
        image_mm3 = etiv_mm3(registration.ras2mni)
    flags = list(registration.doubts)
    transform_mm3 = None
    try:
        transform_mm3, doubts = _read_etiv(source)
        flags += doubts
    except TransformError as error:
        flags.append(str(error))
    compared = EtivComparison(
        name=source.name,
        transform_mm3=transform_mm3,
        image_mm3=image_mm3,
        registration=registration,
        flags=tuple(flags),
        notes=tuple(f"{source.image}: {note}" for note in t1.notes),
    )
    if compared.difference is None or abs(compared.difference) <= MAX_SOUND_DIFFERENCE:
        return compared
    flag = f"the two differ by more than {MAX_SOUND_DIFFERENCE:.0%}: look at both over the image in freeview"
    return replace(compared, flags=(*flags, flag))


def _read_etiv(source: EtivSource) -> tuple[float | None, list[str]]:
    """eTIV of the transform on disk and reasons to doubt it; None where there is none to compare with."""
    transform = next((path for path in source.transforms if os.path.lexists(path)), None)
    if transform is None:
        if source.transforms:
            raise TransformError(f"no transform to compare with at {' or '.join(map(str, source.transforms))}")
        return None, []
    matrix = read_transform(transform)
    with naming(transform):
        return etiv_mm3(matrix), [f"{transform}: {doubt}" for doubt in find_transform_doubts(matrix)]


def transform_paths(source: EtivSource, folder: Path) -> tuple[Path, Path]:
    """Where the transform of a case is written.

    Parameters
    ----------
    source : EtivSource
    folder : Path

    Returns
    -------
    xfm, lta : Path
    """
    return folder / f"{source.name}.talairach.xfm", folder / f"{source.name}.talairach.lta"


def check_transform_paths(sources: Sequence[EtivSource], folder: Path) -> None:
    """Check that no two cases are written to one file, and that no transform to compare with is overwritten.

    Parameters
    ----------
    sources : sequence of EtivSource
    folder : Path
        Where transforms are to be written.

    Raises
    ------
    UsageError
        If one of the two would happen.
    """
    read = {path.resolve() for source in sources for path in source.transforms}
    written: set[Path] = set()
    for path in (path for source in sources for path in transform_paths(source, folder)):
        if path in written:
            raise UsageError(f"{path}: two cases would be written there; run them one by one into other folders")
        if path.resolve() in read:
            raise UsageError(f"{path} is compared with and would be overwritten; give another folder to --o")
        written.add(path)


def write_transforms(source: EtivSource, registration: Registration, folder: Path) -> None:
    """Write the transform that was found, as .xfm and as .lta.

    Parameters
    ----------
    source : EtivSource
    registration : Registration
    folder : Path
    """
    xfm, lta = transform_paths(source, folder)
    with StagedFiles() as staged:
        staged.write(xfm, format_xfm(registration.ras2mni).encode())
        staged.write(lta, format_lta(registration.ras2mni).encode())


COLUMNS = ("case", "transform_mm3", "image_mm3", "difference_percent", "score", "stripped", "flags")


def format_etiv_table(comparisons: Sequence[EtivComparison]) -> str:
    """A tab-separated table with one row a case; ``n/a`` where there was no transform to compare with."""
    lines = ["\t".join(COLUMNS), *("\t".join(_cells(compared)) for compared in comparisons)]
    return "\n".join(lines) + "\n"


def _cells(compared: EtivComparison) -> Iterator[str]:
    yield compared.name
    yield "n/a" if compared.transform_mm3 is None else f"{compared.transform_mm3:.6f}"
    yield f"{compared.image_mm3:.6f}"
    yield "n/a" if compared.difference is None else f"{100 * compared.difference:.3f}"
    yield f"{compared.registration.score:.4f}"
    yield str(compared.registration.stripped).lower()
    yield "; ".join(compared.flags)
