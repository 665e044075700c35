"""Which attempt follows on which failures; every case is a verdict made by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest
from model_support import panel, plan_of

from hiermix.engines import ENGINES, FitRequest
from hiermix.escalation.rules import MAX_TOTAL_DRAWS, Trial, next_trial
from hiermix.gates import Finding, Verdict

REQUEST = FitRequest(draws=1000, tune=1000, chains=4, seed=1, cores=2)

NUTS, EXACT = ENGINES["nuts"], ENGINES["exact"]

METRICS = {
    "rhat": ("rhat", 1.01),
    "ess_bulk": ("ess_bulk_per_chain", 100.0),
    "ess_tail": ("ess_tail_per_chain", 100.0),
    "mcse": ("mcse_mean_per_sd", 0.1),
    "divergences": ("divergences", 0.0),
    "ebfmi": ("ebfmi", 0.3),
    "treedepth": ("treedepth_share", 0.01),
    "integrity": ("integrity_defects", 0.0),
}


def finding(gate, value, where="x", *, status="fail", phase="sampler"):
    metric, limit = METRICS[gate.partition("[")[0]]
    return Finding(gate, phase, status, metric, value, None, limit, where, "", "")


def follow(*findings, plan, request=REQUEST, before=(), max_attempts=10, engine=NUTS, others=()):
    """Return the trial after one with these findings, which itself came after ``before``."""
    trials = [*before, Trial(plan, request, engine)]
    verdict = Verdict("publish", findings)
    return next_trial(trials, verdict, max_attempts=max_attempts, others=others)


@pytest.fixture(scope="module")
def plan():
    return plan_of(panel(), "y ~ x + (x | g)")


def forms(plan):
    return {c.term: c.form for c in plan.centring}


def changed(trial, request=REQUEST):
    """Return the fields of the request that a trial changes."""
    return {
        name: value for name, value in vars(trial.request).items() if value != vars(request)[name]
    }


DIVERGENT = finding("divergences", 12.0, "chains 0, 2")


@pytest.mark.parametrize(
    ("findings", "settings"),
    [
        ([DIVERGENT], {"target_accept": 0.9875}),
        ([finding("ebfmi", 0.2, "chain 1")], {"target_accept": 0.9875}),
        ([finding("treedepth", 0.1, "all chains")], {"max_treedepth": 12}),
        # 1.3 x 100 / 50 = 2.6
        ([finding("ess_bulk[common]", 50.0)], {"draws": 2600}),
        ([finding("ess_tail[group_sd]", 50.0, "x|g_sigma")], {"draws": 2600}),
        # 1.3 x 100 / 98 is less than half as much again
        ([finding("ess_bulk[common]", 98.0)], {"draws": 1500}),
        # the shortest counts: (.15 / .1)^2 x 1.3 = 2.925
        ([finding("ess_bulk[common]", 98.0), finding("mcse[common]", 0.15)], {"draws": 2950}),
        # (1.02 - 1) / (1.01 - 1) x 1.3 = 2.6
        ([finding("rhat[common]", 1.02)], {"draws": 2600}),
        # short by a factor of 5, and the chains disagree: 6.5 times the tuning, if 4,000 allow it
        (
            [finding("ess_bulk[common]", 20.0), finding("rhat[common]", 1.03)],
            {"draws": 6500, "tune": 4000},
        ),
        # trajectories first, draws later
        ([DIVERGENT, finding("ess_bulk[common]", 20.0)], {"target_accept": 0.9875}),
        (
            [DIVERGENT, finding("treedepth", 0.1, "chain 0")],
            {"target_accept": 0.9875, "max_treedepth": 12},
        ),
    ],
)
def test_the_next_attempt_changes_what_failed_and_nothing_else(plan, findings, settings):
    trial = follow(*findings, plan=plan)
    assert changed(trial) == pytest.approx(settings)
    assert trial.plan is plan


def test_priors_data_and_seed_are_never_touched(plan):
    trial = follow(
        finding("rhat[group_sd]", 1.3, "x|g_sigma"),
        finding("ess_bulk[group_sd]", 3.0, "x|g_sigma"),
        plan=plan,
    )
    assert trial.plan is not plan
    assert trial.plan.parameters is plan.parameters
    assert trial.plan.design is plan.design
    assert trial.request == REQUEST


@pytest.mark.parametrize("status", ["pass", "warn", "waived", "not applicable"])
def test_only_failures_lead_to_another_attempt(plan, status):
    assert follow(replace(DIVERGENT, status=status), plan=plan) is None


def test_gates_of_other_phases_do_not_lead_to_another_attempt(plan):
    assert follow(replace(DIVERGENT, phase="posterior"), plan=plan) is None


@pytest.mark.parametrize(
    "incurable",
    [
        finding("integrity", 3.0, "1|g_sigma"),
        finding("divergences", math.nan, ""),
        finding("rhat[common]", math.nan),
    ],
    ids=["integrity", "unmeasured", "not-finite"],
)
def test_what_no_setting_cures_stops(plan, incurable):
    short = finding("ess_bulk[common]", 50.0)
    assert follow(short, plan=plan) is not None
    assert follow(incurable, short, plan=plan) is None


def test_attempts_end_at_their_number(plan):
    first = Trial(plan, REQUEST, NUTS)
    assert follow(DIVERGENT, plan=plan, max_attempts=1) is None
    assert follow(DIVERGENT, plan=plan, before=[first], max_attempts=2) is None
    assert follow(DIVERGENT, plan=plan, before=[first], max_attempts=3) is not None


def test_divergences_that_persist_flip_the_term_with_the_fewest_effective_draws(plan):
    weak = finding("ess_bulk[group_sd]", 150.0, "1|g_sigma", status="pass")
    strong = finding("ess_bulk[group_specific]", 400.0, "x|g[g3]", status="pass")
    careful = replace(REQUEST, target_accept=0.9875)
    before = [Trial(plan, REQUEST, NUTS)]
    trial = follow(DIVERGENT, strong, weak, plan=plan, request=careful, before=before)
    assert forms(trial.plan)["1|g"] in ("centered", "noncentered")
    assert forms(trial.plan)["x|g"] == "adapted"
    assert trial.request == careful


def test_divergences_that_persist_flip_the_terms_that_other_failures_name(plan):
    named = finding("ess_bulk[group_specific]", 40.0, "x|g[g3]")
    weaker = finding("ess_tail[group_sd]", 30.0, "1|g_sigma", status="warn")
    careful = replace(REQUEST, target_accept=0.9875)
    before = [Trial(plan, REQUEST, NUTS)]
    trial = follow(DIVERGENT, named, weaker, plan=plan, request=careful, before=before)
    assert forms(trial.plan)["x|g"] != "adapted"
    assert forms(trial.plan)["1|g"] == "adapted"


def test_acceptance_rates_end_below_one_and_a_stated_one_is_a_start():
    plan = plan_of(panel(), "y ~ x")
    rates = []
    trials = [Trial(plan, replace(REQUEST, target_accept=0.8), NUTS)]
    while trials[-1] is not None:
        rates.append(trials[-1].request.acceptance)
        trials.append(next_trial(trials, Verdict("publish", (DIVERGENT,)), max_attempts=10))
    assert rates == pytest.approx([0.8, 0.95, 0.9875, 0.996875, 0.998])


def test_tree_depths_end_at_fourteen():
    plan = plan_of(panel(), "y ~ x")
    cut = finding("treedepth", 0.3, "all chains")
    depths = [13, 14]
    trial = follow(cut, plan=plan, request=replace(REQUEST, max_treedepth=depths[0]))
    assert trial.request.max_treedepth == depths[1]
    assert follow(cut, plan=plan, request=trial.request) is None


def hopeless(where):
    """Chains of 1000 draws that have hardly moved in one block."""
    return finding("rhat[group_sd]", 1.2, where), finding("ess_bulk[group_sd]", 5.0, where)


@pytest.mark.parametrize("where", ["x|g_sigma", "x|g[g2]"])
def test_a_block_that_mixes_badly_is_flipped_and_no_other(plan, where):
    trial = follow(*hopeless(where), plan=plan)
    assert forms(trial.plan)["x|g"] != "adapted"
    assert forms(trial.plan)["1|g"] == "adapted"
    assert trial.request == REQUEST


def test_names_with_bars_and_brackets_find_their_term():
    table = panel().assign(**{"a[b|c": panel()["g"]})
    plan = plan_of(table, "y ~ x + (1 | `a[b|c`) + (1 | h)")
    label = next(c.term for c in plan.centring if "a[b|c" in c.term)
    trial = follow(*hopeless(f"{label}[g1]"), plan=plan)
    assert forms(trial.plan)[label] != "adapted"
    assert forms(trial.plan)["1|h"] == "adapted"


@pytest.mark.parametrize(("tau", "rows", "form"), [(0.05, 2, "noncentered"), (2, 60, "centered")])
def test_weak_levels_are_flipped_to_noncentered_and_strong_ones_to_centered(tau, rows, form):
    rng = np.random.default_rng(1)
    table = panel(n_groups=20)
    table = table.loc[table.index.repeat(max(1, rows // 5))].reset_index(drop=True)
    effect = dict(zip(table["g"].unique(), tau * rng.normal(size=20), strict=True))
    table["y"] = table["g"].map(effect) + rng.normal(size=len(table))
    plan = plan_of(table, "y ~ x + (1 | g)")
    trial = follow(*hopeless("1|g_sigma"), plan=plan)
    assert forms(trial.plan) == {"1|g": form}
    (centring,) = trial.plan.centring
    assert set(centring.weight.ravel()) == {float(form == "centered")}


def test_no_form_is_tried_twice_and_then_draws_are_added_once(plan):
    one = plan_of(panel(), "y ~ x + (1 | g)")
    trials, seen = [Trial(one, REQUEST, NUTS)], []
    verdict = Verdict("publish", hopeless("1|g_sigma"))
    while (trial := next_trial(trials, verdict, max_attempts=10)) is not None:
        trials.append(trial)
    seen = [(forms(t.plan)["1|g"], t.request.draws) for t in trials]
    assert sorted(form for form, _ in seen[:3]) == ["adapted", "centered", "noncentered"]
    assert [draws for _, draws in seen] == [1000, 1000, 1000, 8000]


@pytest.mark.parametrize("stated", ["centered", "noncentered"])
def test_a_form_that_the_spec_states_stays(stated):
    plan = plan_of(panel(), "y ~ x + (x | g)", parameterization={"x|g": stated})
    named = follow(*hopeless("x|g_sigma"), plan=plan)
    assert forms(named.plan) == forms(plan)
    other = follow(*hopeless("1|g_sigma"), plan=plan)
    assert forms(other.plan)["x|g"] == stated
    assert forms(other.plan)["1|g"] != "adapted"


def test_ordinal_responses_are_never_centred():
    plan = plan_of(panel(), "grade ~ x + (1 | g)", family="cumulative")
    trial = follow(*hopeless("1|g_sigma"), plan=plan)
    assert forms(trial.plan) == {"1|g": "noncentered"}
    assert trial.request.draws > REQUEST.draws


def test_a_large_r_hat_of_few_draws_asks_for_draws_and_not_for_other_coordinates(plan):
    few = replace(REQUEST, draws=60, tune=60)
    trial = follow(
        finding("rhat[group_sd]", 1.08, "x|g_sigma"),
        finding("ess_bulk[group_sd]", 12.0, "x|g_sigma"),
        plan=plan,
        request=few,
    )
    assert trial.plan is plan
    assert changed(trial, few) == {"draws": 500, "tune": 500}


def test_common_effects_whose_chains_disagree_get_more_draws_once(plan):
    stuck = finding("rhat[common]", 1.7), finding("ess_bulk[common]", 2.0)
    trial = follow(*stuck, plan=plan)
    assert trial.plan is plan
    assert changed(trial) == {"draws": 8000, "tune": 4000}
    before = [Trial(plan, REQUEST, NUTS)]
    assert follow(*stuck, plan=plan, request=trial.request, before=before) is None


def test_draws_that_would_be_too_many_or_too_large_are_not_asked_for(plan):
    short = finding("ess_bulk[common]", 50.0)
    many = replace(REQUEST, draws=MAX_TOTAL_DRAWS // 4 // 2 + 100)
    assert follow(short, plan=plan, request=many) is None
    just = replace(REQUEST, draws=MAX_TOTAL_DRAWS // 4 // 2)
    assert follow(short, plan=plan, request=just).request.draws == MAX_TOTAL_DRAWS // 4
    # 30,000 levels x 4 chains x 1,100 draws x 8 bytes are 1 GiB
    wide = panel(n_groups=300)
    wide = wide.loc[wide.index.repeat(100)].reset_index(drop=True)
    wide["g"] = [f"g{i % 30_000}" for i in range(len(wide))]
    large = plan_of(wide, "y ~ x + (1 | g)")
    assert follow(short, plan=large) is None
    assert follow(finding("ess_bulk[common]", 95.0), plan=large).request.draws < 1150


def test_an_engine_without_divergences_has_no_coordinates_to_flip(plan):
    trial = follow(*hopeless("x|g_sigma"), plan=plan, engine=EXACT)
    assert trial.plan is plan
    assert trial.request.draws == 8000
    assert trial.engine is EXACT


SHORT = finding("ess_bulk[group_sd]", 50.0, "1|g_sigma")
STUCK = finding("integrity", 3.0, "1|g_sigma never moves in chain 2")
GROWN = replace(REQUEST, draws=2600)


def exact(*findings, plan, **options):
    return follow(*findings, plan=plan, engine=EXACT, **options)


def test_more_draws_come_before_another_engine(plan):
    trial = exact(SHORT, plan=plan, others=[NUTS])
    assert (trial.engine, trial.request) == (EXACT, GROWN)


def test_the_last_attempt_is_another_engines_where_more_draws_have_not_helped(plan):
    before = [Trial(plan, REQUEST, EXACT)]
    given = {"plan": plan, "request": GROWN, "before": before, "others": [NUTS]}
    trial = exact(SHORT, max_attempts=3, **given)
    assert trial == Trial(plan, REQUEST, NUTS, "ess_bulk failed: engine nuts")
    assert exact(SHORT, max_attempts=4, **given).engine is EXACT
    # 100 / 90 is within what an ESS may err: more draws are all that lacks
    close = exact(finding("ess_bulk[group_sd]", 90.0, "1|g_sigma"), max_attempts=3, **given)
    assert (close.engine, close.request.draws) == (EXACT, 3900)
    assert exact(SHORT, max_attempts=2, **given) is None


def test_chains_that_disagree_after_more_draws_are_another_engines(plan):
    before = [Trial(plan, REQUEST, EXACT)]
    longer = replace(REQUEST, draws=8000, tune=4000)
    trial = exact(*hopeless("x|g_sigma"), plan=plan, request=longer, before=before, others=[NUTS])
    assert trial == Trial(plan, REQUEST, NUTS, "rhat, ess_bulk failed: engine nuts")


def test_chains_that_never_move_are_another_engines_at_once(plan):
    trial = exact(STUCK, SHORT, plan=plan, others=[NUTS])
    assert trial == Trial(plan, REQUEST, NUTS, "integrity, ess_bulk failed: engine nuts")


def test_an_engine_that_the_spec_states_is_never_left(plan):
    before = [Trial(plan, REQUEST, EXACT)]
    assert exact(STUCK, plan=plan) is None
    trial = exact(SHORT, plan=plan, request=GROWN, before=before, max_attempts=3)
    assert (trial.engine, trial.reason) == (EXACT, "ess_bulk failed: draws 2600 -> 6800")


def test_an_engine_that_took_over_has_all_its_cures_and_gives_back_to_none(plan):
    before = [Trial(plan, REQUEST, EXACT), Trial(plan, replace(REQUEST, draws=8000), EXACT)]
    careful = follow(DIVERGENT, plan=plan, before=before, others=[NUTS])
    assert (careful.engine, changed(careful)) == (NUTS, {"target_accept": 0.9875})
    longer = follow(SHORT, plan=plan, before=before, others=[NUTS], max_attempts=4)
    assert (longer.engine, longer.request) == (NUTS, GROWN)
    assert follow(STUCK, plan=plan, before=before, others=[NUTS]) is None


def test_the_reason_names_what_failed_and_what_changes(plan):
    trial = follow(
        finding("ess_bulk[common]", 50.0),
        finding("ess_bulk[group_sd]", 60.0, "x|g_sigma"),
        finding("rhat[common]", 1.02),
        plan=plan,
    )
    assert trial.reason == "ess_bulk, rhat failed: draws 1000 -> 2600"
    flipped = follow(*hopeless("x|g_sigma"), plan=plan)
    assert flipped.reason.startswith("rhat, ess_bulk failed: x|g adapted -> ")
