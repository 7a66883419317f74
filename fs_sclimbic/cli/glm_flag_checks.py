"""Check that the flags of a group analysis go together."""

import argparse


def check_flags(args: argparse.Namespace) -> None:
    """Refuse combinations that mean nothing; the words are the original's where it has some.

    Raises
    ------
    argparse.ArgumentError
        With the first such combination.
    """

    def wrong(message: str) -> None:
        raise argparse.ArgumentError(None, message)

    if args.X and args.fsgd:
        wrong("cannot specify both X file and fsgd file")
    if args.X and args.osgm:
        wrong("cannot specify both X file and --osgm")
    if args.formula and (args.X or args.fsgd or args.osgm):
        wrong("--formula is a design of its own: give it without --X, --fsgd and --osgm")
    if not (args.X or args.fsgd or args.osgm or args.formula):
        wrong("must specify an input X file or fsgd file or --osgm (or --formula)")
    if (args.formula or args.covariates) and not args.participants:
        wrong(f"--{'formula' if args.formula else 'covariates'} needs --participants FILE")
    if args.covariates and (args.osgm or not args.fsgd):
        wrong("--covariates are added to the design of an --fsgd; in a --formula they are terms")
    if args.covariates and args.xonly:
        wrong("--xonly reads no table, so that it cannot tell whose --covariates to add")
    if args.fsgd and len(args.fsgd) > 2:
        wrong(f"--fsgd takes a file and a method, found {len(args.fsgd)} words: {' '.join(args.fsgd)}")
    if args.fsgd and len(args.fsgd) == 2 and args.fsgd[1].lower() not in ("dods", "doss", "none"):
        wrong(f"--fsgd FILE METHOD: expected dods or doss, found '{args.fsgd[1]}'")
    if args.etiv_covariate and args.scale_by_etiv:
        wrong("--scale-by-etiv and --etiv-covariate are two ways to account for head size: give one of them")
    if args.etiv_covariate and args.analyse_etiv:
        wrong("--analyse-etiv with --etiv-covariate would explain eTIV by itself: give one of them")
    if args.xonly:
        if args.etiv_covariate:
            wrong("--xonly reads no table, so that --etiv-covariate has no eTIV to add")
        return
    if not args.table:
        wrong("must specify input y file: --table FILE")
    if args.osgm and (args.C or args.contrast):
        wrong("cannot specify --C or --contrast with --osgm: its contrast is the mean itself")
    if any(len(words) > 2 for words in args.C):
        wrong("--C takes a file and at most one file of null values; repeat --C for another contrast")
    if not args.glmdir:
        wrong("must specify GLM output dir: --glmdir DIR")
    if args.permutations < 0:
        wrong(f"--permutations {args.permutations}: give a positive number")
    if args.bootstrap and args.bootstrap < 1000:
        wrong(f"--bootstrap {args.bootstrap}: expected 1000 or more")
    if args.equivalence and args.logy and "%" not in args.equivalence:
        wrong(f"--equivalence {args.equivalence}: with --logy give the bound in percent")
    if args.robust and args.permutations:
        wrong("--permutations takes residuals of all subjects for exchangeable, --robust does not: give one of them")
    if args.robust and args.allow_zero_dof:
        wrong("--robust needs degrees of freedom: take out --allow-zero-dof")
    if args.seed < 0:
        wrong(f"--seed {args.seed}: give 0 or a positive number")
    if args.combine == "laterality" and args.scale_by_etiv:
        wrong("--combine laterality has no unit, so that --scale-by-etiv has nothing to scale: give one of them")
    if args.columns and set(args.columns) & set(args.exclude_columns):
        wrong("--columns and --exclude-columns name the same structure")
