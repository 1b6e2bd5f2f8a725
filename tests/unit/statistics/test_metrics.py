import subprocess
import sys

import numpy as np
import pytest

from daenr.statistics import metrics as evaluation
from daenr.statistics.metrics import METRICS, evaluate, score


@pytest.fixture
def generator() -> np.random.Generator:
    return np.random.default_rng(11)


@pytest.fixture
def images(generator) -> tuple[np.ndarray, np.ndarray]:
    """Smooth images in [-1, 1] and noisy copies of them, whose noise differs between images."""
    row, column = np.mgrid[:32, :32]
    phase = generator.uniform(0, 2 * np.pi, (4, 1, 1, 1))
    original = np.sin(row / 5 + phase) * np.cos(column / 7)
    noise = generator.normal(0, 1, original.shape) * np.array([0.05, 0.1, 0.2, 0.4])[:, None, None, None]
    return original.astype(np.float32), np.clip(original + noise, -1, 1).astype(np.float32)


def evaluated(original, copy, response, prediction, window="gaussian") -> dict[str, float | int | None]:
    """Means of the scores of all neurons."""
    recorded = np.zeros((len(original), 0)) if response is None else response
    return evaluate(score(original, copy, recorded, prediction, np.arange(recorded.shape[1]), window))


def test_mse_is_the_mean_over_images_and_pixels(images):
    original, copy = images
    expected = (
        sum((float(a) - float(b)) ** 2 for a, b in zip(original.flat, copy.flat, strict=True)) / original.size
    )
    assert evaluation.mse(original, copy).mean() == pytest.approx(expected, rel=1e-10)


def test_psnr_is_each_images_own_ratio(images):
    original, copy = images
    error = [((original[i].astype(float) - copy[i].astype(float)) ** 2).mean() for i in range(4)]
    assert evaluation.psnr(original, copy) == pytest.approx([10 * np.log10(4 / e) for e in error], rel=1e-12)


def test_psnr_of_an_image_reproduced_exactly_is_infinite(images):
    original, copy = images
    mixed = np.concatenate([original[:1], copy[1:]])
    assert np.isinf(evaluation.psnr(original, mixed)).tolist() == [True, False, False, False]


def test_evaluation_has_no_psnr_where_it_is_infinite(images):
    original, _ = images
    found = evaluated(original, original.copy(), None, None)
    assert (found["mse"], found["psnr"], found["ssim"]) == (0.0, None, pytest.approx(1.0))


def _gaussian_window() -> np.ndarray:
    distance = np.arange(-5, 6)
    taps = np.exp(-(distance**2) / (2 * 1.5**2))
    window = np.outer(taps, taps)
    return window / window.sum()


def _wang_ssim(x: np.ndarray, y: np.ndarray, window: np.ndarray, bessel: float = 1.0) -> float:
    """Eq. 13 of Wang et al. 2004 at every position where the window fits, K1 = 0.01, K2 = 0.03, L = 2."""
    side = len(window)
    c1, c2 = (0.01 * 2) ** 2, (0.03 * 2) ** 2
    values = []
    for row in range(x.shape[0] - side + 1):
        for column in range(x.shape[1] - side + 1):
            p, q = x[row : row + side, column : column + side], y[row : row + side, column : column + side]
            mean_p, mean_q = (window * p).sum(), (window * q).sum()
            var_p = bessel * (window * (p - mean_p) ** 2).sum()
            var_q = bessel * (window * (q - mean_q) ** 2).sum()
            covariance = bessel * (window * (p - mean_p) * (q - mean_q)).sum()
            values.append(
                (2 * mean_p * mean_q + c1)
                * (2 * covariance + c2)
                / ((mean_p**2 + mean_q**2 + c1) * (var_p + var_q + c2))
            )
    return float(np.mean(values))


def test_ssim_with_the_gaussian_window_is_wangs_formula(images):
    original, copy = (side.astype(np.float64) for side in images)
    expected = [_wang_ssim(original[i, 0], copy[i, 0], _gaussian_window()) for i in range(4)]
    assert evaluation.ssim(*images) == pytest.approx(expected, rel=1e-6)


def test_ssim_with_the_uniform_window_weighs_49_pixels_alike(images):
    original, copy = (side.astype(np.float64) for side in images)
    window = np.full((7, 7), 1 / 49)
    expected = [_wang_ssim(original[i, 0], copy[i, 0], window, bessel=49 / 48) for i in range(4)]
    assert evaluation.ssim(*images, "uniform") == pytest.approx(expected, rel=1e-6)
    assert evaluation.ssim(*images, "uniform") != pytest.approx(evaluation.ssim(*images), rel=1e-4)


@pytest.mark.parametrize("window", ["gaussian", "uniform"])
def test_ssim_of_an_image_with_itself_is_one_and_the_metric_is_symmetric(images, window):
    original, copy = images
    assert evaluation.ssim(original, original, window) == pytest.approx(np.ones(4), abs=1e-12)
    assert evaluation.ssim(original, copy, window) == pytest.approx(evaluation.ssim(copy, original, window))
    assert (evaluation.ssim(original, copy, window) < 0.999).all()


def test_pixels_are_correlated_image_by_image_whatever_brightness_and_contrast(images):
    original, copy = images
    expected = [np.corrcoef(original[i].ravel(), copy[i].ravel())[0, 1] for i in range(4)]
    assert evaluation.pixel_correlation(original, copy) == pytest.approx(expected)
    assert evaluation.pixel_correlation(original, 0.2 * copy + 0.3) == pytest.approx(expected, rel=1e-5)
    assert evaluation.pixel_correlation(original, np.full_like(copy, 0.1)).tolist() == [0] * 4


def test_an_unknown_ssim_window_is_refused_with_the_choices(images):
    with pytest.raises(ValueError, match=r"\['gaussian', 'uniform'\], got 'box'"):
        evaluation.ssim(*images, window="box")


def test_evaluate_of_a_joint_model_has_every_metric(images, generator):
    original, copy = images
    response = generator.gamma(1.0, 1.0, (4, 5)).astype(np.float32)
    prediction = (response + generator.normal(0, 0.5, (4, 5))).astype(np.float32)
    prediction[:, 1] = 0.5
    response[:, 4] = 0
    found = evaluated(original, copy, response, prediction, "uniform")
    r = [np.corrcoef(prediction[:, n], response[:, n])[0, 1] for n in (0, 2, 3)]
    assert found["pcc"] == pytest.approx(sum(r) / 5, abs=1e-6)
    assert found["constant_neurons"] == 2
    assert found["mse"] == evaluation.mse(original, copy).mean()
    assert found["psnr"] == evaluation.psnr(original, copy).mean()
    assert found["ssim"] == evaluation.ssim(original, copy, "uniform").mean()
    assert {type(value) for value in found.values()} == {float, int}


def test_evaluate_leaves_out_what_a_model_does_not_have(images, generator):
    original, copy = images
    response = generator.gamma(1.0, 1.0, (4, 5))
    autoencoder = evaluated(original, copy, None, None)
    assert autoencoder["pcc"] is None
    assert autoencoder["mse"] is not None
    baseline = evaluated(original, None, response, response)
    assert (baseline["mse"], baseline["psnr"], baseline["ssim"]) == (None, None, None)
    assert baseline["pcc"] == pytest.approx(1.0)


def test_import_is_light():
    heavy = {"scipy", "torch", "skimage", "pandas"}
    code = f"import sys, daenr.statistics.metrics; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_only_the_error_is_better_when_smaller():
    assert [name for name, metric in METRICS.items() if metric.sign < 0] == ["mse"]
    assert (METRICS["mse"].heading, METRICS["psnr"].heading) == ("MSE ↓", "PSNR ↑")
