"""Figures as SVG text: the same bytes for the same numbers, readable on light and dark."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal
from xml.etree import ElementTree

from hiermix.artefacts.texts import cut_inside, ems, shown

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

WIDTH = 5.4
"""Inches; at 72 dots an inch the text keeps its size beside the text of the report."""

INK = "#0a0b0c"
"""Stands for the colour of the surrounding text until the SVG is written."""

FAINT = "#8a8f98"
MAIN = "#3b82c4"
CHAINS = ("#3b82c4", "#c2652a", "#3a9a62", "#9b6bc9", "#b08d1e", "#c44b6c", "#2f9aa0", "#7d7f86")
"""Mid-tones: at least 3:1 against white and against the dark page."""

FONT_SIZE = 9.0
LABEL_EMS = 18.0
AXIS_EMS = 28.0

FONTS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"

SVG = "http://www.w3.org/2000/svg"
XLINK = "http://www.w3.org/1999/xlink"

SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "text.usetex": False,
    "font.family": ["DejaVu Sans"],
    "font.size": FONT_SIZE,
    "axes.titlesize": FONT_SIZE,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.labelsize": FONT_SIZE,
    "xtick.labelsize": FONT_SIZE - 0.5,
    "ytick.labelsize": FONT_SIZE - 0.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "axes.edgecolor": FAINT,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "text.color": INK,
    "axes.labelcolor": INK,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "axes.formatter.useoffset": False,
    "axes.unicode_minus": True,
    "path.simplify": True,
}


def drawn(name: str, height: float, draw: Callable[[Figure], None], alternative: str) -> str:
    """Return the SVG text of a figure.

    Parameters
    ----------
    name
        Made of ``a-z``, digits and ``-``; makes the ids of the figure unique in a document.
    height
        Inches.
    draw
        Draws on the empty figure. No pyplot: nothing global is left changed or open.
    alternative
        What the figure shows, for those who do not see it.
    """
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    buffer = io.StringIO()
    with matplotlib.rc_context({**SETTINGS, "svg.hashsalt": name}), warnings.catch_warnings():
        # Text is measured with one font and shown with those of the reader.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        warnings.filterwarnings("ignore", message="Matplotlib currently does not support")
        figure = Figure(figsize=(WIDTH, height))
        FigureCanvasSVG(figure)
        draw(figure)
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return _tidied(buffer.getvalue(), name, alternative)


def _tidied(text: str, name: str, alternative: str) -> str:
    root = ElementTree.fromstring(text)
    for child in root.findall(f"{{{SVG}}}metadata"):
        root.remove(child)
    for element in root.iter():
        for key, value in element.attrib.items():
            element.attrib[key] = _attribute(key, value, name)
    for size in ("width", "height"):
        root.attrib[size] = root.attrib[size].replace("pt", "")
    root.attrib |= {"role": "img", "aria-label": shown(alternative)}
    title = ElementTree.Element(f"{{{SVG}}}title")
    title.text = shown(alternative)
    root.insert(0, title)
    ElementTree.register_namespace("", SVG)
    ElementTree.register_namespace("xlink", XLINK)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def _attribute(key: str, value: str, name: str) -> str:
    if key == "id":
        return f"{name}-{value}"
    if key == f"{{{XLINK}}}href":
        return value.replace("#", f"#{name}-", 1)
    if key == "d" or key == "transform":
        return re.sub(r"-?\d+\.\d{3,}", lambda m: f"{float(m[0]):.2f}", value)
    value = value.replace("url(#", f"url(#{name}-").replace(INK, "currentColor")
    if key == "style" and "font" in value:
        value = re.sub(r"'?DejaVu Sans'?(, [^;]*)?", FONTS, value)
    return value


def label(text: str) -> str:
    """Return a label from the data as a figure shows it: literal, on one line, not too long."""
    return cut_inside(shown(text), LABEL_EMS)


def axis_label(text: str) -> str:
    """Return the name of an axis, which has the whole width of the axes."""
    return cut_inside(shown(text), AXIS_EMS)


def left_margin(labels: list[str]) -> float:
    """Return the share of the width that labels to the left of the axes need."""
    widest = max((ems(text) for text in labels), default=0.0)
    return (0.15 + widest * FONT_SIZE / 72) / WIDTH


def rule(axes: Axes, axis: Literal["both", "x"] = "both") -> None:
    """Draw faint lines behind everything at a few ticks."""
    axes.grid(axis=axis, color=FAINT, alpha=0.25, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.locator_params(axis=axis, nbins=6)


def label_rows(
    axes: Axes, places: Sequence[float] | np.ndarray, labels: list[str], unit: str
) -> None:
    """Name the rows of a plot from the top, and rule it by the axis below them."""
    axes.set_yticks(places, labels)
    axes.tick_params(axis="y", length=0, labelsize=FONT_SIZE)
    axes.spines["left"].set_visible(False)
    rule(axes, "x")
    axes.set_xlabel(unit)


def legend_above(axes: Axes, columns: int, left: float = 0.0, **options: Any) -> None:
    """Put the legend above the axes, from ``left`` on."""
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(left, 1),
        ncols=columns,
        frameon=False,
        fontsize=FONT_SIZE - 1,
        labelcolor=INK,
        borderpad=0,
        borderaxespad=0.3,
        handletextpad=0.4,
        columnspacing=1.2,
        **options,
    )


def with_power(axis: Axis) -> None:
    """Move the power of ten of the ticks of a finished axis into its label."""
    ticks = axis.get_major_formatter().format_ticks(axis.get_majorticklocs().tolist())
    power = axis.get_major_formatter().get_offset() if ticks else ""
    if power:
        axis.set_label_text(f"{axis.get_label_text()}, in {power}")
        axis.get_offset_text().set_visible(False)


def frame(
    figure: Figure, left: float, bottom: float, height: float, width: float | None = None
) -> Axes:
    """Return axes placed in inches from the bottom; ``left`` and ``width`` are shares."""
    total = figure.get_figheight()
    right = 0.975 if width is None else left + width
    return figure.add_axes((left, bottom / total, right - left, height / total))
