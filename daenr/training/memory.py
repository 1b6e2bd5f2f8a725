"""How a training's process asks the system for memory; imported before PyTorch, so it needs nothing.

The C library would give the activations of every step back to the system, which then hands out and clears thousands
of small pages a step: a tenth of a step's time. glibc reads these variables when a process starts.
"""

LARGE = str(1 << 30)
"""Bytes that no activation of these models reaches."""

ENVIRONMENT = {
    "MALLOC_TRIM_THRESHOLD_": LARGE,
    "MALLOC_MMAP_THRESHOLD_": LARGE,
}
"""Keep what is freed, and take no allocation from the system directly."""
