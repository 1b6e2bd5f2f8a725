"""What every figure is held against: its texts as they are printed."""

import itertools

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from daenr.reporting.figures import styled


@pytest.fixture(scope="session")
def assert_legible():
    return _assert_legible


def _drawn(figure):
    """The figure after a draw at print size, with its visible texts and their boxes in pixels."""
    figure.set_dpi(150)
    canvas = FigureCanvasAgg(figure)
    styled(canvas.draw)()
    texts = [
        text
        for text in figure.findobj(Text)
        if text.get_text().strip() and text.get_visible() and not _hidden(text)
    ]
    return [(text, text.get_window_extent(canvas.get_renderer())) for text in texts]


def _hidden(text):
    """Texts of axes without frame and ticks' labels outside the axis' limits are not drawn."""
    return text.axes is not None and not text.axes.axison and text not in text.axes.texts


def _assert_legible(figure):
    """Texts lie inside the figure, none on another, none below 7 pt; the texts with their boxes."""
    boxes = _drawn(figure)
    page = figure.bbox
    for text, box in boxes:
        assert text.get_fontsize() >= 7, text
        assert page.x0 <= box.x0 < box.x1 <= page.x1, text
        assert page.y0 <= box.y0 < box.y1 <= page.y1, text
    for (text, box), (other, its) in itertools.combinations(boxes, 2):
        apart = box.x1 <= its.x0 or its.x1 <= box.x0 or box.y1 <= its.y0 or its.y1 <= box.y0
        assert apart, f"{text} lies on {other}"
    return boxes
