"""Faults of Nova's servers, turned into texts that say what to do."""

import re
from collections.abc import Iterable
from typing import Any

_ADVICE = (
    (r'(maximum|max) (number of |scheduling )?(retries|attempts)|retrying build failures',
     'one host after the other failed to start the server. Ask the operator to look at the image of this datastore '
     'version and at the logs of the hosts'),
    (r'no valid host|not enough hosts|no host(s)? available',
     'no host of the cloud could take the server. Choose a smaller flavor or another availability zone, or ask the '
     'operator for capacity'),
    (r'insufficient|not enough (memory|disk|vcpus?)',
     'the host has too little room for it. Choose a smaller flavor or ask the operator for capacity'),
    (r'quota', 'a quota is used up. Delete what is not needed or ask the operator for more'),
    (r'image.*(not found|could not be found|unacceptable|corrupt|format|larger)|flavor.?s disk is too small',
     'the server could not be started from its image. Ask the operator to look at the image of this datastore version, '
     'or choose a flavor with a larger disk'),
    (r'(port|network|binding|vif).*(fail|not found|not be found|in use|abort|timeout)|virtual interface',
     'its network could not be connected. Choose another network or ask the operator'),
    (r'block device|volume', 'its volume could not be made or attached. Ask the operator to look at Cinder'),
    (r'ended at once|deploy|boot|spawn', 'the image does not boot. Ask the operator to look at the image of this '
     'datastore version'),
    (r'timed? ?out|timeout', 'the cloud was too slow. Try again, or ask the operator'),
)  # fmt: skip

_STATES = {
    'PAUSED': 'it was paused in Nova. Ask the operator to unpause it',
    'SUSPENDED': 'it was suspended in Nova. Ask the operator to resume it',
    'RESCUE': 'it is in rescue mode. Ask the operator to unrescue it',
    'SHELVED': 'it was shelved in Nova. Ask the operator to unshelve it',
    'SHELVED_OFFLOADED': 'it was shelved in Nova. Ask the operator to unshelve it',
}


def fault_of(server: Any) -> str:
    """Return what is wrong with a server of Nova and what to do; empty when nothing is."""
    if server.status in _STATES:
        return _STATES[server.status]
    if server.status != 'ERROR':
        return ''
    return explain((getattr(server, 'fault', None) or {}).get('message', ''))


def move_fault(tracebacks: Iterable[str]) -> str:
    """Return why a move came to nothing, from what Nova shows its administrators; others see no tracebacks."""
    if any('NoValidHost' in traceback for traceback in tracebacks):
        return explain('No valid host was found for the move')
    return explain('the move failed; the log of nova-compute tells why')


def explain(message: str) -> str:
    """Return what Nova said with what to do about it."""
    said = ' '.join(message.split())[:300].rstrip('.')
    for words, advice in _ADVICE:
        if re.search(words, said, re.IGNORECASE):
            return f'{advice} (Nova said: {said})'
    if said:
        return f'Nova could not go on with it. Ask the operator (Nova said: {said})'
    return 'Nova gave no reason. Ask the operator'
