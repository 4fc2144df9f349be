"""The contracts of what vendors plug in, as suites that their own tests subclass; no process of ours loads them."""

import pathlib

import pytest

# Else an assertion that fails in here would not tell its values; it must be said before a suite is imported.
pytest.register_assert_rewrite(*(f'{__name__}.{path.stem}' for path in pathlib.Path(__file__).parent.glob('[a-z]*.py')))
