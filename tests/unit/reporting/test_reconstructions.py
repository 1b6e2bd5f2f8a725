import numpy as np
import pytest

from daenr.reporting.labels import model_label
from daenr.reporting.reconstructions import reconstructions
from daenr.reporting.stimuli import stimuli


@pytest.fixture
def generator():
    return np.random.default_rng(5)


def images(generator, count):
    return generator.uniform(-1, 1, (count, 1, 32, 32)).astype(np.float32)


def test_reconstructions_show_the_same_images_in_every_row(assert_legible, generator):
    originals = images(generator, 50)
    models = [("cae", None), ("cae-fr", "h2")]
    rows = {model_label(*model): images(generator, 50) for model in models}
    figure = reconstructions(originals, rows)
    assert_legible(figure)
    assert len(figure.axes) == 3 * 10
    shown = np.round(np.arange(10) * 49 / 9).astype(int)
    for line, stack in zip(np.reshape(figure.axes, (3, 10)), [originals, *rows.values()], strict=True):
        for ax, index in zip(line, shown, strict=True):
            (panel,) = ax.images
            np.testing.assert_array_equal(panel.get_array(), stack[index, 0])
            assert panel.get_clim() == (-1, 1)
            assert panel.get_cmap().name == "gray"


def test_labels_tell_the_error_over_all_test_images(generator):
    originals = images(generator, 12)
    rows = {"CAE": images(generator, 12), "CAE-FR₁": originals + np.float32(0.5)}
    figure = reconstructions(originals, rows, count=4)
    assert len(figure.axes) == 3 * 4
    error = ((rows["CAE"].astype(float) - originals) ** 2).mean()
    labels = [ax.get_ylabel() for ax in figure.axes[::4]]
    assert labels == ["Original", f"CAE\nMSE {error:.3f}", "CAE-FR₁\nMSE 0.250"]
    assert "all 12 test images" in figure.get_supxlabel()


@pytest.mark.parametrize("count", [1, 3])
def test_few_images(assert_legible, generator, count):
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
