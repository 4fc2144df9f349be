"""The bus, as the rest of the house sees it."""

from trove.common.rpc.client import BusError, Client, Waker
from trove.common.rpc.service import Server, expose

__all__ = ['BusError', 'Client', 'Server', 'Waker', 'expose']
