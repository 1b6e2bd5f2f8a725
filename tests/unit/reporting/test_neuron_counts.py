import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex, to_rgb

from daenr.reporting.neuron_counts import neuron_counts, tidy
from daenr.run import Run


def counts(*rows):
    """Half of the significant neurons survive the correction; on shuffled data one neuron in twenty is significant."""
    frame = pd.DataFrame(rows, columns=["region", "model", "layer", "significant", "insignificant"])
    half, neurons = frame["significant"] / 2, frame["significant"] + frame["insignificant"]
    return frame.assign(significant_bh=half, significant_permutation=half, chance=neurons / 20)


def layers(region, model, significant, neurons):
    return [(region, model, f"h{i}", n, neurons - n) for i, n in enumerate(significant, 1)]


def panels(figure):
    return [ax for ax in figure.axes if ax.patches]


def bars(ax):
    """Length of each part of each bar, from top to bottom, and where it starts."""
    significant, insignificant, _ = ax.containers
    containers = {
        to_hex(container.patches[0].get_facecolor()): container for container in (significant, insignificant)
    }
    return {colour: [(bar.get_x(), bar.get_width()) for bar in box] for colour, box in containers.items()}


def written(ax):
    """Numbers in a panel as (place of the bar, x, text)."""
    return [(text.get_position()[1], text.get_position()[0], text.get_text()) for text in ax.texts]


CASES = {
    "figure3": layers("region3", "cae-fr", [61, 70, 55, 40], 102),
    "figure8": layers("region1", "cae-fr", [0, 98, 103, 51], 103) + layers("region2", "cae-fr", [2, 54, 30, 27], 55),
    "one layer": [("region3", "cae-fr", "h2", 250, 250)],
    "no neuron": [("region3", "cae-fr", "h1", 0, 0), ("region3", "cae-fr", "h2", 0, 0)],
    "one neuron": [("region3", "cae-fr", "h1", 0, 1), ("region3", "cae-fr", "h2", 1, 0)],
    "means": [("region3", "cae-fr", "h1", 50 + 1 / 3, 51 + 2 / 3), ("region3", "cae-fr", "h4", 0.5, 101.5)],
    "narrow": [row for i in range(3) for row in layers(f"region{i}", "cae-fr", range(6 + i, 30, 7), 103)],
    "five": [row for i in range(1, 6) for row in layers(f"region{i}", "cae-fr", [0, 3, 250, 499], 500)],
    "names": [row for i in range(6) for row in layers(f"primaryvisualcortexlefthemisphere{i}", "cae-fr", [3, 9], 12)],
}  # fmt: skip


@pytest.fixture(scope="module", params=CASES)
def shown(assert_legible, request):
    """The counts of a case, their figure, and its texts with their boxes."""
    frame = counts(*CASES[request.param])
    figure = neuron_counts(frame)
    return frame, figure, assert_legible(figure)


def test_bars_and_their_numbers_are_the_counts(shown):
    frame, figure, _ = shown
    regions = frame["region"].unique()
    assert len(panels(figure)) == len(regions)
    for ax, region in zip(panels(figure), regions, strict=True):
        rows = frame[frame["region"] == region]
        left, right = bars(ax).values()
        assert [length for _, length in left] == rows["significant"].tolist()
        assert [length for _, length in right] == rows["insignificant"].tolist()
        assert [start for start, _ in left] == [0] * len(rows)
        assert [start for start, _ in right] == rows["significant"].tolist()
        for place, (_, row) in enumerate(rows.iterrows()):
            texts = [text for y, _, text in sorted(written(ax)) if y == place]
            assert texts == [
                f"{row[part]:.0f}" if row[part] == round(row[part]) else f"{row[part]:.1f}"
                for part in ("significant", "insignificant")
            ]
        assert [tick.get_text() for tick in ax.get_yticklabels()] == [
            {"h1": "h₁", "h2": "h₂", "h3": "h₃", "h4": "h₄"}[layer] for layer in rows["layer"]
        ]
        assert ax.yaxis_inverted()


def test_a_number_stands_in_its_part_or_beside_the_bar(shown):
    _, _, boxes = shown
    for text, box in boxes:
        if text.axes is None or text not in text.axes.texts:
            continue
        left, right = bars(text.axes).values()
        place = int(text.get_position()[1])
        (_, first), (start, second) = left[place], right[place]
        x0, x1 = text.axes.transData.inverted().transform([(box.x0, 0), (box.x1, 0)])[:, 0]
        inside = (x0 >= 0 and x1 <= first) or (x0 >= start and x1 <= start + second)
        assert inside or x1 <= 0 or x0 >= start + second


def test_what_survives_the_correction_is_hatched_inside_the_significant_part(shown):
    frame, figure, _ = shown
    for ax, (_, rows) in zip(panels(figure), frame.groupby("region", sort=False), strict=True):
        significant, _, corrected = ax.containers
        assert [bar.get_width() for bar in corrected] == rows["significant_bh"].tolist()
        for bar, whole in zip(corrected, significant, strict=True):
            assert bar.get_x() == whole.get_x() == 0
            assert (bar.get_y(), bar.get_height()) == (whole.get_y(), whole.get_height())
            assert bar.get_facecolor() == whole.get_facecolor()
            assert bar.get_hatch()
            assert not whole.get_hatch()


def test_a_marker_above_each_bar_shows_what_shuffled_data_would_give(shown):
    frame, figure, boxes = shown
    for ax, (_, rows) in zip(panels(figure), frame.groupby("region", sort=False), strict=True):
        (marker,) = ax.lines
        assert list(marker.get_xdata()) == rows["chance"].tolist()
        tops = [bar.get_y() for bar in ax.containers[0]]
        np.testing.assert_allclose(marker.get_ydata(), tops)
        # Triangles are as wide and at most as high as their size; each points down to its tip.
        size = marker.get_markersize() * figure.dpi / 72
        for x, y in ax.transData.transform(np.column_stack([marker.get_xdata(), tops])):
            for text, box in boxes:
                apart = box.x1 <= x - size / 2 or x + size / 2 <= box.x0 or box.y1 <= y or y + size <= box.y0
                assert apart, text


def test_threshold_colours_and_words():
    figure = neuron_counts(counts(*CASES["figure3"]), threshold=0.01)
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "significant (p ≤ 0.01)",
        "of these, Benjamini–Hochberg q ≤ 0.01",  # noqa: RUF001
        "insignificant",
        "expected on shuffled data",
    ]
    (ax,) = panels(figure)
    assert list(bars(ax)) == ["#e69f00", "#b3e2d3"]
    gray = [np.dot(to_rgb(colour), (0.299, 0.587, 0.114)) for colour in bars(ax)]
    assert abs(gray[0] - gray[1]) > 0.15
    assert figure.get_supxlabel() == "Number of neurons"
    assert ax.get_ylabel() == "Layer"
    assert ax.get_title() == "Region 3, CAE-FR"


def test_figure4_has_the_baselines_above_our_models(assert_legible):
    """Whatever the order of the frame; bars of both rows are drawn to one scale."""
    frame = counts(
        *layers("region3", "cae-fr", [61, 70, 55, 40], 102), *layers("region3", "cnn-fr", [1, 60, 55, 100], 102)
    )  # fmt: skip
    figure = neuron_counts(frame, by_model=True)
    assert_legible(figure)
    upper, lower = panels(figure)
    assert [ax.get_title() for ax in (upper, lower)] == ["Region 3, CNN-FR", "Region 3, CAE-FR"]
    assert upper.get_position().y0 > lower.get_position().y1
    assert [length for _, length in bars(upper)["#e69f00"]] == [1, 60, 55, 100]
    assert [length for _, length in bars(lower)["#e69f00"]] == [61, 70, 55, 40]
    assert upper.get_xlim() == lower.get_xlim()


def test_figure4_has_a_column_a_region(assert_legible):
    places = itertools.product(["region1", "region2"], ["cnn-fr", "cae-fr"])
    frame = counts(*(row for place in places for row in layers(*place, [3, 9], 12)))
    figure = neuron_counts(frame, by_model=True)
    assert_legible(figure)
    assert [ax.get_title() for ax in panels(figure)] == [
        *("Region 1, CNN-FR", "Region 2, CNN-FR", "Region 1, CAE-FR", "Region 2, CAE-FR")
    ]


@pytest.mark.parametrize("by_model", [False, True])
def test_no_counts(assert_legible, by_model):
    figure = neuron_counts(counts(), by_model=by_model)
    assert_legible(figure)
    assert "leaves out every model" in figure.texts[0].get_text()


def test_counts_of_runs_are_averaged_over_seeds():
    def tested(significant):
        called = np.arange(12) < significant
        columns = {"significant": called, "significant_bh": called, "significant_permutation": called}
        return pd.DataFrame({**columns, "chance": 0.05})

    runs = [Run("x", "v1", "cae-fr", "h2", 1.0, 0.5, "all", seed) for seed in (0, 1)]
    frame = tidy(zip(runs, map(tested, (4, 9)), strict=True))
    assert frame[["significant", "insignificant"]].to_numpy().tolist() == [[4, 8], [9, 3]]
    assert frame["chance"].tolist() == pytest.approx([0.6, 0.6])
    (ax,) = panels(neuron_counts(frame))
    assert [length for part in bars(ax).values() for _, length in part] == [6.5, 5.5]
