from fs_sclimbic.group.output.contrast_tables import contrast_tables
from tests.groups import analysed


def test_tables_of_a_contrast():
    study, _, one = analysed("g = Patient-Control")
    assert set(contrast_tables(study, one)) == {"g/results.tsv", "g/influence.tsv"}
    study, _, several = analysed("F = Patient-Control ; Control:Age")
    assert set(contrast_tables(study, several)) == {"F/results.tsv", "F/results_rows.tsv", "F/influence.tsv"}
