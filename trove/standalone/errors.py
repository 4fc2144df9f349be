"""What the operator of a stand-alone stack is told when something is not as it must be."""

from trove.common import exception


class StackError(exception.TroveError):
    """The stack cannot do what was asked; the text says why and what to do."""

    code = 500
