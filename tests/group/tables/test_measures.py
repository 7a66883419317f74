from fs_sclimbic.cases.stats_files import COLUMNS, QA_COLUMNS
from fs_sclimbic.group.tables.measures import ETIV, MEASURES
from fs_sclimbic.group.text_table import ETIV_NAMES


def test_measures_are_columns_of_the_files_that_are_written():
    for measure in MEASURES.values():
        columns = QA_COLUMNS if measure.quality else COLUMNS
        assert set(measure.headers) & set(columns), measure.name
        assert columns[measure.position] in measure.headers


def test_etiv_goes_with_volumes_alone_and_has_no_segid():
    assert [measure.name for measure in MEASURES.values() if measure.with_etiv] == ["volume"]
    assert (None, ETIV_NAMES[0]) == ETIV
