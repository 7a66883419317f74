"""fs_sclimbic model: which weights are there, install the published ones, verify a file."""

import argparse
from collections.abc import Sequence

from ..model import DEFAULT_CHANNELS, DEFAULT_FEATURES
from .guard import in_one_line

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
    verify.add_argument("--ctab", metavar="FILE", help="its colour table (default: the limbic one)")
    verify.add_argument(
        "--features", metavar="N", type=int, default=DEFAULT_FEATURES, help="features of the first level (default: 24)"
    )
    verify.add_argument(
        "--nchannels", metavar="N", type=int, default=DEFAULT_CHANNELS, help="input channels (default: 1)"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run fs_sclimbic model; returns 0, 1 (failed) or 2 (usage)."""
    try:
        args = build_parser().parse_args(argv)
    except SystemExit as stop:
        return int(stop.code or 0)

    command = {"list": _list, "install": _install, "verify": _verify}[args.command]
    return in_one_line("fs_sclimbic model", False, lambda: command(args))


def _list(_: argparse.Namespace) -> int:
    from ..model import sha256_of
    from ..store import INSTALL_HINT, PUBLISHED_SHA256, SHIPPED, default_places

    chosen = None
    for place in default_places():
        if place.path is None:
            state = place.note
        elif not place.present:
            state = f"not there: {place.path}"
        else:
            is_published = sha256_of(place.path) == PUBLISHED_SHA256
            kind = "published" if is_published else "see docs/model_card.md" if place.origin == SHIPPED else OTHER
            state = f"{place.path} ({kind})"
            chosen = chosen or place
        print(f"{'*' if chosen is place else ' '} {place.origin:<16s} {state}")
    print("* is used where --model is not given; --model published|shipped|FILE chooses")
    if chosen and chosen.origin == SHIPPED:
        print(f"  for the published weights run {INSTALL_HINT}, or set FREESURFER_HOME")
    return 0 if chosen else 1


def _install(args: argparse.Namespace) -> int:
    from ..store import install_model

    print(f"installed {install_model(args.source)}")
    return 0


def _verify(args: argparse.Namespace) -> int:
    from ..store import find_model, is_published
    from ..weights import read_weights

    spec = find_model(args.weights, args.ctab, features=args.features, channels=args.nchannels)
    arrays = [array for layer in read_weights(spec).values() for array in layer.values()]
    print(
        f"{spec.weights} ({spec.origin})\nSHA-256 {spec.sha256}: "
        f"{'the published file' if is_published(spec) else OTHER}\n"
        f"{len(arrays)} arrays, {sum(array.size for array in arrays)} parameters, {len(spec.colors)} labels: fits"
    )
    return 0
