import os
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fs_sclimbic.errors import TableError
from fs_sclimbic.image.labels import ColorTable, Structure, format_ctab, read_ctab

LIMBIC = [0, 26, 58, 819, 820, 821, 822, 843, 844, 853, 865, 866, 869, 870]


def test_shipped_table_is_in_channel_order():
    colors = read_ctab()
    assert [structure.index for structure in colors] == LIMBIC
    assert colors.structures[9] == Structure(853, "Mid-AntCom", (60, 58, 210, 0))
    assert [structure.index for structure in colors.foreground] == LIMBIC[1:]


def test_published_tables_read_the_same(shared):
    assert read_ctab(shared / "models/sclimbic.ctab") == read_ctab()
    assert [s.index for s in read_ctab(shared / "models/entowm.ctab")] == [0, 3006, 3201, 4006, 4201]


colour = st.integers(0, 255)
names = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_+.", min_size=1, max_size=40)


@given(
    st.lists(
        st.tuples(st.integers(1, 99999), names, st.tuples(colour, colour, colour, colour)),
        max_size=20,
        unique_by=(lambda row: row[0], lambda row: row[1]),
    )
)
def test_text_round_trip(tmp_path_factory, rows):
    rows = [row for row in rows if row[1] != "Background"]
    colors = ColorTable((Structure(0, "Background", (0, 0, 0, 0)), *(Structure(*row) for row in rows)))
    path = tmp_path_factory.mktemp("ctab") / "t.ctab"
    path.write_text(format_ctab(colors))
    assert read_ctab(path) == colors
    assert all(len(line.split()) == 6 for line in format_ctab(colors).splitlines()[1:])


def test_missing_background_is_added(tmp_path):
    path = tmp_path / "t.ctab"
    path.write_text("118 Dorsal-Raphe 255 20 147\n")
    assert read_ctab(path).structures == (
        Structure(0, "Unknown", (0, 0, 0, 0)),
        Structure(118, "Dorsal-Raphe", (255, 20, 147, 0)),
    )


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("0 Unknown 0 0 0 0\nfive Name 1 2 3 0\n", ":2:"),
        ("0 Unknown 0 0 0 0\n5 Name 1 2\n", ":2:"),
        ("0 Unknown 0 0 0 0\n5 Name 1 2 300 0\n", "0-255"),
        ("0 Unknown 0 0 0 0\n5 A 1 2 3 0\n5 B 1 2 3 0\n", "SegId 5"),
        ("0 Unknown 0 0 0 0\n5 A 1 2 3 0\n6 A 1 2 3 0\n", "name A"),
        ("5 A 1 2 3 0\n0 Unknown 0 0 0 0\n", "first row"),
        ("# nothing\n\n", "no row"),
        ("0 Unknown 0 0 0 0\n5 Red\x1b[31m 1 2 3 0\n", "printable"),
        ("0 Unknown 0 0 0 0\n2147483647 A 1 2 3 0\n", ":2:"),
        ("0 Unknown 0 0 0 0\n5 A 1 2 \x1b[2J 0\n", ":2:"),
    ],
)
def test_bad_table_is_one_clear_line(tmp_path, text, word):
    path = tmp_path / "bad.ctab"
    path.write_text(text)
    with pytest.raises(TableError, match=word) as error:
        read_ctab(path)
    assert str(path) in str(error.value)
    assert str(error.value).isprintable()


def test_missing_table(tmp_path):
    with pytest.raises(TableError, match=r"none\.ctab"):
        read_ctab(tmp_path / "none.ctab")


def test_mgh_tag_layout():
    tag = ColorTable((Structure(0, "Unknown", (0, 0, 0, 0)), Structure(26, "L", (1, 2, 3, 4)))).to_mgh_tag()
    assert struct.unpack(">4i", tag[:16]) == (-2, 27, 0, 2)
    assert tag[16:32] == struct.pack(">2i", 0, 8) + b"Unknown\0"
    assert tag[-26:] == struct.pack(">2i", 26, 2) + b"L\0" + struct.pack(">4i", 1, 2, 3, 4)


def test_a_table_from_a_command():
    """What a shell writes as ``--ctab <(command)``."""
    reading, writing = os.pipe()
    os.write(writing, b"0 Unknown 0 0 0 0\n26 A 1 2 3 0\n")
    os.close(writing)
    try:
        assert [row.name for row in read_ctab(f"/dev/fd/{reading}")] == ["Unknown", "A"]
    finally:
        os.close(reading)
