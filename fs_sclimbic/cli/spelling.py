"""How the flags of mri_sclimbic_seg may be spelled: as the published tool takes them, and a little beyond."""

# The flags of the published tool, as it spells them.
PUBLISHED_FLAGS = (
    "--7T",
    "--conform",
    "--ctab",
    "--cuda-device",
    "--debug",
    "--etiv",
    "--exclude",
    "--features",
    "--fov",
    "--help",
    "--i",
    "--keep_ac",
    "--logfile",
    "--model",
    "--nchannels",
    "--no-cite-sclimbic",
    "--o",
    "--output-base",
    "--percentile",
    "--population-stats",
    "--pt_model",
    "--s",
    "--sd",
    "--tal",
    "--threads",
    "--vmp",
    "--vox-count-volumes",
    "--write_posteriors",
    "--write_qa_stats",
    "--write_volumes",
)
OUR_FLAGS = ("--write_qc", "--no-write_qc")
"""Sisters of published flags with an underscore; they are spelled in either way, but not abbreviated."""


def spell_out(word: str) -> str:
    """The full name of a published flag that is abbreviated, or that has hyphens for underscores or the reverse.

    Scripts abbreviate what is unambiguous among the published flags; ours must not make it ambiguous. So ``--et`` is
    ``--etiv`` though there is ``--etiv-from-image``.
    """
    name, equals, value = word.partition("=")
    if not name.startswith("--"):
        return word
    typed = name.replace("_", "-")
    found = [flag for flag in PUBLISHED_FLAGS if flag.replace("_", "-").startswith(typed)]
    exact = [flag for flag in found if flag.replace("_", "-") == typed]
    if exact or len(found) == 1:
        return f"{(exact or found)[0]}{equals}{value}"
    ours = [flag for flag in OUR_FLAGS if flag.replace("_", "-") == typed]
    if ours:
        return f"{ours[0]}{equals}{value}"
    return word
