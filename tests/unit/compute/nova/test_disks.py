"""What Cinder says of a volume, and what is made of it."""

import datetime

import pytest
from openstack.block_storage.v3 import volume as cinder

from trove.compute.nova import disks

NOW = datetime.datetime(2026, 1, 2, 3, 10)


@pytest.mark.parametrize(
    ('status', 'created', 'updated', 'is_lost'),
    [
        ('creating', '2026-01-02T03:00:00.000000', None, True),
        ('deleting', '2026-01-01T03:00:00.000000', '2026-01-02T03:00:00+00:00', True),
        ('deleting', '2026-01-01T03:00:00.000000', '2026-01-02T03:09:30.000000', False),
        ('creating', '2026-01-02T03:09:30.000000', None, False),
        ('available', '2026-01-01T03:00:00.000000', None, False),
        ('error', '2026-01-01T03:00:00.000000', None, False),
    ],
)
def test_volume_that_cinder_has_lost(status, created, updated, is_lost):
    volume = cinder.Volume(status=status, created_at=created, updated_at=updated)
    assert disks.is_lost(volume, 300, NOW) is is_lost
