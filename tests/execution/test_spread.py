"""Cases on workers: what is learned from a case is known before others run beside it."""

from dataclasses import dataclass, field, replace

from fs_sclimbic.cases.pipeline import Outcome
from fs_sclimbic.execution.case_job import EndedCase
from fs_sclimbic.execution.spread import spread_cohort
from fs_sclimbic.segmentation.options import Options
from tests.cohorts import cases_of


@dataclass
class Told:
    """Workers that note what they are given, and learn from a case of a certain name."""

    learns_from: str
    rounds: list = field(default_factory=list)

    def run(self, cases, job):
        self.rounds.append(([], job))
        for case in cases:
            self.rounds[-1][0].append(case.name)
            has_learned = case.name == self.learns_from
            yield EndedCase(
                outcome=Outcome(case=case, status="done", seconds=1.0),
                prior="the prior" if has_learned else job.shared.run.spec.prior,
                learns=job.shared.learns and not has_learned,
            )


def test_cases_run_alone_until_one_gives_the_prior(tmp_path, head, job_of):
    cases = cases_of(tmp_path, head, 5)
    names = [case.name for case in cases]
    workers = Told(learns_from=names[1])
    outcomes = list(spread_cohort(cases, job_of(options=Options()), workers))
    assert [outcome.case for outcome in outcomes] == cases
    assert [given for given, _ in workers.rounds] == [[names[0]], [names[1]], names[2:]]
    assert [job.shared.run.spec.prior for _, job in workers.rounds] == [None, None, "the prior"]


def test_a_run_that_learns_nothing_goes_side_by_side_at_once(tmp_path, head, job_of, tiny_model):
    cases = cases_of(tmp_path, head, 3)
    for job in (job_of(options=Options(full_fov=True)), job_of(spec=replace(tiny_model, prior="known"))):
        workers = Told(learns_from="nobody")
        list(spread_cohort(cases, job, workers))
        assert [len(given) for given, _ in workers.rounds] == [3]


def test_a_cohort_in_which_nobody_teaches_ends(tmp_path, head, job_of):
    cases = cases_of(tmp_path, head, 3)
    workers, told = Told(learns_from="nobody"), []
    assert len(list(spread_cohort(cases, job_of(options=Options()), workers, tell=told.append))) == 3
    assert [len(given) for given, _ in workers.rounds] == [1, 1, 1, 0]
    assert [notice.case for notice in told] == [cases[0].name], "told once"
    assert "one after the other" in told[0].text
