"""DAE-NR: deep auto-encoders joined with the responses of V1 neurons (reproduction).

The package is the science and knows nothing of Snakemake; ``scripts/`` and ``workflow/`` call it.
"""

__version__ = "0.1.0"

IMAGE_SIZE = 32
"""Side of the square images that every model takes, in pixels."""
