"""Options of mri_glmfit that a fit to a table has no use for."""

IMAGE_ONLY = {
    **dict.fromkeys(
        ("--surf", "--surface", "--label", "--cortex", "--mask", "--no-mask", "--fwhm", "--var-fwhm", "--frame-mask"),
        "belongs to images on a surface or in a volume; the values of a table have no neighbours",
    ),
    **dict.fromkeys(
        ("--y", "--w", "--wls", "--pvr", "--self-reg"), "takes an image; here the values come from --table"
    ),
    **dict.fromkeys(
        ("--sim", "--sim-done", "--perm-force", "--perm"),
        "simulates clusters of an image; here --permutations N tests by permutation",
    ),
    **dict.fromkeys(
        (
            "--dti",
            "--dti-b0",
            "--asl",
            "--qa",
            "--mrtm1",
            "--mrtm2",
            "--logan",
            "--bp",
            "--bp-clip-neg",
            "--bp-clip-max",
        ),
        "is for images of one subject, not for a table over subjects",
    ),
    **dict.fromkeys(("--prune", "--prune_thr"), "masks an image; rows and columns are chosen by name here"),
    **dict.fromkeys(
        ("--pca", "--skew", "--kurtosis", "--y-out"),
        "is not computed by this program; input.table.dat holds the values",
    ),
    **dict.fromkeys(("--fsgd-rescale-x", "--ffxdof", "--ffxdofdat"), "is not part of a fit to a table"),
}
"""Options of mri_glmfit that a table has no use for, and why."""
WITHOUT_EFFECT = (
    "--no-rescale-x", "--rescale-x", "--no-sig-link", "--no-sig-double", "--no-est-fwhm", "--no-prune",
    "--no-fix-vertex-area", "--fix-vertex-area", "--no-mask-smooth",
)  # fmt: skip
"""Options that are taken and change nothing: the arithmetic is float64 throughout, and columns are always scaled."""
