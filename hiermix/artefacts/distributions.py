"""How the families are written in equations: names, parameters, symbols."""

from __future__ import annotations

GREEK = {
    "mu": "μ",
    "sigma": "σ",
    "nu": "ν",
    "alpha": "α",
    "kappa": "κ",
    "lam": "λ",
    "psi": "ψ",
    "threshold": "θ",
}
"""Parameters of families that have a letter of their own; others keep their name."""

DISTRIBUTIONS = {
    "asymmetriclaplace": "AsymmetricLaplace",
    "bernoulli": "Bernoulli",
    "beta": "Beta",
    "beta_binomial": "BetaBinomial",
    "binomial": "Binomial",
    "categorical": "Categorical",
    "cumulative": "Categorical",
    "exgaussian": "ExGaussian",
    "exponential": "Exponential",
    "gamma": "Gamma",
    "gaussian": "Normal",
    "hurdle_gamma": "HurdleGamma",
    "hurdle_lognormal": "HurdleLogNormal",
    "hurdle_negativebinomial": "HurdleNegativeBinomial",
    "hurdle_poisson": "HurdlePoisson",
    "laplace": "Laplace",
    "lognormal": "LogNormal",
    "negativebinomial": "NegativeBinomial",
    "poisson": "Poisson",
    "sratio": "Categorical",
    "t": "StudentT",
    "vonmises": "VonMises",
    "wald": "Wald",
    "weibull": "Weibull",
    "zero_inflated_binomial": "ZeroInflatedBinomial",
    "zero_inflated_negativebinomial": "ZeroInflatedNegativeBinomial",
    "zero_inflated_poisson": "ZeroInflatedPoisson",
}

MEANINGS = {
    "beta": "mean μ, precision κ",
    "beta_binomial": "mean share μ, precision κ",
    "exgaussian": "Normal(μ, σ) plus an exponential of mean ν",
    "exponential": "mean μ",
    "gamma": "mean μ, shape α",
    "hurdle_gamma": "ψ: chance of more than 0; mean μ and shape α beyond 0",
    "hurdle_lognormal": "ψ: chance of more than 0; mean μ and sd σ of the logarithm beyond 0",
    "hurdle_negativebinomial": "ψ: chance of more than 0",
    "hurdle_poisson": "ψ: chance of more than 0",
    "laplace": "scale b",
    "lognormal": "mean μ and sd σ of the logarithm",
    "negativebinomial": "mean μ, variance μ + μ²/α",
    "t": "ν degrees of freedom, location μ, scale σ",
    "vonmises": "direction μ, concentration κ",
    "wald": "mean μ, shape λ",
    "weibull": "mean μ, shape α",
    "zero_inflated_binomial": "ψ: share of rows that are not zero for certain",
    "zero_inflated_negativebinomial": "ψ: share of rows that are not zero for certain",
    "zero_inflated_poisson": "ψ: share of rows that are not zero for certain",
}
"""What the parameters mean where it is not their usual meaning, as Bambi 0.21 has them."""

ORDINAL = {"cumulative": " ≤ k", "sratio": " = k | "}
"""What follows the outcome in the chance that a threshold and the linear predictor give."""


def symbol(parameter: str) -> str:
    """Return the letter of a parameter of a family.

    Examples
    --------
    >>> symbol("mu"), symbol("p")
    ('μ', 'p')
    """
    return GREEK.get(parameter, parameter)
