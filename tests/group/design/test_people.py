import numpy as np
import pytest

from fs_sclimbic.group.design.people import (
    describe_people,
    has_column_of_each,
    repeated_people,
    repetition_problem,
)


@pytest.mark.parametrize(
    "names",
    [
        ("sub-01_ses-1", "sub-01_ses-2", "sub-02_ses-1"),
        ("sub-01_ses-pre_T1w", "sub-01_ses-post_T1w", "sub-02_ses-pre_T1w"),
        ("sub-01_run-1", "sub-01_run-2", "sub-02_run-1"),
        ("ds1_sub-01_ses-1", "ds1_sub-01_ses-2", "ds2_sub-01_ses-1"),
        ("sub-01_ses-1.long.sub-01", "sub-01_ses-2.long.sub-01", "sub-02_ses-1.long.sub-02"),
        ("bert_1.long.bert_base", "bert_2.long.bert_base", "ernie_1.long.ernie_base"),
        ("OAS2_0001_MR1_v1", "OAS2_0001_MR1_v2", "OAS2_0002_MR1_v1"),
        ("P01_baseline", "P01_followup", "P02_baseline"),
        ("OAS1_0061_MR1", "OAS1_0061_MR2", "OAS1_0062_MR1"),
        ("OAS30001_MR_d0129", "OAS30001_MR_d0757", "OAS30002_MR_d0371"),
        ("ADNI_002_S_0413_2006-05-19", "ADNI_002_S_0413_2007-06-01", "ADNI_002_S_0559_2006-05-23"),
        ("1000015_20252_2_0", "1000015_20252_3_0", "1000027_20252_2_0"),
        ("HCA6002236_V1_MR", "HCA6002236_V2_MR", "HCA6010538_V1_MR"),
        ("sub-NDAR1_ses-baselineYear1Arm1", "sub-NDAR1_ses-2YearFollowUpYArm1", "sub-NDAR2_ses-baselineYear1Arm1"),
        ("P01_m00", "P01_m12", "P02_m00"),
        ("011_visit2", "011_visit1", "012_visit1"),
        ("ab_v1", "ab_v2", "cd_v1", "ef_v1", "gh_v1"),
        ("sub-01_acq-a_ses-1", "sub-01_acq-b_ses-1", "sub-02_ses-1"),
        ("subj7-v1", "subj7-v2", "subj8-v1"),
        ("x", "x", "y"),
    ],
)
def test_sessions_of_one_person_are_found(names):
    (rows,) = repeated_people(names).values()
    assert rows == names[:2]


@pytest.mark.parametrize(
    "names",
    [
        [f"sub-{i:02d}" for i in range(1, 40)],
        [f"sub-{i:02d}_ses-1" for i in range(1, 40)],
        [f"sub-{i:02d}_ses-{1 + i % 2}" for i in range(1, 40)],
        [f"sub-v{i}" for i in range(1, 7)],
        [f"con_v{i}" for i in range(1, 20)] + [f"pat_v{i}" for i in range(1, 20)],
        [f"site1_v{i:02d}" for i in range(1, 20)] + [f"site2_v{i:02d}" for i in range(1, 20)],
        [f"patient_scan{i:02d}" for i in range(1, 20)],
        [f"sub-control_{i:02d}" for i in range(1, 20)],
        [f"sub-{i:02d}.long.base{i:02d}" for i in range(1, 20)],
        [f"P{i}_t1" for i in range(1, 20)],
        ["sub-01_pre", "sub-02_post", "sub-03_pre"],
        [f"OAS1_{i:04d}_MR1" for i in range(1, 20)],
        [f"IXI{i:03d}-Guys-{700 + i:04d}-T1" for i in range(1, 20)],
        [f"sub-CC{i}" for i in range(110033, 110060)],
        [f"F{i // 2:02d}_{i % 2}" for i in range(1, 20)],
        [f"{i}_20252_2_0" for i in range(1000015, 1000030)],
        [f"study_2019{i:04d}" for i in range(101, 130)],
        ["v1", "v2", "t1"],
        [],
    ],
)
def test_different_people_raise_no_alarm(names):
    assert repeated_people(names) == {}


NAMES = [f"sub-{i}_ses-{j}" for i in (1, 2, 3) for j in (1, 2)]


def test_a_paired_design_takes_people_out():
    people = np.kron(np.eye(3), np.ones((2, 1)))
    session = np.tile([0.0, 1], 3)[:, None]
    assert has_column_of_each(repeated_people(NAMES), NAMES, np.hstack([people, session]))
    assert repetition_problem(NAMES, np.hstack([people, session])) == ""
    assert not has_column_of_each(repeated_people(NAMES), NAMES, np.hstack([np.ones((6, 1)), session]))
    assert "3 person(s) stand in 6 rows" in repetition_problem(NAMES, np.hstack([np.ones((6, 1)), session]))


def test_people_in_words():
    assert describe_people(repeated_people(NAMES), 1) == "sub-1 (sub-1_ses-1, sub-1_ses-2) and 2 more"


def test_three_small_groups_are_no_people():
    assert repeated_people([f"{group}_v{number}" for group in ("con", "pat", "sib") for number in (1, 2, 3)]) == {}
