"""An error of a store is one sentence with operation, object, reason and remedy; only a transient one is retried."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from airflow_provider_bulkexports.exceptions import BulkExportsInputError, BulkExportsStorageError
from airflow_provider_bulkexports.object_storage.errors import store_errors, translated

URI = "s3://bucket/twilio/part-0.json.gz"


class ClientError(Exception):
    """Like botocore's."""

    def __init__(self, code: str, status: int, message: str = "message of the store") -> None:
        super().__init__(f"An error occurred ({code}) when calling the PutObject operation: {message}")
        self.response = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}


class HttpResponseError(Exception):
    """Like Azure's."""

    def __init__(self, code: str, status: int) -> None:
        super().__init__(f"{code}\nRequestId:1\nTime:2")
        self.error_code, self.status_code = code, status


class HttpError(Exception):
    """Like gcsfs'."""

    def __init__(self, status: int) -> None:
        super().__init__("denied")
        self.code = status


class NoCredentialsError(Exception):
    """Like botocore's."""


class AirflowNotFoundException(Exception):  # noqa: N818
    """Like Airflow's."""


def s3fs(kind: Any, code: str, status: int) -> Exception:
    """An error of s3fs, caused by botocore's."""
    error: Exception = kind("message of the store")
    error.__cause__ = ClientError(code, status)
    return error


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (s3fs(PermissionError, "AccessDenied", 403), r"s3:PutObject on it, and if the bucket requires encryption"),
        (s3fs(PermissionError, "403", 403), "s3:PutObject"),
        (s3fs(FileNotFoundError, "NoSuchBucket", 404), "Create the bucket, or correct destination"),
        (s3fs(PermissionError, "InvalidAccessKeyId", 403), "Check the credentials"),
        (s3fs(PermissionError, "SignatureDoesNotMatch", 403), "Check the credentials"),
        (s3fs(PermissionError, "ExpiredToken", 400), "Check the credentials"),
        (s3fs(OSError, "PermanentRedirect", 301), "bucket's own region as region_name"),
        (s3fs(OSError, "AuthorizationHeaderMalformed", 400), "bucket's own region as region_name"),
        (s3fs(OSError, "KMS.DisabledException", 400), "Enable the KMS key"),
        (s3fs(OSError, "InvalidStorageClass", 400), "upload_options"),
        (NoCredentialsError("Unable to locate credentials"), "Check the credentials"),
        (AirflowNotFoundException("The conn_id `aws` isn't defined"), "correct object_storage_conn_id"),
        (HttpResponseError("AuthorizationPermissionMismatch", 403), "right to write it"),
        (HttpResponseError("ContainerNotFound", 404), "Create the bucket"),
        (HttpError(403), "right to write it"),
        (OSError("Forbidden: bucket/x\nno storage.objects.create access"), "right to write it"),
        (s3fs(OSError, "400", 400), "have not expired, that region_name in its extra"),
        (PermissionError(errno.EACCES, "Permission denied"), "right to write it"),
        (OSError(errno.EROFS, "Read-only file system"), "Check destination"),
        (IsADirectoryError(errno.EISDIR, "Is a directory"), "in the way"),
        (NotADirectoryError(errno.ENOTDIR, "Not a directory"), "in the way"),
        (ImportError("No module named 's3fs'"), "Install the missing library"),
        (TypeError("unexpected keyword argument 'Colour'"), "upload_options"),
    ],
)
def test_permanent_error_names_its_remedy(error: Exception, remedy: str) -> None:
    protocol = "s3" if isinstance(error.__cause__, ClientError) else ""
    said = translated(error, operation="write", uri=URI, protocol=protocol)

    assert not said.is_transient
    assert str(said).startswith(f"Could not write {URI}: ")
    assert remedy in str(said)
    assert str(said).isprintable()


@pytest.mark.parametrize(
    "error",
    [
        s3fs(OSError, "SlowDown", 503),
        s3fs(OSError, "InternalError", 500),
        s3fs(OSError, "503", 503),
        s3fs(TimeoutError, "RequestTimeout", 400),
        s3fs(PermissionError, "RequestTimeTooSkewed", 403),
        s3fs(OSError, "KMS.ThrottlingException", 400),
        HttpResponseError("ServerBusy", 503),
        HttpError(429),
        TimeoutError(),
        ConnectionResetError("reset"),
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EIO, "Input/output error"),
        Exception("something new"),
    ],
)
def test_transient_error_is_retried(error: Exception) -> None:
    said = translated(error, operation="write", uri=URI, protocol="s3")

    assert said.is_transient and not said.is_forbidden
    assert "un the task again" in str(said)


@pytest.mark.parametrize(
    ("error", "is_forbidden"),
    [
        (s3fs(PermissionError, "403", 403), True),
        (HttpError(403), True),
        (PermissionError(), True),
        (s3fs(PermissionError, "InvalidAccessKeyId", 403), False),
        (s3fs(PermissionError, "ExpiredToken", 403), False),
        (s3fs(OSError, "KMS.NotFoundException", 403), False),
        (FileNotFoundError(), False),
    ],
)
def test_missing_permission_differs_from_bad_credentials(error: Exception, is_forbidden: bool) -> None:
    assert translated(error, operation="find", uri=URI).is_forbidden is is_forbidden


def test_message_is_short_printable_and_without_secrets() -> None:
    secret = "https://bucket.s3.amazonaws.com/x?X-Amz-Signature=topsecret&AWSAccessKeyId=AKIA"
    error = OSError(f"bad\x1b[31m\r\nline\ud800 {secret} {'x' * 100_000}")

    with pytest.raises(BulkExportsStorageError) as raised, store_errors("write", f"s3://b/{'y' * 5000}"):
        raise error

    text = str(raised.value)
    assert len(text) <= 2000 and text.isprintable() and "topsecret" not in text
    assert raised.value.__suppress_context__, "the original is not logged with it"


def test_errors_of_this_package_pass_unchanged() -> None:
    with pytest.raises(BulkExportsInputError), store_errors("write", URI):
        raise BulkExportsInputError("as it is")


@pytest.mark.parametrize(
    ("protocol", "extra"), [("s3", "s3"), ("gs", "gcs"), ("gcs", "gcs"), ("abfss", "azure"), ("adl", "azure")]
)
def test_missing_library_is_named_by_its_extra(protocol: str, extra: str) -> None:
    said = translated(ImportError("requires another library"), operation="open", uri="x://bucket", protocol=protocol)

    assert f"Run pip install 'airflow-provider-bulkexports[{extra}]' on the workers" in str(said)
