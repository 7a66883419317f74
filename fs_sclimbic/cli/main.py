"""fs_sclimbic: one command for all of them."""

import sys
from collections.abc import Sequence
from difflib import get_close_matches

from . import bids, demo, doctor, etiv, fsgd, glm, harmonize, merge, model, qc, ratings, segment, table, train
from .pipes import outlive_readers
from .terminal import printable

COMMANDS = {
    "demo": (demo.main, "segment a head that comes along, print the table and make a picture"),
    "doctor": (
        doctor.main,
        "look at this machine: which program, weights and engine run, and where it can write",
    ),
    "segment": (segment.main, "segment images, folders and recon-all subjects (same as mri_sclimbic_seg)"),
    "bids": (bids.main, "segment the T1 images of a BIDS dataset, and write BIDS derivatives (a BIDS App)"),
    "merge": (merge.main, "write the tables of a study from the records of its cases, after an array job"),
    "qc": (qc.main, "make pages to look at finished cases, with a viewer and marks by keys"),
    "ratings": (ratings.main, "put the ratings of several people into one table, and measure how far they agree"),
    "etiv": (etiv.main, "eTIV from the image, beside that of recon-all's transform"),
    "table": (table.main, "make a table over subjects from their stats files (same as sclimbic_stats2table)"),
    "fsgd": (fsgd.main, "make the group descriptor file of a study from a table of participants, and check one"),
    "harmonize": (harmonize.main, "take differences of sites out of a table (ComBat), and keep the design's effects"),
    "glm": (glm.main, "fit a design to a table and test contrasts on each structure (same as sclimbic_glmfit)"),
    "train": (train.main, "train a model on heads with labels or posteriors, of these structures or of your own"),
    "model": (model.main, "list, install and verify network weights; measure where a model looks"),
}
HEADINGS = {
    "demo": "to begin",
    "segment": "to segment",
    "qc": "to look at the cases",
    "table": "to compare groups",
    "train": "models",
}
"""By the first command below each."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command by name; arguments that begin with a flag go to ``segment``.

    Returns
    -------
    int
        Exit status of the command; 1 for help without arguments, 2 for an unknown command. ``help`` is ``--help``,
        and ``help COMMAND`` is ``COMMAND --help``.
    """
    outlive_readers()
    argv = list(sys.argv[1:] if argv is None else argv)
    if argv and argv[0] == "help":
        argv = [*argv[1:2], "--help"]
    if argv and argv[0] in COMMANDS:
        return COMMANDS[argv[0]][0](argv[1:])
    if argv and argv[0].startswith("-") and argv[0] not in ("-h", "--help"):
        return segment.main(argv)
    if argv and argv[0] not in ("-h", "--help"):
        near = get_close_matches(argv[0], COMMANDS, n=1)
        advice = f"; did you mean {near[0]}?" if near else "; fs_sclimbic --help lists them"
        print(printable(f"fs_sclimbic: error: no command '{argv[0]}'{advice}"), file=sys.stderr)
        return 2
    print("usage: fs_sclimbic COMMAND ... (fs_sclimbic COMMAND --help explains one)\n")
    print("Segment the small limbic structures in T1-weighted MRI, look at the results, and compare groups.")
    for name, (_, words) in COMMANDS.items():
        if name in HEADINGS:
            print(f"\n{HEADINGS[name]}:")
        print(f"  {name:<10s} {words}")
    return 0 if argv else 1


if __name__ == "__main__":
    sys.exit(main())
