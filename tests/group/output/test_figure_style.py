import pytest

from fs_sclimbic.group.output.figure_style import FORMATS, FigureOptions, encode_figure, in_lines, plain, print_style


def drawn():
    with print_style() as plt:
        figure, axes = plt.subplots(figsize=(1, 1))
        axes.plot([0, 1])
    return figure


def test_formats_begin_as_they_should_and_do_not_change():
    made, again = encode_figure(drawn(), FORMATS), encode_figure(drawn(), FORMATS)
    assert made == again
    assert made["png"].startswith(b"\x89PNG")
    assert made["pdf"].startswith(b"%PDF")
    assert b"<svg" in made["svg"]


def test_widths_of_a_page():
    assert FigureOptions(1).width_inches * 25.4 == pytest.approx(88)
    assert FigureOptions(2).width_inches * 25.4 == pytest.approx(180)


def test_words():
    assert plain("a$b") == r"a\$b"
    assert in_lines("one two three four five", 1).count("\n") == 1
