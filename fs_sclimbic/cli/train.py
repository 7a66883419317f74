"""fs_sclimbic train: a model of this family from heads with labels or posteriors."""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import fields
from importlib.util import find_spec
from pathlib import Path

from ..errors import UsageError
from ..network.libraries import DEFAULT_BACKEND
from ..network.spec import DEFAULT_FEATURES, DEFAULT_FOV_MM, PRECISIONS
from ..notice import Notice
from ..training.recipe import DECAYS, LOSS_NAMES, Augmentation, Recipe
from .arguments import ALL_DONE, INTERRUPTED
from .guard import in_one_line

PROGRAM = "fs_sclimbic train"
BACKENDS = ("tensorflow", "jax", "torch")
DEFAULT = Recipe()

USAGE = """\
fs_sclimbic train --images DIR --labels DIR --ctab FILE --o DIR [options]
       fs_sclimbic train --data TSV --ctab FILE --o DIR [options]
       fs_sclimbic train ... --start-from shipped [options]       (fine-tune: few heads are enough)"""

DESCRIPTION = """\
Train a network of the published family (a 3-D U-Net) on T1-weighted heads with label maps or posteriors. The
weights that come out are used with mri_sclimbic_seg --model --ctab; the published tool can load them too."""

EPILOG = """\
examples:
  fs_sclimbic train --images heads --labels manual --ctab my.ctab --o mymodel --box 64 --epochs 40
  fs_sclimbic train --data heads.tsv --ctab my.ctab --o mymodel --resume
  fs_sclimbic train --images heads --labels manual --o tuned --start-from shipped --epochs 8 --settle-epochs 8 \\
      --learning-rate 3e-4 --average-weights 300
  mri_sclimbic_seg --model mymodel/model.h5 --ctab mymodel/model.ctab --i T1.nii.gz --o seg.nii.gz --conform

The output folder holds model.h5 (the best weights by validation), model.ctab, model.json (data with hashes,
settings, course), training.png, training.log and checkpoint.npz, from which --resume goes on.

exit status: 0 trained, 1 failed, 2 the command line makes no sense, 130 interrupted (resume with --resume)"""


def build_parser() -> argparse.ArgumentParser:
    """The command line of fs_sclimbic train."""
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        usage=USAGE,
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument_group("data").add_argument
    add("--images", metavar="DIR", help="folder of T1-weighted images, any orientation and voxel size")
    add("--labels", metavar="DIR", help="folder of label maps of the same names, or of posteriors (4-D)")
    add("--data", metavar="TSV", help="instead of folders: a list with columns case, image, targets, split, weight")
    add("--root", metavar="DIR", help="folder that the paths of the list start from (default: the list's own)")
    add(
        "--start-from",
        metavar="WEIGHTS",
        help="fine-tune these weights instead of random ones: a model.h5, or 'shipped' or 'published'",
    )
    add(
        "--teacher",
        metavar="WEIGHTS",
        help="let this network label most of the augmented boxes: a model.h5, or 'shipped' or 'published'",
    )
    add("--ctab", metavar="FILE", help="colour table of the structures to learn (default: the limbic one)")
    add("--o", metavar="DIR", required=True, help="output folder")
    add("--resume", action="store_true", help="go on from the checkpoint in the output folder")
    add(
        "--validate",
        metavar="SHARE",
        type=float,
        default=0.1,
        help="share of the heads kept for validation if the list marks none; 0: none (default: 0.1, at least one head)",
    )

    add = parser.add_argument_group("training").add_argument
    add(
        "--box",
        metavar="N",
        type=int,
        nargs="+",
        default=list(DEFAULT.box),
        help="size of a training box in voxels of 1 mm, one number or three (default: 80)",
    )
    for name, kind, words in (
        ("batch", int, "boxes a step"),
        ("epochs", int, "epochs in all"),
        ("steps", int, "steps an epoch; each ends with a validation"),
        ("learning-rate", float, "largest rate of Adam"),
        ("l2-epochs", int, "first epochs with the weighted L2 loss on logits instead"),
        (
            "settle-epochs",
            int,
            "last epochs with batch norms fixed and foreground weighing no more than background: volumes without bias",
        ),
        (
            "patience",
            int,
            "stop after so many epochs without a better validation Dice, settling epochs if there are any; 0: never",
        ),
        ("seed", int, "same seed, same course"),
        ("average-weights", int, "average the model's weights over about the last N steps; 0: no average"),
        ("teacher-share", float, "share of the boxes that --teacher labels as the new network sees them"),
        (
            "harder-share",
            float,
            "share of the boxes that --teacher labels in an easy view, and the new network sees in a harder one",
        ),
        ("rim", int, "voxels at each side of a box that do not count in the loss"),
        ("volume-weight", float, "weight of the error of volumes in the loss; try 0.3 late in a training"),
        ("clip-gradient", float, "longest gradient of all weights together; a longer one is shortened; 0: any length"),
        ("checkpoint-steps", int, "steps between checkpoints: a kill loses at most these"),
    ):
        value = getattr(DEFAULT, name.replace("-", "_"))
        add(
            f"--{name}",
            metavar="N" if kind is int else "X",
            type=kind,
            default=value,
            help=f"{words} (default: {value})",
        )
    add("--decay", choices=DECAYS, default=DEFAULT.decay, help="how the rate falls (default: cosine)")
    add("--loss", choices=LOSS_NAMES, default=DEFAULT.loss, help=f"loss (default: {DEFAULT.loss})")
    add(
        "--precision",
        choices=PRECISIONS,
        default=DEFAULT.precision,
        help="what layers compute in while training; bfloat16 is quicker on GPUs and recent processors "
        "(default: float32)",
    )
    add("--features", metavar="N", type=int, default=DEFAULT_FEATURES, help="features of the first level (default: 24)")
    add("--fov", metavar="N", type=int, default=DEFAULT_FOV_MM, help="edge of the network's box in mm (default: 160)")
    add("--percentile", metavar="P", type=float, help="top of the intensity range, as in mri_sclimbic_seg")

    add = parser.add_argument_group("augmentation (0 switches a change off)").add_argument
    for setting in fields(Augmentation):
        add(
            f"--{setting.name}",
            metavar="X",
            type=float,
            default=setting.default,
            help=f"{setting.metadata['help']} (default: {setting.default:g})".replace("%", "%%"),
        )

    add = parser.add_argument_group("running").add_argument
    add("--backend", choices=BACKENDS, help="backend of Keras (default: KERAS_BACKEND, else tensorflow)")
    add("--threads", metavar="N", type=int, help="processor threads; 0 or less: all (default: all)")
    add(
        "--cuda-device",
        metavar="D",
        help="train on this CUDA device, -1: the processor (default: the processor; jax and torch take what they find)",
    )
    add("--tensorboard", action="store_true", help="write events for TensorBoard (needs tensorboardX)")
    add("--quiet", action="store_true", help="print only warnings and errors")
    add("--debug", action="store_true", help="print details and tracebacks")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run fs_sclimbic train; returns 0, 1 (failed), 2 (usage) or 130 (interrupted)."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        args = build_parser().parse_args(words)
    except SystemExit as stop:
        return int(stop.code or 0)
    if args.backend:
        # Read once, when Keras starts.
        os.environ["KERAS_BACKEND"] = args.backend
    return in_one_line(PROGRAM, args.debug, lambda: _train(args, (*PROGRAM.split(), *words)))


def _train(args: argparse.Namespace, command: tuple[str, ...]) -> int:
    """Do what the parsed flags ask for; returns the exit status."""
    # After parsing, so that --help answers at once.
    from ..image.labels import read_ctab
    from ..training.heads import find_heads
    from ..training.session import TrainingSettings, train
    from .progress import say
    from .train_progress import watch_steps

    recipe = recipe_of(args)
    colors = read_ctab(args.ctab)
    if len(colors) < 2:
        raise UsageError(f"{args.ctab}: the colour table has no structure besides the background")
    _check_installed(args)
    heads = find_heads(
        list_file=args.data,
        root=args.root,
        images=args.images,
        labels=args.labels,
        validation_share=args.validate,
        seed=recipe.seed,
    )
    settings = TrainingSettings(
        heads=heads,
        colors=colors,
        recipe=recipe,
        folder=Path(args.o),
        resume=args.resume,
        start_from=args.start_from,
        teacher=args.teacher,
        threads=args.threads if args.threads and args.threads > 0 else None,
        device=None if args.cuda_device and args.cuda_device.startswith("-") else args.cuda_device,
        tensorboard=args.tensorboard,
        command=command,
    )

    def show(notice: Notice) -> None:
        if notice.severity != "note":
            say(f"{notice.severity}: {notice.text}", sys.stderr)
        elif not args.quiet:
            say(notice.text)

    total = recipe.total_steps
    end = train(settings, notify=show, watch_steps=lambda first_step: watch_steps(first_step, total, args.quiet))
    if end.status == "was complete":
        say(f"{settings.folder}: {end.steps} of {total} steps are done; give more --epochs to go on")
    return INTERRUPTED if end.status == "interrupted" else ALL_DONE


def _check_installed(args: argparse.Namespace) -> None:
    """Error at once if a package is missing that is needed only after the heads have been read."""
    backend = args.backend or os.environ.get("KERAS_BACKEND", DEFAULT_BACKEND)
    if find_spec(backend) is None:
        raise UsageError(f"--backend {backend}: is not installed; python -m pip install {backend}")
    if args.tensorboard and find_spec("tensorboardX") is None:
        raise UsageError("--tensorboard needs tensorboardX: python -m pip install tensorboardX")


def recipe_of(args: argparse.Namespace) -> Recipe:
    """The settings that the flags ask for.

    Raises
    ------
    UsageError
        If one makes no sense.
    """
    if len(args.box) not in (1, 3):
        raise UsageError(f"--box {' '.join(map(str, args.box))}: give one number or three")
    box = tuple(args.box * 3 if len(args.box) == 1 else args.box)
    augmentation = Augmentation(**{setting.name: getattr(args, setting.name) for setting in fields(Augmentation)})
    given = {
        setting.name: getattr(args, setting.name)
        for setting in fields(Recipe)
        if setting.name not in ("box", "augmentation")
    }
    return Recipe(box=(box[0], box[1], box[2]), augmentation=augmentation, **given)


if __name__ == "__main__":
    sys.exit(main())
