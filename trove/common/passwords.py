"""Passwords that nobody chose."""

import secrets
import string

ALPHABET = string.ascii_letters + string.digits


def generate_password(length: int = 36) -> str:
    """Return a random password of letters and digits."""
    return ''.join(secrets.choice(ALPHABET) for _ in range(length))
