import os
import subprocess
import sys
from pathlib import Path

import pytest

from daenr.training.memory import ENVIRONMENT

PROGRAM = """
import torch
def pages(): return int(open("/proc/self/statm").read().split()[1])
def step(): [torch.ones(1_000_000) for _ in range(50)]
before = pages()
step()
print((pages() - before) * 4096 / 200e6)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").is_file(), reason="Linux tells a process's memory there")
def test_freed_memory_is_kept_for_the_next_step():
    kept, given_back = (
        float(
            subprocess.run(
                [sys.executable, "-c", PROGRAM],
                env={name: value for name, value in os.environ.items() if name not in ENVIRONMENT}
                | variables,
                check=True,
                capture_output=True,
                text=True,
                timeout=120,
            ).stdout
        )
        for variables in (ENVIRONMENT, {})
    )
    assert kept > 0.8
    assert given_back < 0.2
