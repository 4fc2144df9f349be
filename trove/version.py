"""The version of this package, as installed."""

from importlib import metadata


def version_string() -> str:
    """Return the installed version, for example ``1.0.0``."""
    return metadata.version('trove')
