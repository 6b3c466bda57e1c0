"""
Turn any error of a store into one sentence: the operation, the object, the store's message, what to do.

The libraries (s3fs, gcsfs, adlfs) raise their own errors, botocore's, Azure's and Python's. Those differ by code, HTTP
status and type, so none of the libraries is imported here.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from airflow_provider_bulkexports.api.redact import redact
from airflow_provider_bulkexports.exceptions import BulkExportsError, BulkExportsStorageError
from airflow_provider_bulkexports.model.plain import plain_text
from airflow_provider_bulkexports.object_storage.schemes import EXTRAS

__all__ = ["store_errors", "translated"]

_INSTALL = "Install the missing library on the workers."

_MAX_TEXT = 700
_MAX_URI = 400

#: Codes that are transient although their status or type says otherwise.
_TRANSIENT = {
    "RequestExpired", "RequestTimeTooSkewed",
    "SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "OperationAborted", "Throttling",
    "ThrottlingException", "KMS.ThrottlingException", "ServerBusy", "OperationTimedOut", "ConditionalRequestConflict",
    "BadDigest", "IncompleteBody", "XAmzContentSHA256Mismatch", "CredentialRetrievalError",
}  # fmt: skip
_FORBIDDEN = {"AccessDenied", "AllAccessDisabled", "Forbidden", "AuthorizationPermissionMismatch", "403"}
_NO_BUCKET = {"NoSuchBucket", "ContainerNotFound", "FilesystemNotFound"}
_CREDENTIALS = {
    "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "AuthenticationFailed", "NoCredentialsError",
    "PartialCredentialsError", "InvalidClientTokenId", "UnrecognizedClientException", "RefreshError",
    "DefaultCredentialsError", "ClientAuthenticationError", "NoAuthenticationInformation", "ExpiredToken",
    "ExpiredTokenException", "TokenRefreshRequired",
}  # fmt: skip
_REGION = {
    "PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "301", "307",
    "TemporaryRedirect", "Redirect",
}  # fmt: skip
_CONFLICT = {"PreconditionFailed", "412", "BlobAlreadyExists", "ResourceExistsError", "FileExistsError"}
_UNSUPPORTED = {"NotImplemented", "501"}
_NO_CONNECTION = {"AirflowNotFoundException"}

_TRANSIENT_ERRNOS = {
    errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EBUSY, errno.EAGAIN, errno.ETIMEDOUT, errno.ESTALE, errno.EMFILE,
    errno.ENFILE, errno.EINTR, getattr(errno, "EREMOTEIO", errno.EIO),
}  # fmt: skip

_PERMISSIONS = {
    "s3": {"write": "s3:PutObject", "read": "s3:GetObject", "find": "s3:GetObject", "remove": "s3:DeleteObject"},
    "gcs": {
        "write": "storage.objects.create and storage.objects.delete",
        "read": "storage.objects.get",
        "find": "storage.objects.get",
        "remove": "storage.objects.delete",
    },
    "azure": dict.fromkeys(("write", "read", "find", "remove"), "the role Storage Blob Data Contributor"),
}


@dataclass(frozen=True)
class _Facts:
    """
    What is known about an error.

    :param codes: The store's codes and the exceptions' names, of the error and all its causes.
    :param text: The error's message, with its code.
    """

    codes: frozenset[str]
    status: int | None
    number: int | None
    text: str


@contextmanager
def store_errors(operation: str, uri: str, *, protocol: str = "", conn_id: str | None = None) -> Iterator[None]:
    """
    Translate the errors of the block; see :func:`translated`.

    :param operation: Verb: ``write``, ``read``, ``find``, ``remove``, ``open``.
    :param uri: The object, without credentials.
    :param conn_id: Airflow connection of the store, if it has one.
    """
    try:
        yield
    except BulkExportsError:
        raise
    except Exception as error:  # noqa: BLE001  # a store's library may raise anything
        # Not chained: the original's text may contain secrets.
        raise translated(error, operation=operation, uri=uri, protocol=protocol, conn_id=conn_id) from None


def translated(
    error: Exception, *, operation: str, uri: str, protocol: str = "", conn_id: str | None = None
) -> BulkExportsStorageError:
    """Describe an error of a store in one sentence, and say whether a retry may help."""
    facts = _facts_of(error)
    extra = EXTRAS.get(protocol, "")
    is_transient = _is_transient(error, facts)
    is_forbidden = not is_transient and _is_forbidden(error, facts)
    remedy = _remedy(error, facts, operation, extra, is_forbidden=is_forbidden, is_transient=is_transient)
    shown = uri if len(uri) <= _MAX_URI else f"{uri[: _MAX_URI - 1]}…"
    return BulkExportsStorageError(
        f"Could not {operation} {_printable(shown)}: {facts.text}",
        remedy=remedy,
        details={"store's connection": conn_id or ("none, so the environment's credentials" if extra else "")},
        is_transient=is_transient,
        is_forbidden=is_forbidden,
        is_conflict=bool(facts.codes & _CONFLICT) or facts.status == 412,
        is_absent=isinstance(error, FileNotFoundError) and not facts.codes & _NO_BUCKET,
    )


def _facts_of(error: Exception) -> _Facts:
    codes: list[str] = []
    status: int | None = None
    seen: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in seen and len(seen) < 10:
        seen.append(current)
        codes.extend((*_codes(current), *(kind.__name__ for kind in type(current).__mro__[:-1])))
        status = status or _status(current)
        current = current.__cause__  # not its context, which may be an unrelated error
    number = error.errno if isinstance(error, OSError) else None
    code = next((code for found in seen for code in _codes(found) if not code.isdigit()), None)
    said = str((error.strerror if isinstance(error, OSError) else None) or error)
    text = _printable(redact(said[: 2 * _MAX_TEXT])).strip(" .") or type(error).__name__
    if len(text) > _MAX_TEXT:
        text = f"{text[:_MAX_TEXT]}…"
    return _Facts(frozenset(codes), status, number, f"{code}: {text}" if code and code not in text else text)


def _codes(error: BaseException) -> list[str]:
    """Code of botocore's, Azure's or Google's error."""
    found: list[Any] = []
    response = getattr(error, "response", None)
    if isinstance(response, dict) and isinstance(response.get("Error"), dict):
        found.append(response["Error"].get("Code"))
    found.append(getattr(error, "error_code", None))
    if isinstance(error, OSError) and error.errno is None and str(error).startswith("Forbidden"):
        found.append("Forbidden")  # gcsfs gives no more than this
    return [str(getattr(code, "value", code))[:100] for code in found if code]


def _status(error: BaseException) -> int | None:
    response = getattr(error, "response", None)
    metadata = response.get("ResponseMetadata") if isinstance(response, dict) else None
    found = metadata.get("HTTPStatusCode") if isinstance(metadata, dict) else None
    for value in (found, *(getattr(error, name, None) for name in ("status_code", "status", "code"))):
        if isinstance(value, int) and 100 <= value < 600:
            return value
    return None


def _is_transient(error: Exception, facts: _Facts) -> bool:
    if facts.codes & _TRANSIENT:
        return True
    if facts.codes & (_FORBIDDEN | _NO_BUCKET | _CREDENTIALS | _REGION | _CONFLICT | _UNSUPPORTED | _NO_CONNECTION):
        return False
    if any(code.startswith("KMS.") for code in facts.codes):
        return False
    if facts.status is not None:
        return facts.status in (408, 409, 425, 429) or facts.status >= 500
    if isinstance(error, (TimeoutError, ConnectionError)):
        return True
    permanent = (PermissionError, FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError)
    if isinstance(error, (*permanent, ImportError, NotImplementedError, TypeError, ValueError)):
        return False
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in _TRANSIENT_ERRNOS
    return "ParamValidationError" not in facts.codes


def _is_forbidden(error: Exception, facts: _Facts) -> bool:
    if facts.codes & (_CREDENTIALS | _REGION | _NO_BUCKET) or any(code.startswith("KMS.") for code in facts.codes):
        return False
    return bool(facts.codes & _FORBIDDEN) or facts.status == 403 or isinstance(error, PermissionError)


def _remedy(
    error: Exception, facts: _Facts, operation: str, extra: str, *, is_forbidden: bool, is_transient: bool
) -> str:
    if is_transient:
        if facts.number in (errno.ENOSPC, errno.EDQUOT):
            return "Free space there and run the task again."
        return "Run the task again."
    if any(code.startswith("KMS.") for code in facts.codes):
        return "Enable the KMS key, or name another in upload_options={'SSEKMSKeyId': …}."
    if facts.codes & _NO_BUCKET:
        return "Create the bucket, or correct destination."
    if facts.codes & _CREDENTIALS:
        return "Check the credentials of the connection that object_storage_conn_id names."
    if facts.codes & _REGION or facts.status in (301, 307):
        return "Set the bucket's own region as region_name in the extra of the store's connection."
    if facts.status == 400 and extra == "s3":
        return (
            "Check that the credentials of the store's connection have not expired, that region_name in its extra is "
            "the bucket's own, and upload_options."
        )
    if facts.codes & _NO_CONNECTION:
        return "Create that connection, or correct object_storage_conn_id."
    if is_forbidden:
        return _permission_remedy(operation, extra)
    if isinstance(error, (IsADirectoryError, NotADirectoryError, FileExistsError)):
        return "Remove what is in the way, or change destination or layout."
    if isinstance(error, FileNotFoundError):
        return "Create the bucket or folder, or correct destination."
    if isinstance(error, ImportError):
        return f"Run pip install 'airflow-provider-bulkexports[{extra}]' on the workers." if extra else _INSTALL
    if isinstance(error, (TypeError, ValueError)) or "ParamValidationError" in facts.codes:
        return "Check destination, upload_options and the store's connection."
    return "Check destination, the store's connection and upload_options; a retry alone does not help."


def _permission_remedy(operation: str, extra: str) -> str:
    right = _PERMISSIONS.get(extra, {}).get(operation)
    remedy = f"Grant the role {right} on it" if right else f"Give the task's user the right to {operation} it"
    if extra == "s3" and operation == "write":
        remedy += ", and if the bucket requires encryption, pass upload_options={'ServerSideEncryption': 'aws:kms'}"
    return f"{remedy}."


def _printable(text: str) -> str:
    return " ".join(plain_text(text).split())
