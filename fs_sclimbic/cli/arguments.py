"""The flags of mri_sclimbic_seg, and which of them go together."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from ..network.spec import DEFAULT_CHANNELS, DEFAULT_FEATURES, DEFAULT_FOV_MM, ENGINES, PRECISIONS
from ..segmentation.preset import PRESETS, PUBLISHED_PRESET
from .flag_checks import check_flags, refuse_long_dashes, settle_flags, unused_flags
from .running_arguments import add_message_flags, add_running_flags
from .spelling import spell_out

NO_OTHER_HELP: Mapping[str, str] = MappingProxyType({})

# Exit status of the commands.
ALL_DONE, SOME_FAILED, BAD_USAGE, INTERRUPTED = 0, 1, 2, 130

USAGE = """\
mri_sclimbic_seg --i IMAGE --o SEGMENTATION [options]
       mri_sclimbic_seg --i FOLDER --o RESULTS [options]
       mri_sclimbic_seg --s [SUBJECT ...] [options]"""

DESCRIPTION = """\
Segment the nucleus accumbens, hypothalamus, fornix, mammillary bodies, septal nuclei, basal forebrain and
anterior commissure in T1-weighted MRI, and measure their volumes."""

EPILOG = """\
examples:
  mri_sclimbic_seg --i t1.nii.gz --o seg.mgz --conform --write_volumes --etiv
  mri_sclimbic_seg --i images --o results --conform --write_volumes --etiv --write_qa_stats
  mri_sclimbic_seg --s bert ernie --write_qa_stats       (subjects of SUBJECTS_DIR; no name: all of them)
  mri_sclimbic_seg --s --part $SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT     (then: fs_sclimbic merge --s)

Results appear whole or not at all. A case that fails is reported and costs no other. A case that is done is
skipped when the same command is given again, so an interrupted run goes on where it stopped. Results of other weights
or settings are not replaced without --redo.

exit status: 0 all cases done, 1 a case failed, 2 the command line makes no sense, 130 interrupted"""


def build_parser() -> argparse.ArgumentParser:
    """The command line of mri_sclimbic_seg."""
    parser = argparse.ArgumentParser(
        prog="mri_sclimbic_seg",
        usage=USAGE,
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_input_and_output_flags(parser.add_argument_group("input and output").add_argument)
    _add_further_outputs_flags(parser.add_argument_group("further outputs").add_argument)
    add_computation_flags(parser)
    return parser


def add_computation_flags(parser: argparse.ArgumentParser, other_help: Mapping[str, str] = NO_OTHER_HELP) -> None:
    """Add the flags that say how a case is computed, whatever its image is named by; the most used groups first.

    Parameters
    ----------
    parser : ArgumentParser
        Gets the flags.
    other_help : Mapping, optional
        Help by the long form of a flag, where a command means something else by it; argparse.SUPPRESS hides a flag.
    """
    for title, add_flags in (
        ("image", _add_image_flags),
        ("volumes", _add_volumes_flags),
        ("running", add_running_flags),
        ("messages", add_message_flags),
        ("network", _add_network_flags),
        ("model", _add_model_flags),
    ):
        group = parser.add_argument_group(title)

        def add(*names: str, group: Any = group, **settings: Any) -> None:
            if names[-1] in other_help:
                settings["help"] = other_help[names[-1]]
            group.add_argument(*names, **settings)

        add_flags(add)


def _add_input_and_output_flags(add: Callable[..., object]) -> None:
    add(
        "-i",
        "--i",
        metavar="PATH",
        nargs="+",
        action="extend",
        help="T1-weighted image (.mgz .mgh .nii .nii.gz), or a folder of them; several images, also as patterns in "
        "quotes ('raw/**/*_T1w.nii.gz')",
    )
    add("-o", "--o", metavar="PATH", help="output segmentation, or output folder for a folder or several images")
    add(
        "-s",
        "--s",
        metavar="SUBJ",
        nargs="*",
        help="recon-all subjects, also patterns like '*.long.*'; no name: every subject with mri/nu.mgz",
    )
    add("--subjectsfile", metavar="FILE", help="recon-all subjects, one a line, in addition to those of --s")
    add("--sd", metavar="DIR", help="subjects directory (default: SUBJECTS_DIR)")
    add(
        "--output-base",
        metavar="NAME",
        default="sclimbic",
        help="stands for 'sclimbic' in the names of outputs (default: sclimbic)",
    )
    add(
        "--redo",
        action="store_true",
        help="run cases again that are done, and replace those that were made with other weights or settings",
    )


def _add_further_outputs_flags(add: Callable[..., object]) -> None:
    add(
        "--write_posteriors",
        action="store_true",
        help="write the posteriors (4-D, one frame a label, cropped)",
    )
    add(
        "--write_volumes",
        action="store_true",
        help="write a stats file for each image (always on for subjects)",
    )
    add(
        "--write_qa_stats",
        action="store_true",
        help="write QA stats for each case, and tables of z scores and confidences",
    )
    add(
        "--write_qc",
        action=argparse.BooleanOptionalAction,
        help="draw each case, outlines over the T1, as a picture beside the segmentation (.webp, 0.1 MB, 0.2 s beside "
        "the network; default: on for subjects and folders, off for a single image)",
    )


def _add_image_flags(add: Callable[..., object]) -> None:
    add("--conform", action="store_true", help="accept images that are not 1 mm isotropic")
    add(
        "--preset",
        choices=PRESETS,
        default=PUBLISHED_PRESET,
        help="published: the published tool's numbers; study: for new studies, numbers that repeat better and are not "
        "the published ones (docs/repeatability.md; default: published)",
    )
    add(
        "--percentile",
        metavar="P",
        type=float,
        help="top of the intensity range is the P-th percentile of the non-zero voxels (default: the maximum)",
    )
    add("--7T", dest="seven_tesla", action="store_true", help="same as --percentile 99.9")


def _add_network_flags(add: Callable[..., object]) -> None:
    add(
        "--full-fov",
        action="store_true",
        help="run it on the whole box, as the published tool does, and keep islands far from the structures (default: "
        "where the structures are; the same voxels there, in a tenth of the time)",
    )
    add(
        "--average-shifts",
        metavar="N",
        type=int,
        help="average the posteriors over N starts of the box, up to 7: more repeatable numbers, which are not the "
        "published ones (default: 1)",
    )
    add(
        "--engine",
        choices=ENGINES,
        default=ENGINES[0],
        help="what runs it (default: auto, the quickest exact one: openvino on x86 processors, else tensorflow)",
    )
    add(
        "--precision",
        choices=PRECISIONS,
        default=PRECISIONS[0],
        help="what it computes in; bfloat16 is quicker where the processor has it, and 0.5 %% of the labelled voxels "
        "differ: use one throughout a study (default: float32)",
    )


def _add_volumes_flags(add: Callable[..., object]) -> None:
    add(
        "--etiv",
        action="store_true",
        help="add eTIV: from --tal, else computed from the image; always on for subjects, from their talairach.xfm",
    )
    add(
        "--etiv-from-image",
        action="store_true",
        help="compute eTIV from the image also for subjects that have a transform; the one that was found is written "
        "too (<base>.talairach.xfm and .lta)",
    )
    add("--no-etiv", action="store_true", help="let cases pass without eTIV whose transform is missing or unusable")
    add(
        "--tal",
        metavar="XFM",
        help="transform to MNI305 (.xfm, .lta) for eTIV: a file; for a folder a suffix "
        "(<case><suffix> beside the image); "
        "for subjects a path inside the subject",
    )
    add("--exclude", metavar="ID", nargs="+", type=int, default=[], help="SegIds to leave out of stats and tables")
    add("--keep_ac", action="store_true", help="keep the anterior commissure (853) in stats and tables")
    add(
        "--vox-count-volumes",
        action="store_true",
        help="volumes from voxel counts instead of posteriors",
    )
    add(
        "--population-stats",
        metavar="CSV",
        help="mean and sd of volumes for z scores, also --population_stats (default: 39 manually labelled brains, for "
        "the shipped weights their own)",
    )


def _add_model_flags(add: Callable[..., object]) -> None:
    add(
        "--model",
        metavar="H5",
        help="weights: a file, or 'published' or 'shipped' (default: FreeSurfer's, installed or shipped ones, the "
        "first that is there; see fs_sclimbic model list)",
    )
    add("--pt_model", metavar="PTH", help="weights of FreeSurfer 8.2 and later (.pth), instead of --model")
    add("--ctab", metavar="FILE", help="colour table, one row an output channel of the model")
    add("--fov", metavar="N", type=int, default=DEFAULT_FOV_MM, help="edge of the network's box in mm (default: 160)")
    add(
        "--features",
        metavar="N",
        type=int,
        default=DEFAULT_FEATURES,
        help="features of the network's first level (default: 24)",
    )
    add(
        "--nchannels",
        metavar="N",
        type=int,
        default=DEFAULT_CHANNELS,
        help="input channels of the network (default: 1)",
    )


def bare_session(label: str) -> str:
    """The label of a session, which may be given as ``ses-1`` or ``1``."""
    return label.removeprefix("ses-")


def parse_flags(argv: Sequence[str]) -> argparse.Namespace:
    """Parse a command line; SystemExit or argparse.ArgumentError where it is wrong.

    Besides the flags, the result has ``notes``: what was given and is not used, one line each.
    """
    refuse_long_dashes(argv)
    args = build_parser().parse_args([spell_out(word) for word in argv])
    check_flags(args)
    settle_flags(args)
    args.notes = unused_flags(args)
    return args


def add_combination_flags(add: Callable[..., object]) -> None:
    """Add the flags that put structures of a table together, of table and glm.

    Parameters
    ----------
    add : callable
        ``add_argument`` of a parser or of a group of it.
    """
    add(
        "--combine",
        choices=("bilateral", "laterality"),
        help="both sides of each structure: their sum, or 2 (L - R) / (L + R)",
    )
    add(
        "--groups", metavar="FILE", help="sums of structures, a line NAME = STRUCTURE + STRUCTURE ...; before --combine"
    )
