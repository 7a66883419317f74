"""What a user may choose of how a case is computed and measured."""

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ..errors import UsageError
from ..network.spec import MOST_STARTS
from .local_prediction import UNSHIFTED, Shift
from .population import Population, PopulationFile, default_population
from .preset import PRESETS, STUDY_PRESET

ANTERIOR_COMMISSURE_ID = 853
HIGH_FIELD_PERCENTILE = 99.9
"""Top of the intensity range for images with few very bright voxels, such as those of 7 T scanners."""

STARTS: tuple[Shift, ...] = (UNSHIFTED, (1, 2, 3), (2, 3, 1), (3, 1, 2), (2, 2, 2), (1, 1, 1), (3, 3, 3))
"""Starts of the network's box, voxels modulo 4, in the order of the best measured repeatability."""
TWO_STARTS = (UNSHIFTED, (2, 2, 2))


@dataclass(frozen=True)
class Options:
    """How a case is computed and measured."""

    conform: bool = False
    """Accept images that are not 1 mm isotropic."""
    percentile: float | None = None
    """Top of the intensity range, as a percentile of the non-zero voxels; None: the maximum."""
    low_percentile: float | None = None
    """Bottom of the intensity range, as a percentile of all voxels; None: the minimum."""
    voxel_counts: bool = False
    """Volumes from voxel counts instead of posteriors."""
    exclude: frozenset[int] = frozenset({ANTERIOR_COMMISSURE_ID})
    """SegIds left out of stats and tables (never out of the image)."""
    population: Population = field(default_factory=PopulationFile)
    """Norms for z scores and flags; by default those of the weights (`with_norms_of`), read when first used."""
    full_fov: bool = False
    """Run the network on its whole box and keep all labels, islands far from the structures too."""
    average_shifts: int = 1
    """Average the posteriors over so many starts of the box: more repeatable, and other numbers."""
    size_tolerance_voxels: float = 0.0
    """An image so much larger than a whole number of voxels has that number; 0: one more, as in the published tool."""
    redo: bool = False
    """Run cases again that are done."""
    without_etiv: bool = False
    """Let a case whose transform is missing or unusable pass without eTIV, with a warning."""

    def __post_init__(self) -> None:
        if self.percentile is not None and not 0 < self.percentile <= 100:
            raise UsageError(f"percentile {self.percentile:g}: give a number above 0, up to 100")
        if self.low_percentile is not None and not 0 <= self.low_percentile < 100:
            raise UsageError(f"low percentile {self.low_percentile:g}: give a number from 0, below 100")
        if not 0 <= self.size_tolerance_voxels < 0.5:
            raise UsageError(f"size tolerance {self.size_tolerance_voxels:g} voxels: give a number from 0, below 0.5")
        if not 1 <= self.average_shifts <= MOST_STARTS:
            raise UsageError(f"{self.average_shifts} shifts: give a number from 1 to {MOST_STARTS}")
        if self.full_fov and self.average_shifts > 1:
            raise UsageError("the whole field of view is for the published numbers; it goes without averaging shifts")

    def with_norms_of(self, weights_sha256: str) -> "Options":
        """The same; if no norms were chosen, with those that were measured with some weights.

        Parameters
        ----------
        weights_sha256 : str
            SHA-256 of the weights, hexadecimal.

        Returns
        -------
        Options
        """
        if isinstance(self.population, PopulationFile) and self.population.is_default:
            return replace(self, population=default_population(weights_sha256))
        return self

    @classmethod
    def study(cls, **others: Any) -> "Options":
        """The options recommended for new studies (docs/repeatability.md); the numbers are not the published ones.

        Parameters
        ----------
        **others
            Options that are no part of the preset, such as ``conform``.

        Returns
        -------
        Options

        Raises
        ------
        UsageError
            If one of them is part of the preset.
        """
        settings = asdict(PRESETS[STUDY_PRESET])
        if both := sorted(settings.keys() & others.keys()):
            raise UsageError(f"the preset '{STUDY_PRESET}' sets {', '.join(both)} itself; leave it out")
        return cls(**settings, **others)

    @property
    def preset(self) -> str | None:
        """The preset that these options are; None if they are of neither."""
        return next(
            (
                name
                for name, preset in PRESETS.items()
                if all(getattr(self, field) == value for field, value in asdict(preset).items())
            ),
            None,
        )

    @property
    def starts(self) -> tuple[Shift, ...]:
        """The starts of the box to average over (docs/repeatability.md)."""
        return TWO_STARTS if self.average_shifts == len(TWO_STARTS) else STARTS[: self.average_shifts]
