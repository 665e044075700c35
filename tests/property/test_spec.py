"""Properties of the spec: round trips, order, overrides."""

import string

from hypothesis import given, settings
from hypothesis import strategies as st

from hiermix.errors import HiermixError
from hiermix.spec import canonical_json, load_spec, resolved_yaml
from hiermix.spec.distributions import DISTRIBUTIONS
from hiermix.spec.priors import Prior, parse_prior

NAMES = st.text(string.ascii_letters + "_.|", min_size=1, max_size=8).map(lambda s: f"v{s}")
TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp", "Cn", "Co")),
    min_size=1,
    max_size=20,
).filter(lambda text: "://" not in text)
FINITE = st.floats(-1e6, 1e6, allow_nan=False)
SCALES = st.floats(1e-6, 1e6)


@st.composite
def priors(draw):
    simple = [d for d in DISTRIBUTIONS.values() if d.support != "interval"]
    distribution = draw(st.sampled_from(simple))
    kinds = {"real": FINITE, "positive": SCALES}
    values = tuple((a.name, draw(kinds[a.kind]) + 0.0) for a in distribution.arguments)
    return Prior(distribution.name, values)


def coefficient_priors():
    return priors().filter(lambda prior: prior.distribution != "LKJ")


@st.composite
def specs(draw):
    return {
        "data": {
            "path": draw(st.sampled_from(["d.csv", "a/b.parquet", "x y.csv"])),
            "types": draw(
                st.dictionaries(TEXTS, st.sampled_from(["category", "text"]), max_size=3)
            ),
            "na_values": draw(st.none() | st.lists(TEXTS, max_size=3)),
        },
        "model": {
            "formula": draw(st.sampled_from(["y ~ x", "y ~ x + (1 | g)", "y ~ 0 + x"])),
            "family": draw(st.sampled_from(["gaussian", "poisson", "bernoulli"])),
            "bounds": draw(st.dictionaries(NAMES, st.just([0, None]), max_size=2)),
        },
        "priors": draw(
            st.dictionaries(NAMES, coefficient_priors().map(lambda p: p.text) | FINITE, max_size=3)
        ),
        "fit": {
            "seed": draw(st.integers(0, 4294967295)),
            "draws": draw(st.integers(100, 10**6)),
            "target_accept": draw(st.none() | st.floats(0.5, 0.99)),
        },
        "gates": {"waive": draw(st.dictionaries(NAMES, TEXTS, max_size=2))},
    }


def as_text(value):
    if isinstance(value, dict):
        inner = ", ".join(f"{as_text(k)}: {as_text(v)}" for k, v in value.items())
        return f"{{{inner}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(as_text, value))}]"
    if value is None:
        return "null"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return repr(value)


def reversed_keys(value):
    if isinstance(value, dict):
        return {k: reversed_keys(v) for k, v in reversed(value.items())}
    return value


@given(priors())
def test_printing_and_parsing_a_prior_is_the_identity(prior):
    assert parse_prior(prior.text) == prior


@given(st.text(max_size=30) | st.text("Normal(),=.0123456789 e-", max_size=30))
def test_any_text_is_a_prior_or_an_error_with_a_caret(text):
    try:
        prior = parse_prior(text)
    except HiermixError as error:
        assert 1 <= error.where.caret <= len(text) + 1
    else:
        assert parse_prior(prior.text) == prior


@given(specs())
@settings(deadline=None, max_examples=50)
def test_the_resolved_spec_loads_to_an_equal_spec(value):
    spec = load_spec(as_text(value), "s.yaml").spec
    assert load_spec(resolved_yaml(spec), "s.yaml").spec == spec


@given(specs())
@settings(deadline=None, max_examples=50)
def test_the_canonical_text_ignores_the_order_of_keys(value):
    one = load_spec(as_text(value), "s.yaml").spec
    two = load_spec(as_text(reversed_keys(value)), "s.yaml").spec
    assert canonical_json(one) == canonical_json(two)


OVERRIDES = st.sampled_from(["fit.seed", "fit.draws", "priors", "gates.waive", "data.types"])


@given(specs(), specs(), OVERRIDES)
@settings(deadline=None, max_examples=50)
def test_setting_a_key_equals_editing_the_spec(value, other, key):
    *parents, last = key.split(".")
    source, target = other, {**value}
    inner = target
    for part in parents:
        source = source[part]
        inner[part] = {**inner[part]}
        inner = inner[part]
    inner[last] = source[last]
    override = f"{key}={as_text(source[last])}"
    edited = load_spec(as_text(target), "s.yaml").spec
    assert load_spec(as_text(value), "s.yaml", [override]).spec == edited


@given(specs(), NAMES, coefficient_priors())
@settings(deadline=None, max_examples=50)
def test_setting_a_prior_equals_editing_the_spec(value, name, prior):
    edited = {**value, "priors": {**value["priors"], name: prior.text}}
    override = f"priors.{name}={prior.text}"
    spec = load_spec(as_text(value), "s.yaml", [override]).spec
    assert spec == load_spec(as_text(edited), "s.yaml").spec


@given(
    st.text(max_size=60) | st.text("ab:{}[]\"'|>#&*!-?,\n\t ", max_size=60) | st.binary(max_size=60)
)
@settings(deadline=None, max_examples=300)
def test_any_text_is_a_spec_or_an_input_error_with_a_place(text):
    try:
        load_spec(text, "s.yaml")
    except HiermixError as error:
        assert error.exit_code == 2
        assert all(e.where.file == "s.yaml" for e in error.flatten())
