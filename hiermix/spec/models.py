"""The spec as frozen values: every key, its type, its default and what it is for.

The descriptions are the reference of the spec: ``hiermix schema`` prints them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from hiermix.spec.arms import ArmCounts, ArmsSpec
from hiermix.spec.distributions import DISTRIBUTIONS, OTHER_NAMES
from hiermix.spec.families import FAMILIES, LINKS
from hiermix.spec.part import Part, Text

NAME_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$"
PRIOR_PATTERN = rf"^\s*({'|'.join([*DISTRIBUTIONS, *OTHER_NAMES])})\s*\(.*\)\s*$"

Texts = Annotated[tuple[Text, ...], Field(strict=False)]
Bounds = Annotated[tuple[float | None, float | None], Field(strict=False)]
Pair = Annotated[tuple[float, float], Field(strict=False)]
PriorValue = Annotated[str, Field(json_schema_extra={"pattern": PRIOR_PATTERN})] | float
ColumnType = Literal["category", "numeric", "integer", "boolean", "text"]
Centring = Literal["auto", "centered", "noncentered"]


class DataSpec(Part):
    """Where the rows come from and how they are read."""

    path: Text = Field(
        description="Data file, relative to the spec: csv, tsv, parquet, arrow or feather, json "
        "lines, a glob of them, or a .duckdb or .sqlite file. No URLs."
    )
    query: Text | None = Field(
        default=None,
        description="SQL (DuckDB) that makes the rows. The files are the table 'data'; a database "
        "has its own tables.",
    )
    types: Mapping[str, ColumnType] = Field(
        default_factory=dict,
        description="Column to type, where the one that would be guessed is wrong: "
        "{country: category}.",
    )
    missing: Literal["error", "drop"] = Field(
        default="error",
        description="What to do with rows that lack a value in a column of the model: refuse the "
        "data (error), or leave them out, counted per column (drop).",
    )
    na_values: Annotated[tuple[str, ...], Field(strict=False)] | None = Field(
        default=None,
        description="Texts that mean 'no value', in place of NA and its kind; [] says that NA is a "
        "label. The empty cell is always missing.",
    )
    encoding: Literal["utf-8"] = Field(
        default="utf-8", description="Encoding of text files; convert others to UTF-8 first."
    )
    reduce: Literal["auto", "off"] = Field(
        default="auto",
        description="Merge rows that the likelihood cannot tell apart before fitting, without "
        "loss, where at least half of them go (auto), or never (off).",
    )


class ModelSpec(Part):
    """The formula and the family."""

    formula: Text = Field(
        description="Model formula as in lme4: 'y ~ x + (x | g)'. (x | g) has correlated "
        "intercepts and slopes, (x || g) independent ones. Quote it."
    )
    family: Text = Field(
        default="gaussian",
        description="Distribution of the response.",
        json_schema_extra={"enum": list(FAMILIES)},
    )
    link: Text | None = Field(
        default=None,
        description="Link of the family's mean; null is the family's default.",
        json_schema_extra={"anyOf": [{"enum": list(LINKS)}, {"type": "null"}]},
    )
    known_se: Text | None = Field(
        default=None,
        description="Column of known standard errors of the response, for meta-analysis and A/B "
        "lifts. Family gaussian only; there is no residual sd then.",
    )
    components: Mapping[str, Text] = Field(
        default_factory=dict,
        description="Formulas of other parameters of the family: {sigma: '~ 1 + (1 | g)'}.",
    )
    parameterization: Centring | Mapping[str, Centring] = Field(
        default="auto",
        description="How group-specific effects are sampled; the posterior is the same. auto "
        "chooses for each group term from the data. Or a map of group terms: {1|g: centered}.",
    )
    bounds: Mapping[str, Bounds] = Field(
        default_factory=dict,
        description="Limits of common effects: {m_tv: [0, null]}. null is no limit. Effects of "
        "single levels are not limited.",
    )
    scale: bool = Field(
        default=False,
        description="Standardise numeric predictors for the fit, with every output on the "
        "original scale. Not supported yet.",
    )


class CreSpec(Part):
    """Contextual effects of one grouping factor (Mundlak, correlated random effects)."""

    group: Text | None = Field(
        default=None,
        description="Grouping factor of the formula; may be left out if there is only one.",
    )
    terms: Texts | None = Field(
        default=None,
        description="Common terms, as the formula writes them, whose group means enter the model; "
        "null: every one that varies within the group and whose mean varies between levels.",
    )
    form: Literal["mundlak", "within-between"] = Field(
        default="mundlak",
        description="mundlak: x and its group mean. within-between: x minus its mean, and mean.",
    )


class FitSpec(Part):
    """How the posterior is computed."""

    engine: Literal["auto", "nuts", "exact"] = Field(
        default="auto",
        description="Engine: auto takes the first that can fit the model. 'exact' is not "
        "supported yet.",
    )
    sampler: Literal["nutpie", "pymc"] = Field(
        default="nutpie", description="Implementation of NUTS that the engine 'nuts' uses."
    )
    draws: int = Field(default=1000, ge=100, le=1_000_000, description="Draws kept of each chain.")
    tune: int = Field(
        default=1000, ge=100, le=1_000_000, description="Tuning draws of each chain, not kept."
    )
    chains: int = Field(
        default=4,
        ge=2,
        le=1000,
        description="Independent chains: R-hat needs at least 2; 4 are advised.",
    )
    seed: int = Field(
        ge=0,
        le=4294967295,
        description="Seed of every random number. Required: the same spec, data and versions "
        "give the same draws.",
    )
    target_accept: Annotated[float, Field(ge=0.5, lt=1)] | None = Field(
        default=None,
        description="Acceptance rate that step sizes are tuned for. Higher means smaller steps: "
        "slower, fewer divergences. null: chosen by the engine. Further attempts may raise it.",
    )
    max_treedepth: int = Field(
        default=10, ge=5, le=15, description="A draw takes at most 2^max_treedepth steps."
    )
    cores: Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        description="Cores to use; null: as many as there are chains and CPUs. The draws do not "
        "depend on it.",
    )
    max_attempts: Annotated[int, Field(ge=1, le=10)] = Field(
        default=3,
        description="Fits at most made, each with more careful sampling, while gates of the "
        "sampler fail. 1: only what the spec says.",
    )


class GatesSpec(Part):
    """Which checks a run has to pass."""

    policy: Literal["explore", "publish", "strict"] = Field(
        default="publish", description="Set of limits: see 'hiermix gates'."
    )
    limits: Mapping[str, float] = Field(
        default_factory=dict, description="Limits of single gates: {rhat: 1.005}."
    )
    waive: Mapping[str, Text] = Field(
        default_factory=dict,
        description="Gates that may fail, with the reason, which the verdict prints: "
        "{divergences: 'two of 8000, seen in the pairs plot'}.",
    )


class OutputsSpec(Part):
    """What is written, and where."""

    dir: Text = Field(
        default="runs",
        description="Folder of the runs, below the current one: <dir>/<name>/<fingerprint>/. For "
        "another place use --out.",
    )
    interval: float = Field(
        default=0.9, gt=0, lt=1, description="Probability of the intervals in the tables."
    )
    interval_kind: Literal["eti", "hdi"] = Field(
        default="eti",
        description="eti: equal tails. hdi: highest density (the shortest interval).",
    )
    draws: Literal["full", "thin"] = Field(
        default="full",
        description="Draws in posterior.nc. 'thin' is not supported yet.",
    )
    report: bool = Field(default=True, description="Write report.html.")


class QuestionSpec(Part):
    """A question that the posterior answers, without another fit."""

    name: Text | None = Field(
        default=None,
        description="What the question is called in questions.csv. Default: made of 'of', "
        "'contrast' and 'scale'.",
    )
    of: Text = Field(
        description="What it is about: group-specific effects ('1|g', 'x|g'), a factor among the "
        "common effects ('f'), a single parameter by the name that the summary prints ('x', "
        "'f[b]', '1|g_sigma'), or, on the response scale, a predictor."
    )
    scale: Literal["coefficient", "deviation", "response"] = Field(
        default="coefficient",
        description="coefficient: common effect plus the level's deviation, as in "
        "group_effects.csv. deviation: the level's own part alone. response: the expected "
        "response, averaged over the rows of the data (average marginal effects).",
    )
    levels: Texts | None = Field(
        default=None, description="Levels that it is about, in this order; null: all of them."
    )
    contrast: Literal["pairwise", "mean", "reference"] | None = Field(
        default=None,
        description="pairwise: each level less each later one. mean: each less the plain mean of "
        "the levels. reference: each less the level 'reference'. null: the levels themselves.",
    )
    reference: Text | None = Field(
        default=None, description="Level that contrast 'reference' compares with."
    )
    values: Pair | None = Field(
        default=None,
        description="[from, to] of a numeric predictor on the response scale: the expected "
        "response with it at 'to' in every row less that at 'from'. null: its slope.",
    )
    at: Mapping[str, float | Text] = Field(
        default_factory=dict,
        description="Other predictors at these values in every row, on the response scale: "
        "{age: 40, sex: f}.",
    )
    by: Text | None = Field(
        default=None,
        description="Factor by whose levels rows are averaged apart, on the response scale.",
    )
    threshold: float = Field(
        default=0.0,
        description="The answer has the probabilities that the effect is above and below this.",
    )
    decide: float = Field(
        default=0.95,
        ge=0.5,
        lt=1,
        description="Probability from which on an effect is called above or below, and a level in "
        "or out of the top.",
    )
    rope: Pair | None = Field(
        default=None,
        description="Region of practical equivalence: [lower, upper] between which an effect is "
        "as good as none.",
    )
    best: Literal["max", "min"] | None = Field(
        default=None,
        description="Which end of the scale is good: adds to each level the probability of being "
        "best and the expected loss of choosing it.",
    )
    top: Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        description="Adds to each level the probability of being among that many best.",
    )


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


class RunSpec(Part):
    """A model, its data and how to fit and judge it."""

    schema_version: Literal[1] = Field(default=1, description="Version of the spec's format.")
    name: str = Field(
        default="model",
        pattern=NAME_PATTERN,
        description="Name of the run's folder: letters, digits, '.', '_', '-'. Default: the name "
        "of the spec's file.",
        json_schema_extra=_without_default,
    )
    data: DataSpec = Field(description="Where the rows come from and how they are read.")
    model: ModelSpec = Field(description="The formula and the family.")
    arms: ArmsSpec | None = Field(
        default=None,
        description="The two arms of a test whose successes and trials are the data: effects per "
        "level as difference of rates, ratio and log odds ratio, in arms.csv.",
    )
    cre: Annotated[tuple[CreSpec, ...], Field(strict=False)] = Field(
        default=(),
        description="Contextual effects (Mundlak, correlated random effects), one entry for each "
        "grouping factor.",
    )
    priors: Mapping[str, PriorValue] = Field(
        default_factory=dict,
        description="Priors by the name that the summary prints: x, sigma, Intercept (of centred "
        "predictors), '1|g' (the sd of these group effects), 'cor|g' (correlations of the effects "
        "of (x | g), LKJ). Text like 'Normal(0, 1)' or 'Normal(mu=0, sigma=1)'; a number "
        "fixes the parameter.",
    )
    questions: Annotated[tuple[QuestionSpec, ...], Field(strict=False)] = Field(
        default=(),
        description="Questions that the run answers in questions.csv: contrasts, probabilities, "
        "best level, average marginal effects.",
    )
    fit: FitSpec = Field(description="How the posterior is computed.")
    gates: GatesSpec = Field(
        default_factory=GatesSpec, description="Which checks a run has to pass."
    )
    outputs: OutputsSpec = Field(
        default_factory=OutputsSpec, description="What is written, and where."
    )


FREE_MAPS = frozenset(
    {
        "priors",
        "data.types",
        "model.components",
        "model.parameterization",
        "model.bounds",
        "gates.limits",
        "gates.waive",
    }
)
"""Mappings whose keys are names of the user's; such a name may hold dots."""

SECTIONS: dict[str, type[Part]] = {
    "": RunSpec,
    "data": DataSpec,
    "model": ModelSpec,
    "arms": ArmsSpec,
    "arms.*": ArmCounts,
    "cre.*": CreSpec,
    "questions.*": QuestionSpec,
    "fit": FitSpec,
    "gates": GatesSpec,
    "outputs": OutputsSpec,
}
"""Mappings with a fixed set of keys, by key path."""


def section(key: str) -> type[Part]:
    """Return the model of the mapping at a key path."""
    return SECTIONS[pattern(key)]


def pattern(key: str) -> str:
    """Return a key path with ``*`` for the positions in lists of mappings, and for either arm.

    Examples
    --------
    >>> pattern("cre.0"), pattern("questions.12.decide"), pattern("arms.control.trials")
    ('cre.*', 'questions.*.decide', 'arms.*.trials')
    """
    return re.sub(r"^(cre|questions|arms)\.(\d+|control|treatment)", r"\1.*", key)
