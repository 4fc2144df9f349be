"""Options of the guest."""

from trove.guestagent import options


def test_the_sample_has_all_of_them() -> None:
    ((group, listed),) = options.list_opts()
    assert group is None
    assert {'guest_id', 'datastore_manager', 'service_manager', 'report_interval'} <= {option.name for option in listed}
