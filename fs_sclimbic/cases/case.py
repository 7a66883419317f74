"""A case: which files of one image are read and written."""

from dataclasses import dataclass
from pathlib import Path

DEFAULT_BASE = "sclimbic"
DEFAULT_LOG = "mri_sclimbic.log"

SUBJECT_T1 = "mri/nu.mgz"
SUBJECT_TRANSFORMS = ("mri/transforms/talairach.xfm", "mri/transforms/talairach.xfm.lta")


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """The files of one case's results; None where a file is not asked for."""

    segmentation: Path
    record: Path
    """Provenance and numbers as json, written last: a case with a record is done."""
    ctab: Path | None = None
    posteriors: Path | None = None
    stats: Path | None = None
    qa_stats: Path | None = None
    xfm: Path | None = None
    lta: Path | None = None
    """The transform to MNI305 that was computed from the image, in both formats."""
    log: Path | None = None
    """A log of this case alone; each run adds to it."""
    picture: Path | None = None
    """The structures over the T1, see `case_picture`. A case is done without it."""
    optional: tuple[Path, ...] = ()
    """All files that a user may ask for, whether or not they are asked for now."""

    def products(self) -> tuple[Path, ...]:
        """The files that are asked for; all exist when the case is done."""
        paths = (self.segmentation, self.ctab, self.posteriors, self.qa_stats, self.xfm, self.lta, self.stats)
        return tuple(path for path in paths if path is not None)

    def written(self) -> tuple[Path, ...]:
        """All files that a run writes and records."""
        return (*self.products(), self.record)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One image to segment."""

    name: str
    """Row name in the tables: the subject, or the image's name without its ending."""
    t1: Path
    transforms: tuple[Path, ...]
    """Candidates for the transform to MNI305, the first that exists is read; empty where no eTIV is asked for."""
    outputs: Outputs
    scripts: Path | None = None
    """Folder of a subject in which recon-all says that it is at work; None for an image."""
    problem: str | None = None
    """Why this case cannot be run, if that is known before reading it."""
    input_name: str | None = None
    """What a single image is called on the screen. Its rows have the output's name, as in the published tool: the
    inputs of a whole study may all be called T1."""

    @property
    def shown_name(self) -> str:
        """The name on the screen."""
        return self.input_name or self.name

    @property
    def etiv_from_image(self) -> bool:
        """Whether the transform for eTIV is computed from the image and written, not read."""
        return self.outputs.xfm is not None


@dataclass(frozen=True, kw_only=True)
class Requests:
    """Which files a user asks for in addition to the segmentation."""

    posteriors: bool = False
    volumes: bool = False
    qa_stats: bool = False
    picture: bool = False
    etiv_from_image: bool = False
    """Compute eTIV from the image, and write the transform that it comes from."""
