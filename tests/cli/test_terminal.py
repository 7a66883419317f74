import pytest

from fs_sclimbic.cli.terminal import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, \u00e4 \u2713\tand\nlines", "plain, \u00e4 \u2713\tand\nlines"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("back\rover\x08", "back\\x0dover\\x08"),
        ("\x7f\x00", "\\x7f\\x00"),
    ],
)
def test_control_characters_are_shown(text, shown):
    assert printable(text) == shown
