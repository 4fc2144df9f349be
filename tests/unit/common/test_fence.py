import threading

import pytest

from trove.common import fence


class Lost(Exception):
    pass


def lose():
    raise Lost()


def test_nobody_guards():
    fence.check()


def test_what_was_lost_stops_who_acts():
    with fence.guarded(lose) as guard:
        with pytest.raises(Lost):
            fence.check()
        assert not guard.was_passed
    fence.check()


def test_it_is_known_whether_something_may_have_been_done():
    with fence.guarded(lambda: None) as guard:
        assert not guard.was_passed
        fence.check()
    assert guard.was_passed


def test_another_thread_has_a_right_of_its_own():
    with fence.guarded(lose):
        other = threading.Thread(target=fence.check)
        other.start()
        other.join(30)
