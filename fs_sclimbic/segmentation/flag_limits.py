"""The limits of all flags in one table, each with its source and with what to do.

The limits that were learned come from 26 heads with the published weights: the odd ones of OpenNeuro ds002748, and six
others. They lie beyond the most extreme good head of these; how they do on other heads is in docs/quality_control.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from .structure_words import KNOWN_WORDS, split_side

LEARNED = "26 heads"
KNOWN_PAIRS = tuple(rest for rest in KNOWN_WORDS if rest != "AntCom")


@dataclass(frozen=True, kw_only=True)
class Limit:
    """From where on something is flagged."""

    about: str
    """What is wrong, in a few words for the log."""
    measure: str
    """What is compared with the limits, with its unit."""
    look: float | None = None
    """From here on a person should look; None: there is no such step."""
    bad: float | None = None
    """From here on the numbers should not be used; None: there is no such step."""
    look_of: Mapping[str, float] = field(default_factory=dict)
    """Other first limits of some structures, by StructName without its side."""
    source: str
    """Where the limits come from."""
    advice: str
    """What to do."""

    def look_for(self, structure: str) -> float:
        """The first limit of a structure, by its StructName; infinite where there is none."""
        value = self.look_of.get(split_side(structure)[1], self.look)
        return float("inf") if value is None else value


HEALTHY = "39 manually labelled brains (Greve et al. 2021), or the table of --population-stats"

LIMITS: Mapping[str, Limit] = MappingProxyType(
    {
        "EMPTY": Limit(
            about="no voxel found, or nearly none",
            measure="volume / smallest healthy volume, below",
            bad=0.25,
            source=f"FreeSurfer's own gate for a sister network; smallest volume of {HEALTHY}",
            advice="look at the image: contrast, orientation, a lesion; leave the structure out",
        ),
        "SMALL": Limit(
            about="under half of the smallest healthy volume",
            measure="volume / smallest healthy volume, below",
            bad=0.5,
            source=f"smallest volume of {HEALTHY}; the z score does not show a lost structure",
            advice="look whether a part is missing; if it is atrophy, keep it",
        ),
        "VOLUME": Limit(
            about="volume beyond 4 sd",
            measure="absolute z score, above",
            look=4.0,
            source=f"mean and sd of {HEALTHY}",
            advice="look at the segmentation",
        ),
        "CONFIDENCE": Limit(
            about="low mean posterior",
            measure="mean posterior inside the label, below",
            look=0.68,
            look_of={"Fornix": 0.64},
            source=f"lowest of {LEARNED}: 0.73, fornix 0.69",
            advice="look at the segmentation",
        ),
        "ASYMMETRY": Limit(
            about="one side much larger than the other",
            measure="larger / smaller volume of the two sides, above",
            look=1.8,
            bad=2.0,
            look_of={"Nucleus-Accumbens": 1.6, "HypoThal-noMB": 1.35, "MammillaryBody": 1.6, "SeptalNuc": 1.6},
            source=f"largest of {LEARNED}: accumbens 1.40, hypothalamus 1.13, fornix 1.64, mammillary body 1.40, "
            "basal forebrain 1.51, septal nuclei 1.32",
            advice="look at the smaller side: a part of it may be missing",
        ),
        "DETACHED": Limit(
            about="parts far from the rest",
            measure="gap to the largest part (mm) of a part of 20 mm^3 or more, or of a tenth of the structure, above",
            look=4.0,
            look_of={"Fornix": 8.0, "AntCom": 8.0},
            source=f"largest of {LEARNED}: fornix 5.4 mm, commissure 3.2 mm, others in one part",
            advice="look whether the far part belongs to the structure",
        ),
        "PLACE": Limit(
            about="out of place relative to the others",
            measure="distance (mm) from the place that the other structures predict, above",
            look=5.0,
            look_of={"Fornix": 9.0, "AntCom": 10.0},
            source=f"largest of {LEARNED}: 3.4 mm, fornix 6.1 mm, commissure 8.5 mm",
            advice="look whether the label lies on the structure",
        ),
        "CUT": Limit(
            about="cut by the edge of the image, or of the network's box",
            measure="distance (mm) of labels from the edge of the image, below; of the network's box: 8",
            look=3.0,
            bad=1.0,
            source="field of view; what the network sees of its surroundings",
            advice="centre the head in the field of view and run again; if the image ends there, leave the case out",
        ),
        "HOT": Limit(
            about="few very bright voxels squeeze the rest",
            measure="share of the intensity range that the head fills, below",
            look=0.25,
            bad=0.15,
            source=f"lowest of {LEARNED}: 0.30; below 0.08 nothing is found",
            advice="--preset study, or --percentile 99.9, leaves such voxels out of the range",
        ),
        "COLD": Limit(
            about="few very dark voxels, or padding, below the air",
            measure="share of the intensity range below the head's darkest voxels, above",
            look=0.05,
            bad=0.3,
            source=f"docs/repeatability.md: volumes are off by 2 % and more; largest of {LEARNED}: 0.012",
            advice="--preset study leaves such voxels out of the range; raise padding to the air",
        ),
        "SATURATED": Limit(
            about="clipped at the top",
            measure="share of the voxels with the greatest value, above",
            look=0.02,
            source=f"docs/repeatability.md: 2 % at 0.004; largest of {LEARNED}: 0.001",
            advice="take the image as it was before it was clipped",
        ),
        "COARSE": Limit(
            about="coarse voxels",
            measure="longest edge of a voxel (mm), above",
            look=1.5,
            bad=2.5,
            source="the network was trained on 1 mm; structures are as thin as 2 mm",
            advice="take a finer image, or leave the case out",
        ),
        "NOISE": Limit(
            about="noisy",
            measure="noise / contrast around the structures, above",
            look=0.10,
            bad=0.20,
            source=f"largest of {LEARNED}: 0.063",
            advice="look at the image; take another repetition if there is one",
        ),
        "CONTRAST": Limit(
            about="not the contrast of a T1",
            measure="white matter (commissure, fornix) above grey (accumbens, hypothalamus) / contrast, below",
            bad=0.05,
            source=f"lowest of {LEARNED}: 0.13",
            advice="give a T1-weighted image: the network knows no other",
        ),
        "BRIGHTNESS": Limit(
            about="left and right differ in brightness",
            measure="difference of the medians of the two sides / contrast, above",
            look_of=dict.fromkeys(KNOWN_PAIRS, 0.125),
            source=f"largest of {LEARNED}: 0.103; not known of other structures",
            advice="look whether one side lies on a lesion: the network labels what should be there",
        ),
        "SMOOTH": Limit(
            about="smoother than in any good head",
            measure="distance between the quartiles inside the structure / contrast, below",
            look_of={
                "Nucleus-Accumbens": 0.025,
                "HypoThal-noMB": 0.065,
                "Fornix": 0.06,
                "MammillaryBody": 0.055,
                "Basal-Forebrain": 0.06,
                "SeptalNuc": 0.04,
            },
            source=f"lowest of {LEARNED}: accumbens 0.037, hypothalamus 0.093, fornix 0.082, mammillary body 0.083, "
            "basal forebrain 0.082, septal nuclei 0.060",
            advice="look whether the label lies on a lesion, or on what was painted or filled in",
        ),
        "LABELS": Limit(
            about="a segmentation, not a T1",
            measure="share of neighbouring voxels with the very same value, above",
            bad=0.5,
            source=f"largest of {LEARNED}: 0.23",
            advice="give the T1 itself (nu.mgz, not aseg.mgz)",
        ),
        "ORIENTATION": Limit(
            about="the header contradicts itself about left and right, or says nothing of them",
            measure="qform and sform, or none",
            source="NIfTI: readers differ in which form they take",
            advice="find out which side is left, and write both forms so",
        ),
        "OFF_CENTRE": Limit(
            about="structures beyond the box in which the published tool looks",
            measure="box about the image centre",
            source="the published tool cuts there",
            advice="compare with no case of the published tool; centre the head for that",
        ),
        "ETIV": Limit(
            about="doubtful intracranial volume",
            measure="transform to MNI305, eTIV",
            source="docs/etiv.md",
            advice="look at the transform in freeview; leave the case out where eTIV is used",
        ),
        "OUTLIER": Limit(
            about="far from the others of this cohort",
            measure="distance from the cohort's line of volume on eTIV / robust sd (1.4826 MAD), above",
            look=5.0,
            source="median and MAD of the cohort; 5, not 3.5 (Iglewicz, Hoaglin 1993): a case has twelve tries",
            advice="look at the segmentation; analyse with and without the case",
        ),
        "INFLUENCE": Limit(
            about="moves the cohort's line alone",
            measure="Cook's distance of volume on eTIV, above",
            look=1.0,
            source="Cook and Weisberg 1982",
            advice="analyse with and without the case",
        ),
        "SETTINGS": Limit(
            about="made in another way than the rest",
            measure="weights and settings in the record",
            bad=0.0,
            source="volumes of two weights differ by up to a third",
            advice="run the case again with the weights and settings of the others",
        ),
        "CHANGED": Limit(
            about="another segmentation than the one that was measured",
            measure="SHA-256 in the record",
            source="-",
            advice="the numbers and other flags are those of before: run the case anew, or measure your "
            "own labels with another program",
        ),
        "UNREADABLE": Limit(
            about="files cannot be read",
            measure="segmentation, stats",
            source="-",
            advice="run the case again",
        ),
        "FAILED": Limit(
            about="no result",
            measure="the run's own error",
            source="-",
            advice="see the message",
        ),
    }
)  # fmt: skip


def format_limits() -> str:
    """The limits as a table in Markdown, for the docs.

    Returns
    -------
    str
    """
    lines = ["| flag | what | measured | look | bad | source | what to do |", "|---|---|---|---|---|---|---|"]
    for kind, limit in LIMITS.items():
        steps = [] if limit.look is None else [f"{limit.look:g}"]
        steps += [f"{name} {value:g}" for name, value in limit.look_of.items()]
        bad = "" if limit.bad is None else f"{limit.bad:g}"
        cells = (kind, limit.about, limit.measure, "; ".join(steps), bad, limit.source, limit.advice)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
