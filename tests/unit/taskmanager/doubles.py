"""A ledger of one page, and operations whose steps do as they are told."""

from oslo_config import cfg

from trove.common import clock as trove_clock
from trove.db import operations as ledger
from trove.taskmanager import engine, operation

KIND = 'story'


class Story(operation.Operation):
    """Its steps answer what the test put into ``outcomes``: something to return, or an error to raise."""

    KIND = KIND
    STEPS = ('begin', 'go_on', 'end', 'rest')
    MAX_ATTEMPTS = 3
    outcomes = {}
    reasons = []

    def begin(self):
        return self._play('begin')

    def go_on(self):
        return self._play('go_on')

    def failed(self, reason):
        self.reasons.append(reason)
        return self._play('failed')

    def _play(self, step):
        self.memo['seen'] = step
        outcome = self.outcomes[step]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def story(**outcomes):
    """Return a kind of operation with these outcomes by step."""
    return type('ToldStory', (Story,), {'outcomes': outcomes, 'reasons': []})


def claim(**changes):
    fields = {
        'id': 'operation',
        'kind': KIND,
        'subject_id': 'subject',
        'project_id': 'project',
        'step': 'begin',
        'spec': {},
        'memo': {},
        'sealed': None,
        'attempts': 0,
        'is_cancelled': False,
        'deadline_at': 1_700_000_600.0,
        'error': None,
        'request_id': 'req-1',
        'lease_token': 'worker:token',
    }
    return ledger.Claim(**{**fields, **changes})


class ListedLedger:
    """Gives out what it was told, and writes down what it is asked for."""

    def __init__(self, pages=(), claims=None):
        self.pages = list(pages)
        self.claims = dict(claims or {})
        self.settled = []

    def due(self, limit=100):
        return self.pages.pop(0) if self.pages else ([], None)

    def claim(self, operation_id):
        return self.claims.pop(operation_id, None)

    def settle(self, claim, settlement):
        self.settled.append(settlement)


def conf(**settings):
    """Return a configuration with the engine's options."""
    found = cfg.ConfigOpts()
    found.register_opts(engine.OPTS)
    found([], default_config_files=[], default_config_dirs=[])
    for name, value in settings.items():
        found.set_override(name, value)
    return found


def tools(book=None, clock=None, **settings):
    return operation.Tools(
        conf=conf(**settings),
        ledger=book or ListedLedger(),
        clock=clock or trove_clock.ManualClock(),
        sealer=None,
        provider=None,
        guest=None,
        dns=None,
        keystore=None,
        keys=None,
        broker=None,
    )
