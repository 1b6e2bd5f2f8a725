"""A figure of images that drive neurons tells the models apart."""

import numpy as np
import pandas as pd
import pytest

from daenr.reporting.optimal_figure import optimal_images


def judged(*models):
    rows = [
        {
            **{"run": f"x_region1_{model}_h2_a1_b1_all_s3", "neuron": neuron, "method": method},
            **dict.fromkeys(("rate", "slope", "distance", "unexplained", "r"), 0.6 + neuron),
            **{"response": np.nan, "filter_r": np.nan},
        }
        for model in models
        for method in ("natural", "pixels")
        for neuron in range(3)
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("models", "legend"), [(["cae-fr"], []), (["cae-fr", "vae-fr"], ["CAE-FR₂", "VAE-FR₂"])]
)
def test_dots_are_told_apart_by_model_and_the_images_by_theirs(models, legend):
    images = {method: np.zeros((3, 31, 31)) for method in ("natural", "pixels")}
    above, below = optimal_images(images, None, judged(*models)).subfigs
    assert above.get_suptitle() == "Images by CAE-FR₂, seed 3"
    assert [text.get_text() for found in below.legends for text in found.get_texts()] == legend
    shown = [ax for ax in below.axes if ax.get_visible()]
    assert len(shown) == 4  # neither true response nor filter are known
    dots = sum(len(part.get_offsets()) for part in shown[0].collections)
    assert dots == 2 * 3 * len(models)


def test_equal_numbers_are_drawn_alike():
    images = {method: np.zeros((3, 31, 31)) for method in ("natural", "pixels")}
    drawn = [optimal_images(images, None, judged("cae-fr")).subfigs[1].axes[0] for _ in range(2)]
    first, second = (np.concatenate([part.get_offsets() for part in ax.collections]) for ax in drawn)
    np.testing.assert_array_equal(first, second)
