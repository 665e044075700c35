"""customers_products: what becomes of effects of which the data know only the sum."""

import arviz as az
import numpy as np
import pandas as pd
import pytest
from run_support import ROOT, Silent, draws_of, spec_path

from hiermix import pipeline
from hiermix.spec import load_spec

pytestmark = [pytest.mark.statistical, pytest.mark.slow]

BUMP = "P25"
"""Bought once, by customer C07, for exp(5) in place of exp(3)."""


WITHOUT_INTERACTION = (
    "model.formula=log_spend ~ 1 + (1 | customer) + (1 | product)",
    'priors={"1|customer": "HalfNormal(1)", "1|product": "HalfNormal(0.1)"}',
)


def fitted(*overrides):
    path = spec_path("customers_products")
    loaded = load_spec(path.read_bytes(), str(path), overrides)
    return pipeline.fit(pipeline.prepare(loaded, path.parent, Silent()), Silent())


@pytest.fixture(scope="module")
def shipped():
    return fitted()


def effect(result, group, level):
    table = result.tables.group_effects
    found = table[(table["group"] == group) & (table["level"] == level)]
    assert len(found) == 1
    return found.iloc[0]


def test_every_row_is_kept(shipped):
    rows = pd.read_csv(ROOT / "examples" / "customers_products" / "purchases.csv")
    assert shipped.prepared.frame.n_rows == len(rows) == 889
    identification = shipped.tables.identification
    levels = identification[identification["level"] != ""]
    assert set(levels["group"].value_counts().items()) == {
        ("customer", rows["customer"].nunique()),
        ("product", rows["product"].nunique()),
        ("customer:product", len(rows[["customer", "product"]].drop_duplicates())),
    }


def test_with_the_interaction_the_pair_takes_the_bump_and_the_product_does_not(shipped):
    product = effect(shipped, "product", BUMP)
    pair = effect(shipped, "customer:product", f"C07:{BUMP}")
    assert abs(product["deviation_mean"]) < 2 * product["deviation_sd"]
    assert pair["deviation_mean"] > 2 * pair["deviation_sd"]
    assert pair["deviation_mean"] > 10 * product["deviation_mean"]
    others = shipped.tables.group_effects.query("group == 'product' and level != @BUMP")
    assert product["deviation_sd"] > 1.3 * others["deviation_sd"].median()


def test_without_the_interaction_the_product_takes_more_of_it(shipped):
    alone = effect(fitted(*WITHOUT_INTERACTION), "product", BUMP)
    together = effect(shipped, "product", BUMP)
    assert alone["deviation_mean"] > 2 * together["deviation_mean"]
    # Without its rival the product is told by its row.
    assert alone["identified"] and not together["identified"]


def purchases(path):
    """Write 40 customers x 15 products, where one customer alone buys P99, for much more."""
    rng = np.random.default_rng(5)
    taste, price = rng.normal(0, 0.5, 40), rng.normal(0, 0.3, 15)
    rows = []
    for customer in range(40):
        for product in rng.choice(15, 5, replace=False):
            centre = taste[customer] + price[product] + rng.normal(0, 0.6)
            rows += [(f"C{customer}", f"P{product}", centre + rng.normal(0, 0.3)) for _ in range(3)]
    rows += [("C7", "P99", taste[7] + 2.5 + rng.normal(0, 0.3)) for _ in range(3)]
    pd.DataFrame(rows, columns=["customer", "product", "y"]).to_csv(path, index=False)


def test_a_bump_of_one_customer_is_the_products_only_if_there_is_no_interaction(tmp_path):
    purchases(tmp_path / "data.csv")

    def run(formula):
        text = f"data: {{path: data.csv}}\nmodel: {{formula: {formula}}}\nfit: {{seed: 1}}\n"
        loaded = load_spec(text, str(tmp_path / "spec.yaml"))
        return pipeline.fit(pipeline.prepare(loaded, tmp_path, Silent()), Silent())

    crossed = "y ~ 1 + (1 | customer) + (1 | product)"
    alone, whole = run(crossed), run(f"{crossed} + (1 | customer:product)")
    product = effect(alone, "product", "P99")
    assert product["deviation_mean"] > 2 * product["deviation_sd"]
    assert product["identified"]
    product, pair = effect(whole, "product", "P99"), effect(whole, "customer:product", "C7:P99")
    assert abs(product["deviation_mean"]) < 2 * product["deviation_sd"]
    assert pair["deviation_mean"] > 2 * pair["deviation_sd"]
    assert not product["identified"] and not pair["identified"]
    others = whole.tables.group_effects.query("group == 'product' and level != 'P99'")
    assert product["deviation_sd"] > 1.5 * others["deviation_sd"].median()


def test_the_table_names_the_partners(shipped):
    table = shipped.tables.identification.set_index(["group", "level"])
    bump = table.loc[("product", BUMP)]
    assert (bump["status"], bump["partners"]) == ("sum-only", f"customer:product C07:{BUMP}")
    isolated = table.loc[("customer", "C60")]
    assert isolated["status"] == "sum-only"
    assert isolated["kind"] == "isolated-pair"
    assert isolated["partners"] == "product P24; customer:product C60:P24"
    plain = table.loc[("customer", "C01")]
    assert (plain["status"], plain["partners"]) == ("likelihood", "")


def test_the_effects_of_an_isolated_pair_are_in_the_ratio_of_their_prior_variances(shipped):
    draws = draws_of(shipped)
    names = {"customer": "C60", "product": "P24", "customer:product": "C60:P24"}
    effects = {g: draws[f"1|{g}[{level}]"] for g, level in names.items()}
    variances = {g: draws[f"1|{g}_sigma"] ** 2 for g in names}
    # Given the sds, E(u_a) : E(u_b) = tau_a^2 : tau_b^2, so that this has mean zero.
    for a, b in (("customer", "product"), ("customer:product", "customer")):
        balance = variances[b] * effects[a] - variances[a] * effects[b]
        assert abs(balance.mean()) < 4 * float(az.mcse(balance, method="mean"))
        assert abs((variances[b] * effects[a]).mean()) > 0


def test_what_is_only_known_in_sums_has_little_contraction(shipped):
    table = shipped.tables.identification.set_index(["group", "level"])["contraction"]
    assert table.loc[("customer", "C01")] > 0.8
    assert table.loc[("product", BUMP)] < 0.2
    assert table.loc[("product", "P24")] < 0.2
    means = shipped.tables.identification.groupby("status")["contraction"].mean()
    assert means["sum-only"] < means["likelihood"]


def test_a_prior_that_is_looser_on_the_product_is_warned_about(shipped):
    ratios = {f.gate: f for f in shipped.verdict.findings}
    assert ratios["prior_order"].status == "pass"
    path = spec_path("customers_products")
    tight, loose = "HalfNormal(0.1)", "HalfNormal(1)"
    sds = {"1|customer": tight, "1|product": loose, "1|customer:product": tight}
    swapped = [f'priors.{name}="{prior}"' for name, prior in sds.items()]
    loaded = load_spec(path.read_bytes(), str(path), swapped)
    verdict = pipeline.prepare(loaded, path.parent, Silent()).verdict
    (finding,) = [f for f in verdict.findings if f.gate == "prior_order"]
    assert finding.status == "warn"
    assert finding.value == pytest.approx(10.0)
    assert finding.message.startswith("2 levels of product have the same rows as a level of")
    assert "so their common effect goes mostly to product" in finding.message
    assert np.isfinite(finding.value)
