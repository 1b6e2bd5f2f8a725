"""Shapes and types written in the package's signatures are checked while tests run."""

from jaxtyping import install_import_hook

install_import_hook("daenr", "beartype.beartype")
