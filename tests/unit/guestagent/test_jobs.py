"""Named jobs."""

import os
import threading

import pytest

from trove.common import context as trove_context
from trove.common import exception
from trove.guestagent import jobs
from trove.guestagent.system import files

CONTEXT = trove_context.TroveContext()


class Reports:
    """Takes reports; the first ``lost`` of them do not get out."""

    def __init__(self, lost=0):
        self.taken = []
        self._lost = lost
        self._new = threading.Semaphore(0)

    def __call__(self, context, job_id, error):
        if self._lost:
            self._lost -= 1
            return False
        self.taken.append((job_id, error))
        self._new.release()
        return True

    def wait(self):
        assert self._new.acquire(timeout=10)
        return self.taken[-1]


@pytest.fixture
def reports():
    return Reports()


@pytest.fixture
def made(tmp_path, reports):
    return jobs.Jobs(str(tmp_path), reports, retry_seconds=0)


def settle(made):
    """Wait until the threads have ended; the reports are out by then."""
    assert made.stop(10)


def test_job_runs_and_its_end_is_told(made, reports):
    ran = []
    made.start(CONTEXT, 'operation/prepare', lambda: ran.append(1))
    assert reports.wait() == ('operation/prepare', None)
    assert ran == [1]


def test_running_job_is_not_started_again(made, reports):
    ran, going, may_end = [], threading.Event(), threading.Event()

    def work():
        ran.append(1)
        going.set()
        assert may_end.wait(120)

    made.start(CONTEXT, 'job', work)
    assert going.wait(120)
    made.start(CONTEXT, 'job', work)
    may_end.set()
    reports.wait()
    settle(made)
    assert ran == [1]
    assert len(reports.taken) == 1


@pytest.mark.parametrize('error', [None, exception.GuestError(reason='no room')])
def test_ended_job_is_told_again_and_not_run_again(tmp_path, error):
    def work():
        if error is not None:
            raise error

    first = Reports()
    before = jobs.Jobs(str(tmp_path), first)
    before.start(CONTEXT, 'job', work)
    told = first.wait()
    settle(before)
    # Another agent, which knows only the files.
    second = Reports()
    jobs.Jobs(str(tmp_path), second).start(CONTEXT, 'job', lambda: pytest.fail('it ran again'))
    assert second.wait() == told
    assert told[1] == (None if error is None else str(error))


def test_job_cut_off_by_the_end_of_the_agent_runs_again(tmp_path, reports):
    files.write_json(os.path.join(str(tmp_path), 'job.json'), {'state': jobs.RUNNING, 'error': None})
    ran = []
    jobs.Jobs(str(tmp_path), reports).start(CONTEXT, 'job', lambda: ran.append(1))
    assert reports.wait() == ('job', None)
    assert ran == [1]


def test_end_is_told_until_it_gets_out(tmp_path):
    reports = Reports(lost=3)
    jobs.Jobs(str(tmp_path), reports, retry_seconds=0).start(CONTEXT, 'job', lambda: None)
    assert reports.wait() == ('job', None)
    assert len(reports.taken) == 1


def test_unexpected_error_is_told_without_its_text(made, reports):
    def work():
        raise ValueError('canary')

    made.start(CONTEXT, 'job', work)
    _, error = reports.wait()
    assert 'ValueError' in error
    assert 'canary' not in error


def test_state_file_is_private_and_holds_no_request(made, reports, tmp_path):
    made.start(CONTEXT, 'a/b', lambda: None)
    reports.wait()
    assert [path.name for path in tmp_path.iterdir()] == ['a%2Fb.json']
    assert os.stat(tmp_path / 'a%2Fb.json').st_mode & 0o077 == 0
    assert files.read_json(str(tmp_path / 'a%2Fb.json')) == {'state': jobs.DONE, 'error': None}


def test_stop_does_not_wait_for_ever(made):
    going, may_end = threading.Event(), threading.Event()

    def work():
        going.set()
        may_end.wait(120)

    made.start(CONTEXT, 'job', work)
    assert going.wait(120)
    assert not made.stop(0)
    may_end.set()
    settle(made)
