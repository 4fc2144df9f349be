"""The version."""

import re

from trove import version


def test_version() -> None:
    assert re.fullmatch(r'\d+\.\d+\.\d+', version.version_string())
