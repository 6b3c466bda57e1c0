"""
Waiting for jobs, compared with other ways: the trigger of ``ExportCustomJobSensor`` beside what else one could run.

    uv run --group bench python tests/benchmarks/bench_waiting.py

``--help`` lists the options; ``--waits 1 10 100 --seconds 10 --parse-rounds 0`` is quick. What it writes goes
beside the code in ``waiting/``, or to ``--output``.
"""

from __future__ import annotations

from waiting.driver import main

if __name__ == "__main__":
    main()
