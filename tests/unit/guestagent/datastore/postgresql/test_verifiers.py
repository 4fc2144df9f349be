"""SCRAM verifiers."""

import re

import scramp

from trove.guestagent.datastore.postgresql import verifiers


def test_verifier_is_what_the_mechanism_makes():
    salt = b'0123456789abcdef'
    mechanism = scramp.ScramMechanism('SCRAM-SHA-256')
    for password in ('pencil', "p'w%s", 'I\u00adX', 'Ⅸ'):
        _, stored_key, server_key, _ = mechanism.make_auth_info(password, iteration_count=4096, salt=salt)
        parts = re.fullmatch(r'SCRAM-SHA-256\$4096:(\S+)\$(\S+):(\S+)', verifiers.make_verifier(password, salt))
        assert parts.group(2) == scramp.core.b64enc(stored_key)
        assert parts.group(3) == scramp.core.b64enc(server_key)


def test_every_verifier_has_a_salt_of_its_own():
    assert verifiers.make_verifier('same') != verifiers.make_verifier('same')


def test_password_that_cannot_be_normalized_is_taken_as_it_is():
    assert verifiers.make_verifier('\u06271\u0000é').startswith('SCRAM-SHA-256$')
