"""Settings of the simulated service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal, NamedTuple

__all__ = ["Knobs", "Rejection"]


class Rejection(NamedTuple):
    """
    How a request is rejected.

    :param status: HTTP status of the response.
    :param code: Twilio's error code.
    """

    status: int
    code: int


_INVALID = Rejection(400, 20001)


@dataclass(slots=True)
class Knobs:
    """
    Settings of the simulated service, one for every behaviour that Twilio leaves undocumented.

    The defaults are what Twilio documents, or what was observed most. Change knobs at any time; a job keeps the life
    cycle that it was created with.
    """

    # Credentials
    #: Accept the simulator's ``bearer_token`` besides Basic authentication.
    accept_bearer: bool = False
    #: Reject API keys and bearer tokens with this status (401 or 403) and code 70051, permission missing;
    #: ``None``: accept them.
    key_denied_status: int | None = None

    # Submission
    #: Reject an ``EndDay`` later than two days before the current UTC day.
    check_end_day: bool = True
    #: Rejection of a submission without ``StartDay``, ``EndDay`` or ``FriendlyName``.
    missing_parameter: Rejection = _INVALID
    #: Rejection of a day, webhook or setting that has no valid value.
    invalid_parameter: Rejection = _INVALID
    #: Rejection of an ``EndDay`` that is too recent, see ``check_end_day``.
    end_day_too_recent: Rejection = _INVALID
    #: Rejection of a ``StartDay`` after ``EndDay``.
    days_out_of_order: Rejection = _INVALID
    #: Rejection of a ``WebhookUrl`` without ``WebhookMethod``, or the reverse.
    half_webhook_pair: Rejection = _INVALID
    #: Rejection of a submission that exceeds the quota.
    quota_exceeded: Rejection = _INVALID
    #: Create the job, then close the connection without a response.
    drop_create_answer: bool = False

    # Quota
    #: Days that a parent account and its subaccounts may request per UTC day.
    quota_days: int = 366
    #: Count each resource type separately.
    quota_per_type: bool = False
    #: Refund the days that a deleted job did not export, to the UTC day of its submission.
    quota_refund: bool = False

    # Life cycle
    #: How many times as fast jobs run: divides every duration of their life cycle. Days, links, quota and estimates
    #: follow the clock. Above 0.
    job_speed: float = 1.0
    #: Simulated seconds from the submission until the first day runs.
    queue_seconds: float = 15.0
    #: Average simulated seconds that a day runs; each takes between half and one and a half of it.
    seconds_per_day_run: float = 45.0
    #: Days of a job that run at the same time.
    parallel_days: int = 4
    #: Jobs that run at the same time; ``None``: no limit.
    parallel_jobs: int | None = None
    #: Simulated seconds between ``ErrorDuringRun`` and the next attempt.
    error_pause_seconds: float = 30.0
    #: Share of days (0 to 1) that go through ``ErrorDuringRun`` once.
    error_rate: float = 0.0
    #: Share of days (0 to 1) that end ``Failed``.
    failed_rate: float = 0.0
    #: Share of days (0 to 1) without records.
    empty_rate: float = 0.0
    #: Simulated seconds that a running day stays ``RunningToBeDeleted`` after its job was deleted.
    stop_seconds: float = 20.0

    # Jobs in responses
    #: ``details`` in the response to a submission; ``filled``: as in later responses.
    details_on_create: Literal["null", "{}", "[{}]", "[]", "filled"] = "null"
    #: Simulated seconds after the submission during which fetch and list still show ``details_on_create``.
    details_delay_seconds: float = 0.0
    #: Show ``"days": null`` in every group, so only counts.
    details_days_null: bool = False
    #: Show a list of groups, or an object of groups by status; the documentation allows both.
    details_shape: Literal["list", "by_status"] = "list"
    #: Spelling of statuses: ``UPPER_SNAKE`` is ``COMPLETED_EMPTY_RECORDS``, ``UPPER`` the same without underscores.
    details_spelling: Literal["Pascal", "UPPER", "UPPER_SNAKE", "lower"] = "Pascal"
    #: Words to show instead of statuses, for example ``{"Running": "Archiving"}``.
    details_words: Mapping[str, str] = field(default_factory=dict)
    #: Number of days to leave out of ``details``, from the end of the range.
    details_missing_days: int = 0
    #: Show ``count`` as a string.
    details_count_as_text: bool = False
    #: Show ``"resource_type": null`` in jobs and in the Days list.
    resource_type_null: bool = False
    #: Show queue position and estimated completion time.
    position_and_eta: Literal["filled", "null", "absent"] = "filled"
    #: Fraction digits of ``estimated_completion_time``: 0, 3, 6 or 9.
    eta_digits: int = 6
    #: Error of an unfinished job's estimate, in simulated seconds.
    eta_error_seconds: float = 0.0
    #: Simulated seconds from the submission until the job is in the list.
    list_delay_seconds: float = 0.0
    #: List the newest job first.
    newest_job_first: bool = False
    #: Days for which a finished job stays listed.
    job_retention_days: float = 7.0
    #: ``listed``: a deleted job stays as long as a finished one, its days deleted; ``gone``: it is unknown at once.
    deleted_job: Literal["listed", "gone"] = "listed"
    #: Response to deleting a finished job; after 204 the job is gone. Its files stay in any case.
    delete_finished_status: Literal[204, 404, 409] = 204

    # Lists
    #: Lower a ``PageSize`` above the maximum, or reject it with 400.
    page_size_above_maximum: Literal["clamp", "reject"] = "clamp"
    #: Leave days without records out of the Days list.
    hide_empty_days: bool = False
    #: Show sizes in the Days list.
    listed_size: Literal["filled", "null", "absent"] = "filled"

    # Day files
    #: Records of a day, unless ``state.set_record_count`` set another number.
    records_per_day: int = 50
    #: Least size of a file in (compressed) bytes, reached by repeating a block of records; ``None``:
    #: ``records_per_day`` decides.
    bytes_per_day: int | None = None
    #: Days (24 hours) after the end of a day from which on its files have all prices: Twilio fills them in late. Files
    #: made earlier lack those of ``late_price_rate`` of their records. ``None``: a few records never get one.
    price_delay_days: float | None = None
    #: Share of records (0 to 1) without a price in files that are made before ``price_delay_days``.
    late_price_rate: float = 0.5
    #: File of a day without records: a gzip file of nothing, zero bytes, or none (404, not listed).
    empty_day_file: Literal["gzip", "zero_bytes", "absent"] = "gzip"
    #: Make a job's files available when the whole job is finished, not day by day.
    files_wait_for_job: bool = False
    #: File that a link leads to if several jobs exported the day; the Days list has all of them.
    day_fetch_generation: Literal["newest", "oldest"] = "newest"
    #: Number of fetches of each file that get 404 although its day is done.
    day_fetch_misses: int = 0
    #: Days from a file's creation until it is removed.
    file_retention_days: float = 7.0
    #: Simulated seconds after midnight UTC at which automatic daily export makes the previous day's file.
    daily_export_seconds: float = 900.0
    #: Rejection of a request that sets ``Enabled``, as for an account without Twilio Editions; ``None``: accept it.
    daily_export_refused: Rejection | None = None
    #: Show unset webhook values of the configuration as null. The default is an empty string, as in the example of the
    #: OpenAPI document, although its schema wants a URI or null.
    configuration_null: bool = False
    #: Status of the response with the link.
    day_fetch_status: Literal[200, 302, 307] = 307
    #: Send the link in a ``Location`` header.
    day_fetch_location: bool = True
    #: JSON body of that response: the link, ``"redirect_to": null``, or none.
    day_fetch_body: Literal["link", "null", "absent"] = "link"

    # Storage
    #: Simulated seconds for which a link is valid.
    link_seconds: int = 240
    #: Accept a link more than once.
    link_reusable: bool = False
    #: Serve only this many bytes of each file, with a ``Content-Length`` to match; ``None``: all.
    storage_truncate_at: int | None = None
    #: Bytes added to each ``Content-Length``. Above zero the body ends early; below zero it is cut.
    storage_length_error: int = 0

    # Webhooks
    #: Send a webhook for each day that is done.
    webhook_per_day: bool = True
    #: Send a webhook for each job that is done.
    webhook_per_job: bool = True
    #: How many times each webhook is sent; 0: never.
    webhook_copies: int = 1
    #: Send a job's webhook when it starts to run, long before it is done.
    webhook_early: bool = False

    # HTTP
    #: Send ``Twilio-Request-Id``, ``Twilio-Request-Duration`` and ``Twilio-Concurrent-Requests``.
    twilio_headers: bool = True
    #: Concurrent requests of an account; further ones get 429. ``None``: no limit.
    concurrency_limit: int | None = None
    #: Real seconds by which each API response is delayed.
    latency_seconds: float = 0.0

    def job_time(self, seconds: float) -> timedelta:
        """Return how long a part of a job's life cycle takes at ``job_speed``."""
        return timedelta(seconds=seconds / self.job_speed)
