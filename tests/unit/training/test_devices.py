import platform
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from daenr.config import Config, ModelSettings, TrainingSettings
from daenr.registry import AUTOENCODERS, REFERENCES, baseline_names, model_names
from daenr.run import Run
from daenr.training import devices
from daenr.training.train import train

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch sees no GPU on this machine")


@pytest.fixture
def torch_settings():
    """Put back what ``make_repeatable`` sets for the whole process."""
    before = (
        torch.get_num_threads(),
        torch.are_deterministic_algorithms_enabled(),
        torch.backends.cudnn.benchmark,
    )
    yield
    torch.set_num_threads(before[0])
    torch.use_deterministic_algorithms(before[1])
    torch.backends.cudnn.benchmark = before[2]


def test_cpu_is_the_cpu():
    assert devices.resolve("cpu") == torch.device("cpu")


@pytest.mark.parametrize(("gpu", "expected"), [(True, "cuda"), (False, "cpu")])
def test_auto_takes_a_gpu_where_there_is_one(monkeypatch, gpu, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    assert devices.resolve("auto").type == expected


def test_cpu_stays_the_cpu_beside_a_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert devices.resolve("cpu").type == "cpu"


def test_cuda_without_a_gpu_says_what_to_set(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match=r"no GPU.*device: auto"):
        devices.resolve("cuda")


@pytest.mark.parametrize(
    ("name", "units", "expected"),
    [
        ("float32", True, torch.float32),
        ("float32", False, torch.float32),
        ("bf16", True, torch.bfloat16),
        ("bf16", False, torch.bfloat16),
        ("auto", True, torch.bfloat16),
        ("auto", False, torch.float32),
    ],
)
def test_auto_takes_bf16_where_the_device_has_units_for_it(name, units, expected, monkeypatch):
    asked = []

    def supported(device: torch.device) -> bool:
        asked.append(device)
        return units

    monkeypatch.setattr(devices, "has_bf16", supported)
    cpu = torch.device("cpu")
    assert devices.resolve_precision(name, cpu) == expected
    assert asked == ([cpu] if name == "auto" else [])


def test_what_the_processor_says_of_bf16():
    flags = Path("/proc/cpuinfo")
    if not flags.is_file() or platform.machine() != "x86_64":
        pytest.skip("only Linux on x86-64 lists its processor's units in /proc/cpuinfo")
    units = {"avx512_bf16", "amx_bf16"} & set(flags.read_text(encoding="utf-8").split())
    assert devices.has_bf16(torch.device("cpu")) == bool(units)


@pytest.mark.usefixtures("torch_settings")
def test_repeatable_means_one_thread_and_deterministic_algorithms():
    torch.set_num_threads(2)
    torch.use_deterministic_algorithms(False)
    torch.backends.cudnn.benchmark = True
    devices.make_repeatable()
    assert torch.get_num_threads() == 1
    assert torch.are_deterministic_algorithms_enabled()
    assert not torch.is_deterministic_algorithms_warn_only_enabled()
    assert not torch.backends.cudnn.benchmark


@pytest.mark.usefixtures("torch_settings")
def test_deterministic_algorithms_do_not_fill_memory_first():
    devices.make_repeatable()
    assert not torch.utils.deterministic.fill_uninitialized_memory


@pytest.mark.parametrize(
    ("precision", "layout"),
    [(torch.bfloat16, torch.channels_last), (torch.float32, torch.contiguous_format)],
)
def test_the_layout_is_another_one_in_bf16_and_put_back(precision, layout):
    convolution = nn.Conv2d(2, 3, 3)
    with devices.laid_out(convolution, [convolution], precision):
        assert convolution.weight.is_contiguous(memory_format=layout)
    assert convolution.weight.is_contiguous()
    assert not convolution._forward_hooks


def test_a_shared_gradient_is_brought_into_one_layout():
    convolution, layouts = nn.Conv2d(2, 3, 3), []
    with devices.laid_out(convolution, [convolution], torch.bfloat16):
        output = convolution(torch.ones(2, 2, 8, 8))
        output.register_hook(
            lambda gradient: layouts.append(gradient.is_contiguous(memory_format=torch.channels_last))
        )
        (output.flatten(2) @ torch.ones(36, 5)).sum().backward()
    assert layouts == [True]


def test_a_training_step_in_bf16_has_the_gradients_of_the_model_as_it_stands():
    """The layout is another way to the same gradients, but for bf16's rounding."""
    draw = torch.Generator().manual_seed(0)
    # no bias before the batch norm, as in the encoder: its gradient would be rounding noise
    first = nn.Conv2d(2, 8, 3, bias=False)
    model = nn.Sequential(first, nn.BatchNorm2d(8), nn.ELU(), nn.Conv2d(8, 8, 3), nn.ELU())
    images = torch.randn(16, 2, 12, 12, generator=draw)

    def gradients(precision: torch.dtype) -> list[torch.Tensor]:
        model.zero_grad()
        with devices.laid_out(model, [model], precision):
            with devices.multiplying_in(precision, images.device):
                output = model(images)
            output.float().square().sum().backward()
        return [parameter.grad.clone() for parameter in model.parameters()]

    exact, rough = gradients(torch.float32), gradients(torch.bfloat16)
    for one, other in zip(exact, rough, strict=True):
        assert 0 < (one - other).norm() / one.norm() < 0.02


@needs_gpu
@pytest.mark.parametrize("name", ["auto", "cuda"])
def test_a_gpu_is_used(name):
    assert devices.resolve(name).type == "cuda"


@needs_gpu
@pytest.mark.usefixtures("torch_settings")
@pytest.mark.parametrize("model", [*model_names(), *REFERENCES])
def test_training_on_a_gpu_repeats_itself_and_agrees_with_the_cpu(model, make_region):
    region, neurons = make_region(), np.arange(5)
    layer = None if model in (*AUTOENCODERS, *REFERENCES) else "h2"
    alpha, beta = float(model not in (*baseline_names(), *REFERENCES)), float(model not in AUTOENCODERS)
    run = Run("synthetic", "region1", model, layer, alpha, beta, "all", 0)
    protocol = TrainingSettings(batch_size=8, validate_every=2, max_steps=4)

    def trained(device: str):
        return train(
            run,
            region,
            neurons,
            Config(model=ModelSettings(channels=4, latent=5), training=protocol, device=device),
        )

    first, second, cpu = trained("cuda"), trained("cuda"), trained("cpu")
    assert next(first.model.parameters()).is_cuda
    assert first.predictions.keys() == second.predictions.keys()
    for name, made in first.predictions.items():
        assert np.array_equal(made, second.predictions[name]), name
    # The noise of VAE, dropout and the Gaussian readout is drawn where the model computes: only the scale agrees.
    tolerance = 0.5 if model.startswith("vae") or model.endswith(("fc", "gauss")) else 1e-3
    assert first.fit.best.validation["total"] == pytest.approx(
        cpu.fit.best.validation["total"], rel=tolerance
    )


@needs_gpu
@pytest.mark.usefixtures("torch_settings")
def test_float32_on_a_gpu_is_float32():
    devices.make_repeatable()
    draw = torch.Generator().manual_seed(0)
    images, kernel = (torch.randn(shape, generator=draw) for shape in ((8, 32, 16, 16), (32, 32, 3, 3)))
    exact = torch.nn.functional.conv2d(images.double(), kernel.double())
    on_gpu = torch.nn.functional.conv2d(images.cuda(), kernel.cuda()).cpu().double()
    # float32 has 24 bits, TF32 has 11; a sum is over 288 products.
    assert (on_gpu - exact).abs().max() < 2**-20 * exact.abs().max()
