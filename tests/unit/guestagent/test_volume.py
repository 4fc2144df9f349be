"""Volume use."""

import pytest

from trove.common import exception
from trove.guestagent import volume


def test_stats_fit_together(tmp_path):
    stats = volume.get_filesystem_stats(str(tmp_path))
    assert stats['total'] >= stats['used'] >= 0
    assert stats['avail_blocks'] <= stats['free_blocks'] <= stats['total_blocks']
    assert stats['free'] == stats['avail_blocks'] * stats['block_size']


def test_missing_volume_is_a_guest_error(tmp_path):
    with pytest.raises(exception.GuestError):
        volume.get_filesystem_stats(str(tmp_path / 'missing'))
