"""Contracts as tests, for the authors of plugs: subclass one, give it a fixture, run pytest."""

import pytest

pytest.register_assert_rewrite('trove.testing.storage')
