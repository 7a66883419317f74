"""Published flags as scripts abbreviate them."""

import pytest

from fs_sclimbic.cli.spelling import PUBLISHED_FLAGS, spell_out


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("--et", "--etiv"),
        ("--eti", "--etiv"),
        ("--no", "--no-cite-sclimbic"),
        ("--n", "--n"),  # --nchannels or --no-cite-sclimbic: argparse says so
        ("--no-etiv", "--no-etiv"),
        ("--no-e", "--no-e"),
        ("--etiv-from-image", "--etiv-from-image"),
        ("--vox", "--vox-count-volumes"),
        ("--o", "--o"),
        ("--out", "--output-base"),
        ("--per=99.9", "--percentile=99.9"),
        ("--pop", "--population-stats"),
        ("--pt", "--pt_model"),
        ("--population_stats", "--population-stats"),
        ("--write-posteriors", "--write_posteriors"),
        ("--keep-ac", "--keep_ac"),
        ("--cuda_device=-1", "--cuda-device=-1"),
        ("--full", "--full"),
        ("--write-qc", "--write_qc"),
        ("--no-write-qc", "--no-write_qc"),
        ("--write_q", "--write_qa_stats"),
        ("--no-write", "--no-write"),
        ("-i", "-i"),
        ("a--et", "a--et"),
    ],
)
def test_published_flags_are_spelled_out(typed, meant):
    assert spell_out(typed) == meant


def test_each_unambiguous_start_of_a_published_flag_is_that_flag():
    """Whatever flags of our own are added."""
    for flag in PUBLISHED_FLAGS:
        for end in range(3, len(flag) + 1):
            typed = flag[:end]
            others = [other for other in PUBLISHED_FLAGS if other.startswith(typed)]
            if typed in PUBLISHED_FLAGS or others == [flag]:
                assert spell_out(typed) == (typed if typed in PUBLISHED_FLAGS else flag)
