import numpy as np
import pytest

from daenr.reporting.labels import model_label
from daenr.reporting.reconstructions import CHANGE, reconstructions
from daenr.reporting.stimuli import stimuli


@pytest.fixture
def generator():
    return np.random.default_rng(5)


def images(generator, *count):
    return generator.uniform(-1, 1, (*count, 1, 32, 32)).astype(np.float32)


def places(figure, rows):
    """Axes of a row each, without the colour bar."""
    return np.reshape([ax for ax in figure.axes if ax.get_label() != "<colorbar>"], (rows, -1))


def test_reconstructions_show_the_same_images_in_every_row(assert_legible, generator):
    originals = images(generator, 50)
    models = [("cae", None), ("cae-fr", "h2")]
    rows = {model_label(*model): images(generator, 50) for model in models}
    figure = reconstructions(originals, rows)
    assert_legible(figure)
    shown = np.round(np.arange(5) * 49 / 4).astype(int)
    for line, stack in zip(places(figure, 3), [originals, *rows.values()], strict=True):
        for ax, index in zip(line[:5], shown, strict=True):
            (panel,) = ax.images
            np.testing.assert_array_equal(panel.get_array(), stack[index, 0])
            assert panel.get_clim() == (-1, 1)
            assert panel.get_cmap().name == "gray"


def test_a_joint_models_change_is_drawn_on_a_scale_that_does_not_follow_the_data(assert_legible, generator):
    """Changes that no one could see must look like none."""
    originals, cae = images(generator, 2, 20)
    for size in (1e-6, 1.0):
        figure = reconstructions(originals, {"CAE": cae, "CAE-FR₁": cae + np.float32(size)})
        assert_legible(figure)
        lines = places(figure, 3)
        assert [len(ax.images) for line in lines[:2] for ax in line[5:]] == [0] * 10
        for ax in lines[2][5:]:
            np.testing.assert_allclose(ax.images[0].get_array(), size, rtol=0.2)
            assert ax.images[0].get_clim() == (-CHANGE, CHANGE)
        (bar,) = (ax for ax in figure.axes if ax.get_label() == "<colorbar>")
        assert [float(tick) for tick in bar.get_xticks()] == [-CHANGE, 0, CHANGE]


def test_labels_tell_error_and_largest_change_over_all_test_images(generator):
    originals = images(generator, 12)
    rows = {"CAE": images(generator, 12), "CAE-FR₁": originals + np.float32(0.5)}
    figure = reconstructions(originals, rows, count=4)
    error = ((rows["CAE"].astype(float) - originals) ** 2).mean()
    labels = [line[0].get_ylabel() for line in places(figure, 3)]
    largest = np.abs(rows["CAE-FR₁"] - rows["CAE"]).max()
    assert labels == ["Original", f"CAE\nMSE {error:.3f}", f"CAE-FR₁\nMSE 0.250\nchange ≤ {largest:.2f}"]
    (bar,) = (ax for ax in figure.axes if ax.get_label() == "<colorbar>")
    assert "all 12 test images" in bar.get_xlabel()


@pytest.mark.parametrize("count", [1, 3])
def test_few_images_and_a_model_without_its_reference(assert_legible, generator, count):
    originals = images(generator, count)
    figure = reconstructions(originals, {model_label("vq-vae-fm", "h4"): originals})
    assert_legible(figure)
    assert len(figure.axes) == 2 * count


def test_stimuli_have_a_row_a_region(assert_legible, generator):
    numbers = {"region1": 20, "left": 11, "region12": 4}
    regions = {region: images(generator, number) for region, number in numbers.items()}
    figure = stimuli(regions)
    assert_legible(figure)
    lines = np.reshape(figure.axes, (3, 10))
    assert [line[0].get_ylabel() for line in lines] == ["Region 1", "left", "Region 12"]
    np.testing.assert_array_equal(lines[0, 9].images[0].get_array(), regions["region1"][19, 0])
    np.testing.assert_array_equal(lines[1, 1].images[0].get_array(), regions["left"][1, 0])
    assert [len(ax.images) for ax in lines[2]] == [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
