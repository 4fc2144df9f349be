"""The one tree of errors: what went wrong, its HTTP code and its fault name.

Domain code raises these; one place (``common.wsgi``) turns them into faults.
The classes carry no HTTP machinery, so that the guest half can raise them too
and they can cross the message bus by name.
"""

from typing import Any, ClassVar

FAULT_NAMES = {
    400: 'badRequest',
    401: 'unauthorized',
    403: 'forbidden',
    404: 'itemNotFound',
    405: 'badMethod',
    406: 'notAcceptable',
    409: 'conflict',
    413: 'overLimit',
    415: 'badMediaType',
    422: 'unprocessableEntity',
    500: 'serverError',
    501: 'notImplemented',
    503: 'serviceUnavailable',
}


class TroveError(Exception):
    """Base of all expected errors.

    ``message`` is a ``%``-format filled from the keyword arguments; a positional
    text replaces it. ``code`` is the HTTP status the API answers with.
    """

    code: ClassVar[int] = 400
    message: ClassVar[str] = 'The request cannot be carried out.'

    def __init__(self, text: str | None = None, **kwargs: Any) -> None:
        self.details = kwargs
        super().__init__(text if text is not None else self.message % kwargs)

    @property
    def fault_name(self) -> str:
        """Key of the fault in the JSON answer."""
        return FAULT_NAMES.get(self.code, 'instanceFault')


# -- the request ---------------------------------------------------------------


class BadRequest(TroveError):
    message = 'The request is malformed.'


class Unauthorized(TroveError):
    code = 401
    message = 'Authentication is required.'


class Forbidden(TroveError):
    code = 403
    message = 'You are not allowed to do this.'


class PolicyNotAuthorized(Forbidden):
    message = "Policy doesn't allow %(action)s to be performed."


class NotFound(TroveError):
    code = 404
    message = 'The resource could not be found.'


class NotAcceptable(TroveError):
    code = 406
    message = 'The requested version is not acceptable.'


class Conflict(TroveError):
    code = 409
    message = 'The request conflicts with the present state.'


class OverLimit(TroveError):
    code = 413
    message = 'The request is over a limit.'


class RateLimited(OverLimit):
    """More requests than ``limit`` (its text) allows; the same one works after ``retry_seconds``."""

    message = 'This request was rate-limited.'

    def __init__(self, limit: str, retry_seconds: int) -> None:
        super().__init__()
        self.limit = limit
        self.retry_seconds = retry_seconds


class UnsupportedMediaType(TroveError):
    code = 415
    message = 'The content type %(content_type)s is not supported; send application/json.'


class UnprocessableEntity(TroveError):
    code = 422
    message = 'The resource is not in a state in which this can be done.'


class ServerError(TroveError):
    code = 500
    message = 'The server could not carry out the request.'


class NotImplementedHere(TroveError):
    code = 501
    message = 'This is not supported.'


class ServiceUnavailable(TroveError):
    code = 503
    message = 'The service is not available at the moment; try again.'
    retry_seconds: ClassVar[int] = 2
    """When it is worth while to try again, as the answer tells."""


class Overloaded(ServiceUnavailable):
    """More is asked for than can be done at the same time; nothing of it was begun."""

    message = 'Too many requests are in progress at the moment; try again.'


# -- resources -----------------------------------------------------------------


class InstanceNotFound(NotFound):
    message = 'Instance %(id)s could not be found.'


class DatastoreNotFound(NotFound):
    message = "Datastore '%(datastore)s' could not be found."


class DatastoreVersionNotFound(BadRequest):
    """400 and not 404 by the contract."""

    message = "Datastore version '%(version)s' could not be found."


class DatastoreVersionUnknownId(NotFound):
    message = "Datastore version '%(version)s' could not be found."


class DatastoreVersionInactive(BadRequest):
    message = "Datastore version '%(version)s' is not active."


class DatastoreVersionNotUnique(BadRequest):
    message = "Datastore version '%(version)s' has several version numbers; name one with 'version_number'."


class NoDefaultDatastore(BadRequest):
    message = "No datastore was named and no default datastore is configured; give 'datastore.type'."


class NoDefaultDatastoreVersion(BadRequest):
    message = "Datastore '%(datastore)s' has no default version; give 'datastore.version'."


class FlavorNotFound(BadRequest):
    """400 by the contract when a request refers to a flavor."""

    message = "Flavor '%(flavor)s' could not be found."


class FlavorUnknownId(NotFound):
    message = "Flavor '%(flavor)s' could not be found."


class ImageNotFound(BadRequest):
    message = "Image '%(image)s' could not be found."


class UserNotFound(NotFound):
    message = "User '%(name)s' could not be found on the instance."


class UserExists(BadRequest):
    message = "User '%(name)s' exists already."


class DatabaseNotFound(NotFound):
    message = "Database '%(name)s' could not be found on the instance."


class DatabaseExists(BadRequest):
    message = "Database '%(name)s' exists already."


class ReservedName(BadRequest):
    message = "The name '%(name)s' is reserved."


class RootHistoryNotFound(NotFound):
    message = 'Root was never enabled on instance %(id)s.'


class QuotaResourceUnknown(NotFound):
    message = "Quota resource '%(resource)s' is not known."


class QuotaExceeded(OverLimit):
    message = 'Quota exceeded for: %(overs)s.'


class VolumeTooLarge(OverLimit):
    message = 'A volume of %(size)s GB is larger than the %(limit)s GB that are accepted.'


class VolumeNotSupported(NotImplementedHere):
    message = "Datastore '%(datastore)s' does not support volumes."


class VolumeSizeMissing(BadRequest):
    message = "A volume size is needed for datastore '%(datastore)s'; give 'volume.size' in GB."


class InstanceNotReady(UnprocessableEntity):
    message = 'Instance %(id)s is not ready: %(reason)s.'


class DatastoreOperationNotSupported(NotImplementedHere):
    message = "Datastore '%(datastore)s' does not support the operation '%(operation)s'."


class DatastoreNotInstalled(NotImplementedHere):
    message = (
        "What runs datastore '%(manager)s' is not installed on this server any more; ask the operator to install it "
        'again, or choose another datastore.'
    )


class DatastoreManagerUnsupported(UnprocessableEntity):
    """422 by the contract: databases, users on a datastore that has none."""

    message = "Datastore '%(datastore)s' does not support %(operation)s."


# -- the guest -----------------------------------------------------------------


class GuestError(TroveError):
    message = 'The guest could not carry out the request: %(reason)s'


class GuestTimeout(TroveError):
    message = 'The guest of instance %(id)s did not answer within %(seconds)s seconds.'


# -- providers and plugs -------------------------------------------------------


class ComputeError(TroveError):
    """A provider failed for good; the text says what to do."""

    code = 500
    message = 'The compute provider failed: %(reason)s'


class ComputeBusy(ComputeError):
    """A provider failed for now; the same call may work later, after ``delay_seconds`` if it can tell."""

    message = 'The compute provider is not ready: %(reason)s'

    def __init__(self, reason: str, delay_seconds: float | None = None) -> None:
        super().__init__(reason=reason)
        self.delay_seconds = delay_seconds


class PlugError(TroveError):
    code = 500
    message = "Plug '%(name)s' of '%(group)s' cannot be used: %(reason)s"


class ConfigurationError(TroveError):
    code = 500
    message = 'The configuration cannot be used: %(reason)s'
