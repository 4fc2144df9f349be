"""Events on the bus for notifications, as other services of OpenStack tell theirs."""

from collections.abc import Mapping
from typing import Any

import oslo_messaging
from oslo_config import cfg

from trove.common import notification

GROUP = 'oslo_messaging_notifications'
DRIVER = 'messagingv2'
"""What sends when ``[oslo_messaging_notifications] driver`` names nothing."""
USAGE_PREFIX = 'trove.'


class MessagingNotifier(notification.Notifier):
    """Hands events to oslo.messaging, whose options say which bus and which topics.

    The publisher of what happens to operations is ``<server type>.<host>``, that of usage is the host.
    """

    def __init__(self, conf: cfg.ConfigOpts, server_type: str) -> None:
        transport = oslo_messaging.get_notification_transport(conf)
        driver = None if conf[GROUP].driver else DRIVER
        publisher = f'{server_type}.{conf.host}'
        self._operations = oslo_messaging.Notifier(transport, publisher, driver=driver)
        self._usage = self._operations.prepare(publisher_id=conf.host)

    def notify(self, event_type: str, payload: Mapping[str, Any], priority: str) -> None:
        notifier = self._usage if event_type.startswith(USAGE_PREFIX) else self._operations
        getattr(notifier, priority)({}, event_type, dict(payload))
