"""What was refused is counted, and logged now and then."""

from trove.common.rpc import refusals


def test_each_is_counted_and_few_are_logged(caplog):
    now = [0.0]
    found = refusals.Refusals(lambda: now[0])
    for _ in range(100):
        found.note('guest.1', 'seal')
    found.note('guest.2', 'seal')
    found.note('guest.1', 'size')
    now[0] = refusals.LOG_SECONDS
    found.note('guest.1', 'seal')
    assert (found.count('seal'), found.count('size'), found.count()) == (102, 1, 103)
    assert [record.getMessage() for record in caplog.records] == [
        'Messages of guest.1 were refused (seal), 1 so far',
        'Messages of guest.2 were refused (seal), 1 so far',
        'Messages of guest.1 were refused (size), 1 so far',
        'Messages of guest.1 were refused (seal), 101 so far',
    ]


def test_made_up_senders_fill_no_memory(caplog):
    found = refusals.Refusals()
    for number in range(refusals.MOST_SENDERS * 2):
        found.note(f'guest.{number}', 'seal')
    assert len(found._counts) <= refusals.MOST_SENDERS
