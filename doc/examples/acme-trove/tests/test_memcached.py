"""Memcached against the contract of datastores, on a real one."""

import contextlib
import socket

from trove.testing import datastores, guests


class Memcached(guests.World):
    """A client writes the words of a statement as the lines that memcached reads."""

    name = 'memcached'
    program = 'memcached'
    keeps_data = False
    mark = guests.Mark('set mark 0 0 2|42', 'get mark', ['VALUE mark 0 2', '42', 'END'])
    override = guests.Override('conn-limit', '333', 'stats')
    memory_bytes = 153 * 1024 * 1024
    intruders = ()

    def connect(self, guest, user, password, database, is_local):
        try:
            connection = socket.create_connection((guest.address, guest.description.port), 10)
        except OSError as error:
            raise guests.Refused(str(error)) from error
        stream = connection.makefile('rwb')

        def ask(statement):
            stream.write(''.join(f'{line}\r\n' for line in statement.split('|')).encode())
            stream.flush()
            answer = []
            while not answer or answer[-1] not in ('STORED', 'END', 'ERROR', ''):
                answer.append(stream.readline().decode().removesuffix('\r\n'))
            return answer

        def close():
            # What could not be sent to an engine that is gone is nobody's any more.
            for part in (stream, connection):
                with contextlib.suppress(OSError):
                    part.close()

        return guests.Login(ask, close)

    def memory(self, query):
        return int(next(line.split()[2] for line in query('stats') if line.startswith('STAT limit_maxbytes ')))


class TestMemcached(datastores.DatastoreContract):
    world = Memcached()
