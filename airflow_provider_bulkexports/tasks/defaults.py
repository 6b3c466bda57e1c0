"""Defaults of the arguments that tasks share; Airflow's configuration sets some of them."""

from __future__ import annotations

from airflow_provider_bulkexports.compat import conf
from airflow_provider_bulkexports.planning import pacing
from airflow_provider_bulkexports.provider_info import DEFAULT_CONN_ID

__all__ = ["DEFAULT_CONN_ID", "DEFERRABLE", "MAX_POLL_INTERVAL", "POLL_INTERVAL", "TIMEOUT"]

#: Whether tasks wait in the triggerer.
DEFERRABLE = conf.getboolean("operators", "default_deferrable", fallback=False)

#: Seconds between polls.
POLL_INTERVAL = conf.getfloat("bulkexports", "poll_interval", fallback=60.0)

#: Longest pause in seconds between polls, when Twilio estimates a later completion.
MAX_POLL_INTERVAL = conf.getfloat("bulkexports", "max_poll_interval", fallback=pacing.MAX_POLL_INTERVAL)

#: Seconds to wait for exports.
TIMEOUT = 24 * 3600
