"""SCRAM verifiers: what PostgreSQL stores of a password, made here so that no statement holds the password."""

import base64
import contextlib
import hashlib
import hmac
import os

import scramp
import scramp.core

ITERATIONS = 4096


def make_verifier(password: str, salt: bytes | None = None) -> str:
    """Return the text that ``PASSWORD`` takes in place of the password itself."""
    salt = salt if salt is not None else os.urandom(16)
    salted = hashlib.pbkdf2_hmac('sha256', _prepare(password), salt, ITERATIONS)
    client_key = hmac.digest(salted, b'Client Key', 'sha256')
    stored_key = hashlib.sha256(client_key).digest()
    server_key = hmac.digest(salted, b'Server Key', 'sha256')
    return f'SCRAM-SHA-256${ITERATIONS}:{_text(salt)}${_text(stored_key)}:{_text(server_key)}'


def _prepare(password: str) -> bytes:
    """Normalize as the engine and its clients do: what cannot be normalized is taken as it is."""
    if not password.isascii():
        with contextlib.suppress(scramp.ScramException):
            password = scramp.core.saslprep(password)
    return password.encode()


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()
