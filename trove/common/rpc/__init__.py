"""The bus, as the rest of the house sees it."""

from trove.common.rpc.calls import GuestClient, Keys
from trove.common.rpc.client import BusError, Client, Waker
from trove.common.rpc.sealed import Sender
from trove.common.rpc.service import Server, expose

__all__ = ['BusError', 'Client', 'GuestClient', 'Keys', 'Sender', 'Server', 'Waker', 'expose']
