"""Whole stacks, driven as users drive them."""

from tests.fixtures.stack import fragile_stack, shared_stack

__all__ = ['fragile_stack', 'shared_stack']
