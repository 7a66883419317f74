"""fs_sclimbic model: which weights are there, install the published ones, verify a file, measure its place."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ModelError, SclimbicError
from ..network.spec import DEFAULT_CHANNELS, DEFAULT_FEATURES, DEFAULT_FOV_MM
from .guard import in_one_line

if TYPE_CHECKING:
    from ..network.store import KnownWeights

OTHER = "not the published file"


def build_parser() -> argparse.ArgumentParser:
    """The command line of fs_sclimbic model."""
    parser = argparse.ArgumentParser(prog="fs_sclimbic model", description="Find, install and check network weights.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="show the places where default weights are looked for, and which would be used")
    install = commands.add_parser(
        "install", help="copy the published weights into your own folder; its SHA-256 is checked"
    )
    install.add_argument(
        "source", metavar="FILE|URL", help="sclimbic.fsm+ad.t1.nstd00-50.nstd32-50.h5 of FreeSurfer, or its address"
    )
    verify = commands.add_parser(
        "verify", help="check that a weight file fits its network, and whether it is the published one"
    )
    verify.add_argument("weights", metavar="H5", nargs="?", help="default: the weights that would be used")
    place = commands.add_parser(
        "place",
        help="measure on some heads where a model's structures lie, so that it need not look at all of a head",
        description="Measure on some heads where a model's structures lie, so that it need not look at all of a head. "
        "Not needed for the published, the shipped and the entowm weights: of these it is known.",
    )
    place.add_argument("images", metavar="IMAGE", nargs="+", help="T1-weighted heads, any voxel size")
    place.add_argument("--model", dest="weights", metavar="H5", help="default: the weights that would be used")
    place.add_argument("--fov", metavar="N", type=int, default=DEFAULT_FOV_MM, help="edge of its box (default: 160)")
    place.add_argument("--percentile", metavar="P", type=float, help="top of the intensity range, as for segmenting")
    place.add_argument("--threads", metavar="N", type=int, help="processor threads; 0 or less: all (default: all)")
    place.add_argument(
        "--o",
        metavar="FILE",
        help="file to write (default: <weights>.place.json, beside the weights or in your own folder)",
    )
    for command in (verify, place):
        command.add_argument("--ctab", metavar="FILE", help="its colour table (default: the limbic one)")
        command.add_argument(
            "--features",
            metavar="N",
            type=int,
            default=DEFAULT_FEATURES,
            help="features of the first level (default: 24)",
        )
        command.add_argument(
            "--nchannels", metavar="N", type=int, default=DEFAULT_CHANNELS, help="input channels (default: 1)"
        )
    return parser


def main(argv: Sequence[str] | None = None, known: "KnownWeights | None" = None) -> int:
    """Run fs_sclimbic model.

    Parameters
    ----------
    argv : sequence of str, optional
        By default the words of the command line.
    known : KnownWeights, optional
        What the published weights are; by default those of Greve et al. 2021.

    Returns
    -------
    int
        0, 1 (failed) or 2 (usage).
    """
    try:
        args = build_parser().parse_args(argv)
    except SystemExit as stop:
        return int(stop.code or 0)

    command = {"list": _list, "install": _install, "verify": _verify, "place": _place}[args.command]

    def action() -> int:
        # After parsing, so that --help answers at once.
        from ..network.store import KNOWN_WEIGHTS

        return command(args, known or KNOWN_WEIGHTS)

    return in_one_line("fs_sclimbic model", False, action)


def _list(_: argparse.Namespace, known: "KnownWeights") -> int:
    from ..files.hashing import sha256_of
    from ..network.store import INSTALL_HINT, SHIPPED, default_homes_of_weights

    chosen = None
    for home in default_homes_of_weights(known):
        if home.path is None:
            state = home.note
        elif not home.present:
            state = f"not there: {home.path}"
        else:
            is_published = sha256_of(home.path) == known.published_sha256
            kind = "published" if is_published else "see docs/model_card.md" if home.origin == SHIPPED else OTHER
            state = f"{home.path} ({kind})"
            chosen = chosen or home
        print(f"{'*' if chosen is home else ' '} {home.origin:<16s} {state}")
    print("* is used where --model is not given; --model published|shipped|FILE chooses")
    if chosen and chosen.origin == SHIPPED:
        print(f"  for the published weights run {INSTALL_HINT}, or set FREESURFER_HOME")
    return 0 if chosen else 1


def _install(args: argparse.Namespace, known: "KnownWeights") -> int:
    from ..network.install import install_model

    print(f"installed {install_model(args.source, known)}")
    return 0


def _verify(args: argparse.Namespace, known: "KnownWeights") -> int:
    from ..network.store import find_model, is_published
    from ..network.weights import read_weights

    geometry = {"features": args.features, "channels": args.nchannels}
    spec = find_model(args.weights, args.ctab, **geometry, with_prior=False, known=known)
    arrays = [array for layer in read_weights(spec).values() for array in layer.values()]
    print(
        f"{spec.weights} ({spec.origin})\nSHA-256 {spec.sha256}: "
        f"{'the published file' if is_published(spec, known) else OTHER}\n"
        f"{len(arrays)} arrays, {sum(array.size for array in arrays)} parameters, {len(spec.colors)} labels: fits"
    )
    return 0


def _place(args: argparse.Namespace, known: "KnownWeights") -> int:
    from ..image.volume import read_volume
    from ..network.predictor import NetworkPredictor
    from ..network.store import find_model, learned_prior_file, prior_file_beside, write_prior
    from ..network.structure_prior import average_priors
    from ..segmentation.local_prediction import whole_field_of_view
    from ..segmentation.options import Options
    from ..segmentation.segment import learn_prior, prepare

    geometry = {"fov": args.fov, "features": args.features, "channels": args.nchannels}
    spec = find_model(args.weights, args.ctab, **geometry, with_prior=False, known=known)
    target = Path(args.o) if args.o else prior_file_beside(spec.weights)
    if not args.o and not os.access(target.parent, os.W_OK):
        target = learned_prior_file(spec.sha256, spec.colors)
    options = Options(conform=True, percentile=args.percentile)
    predictor, priors = NetworkPredictor(spec, threads=args.threads), []
    for image in args.images:
        try:
            prepared = prepare(read_volume(image), spec, options)
            seen = learn_prior(prepared, whole_field_of_view(prepared.conformed, predictor), spec)
        except SclimbicError as error:
            print(f"{image}: left out: {error}")
            continue
        print(f"{image}: {'measured' if seen else 'left out: the head or one of the structures was not found'}")
        priors += [seen[0]] if seen else []
    if not priors:
        raise ModelError("no head shows all structures of the model; nothing was written")
    write_prior(target, average_priors(priors), spec.sha256)
    print(f"wrote {target}: where {len(spec.colors) - 1} structures lie, on {len(priors)} head(s)")
    return 0
