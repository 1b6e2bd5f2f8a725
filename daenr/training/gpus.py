"""Which GPU of a machine a training takes: one lock file for every place on a device.

The kernel frees a lock when the process that holds it ends, however it ends, so no crash leaves a GPU taken.
This must happen before CUDA starts, which reads ``CUDA_VISIBLE_DEVICES`` once.
"""

import os
import re
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

VISIBLE = "CUDA_VISIBLE_DEVICES"
# What stands there for "no device": CUDA's and Slurm's way of saying so.
NO_DEVICE = ("", "-1", "NoDevFiles")
SECONDS_BETWEEN_TRIES = 1.0
SECONDS_FOR_NVIDIA_SMI = 30.0


def visible(device: str, patience: float = SECONDS_FOR_NVIDIA_SMI) -> list[str]:
    """GPUs that this process may use, by names that ``CUDA_VISIBLE_DEVICES`` takes.

    Slurm's choice or the user's, where there is one; else all of the machine, by their UUIDs, since
    ``nvidia-smi`` and CUDA number devices differently. Where it is missing, fails or hangs there is no GPU.

    Args:
        device: the config's ``device``; on ``cpu`` no GPU is of use.
        patience: seconds that ``nvidia-smi`` is given.
    """
    if device == "cpu":
        return []
    if (chosen := os.environ.get(VISIBLE)) is not None:
        return [name for name in chosen.split(",") if name not in NO_DEVICE]
    try:
        listing = subprocess.run(
            ["nvidia-smi", "-L"], capture_output=True, text=True, check=True, timeout=patience
        )
    except (OSError, subprocess.SubprocessError):
        return []
    return re.findall(r"UUID: (GPU-[0-9a-f-]+)", listing.stdout)


def lock_folder() -> Path:
    """Where the locks of all users of this machine are; within a Slurm job, that job's alone.

    Slurm may number the devices of every job from 0, so a name means a device only within one job. The path is the
    same for every process, whatever its ``TMPDIR``.
    """
    return Path("/tmp") / f"daenr-gpus-{os.environ.get('SLURM_JOB_ID', 'machine')}"


@contextmanager
def claimed(devices: Sequence[str], trainings_per_gpu: int, folder: Path) -> Iterator[None]:
    """Take a place on one of ``devices`` for the block, and show this process no other device.

    Waits, and says so, while every place is taken. The first place of each device is filled before the
    second of any. Without devices there is nothing to take.

    Args:
        devices: names for ``CUDA_VISIBLE_DEVICES``, from `visible`.
        trainings_per_gpu: places on each device, at least 1.
        folder: of the lock files; the same for all who share the devices.
    """
    if not devices:
        yield
        return
    with _writable_by_all(), suppress(FileExistsError):
        # Not sticky: of a sticky folder filelock and Linux take no file that another user has made.
        folder.mkdir(mode=0o777)
    places = [(device, place) for place in range(trainings_per_gpu) for device in devices]
    taken = _free_place(places, folder)
    if taken is None:
        print(
            f"waiting for a GPU: {len(devices)} here, {trainings_per_gpu} training(s) on each, all taken; "
            f"snakemake --resources gpu={len(places)} starts no more than fit"
        )
    while taken is None:
        time.sleep(SECONDS_BETWEEN_TRIES)
        taken = _free_place(places, folder)
    device, lock = taken
    with lock:
        os.environ[VISIBLE] = device
        print(f"GPU {device}")
        yield


def _free_place(
    places: Sequence[tuple[str, int]], folder: Path
) -> tuple[str, AbstractContextManager[object]] | None:
    """The first place that nobody holds, with its lock, which is held and given back at the end of a block."""
    from filelock import FileLock, Timeout  # here, since a training on a CPU would wait for it

    for device, place in places:
        lock = FileLock(folder / f"{device}-{place}.lock", mode=0o666)
        with _writable_by_all(), suppress(Timeout):
            return device, lock.acquire(blocking=False)
    return None


@contextmanager
def _writable_by_all() -> Iterator[None]:
    """What the block makes has its mode from the start: set afterwards, another user may find it closed meanwhile."""
    usual = os.umask(0)
    try:
        yield
    finally:
        os.umask(usual)
