"""The result for one image, with what a notebook wants of it: table, picture, files."""

import base64
from dataclasses import dataclass, fields
from html import escape
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..cases.case import Requests
from ..cases.head_size import HeadSize
from ..cases.images import image_case
from ..cases.outputs import CaseResult, provenance_lines
from ..cases.run import Run
from ..cases.stats_files import format_qa_stats, format_stats, kinds_of
from ..cases.verdicts import describe_verdicts
from ..errors import UsageError
from ..files.frames import load_pandas
from ..files.staging import StagedFiles, encode_text
from ..image.labels import format_ctab
from ..image.volume import Volume, encode_volume, image_suffix
from ..network.spec import ModelSpec
from ..qc.picture import Picture
from ..qc.pictures import draw_case
from ..segmentation.flag import CaseVerdict
from ..segmentation.options import Options
from ..segmentation.population import z_score
from ..segmentation.segment import Segmentation

if TYPE_CHECKING:
    from pandas import DataFrame

IN_MEMORY = "image"
"""Name of an image that has no file."""
PICTURE_WIDTH = 900
"""Of the picture in a notebook, pixels."""


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class SegmentedImage(Segmentation):
    """The result for one image: labels, posteriors and measures, as in `Segmentation`; and the image itself.

    A notebook shows it as table and picture.
    """

    t1: Volume
    """The image that was segmented."""
    name: str = IN_MEMORY
    """The file's name without its ending."""
    path: Path | None = None
    """The image's file; None if it was given in memory."""
    spec: ModelSpec
    """The model that was used."""
    options: Options
    ras2mni: NDArray[np.float64] | None = None
    """The transform to MNI305 that was given: scanner RAS, mm, shape (4, 4)."""

    @classmethod
    def of(
        cls,
        segmentation: Segmentation,
        *,
        t1: Volume,
        path: Path | None,
        spec: ModelSpec,
        options: Options,
        ras2mni: NDArray[np.float64] | None,
    ) -> "SegmentedImage":
        """Add to a result what it was made from.

        Parameters
        ----------
        segmentation : Segmentation
        t1 : Volume
        path : Path or None
        spec : ModelSpec
        options : Options
        ras2mni : ndarray, shape (4, 4), or None

        Returns
        -------
        SegmentedImage
        """
        known = {field.name: getattr(segmentation, field.name) for field in fields(Segmentation)}
        name = IN_MEMORY if path is None else path.name.removesuffix(image_suffix(path) or "")
        return cls(**known, t1=t1, name=name, path=path, spec=spec, options=options, ras2mni=ras2mni)

    @property
    def verdict(self) -> CaseVerdict:
        """The flags, and the verdict that follows from them: ``result.verdict.verdict`` is good, look or bad."""
        return CaseVerdict(case=self.name, flags=self.flags)

    def __repr__(self) -> str:
        rows = self.stats.structures
        lost = [row.structure.name for row in rows if row.n_voxels == 0]
        parts = [
            f"{len(rows)} structure{'s' if len(rows) != 1 else ''}",
            f"{sum(row.volume_mm3 for row in rows):,.0f} mm^3",
            *([f"empty: {', '.join(lost)}"] if lost else []),
            *([f"eTIV {self.stats.etiv_mm3:,.0f} mm^3"] if self.stats.etiv_mm3 is not None else []),
            *([f"verdict {self.verdict.verdict}"] if self.flags else []),
            *([f"{len(self.warnings)} warning{'s' if len(self.warnings) > 1 else ''}"] if self.warnings else []),
        ]
        return f"<SegmentedImage {self.name}: {', '.join(parts)}>"

    def _repr_html_(self) -> str:
        columns, rows = _table_of(self)
        head = "".join(f"<th>{escape(column)}</th>" for column in columns)
        body = "".join("<tr>" + "".join(f"<td>{escape(_cell(value))}</td>" for value in row) + "</tr>" for row in rows)
        picture = self.plot()
        image = base64.b64encode(picture.encode()).decode()
        etiv = "" if self.stats.etiv_mm3 is None else f", eTIV {self.stats.etiv_mm3:,.0f} mm³"
        warnings = "".join(f"<li>{escape(warning)}</li>" for warning in self.warnings)
        return (
            f"<p><b>{escape(self.name)}</b>, weights {escape(self.spec.name)}{etiv}</p>"
            f"<p>{escape(describe_verdicts([self.verdict]))}</p>"
            f"{f'<ul>{warnings}</ul>' if warnings else ''}"
            f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
            f'<img width="{PICTURE_WIDTH}" alt="{escape(picture.description)}" src="data:image/webp;base64,{image}">'
        )

    def plot(self, title: str | None = None) -> Picture:
        """Draw the structures over the image.

        Parameters
        ----------
        title : str, optional
            By default the image's name.

        Returns
        -------
        Picture
            A notebook shows it; ``save("picture.png")`` writes it. See `fs_sclimbic.draw_case`.
        """
        return draw_case(
            self.t1,
            self.labels,
            self.colors,
            title=self.name if title is None else title,
            stats=self.stats,
            ras2mni=self.ras2mni,
        )

    def to_frame(self) -> "DataFrame":
        """The measures as a data frame of pandas, one row a structure.

        Returns
        -------
        pandas.DataFrame
            SegId, StructName, NVoxels, Volume_mm3, Confidence, ZScore (NaN without norms), DetachedVoxels, Flags, as
            in ``.qa.stats``. ``attrs`` has the case and, in mm^3, ``eTIV``.

        Raises
        ------
        UsageError
            If pandas is not installed.
        """
        columns, rows = _table_of(self)
        frame: DataFrame = load_pandas().DataFrame(rows, columns=columns)
        frame["ZScore"] = frame["ZScore"].astype(float)
        frame.attrs.update(case=self.name, **({} if self.stats.etiv_mm3 is None else {"eTIV": self.stats.etiv_mm3}))
        return frame

    def save(
        self,
        path: str | PathLike[str],
        *,
        stats: bool = False,
        qa_stats: bool = False,
        posteriors: bool = False,
        picture: bool = False,
    ) -> list[Path]:
        """Write the labels, and on request what `mri_sclimbic_seg` writes beside them; all together, or nothing.

        Parameters
        ----------
        path : path-like
            The label image, .mgz, .mgh, .nii or .nii.gz. Beside NIfTI lies a colour table (.ctab).
        stats : bool
            Write the volumes as FreeSurfer's stats file, ``.stats``.
        qa_stats : bool
            Write ``.qa.stats``, with confidence, z score and flags.
        posteriors : bool
            Write the posteriors, ``.posteriors`` and the image's ending.
        picture : bool
            Write the picture, ``.webp``.

        Returns
        -------
        list of Path
            The files written.

        Raises
        ------
        UsageError
            If the label image would replace the image that was segmented.
        SclimbicError
            If ``path`` does not end like an image.
        """
        requests = Requests(posteriors=posteriors, volumes=stats, qa_stats=qa_stats, picture=picture)
        case = image_case(self.path or Path(IN_MEMORY), Path(path), requests)
        outputs, lines = case.outputs, self._provenance(requests, Path(path))
        if self.path is not None and outputs.segmentation.resolve() == self.path.resolve():
            raise UsageError(f"{path}: is the image that was segmented; give another name")
        contents = {outputs.segmentation: encode_volume(self.labels, outputs.segmentation, self.colors)}
        if outputs.ctab:
            contents[outputs.ctab] = format_ctab(self.colors).encode()
        if outputs.posteriors:
            contents[outputs.posteriors] = encode_volume(self.posteriors, outputs.posteriors)
        if outputs.picture:
            contents[outputs.picture] = self.plot().encode(outputs.picture.suffix)
        if outputs.qa_stats:
            text = format_qa_stats(self.stats, self.options.population, lines, self.flags)
            contents[outputs.qa_stats] = encode_text(text)
        if outputs.stats:
            contents[outputs.stats] = encode_text(format_stats(self.stats, lines))
        with StagedFiles() as staged:
            for file, content in contents.items():
                staged.write(file, content)
        return list(contents)

    def _provenance(self, requests: Requests, path: Path) -> list[str]:
        """The lines of the command's stats header, without a file where there was none."""
        case = image_case(self.path or Path(IN_MEMORY), path, requests)
        lines = provenance_lines(
            CaseResult(
                case=case,
                head=HeadSize(etiv_mm3=self.stats.etiv_mm3),
                segmentation=self,
                settings={},
                warnings=self.warnings,
                options=self.options,
                run=Run(self.spec, ()),
            )
        )
        return [line for line in lines if self.path is not None or not line.startswith("InputFile ")]


def _table_of(image: SegmentedImage) -> tuple[list[str], list[list[str | int | float | None]]]:
    columns = ["SegId", "StructName", "NVoxels", "Volume_mm3", "Confidence", "ZScore", "DetachedVoxels", "Flags"]
    rows: list[list[str | int | float | None]] = [
        [
            row.structure.index,
            row.structure.name,
            row.n_voxels,
            row.volume_mm3,
            row.confidence,
            z_score(row, image.options.population),
            row.detached_voxels,
            ",".join(kinds_of(image.flags, row.structure.name)) or "-",
        ]
        for row in image.stats.structures
    ]
    return columns, rows


def _cell(value: str | int | float | None) -> str:
    return "" if value is None else f"{value:.2f}" if isinstance(value, float) else str(value)
