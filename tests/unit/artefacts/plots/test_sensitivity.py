"""The plot of estimates by the scale of the prior."""

from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pandas as pd

from hiermix.artefacts.plots.canvas import CHAINS
from hiermix.artefacts.plots.sensitivity import MAX_LEVELS, sensitivity_plot
from hiermix.artefacts.texts import ems
from hiermix.studies.sensitivity.levels import levels_table
from hiermix.studies.sensitivity.study import Sensitivity

FACTORS = (0.5, 1.0, 2.0)


def study(n_levels: int, *, flagged=(), names=None, verdict="pass") -> Sensitivity:
    names = names or [f"g{i:05d}" for i in range(n_levels)]
    grid = pd.DataFrame(
        {
            "scaled": "1|g_sigma",
            "factor": FACTORS,
            "parameter": "1|g_sigma",
            "mean": 1.0,
            "lower": 0.5,
            "upper": 1.5,
            "shift": 0.0,
            "prior_sensitive": False,
            "verdict": verdict,
        }
    )
    blocks = []
    for factor in FACTORS:
        moved = np.zeros(n_levels) if factor == 1 else np.linspace(0.2, 0.1, n_levels)
        blocks.append(
            pd.DataFrame(
                {
                    "scaled": "1|g_sigma",
                    "factor": factor,
                    "group": "g",
                    "level": names,
                    "term": "Intercept",
                    "mean": moved,
                    "sd": 1.0,
                    "lower": moved - 1,
                    "upper": moved + 1,
                    "mcse_mean": 0.01,
                    "shift": moved,
                    "claim": "open",
                    "prior_sensitive": [factor == 2 and i in flagged for i in range(n_levels)],
                }
            )
        )
    level_grid = pd.concat(blocks, ignore_index=True)
    levels = levels_table(level_grid, 0.9)
    return Sensitivity("panel", 0.9, grid, grid, levels, level_grid, (), (), False)


def texts(svg: str) -> list[str]:
    root = ElementTree.fromstring(svg)
    return ["".join(e.itertext()) for e in root.iter() if e.tag.endswith("}text")]


def test_of_many_levels_the_sensitive_and_those_that_move_most_are_drawn() -> None:
    text = sensitivity_plot(study(10_000, flagged=(9_999,)))
    ElementTree.fromstring(text)
    assert "Intercept of g09999" in text and "Intercept of g00000" in text
    assert text.count(">Intercept of ") == MAX_LEVELS
    assert f"Intercept of g{MAX_LEVELS:05d}" not in text
    assert len(text) < 200_000


def test_only_what_is_sensitive_has_the_second_colour() -> None:
    calm, flagged = (sensitivity_plot(study(3, flagged=own)) for own in ((), (1,)))
    # Once as the word of the legend.
    assert calm.count(CHAINS[1]) == 1
    assert flagged.count(CHAINS[1]) > 1


def test_long_names_keep_their_ends_and_fit_their_panel() -> None:
    names = [f"a level with a name that goes on and on, number {i}" for i in range(2)]
    found = texts(sensitivity_plot(study(2, names=names)))
    titles = [text for text in found if text.startswith("Intercept of")]
    assert [text[-1] for text in titles] == ["0", "1"]
    assert all(ems(text) <= 16.5 for text in titles)


def test_what_is_scaled_is_said_to_be_multiplied_however_long_its_name_is() -> None:
    plain = study(1)
    scaled = "1|a_grouping_factor_of_a_long_name_sigma"
    long = replace(
        plain,
        level_grid=plain.level_grid.assign(scaled=scaled),
        levels=plain.levels.assign(shift_at=f"{scaled} x 2"),
    )
    axes = [text for text in texts(sensitivity_plot(long)) if text.startswith("prior of")]
    assert len(axes) == 2 and all(text.endswith(", times") for text in axes)


def test_labels_are_text_and_a_failed_study_says_so() -> None:
    text = sensitivity_plot(study(1, names=["<script>$x$"], verdict="FAILED"))
    ElementTree.fromstring(text)
    assert "<script>" not in text and "&lt;script&gt;$x$" in text
    assert "FAILED: mean" in text
