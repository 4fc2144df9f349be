"""Events in the log of the process."""

import json
from collections.abc import Mapping
from typing import Any

from oslo_config import cfg
from oslo_log import log as logging

from trove.common import notification

LOG = logging.getLogger(__name__)


class LogNotifier(notification.Notifier):
    """Writes one line for each event."""

    def __init__(self, conf: cfg.ConfigOpts, server_type: str) -> None:
        pass

    def notify(self, event_type: str, payload: Mapping[str, Any], priority: str) -> None:
        LOG.info('Notification %s (%s): %s', event_type, priority, json.dumps(payload, sort_keys=True, default=str))
