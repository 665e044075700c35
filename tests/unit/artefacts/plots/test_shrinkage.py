"""The plot of raw and partially pooled estimates."""

from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from hiermix.artefacts.plots.canvas import FONT_SIZE, SVG
from hiermix.artefacts.plots.forest import EACH_END, MAX_LEVELS
from hiermix.artefacts.plots.shrinkage import shrinkage_plot


def levels(n: int, truth: bool = False) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    raw = rng.normal(size=n)
    return pd.DataFrame(
        {
            "group": "g",
            "term": "x",
            "level": [f"<L{i}>" for i in range(n)],
            "none_estimate": raw,
            "partial_estimate": raw / 2,
            "partial_lower": raw / 2 - 1,
            "partial_upper": raw / 2 + 1,
            "complete_estimate": 0.1,
            "truth": raw / 3 if truth else np.nan,
        }
    )


def texts(svg: str) -> list[str]:
    return ["".join(e.itertext()) for e in ElementTree.fromstring(svg).iter(f"{{{SVG}}}text")]


def test_every_level_has_its_label_and_the_marks_are_explained() -> None:
    found = texts(shrinkage_plot(levels(5), 0.9))
    for label in [*(f"<L{i}>" for i in range(5)), "x by g", "raw", "partial, 90 % interval"]:
        assert label in found
    assert "true" not in found
    assert "true" in texts(shrinkage_plot(levels(5, truth=True), 0.9))


def test_the_probability_of_an_interval_is_not_rounded() -> None:
    assert "partial, 99.5 % interval" in texts(shrinkage_plot(levels(5), 0.995))


def test_levels_are_sorted_by_the_raw_estimate() -> None:
    table = levels(6)
    order = table.sort_values("none_estimate")["level"].tolist()
    assert [t for t in texts(shrinkage_plot(table, 0.9)) if t.startswith("<L")] == order


def test_of_many_levels_the_ends_are_shown() -> None:
    found = texts(shrinkage_plot(levels(MAX_LEVELS + 7), 0.9))
    assert sum(text.startswith("<L") for text in found) == 2 * EACH_END
    assert f"({MAX_LEVELS + 7 - 2 * EACH_END} more)" in found


def test_what_stands_in_the_gap_has_room_beside_short_names() -> None:
    names = [str(n) for n in range(MAX_LEVELS + 7)]
    root = ElementTree.fromstring(shrinkage_plot(levels(len(names)).assign(level=names), 0.9))
    (gap,) = (e for e in root.iter(f"{{{SVG}}}text") if (e.text or "").endswith("more)"))
    # The text ends at its x, and must begin inside of the figure.
    assert float(gap.attrib["x"]) > 0.5 * FONT_SIZE * len(gap.text)


def test_terms_have_panels_of_their_own() -> None:
    found = texts(shrinkage_plot(pd.concat([levels(3), levels(4).assign(term="z")]), 0.9))
    assert {"x by g", "z by g"} <= set(found)


@pytest.mark.parametrize("raw", [np.nan, 1e6])
def test_a_level_without_a_raw_estimate_or_with_one_far_out_leaves_room(raw: float) -> None:
    table = levels(5)
    table.loc[2, "none_estimate"] = raw
    found = texts(shrinkage_plot(table, 0.9))
    assert "<L2>" in found
    ticks = [float(t.replace("\N{MINUS SIGN}", "-")) for t in found if t[-1].isdigit()]
    assert max(ticks) < 20


def test_the_same_numbers_give_the_same_bytes() -> None:
    assert shrinkage_plot(levels(5), 0.9) == shrinkage_plot(levels(5), 0.9)
