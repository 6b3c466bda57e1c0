"""The ``bulkexports`` command in a fresh process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["COMMAND", "run_command"]

#: What the console script runs.
COMMAND = [sys.executable, "-c", "import sys; from airflow_provider_bulkexports.cli.main import main; sys.exit(main())"]


def run_command(
    *arguments: str,
    home: Path,
    command: Sequence[str] = COMMAND,
    variables: Mapping[str, str] | None = None,
    encoding: str = "utf-8",
) -> subprocess.CompletedProcess[str]:
    """
    Run the command to its end in an empty home folder.

    :param home: Home and working folder; temporary files go to its folder ``tmp``.
    :param variables: Environment variables to add.
    :param encoding: Of what the command writes.
    """
    (home / "tmp").mkdir(exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    environment = kept | {"HOME": str(home), "TMPDIR": str(home / "tmp"), "COLUMNS": "120"} | dict(variables or {})
    return subprocess.run(
        [*command, *arguments],
        env=environment,
        cwd=home,
        capture_output=True,
        encoding=encoding,
        timeout=290,
        check=False,
    )
