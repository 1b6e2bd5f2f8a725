"""Differences are the tables' differences, and as sure as they are said to be for seeds and images at once."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from scipy import stats
from statsmodels.stats.anova import anova_lm

from daenr.statistics import significance
from daenr.statistics.correlation import pearson, pearson_with_p
from daenr.statistics.inference import (
    Difference,
    Term,
    crossed,
    difference,
    gains,
    neuron_gain,
)
from daenr.statistics.metrics import METRICS
from daenr.statistics.scores import Scores


def scores(rng, images=30, neurons=6, signal=0.5):
    """Scores whose predictions follow the responses by ``signal``."""
    response = rng.gamma(1.0, 0.6, (images, neurons))
    prediction = signal * response + rng.normal(0, 0.5, response.shape)
    by_image = {name: rng.uniform(0.1, 0.9, images) for name in ("mse", "psnr", "ssim", "pixel_correlation")}
    return Scores(np.arange(neurons), **by_image, prediction=prediction.astype(np.float32), response=response)


def table(rng, seeds=5, images=50, of_seeds=0.0, of_images=0.0, rest=0.0):
    return (
        of_seeds * rng.standard_normal((seeds, 1))
        + of_images * rng.standard_normal((1, images))
        + rest * rng.standard_normal((seeds, images))
    )


def in_table(metric, run):
    """The number that a table or figure shows."""
    if metric == "pcc":
        return pearson(run.prediction, run.response).mean()
    if metric == "significant":
        return significance.significant(pearson_with_p(run.prediction, run.response)[1], 0.05).sum()
    return getattr(run, metric).mean()


# ---- estimates ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(("seeds", "sizes"), [(1, (30,)), (3, (30, 30)), (3, (30, 12, 30))])
def test_the_estimate_is_the_difference_of_the_tables_numbers(metric, seeds, sizes):
    rng = np.random.default_rng(0)
    regions = [
        [[(scores(rng, size), scores(rng, size, signal=0.1)) for _ in range(2)] for _ in range(seeds)]
        for size in sizes
    ]
    found = difference(metric, regions)
    pairs = [pair for region in regions for seed in region for pair in seed]
    expected = METRICS[metric].sign * np.mean([in_table(metric, t) - in_table(metric, r) for t, r in pairs])
    assert found.estimate == pytest.approx(expected, rel=1e-6)
    assert (found.seeds, found.units) == (seeds, 6 if metric == "significant" else min(sizes))


def test_an_images_part_in_a_correlation_is_its_jackknife_pseudo_value():
    rng = np.random.default_rng(2)
    treated, reference = scores(rng, signal=1.0), scores(rng, signal=0.0)

    def gain(keep):
        t, r = (pearson(run.prediction[keep], run.response[keep]).mean() for run in (treated, reference))
        return t - r

    everything = np.arange(30)
    pseudo = [30 * gain(everything) - 29 * gain(everything != left_out) for left_out in range(30)]
    found = gains("pcc", treated, reference)
    assert found - found.mean() == pytest.approx(np.array(pseudo) - np.mean(pseudo), rel=1e-5, abs=1e-9)


@pytest.mark.filterwarnings("error")
def test_a_neuron_that_varies_in_one_image_alone_has_a_correlation_without_it_of_0():
    rng = np.random.default_rng(3)
    run = scores(rng, neurons=1)
    prediction = np.zeros_like(run.prediction)
    prediction[4] = 1.0
    flat = Scores(run.neurons, prediction=np.zeros_like(prediction), response=run.response)
    found = gains("pcc", Scores(run.neurons, prediction=prediction, response=run.response), flat)
    assert found.mean() == pytest.approx(pearson(prediction, run.response)[0])
    assert np.isfinite(found).all()
    assert np.ptp(np.delete(found, 4)) < 1 < abs(found[4])


# ---- standard errors ----------------------------------------------------------------------------------


def test_mean_squares_are_those_of_an_analysis_of_variance():
    rng = np.random.default_rng(4)
    d = table(rng, 4, 9, 0.5, 1.0, 2.0)
    long = (
        pd.DataFrame(d).melt(ignore_index=False, var_name="image", value_name="d").reset_index(names="seed")
    )
    anova = anova_lm(smf.ols("d ~ C(seed) + C(image)", long).fit())
    found = crossed([d])
    for term, name in (
        (found.of_seeds, "C(seed)"),
        (found.of_units, "C(image)"),
        (found.of_rest, "Residual"),
    ):
        square = anova.loc[name, "sum_sq"] / anova.loc[name, "df"]
        assert term.variance == pytest.approx(square / d.size)
        assert term.freedom == anova.loc[name, "df"]


def test_one_factor_alone_is_students_test():
    rng = np.random.default_rng(5)
    values = rng.normal(0.3, 1, 12)
    student = stats.ttest_1samp(values, 0)
    for found in (crossed([values[None]]), crossed([values[:, None]]), crossed([np.tile(values, (4, 1))])):
        assert found.p == pytest.approx(student.pvalue, rel=1e-4)
        assert found.interval(0.9) == pytest.approx(tuple(student.confidence_interval(0.9)))
        assert found.freedom == pytest.approx(11)


def test_one_seed_and_one_image_say_nothing():
    found = crossed([np.array([[0.3]])])
    assert (found.p, found.interval(0.95)) == (1.0, (-np.inf, np.inf))
    assert not found.within(1e9, 0.05)


def test_the_standard_error_is_never_below_that_of_a_factor_alone():
    found = Difference(0.1, 5, 50, Term(1.0, 4), Term(0.5, 49), Term(3.0, 196))
    assert found.error == 1.0
    assert found.reach(0.05) == pytest.approx(stats.t.ppf(0.975, 4))


def test_regions_that_share_their_images_are_one_draw_of_them():
    rng = np.random.default_rng(6)
    one, other = table(rng, of_images=1.0), table(rng, of_images=1.0)
    assert crossed([one, one]).error == pytest.approx(crossed([one]).error)
    errors = [crossed([table(rng, of_images=1.0), table(rng, of_images=1.0)]).error ** 2 for _ in range(200)]
    assert np.mean(errors) == pytest.approx(1 / 50 / 2, rel=0.1)
    # Of other numbers of images, they cannot be the same.
    assert crossed([one, other[:, :40]]).error ** 2 == pytest.approx(
        (one[0].var(ddof=1) / 50 + other[0, :40].var(ddof=1) / 40) / 4
    )


# ---- how sure -----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("seeds", [2, 5])
@pytest.mark.parametrize("deviations", [(0.14, 1.0, 0.5), (0.3, 1.0, 0.0)])
def test_no_difference_is_found_no_more_often_than_the_level(seeds, deviations):
    """Of 1000 sets more than 67 (21 at .0125) would be found once in 120 times at the nominal rate."""
    rng = np.random.default_rng(7)
    found = [crossed([table(rng, seeds, 50, *deviations)]) for _ in range(1000)]
    assert sum(one.significant(0.05) for one in found) <= 67
    assert sum(one.significant(0.0125) for one in found) <= 21


def exchangeable(rng, seeds=5, images=50, neurons=20):
    """Two models that predict equally well, with errors of their own and of their seeds; skewed responses."""
    drive = rng.gamma(0.7, 1, (images, neurons))
    response = drive + rng.normal(0, 0.5, drive.shape)
    model = [
        0.5 * drive + rng.normal(0, 0.5, drive.shape) + rng.normal(0, 0.3, (images, 1)) for _ in range(2)
    ]

    def run(base):
        own = 0.3 * rng.standard_normal((1, neurons)) * drive + rng.normal(0, 0.3, drive.shape)
        return Scores(np.arange(neurons), prediction=base + own, response=response)

    return [[[(run(model[0]), run(model[1]))] for _ in range(seeds)]]


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("metric", ["pcc", "significant"])
def test_models_that_predict_equally_well_are_told_apart_no_more_often_than_the_level(metric):
    """Of 200 sets 18 or more would be refused once in 100 times at the nominal rate."""
    rng = np.random.default_rng(8)
    found = [difference(metric, exchangeable(rng)) for _ in range(200)]
    assert sum(one.significant(0.05) for one in found) < 18
    if metric == "pcc":
        estimates, errors = np.array([(one.estimate, one.error) for one in found]).T
        assert np.sqrt(np.mean(errors**2)) == pytest.approx(estimates.std(), rel=0.15)


def test_p_and_interval_and_margin_are_one_test():
    found = crossed([table(np.random.default_rng(9), of_seeds=0.2, of_images=1.0, rest=1.0) + 0.4])
    low, high = found.interval(1 - found.p)
    assert low == pytest.approx(0, abs=1e-6)
    reach = (found.interval(0.9)[1] - found.interval(0.9)[0]) / 2
    assert found.within(found.estimate + reach + 1e-9, 0.05)
    assert not found.within(found.estimate + reach - 1e-9, 0.05)
    assert not found.within(found.estimate - reach, 0.05)
    assert high == pytest.approx(2 * found.estimate, abs=1e-6)


def test_models_that_are_the_same_do_not_differ():
    found = crossed([np.zeros((5, 50))])
    assert (found.p, found.interval(0.95), found.within(1e-9, 0.05)) == (1.0, (0.0, 0.0), True)


def test_more_seeds_and_images_are_predicted_from_the_components():
    found = crossed([table(np.random.default_rng(10), of_seeds=0.5, of_images=2.0, rest=1.0)])
    same = found.with_size(5, 50)
    assert (same.error, *same.interval(0.9)) == pytest.approx((found.error, *found.interval(0.9)))
    rest = found.of_rest.variance
    assert found.with_size(10**6, 50).error ** 2 == pytest.approx(found.of_units.variance - rest, rel=1e-3)
    assert found.with_size(5, 10**6).error ** 2 == pytest.approx(found.of_seeds.variance - rest, rel=1e-3)
    assert found.with_size(10, 100).error ** 2 == pytest.approx(
        (found.of_seeds.variance + found.of_units.variance - 2 * rest) / 2 + rest / 4
    )


# ---- neurons ------------------------------------------------------------------------------------------


def test_neurons_that_gain_are_counted():
    rng = np.random.default_rng(11)
    response = rng.normal(size=(40, 4))
    better = response + rng.normal(0, 0.5, response.shape)
    worse = response + rng.normal(0, 3.0, response.shape)
    treated = np.where([True, True, True, False], better, worse)
    reference = np.where([True, True, True, False], worse, better)
    pair = tuple(Scores(np.arange(4), prediction=side, response=response) for side in (treated, reference))
    found = neuron_gain([[[pair], [pair]]])
    assert found.share == 0.75
    by_neuron = pearson(treated, response) - pearson(reference, response)
    assert found.error == pytest.approx(by_neuron.std(ddof=1) / 2)
    assert neuron_gain([[[pair]], [[pair]]]).error == pytest.approx(found.error / np.sqrt(2))


# ---- faults -------------------------------------------------------------------------------------------


def test_faults_are_refused():
    rng = np.random.default_rng(12)
    pair = scores(rng), scores(rng)
    with pytest.raises(ValueError, match=r"metric must be one of \['mse', .*got 'mae'"):
        difference("mae", [[[pair]]])
    with pytest.raises(ValueError, match=r"same seeds, got \[1, 2\]"):
        difference("mse", [[[pair]], [[pair], [pair]]])
    with pytest.raises(ValueError, match="differ in their neurons"):
        difference("significant", [[[(pair[0], scores(rng, neurons=5))]]])
