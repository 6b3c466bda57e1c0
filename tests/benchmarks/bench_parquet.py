"""
One day file to Parquet: this package next to DuckDB, polars and pyarrow, in the same run.

    uv run --group bench python tests/benchmarks/bench_parquet.py --mebibytes 1024 --rounds 3

Each way runs in a process of its own, in turns; of each the round with the least CPU time counts. Prints CPU time
relative to DuckDB's strict read, peak memory, and the size of the result relative to the gzip file, and draws them into
``bench_parquet.png`` beside this file. The others lose what this package keeps: see ``docs/tables.md``.
"""

from __future__ import annotations

import argparse
import gzip
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

from airflow_provider_bulkexports.model.resources import ResourceType
from airflow_provider_bulkexports.simulator.service.records import day_records

MESSAGES = ResourceType.MESSAGES


def make(file: Path, mebibytes: int) -> int:
    """Write messages whose sids and numbers all differ, up to a size of text; return their number."""
    count = 0
    with gzip.open(file, "wt", compresslevel=6) as output:
        written = 0
        while written < mebibytes << 20:
            for record in day_records(count, "AC" + "0" * 32, MESSAGES, date(2026, 1, 1), 20_000):
                line = json.dumps(record) + "\n"
                written += output.write(line)
                count += 1
                if written >= mebibytes << 20:
                    break
    return count


def ours(source: Path, target: Path) -> None:
    from airflow_provider_bulkexports.tables.column_rules import ColumnRules
    from airflow_provider_bulkexports.tables.parquet import write_parquet

    write_parquet(source, target, MESSAGES, ColumnRules())


def duckdb(source: Path, target: Path) -> None:
    """A strict read: a field without a column is lost, and one bad value fails the file."""
    import duckdb

    from airflow_provider_bulkexports.tables.columns import Kind, columns_of

    types = {
        Kind.STRING: "varchar",
        Kind.TIMESTAMP: "timestamptz",
        Kind.DECIMAL: "decimal(18,8)",
        Kind.INT32: "int",
        Kind.INT64: "bigint",
        Kind.BOOL: "bool",
    }
    columns = ", ".join(f"'{column.name}': '{types[column.kind]}'" for column in columns_of(MESSAGES))
    database = duckdb.connect()
    database.execute("SET enable_progress_bar = false")
    database.execute(
        f"COPY (SELECT * FROM read_json('{source}', format = 'newline_delimited', columns = {{{columns}}})) "
        f"TO '{target}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 3)"
    )


def polars(source: Path, target: Path) -> None:
    import polars

    with gzip.open(source) as text:
        frame = polars.scan_ndjson(text.read(), infer_schema_length=1000)
    frame.sink_parquet(target, compression="zstd", compression_level=3)


def pyarrow(source: Path, target: Path) -> None:
    import pyarrow as pa
    import pyarrow.json as pj
    import pyarrow.parquet as pq

    with pa.input_stream(source, compression="gzip") as text:
        reader = pj.open_json(text, read_options=pj.ReadOptions(block_size=4 << 20))
        with pq.ParquetWriter(target, reader.schema, compression="zstd", compression_level=3) as writer:
            for batch in reader:
                writer.write_batch(batch)


WAYS: dict[str, Callable[[Path, Path], None]] = {
    "this package": ours,
    "DuckDB": duckdb,
    "polars": polars,
    "pyarrow": pyarrow,
}


def run(way: str, source: Path, target: Path) -> dict[str, float]:
    """Convert in a process of its own; return CPU seconds, peak mebibytes, and size relative to the source."""
    command = [sys.executable, __file__, "--one", way, str(source), str(target)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    figures: dict[str, float] = json.loads(done.stdout)
    return {**figures, "size": target.stat().st_size / source.stat().st_size}


def run_here(way: str, source: Path, target: Path) -> None:
    WAYS[way](source, target)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"cpu": time.process_time(), "peak": peak}))


def draw(results: dict[str, dict[str, float]], file: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    titles = {"ratio": "CPU time, DuckDB = 1", "peak": "peak memory, MiB", "size": "size, gzip file = 1"}
    figure, axes = pyplot.subplots(1, len(titles), figsize=(11, 3.2), layout="constrained")
    for axis, (key, title) in zip(axes, titles.items(), strict=True):
        bars = axis.bar(list(results), [result[key] for result in results.values()], color="#4c72b0")
        axis.bar_label(bars, fmt="%.2f" if key != "peak" else "%.0f")
        axis.set_title(title)
        axis.tick_params(axis="x", labelrotation=20)
    figure.savefig(file, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[1])
    parser.add_argument("--mebibytes", type=int, default=1024, help="of text in the day file")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", nargs=3, metavar=("WAY", "SOURCE", "TARGET"), help=argparse.SUPPRESS)
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".png"))
    arguments = parser.parse_args()
    if arguments.one:
        way, source, target = arguments.one
        run_here(way, Path(source), Path(target))
        return
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "day.json.gz"), Path(folder, "day.parquet")
        records = make(source, arguments.mebibytes)
        print(f"{records} messages, {arguments.mebibytes} MiB of text, {source.stat().st_size >> 20} MiB of gzip")
        rounds = [{way: run(way, source, target) for way in WAYS} for _ in range(arguments.rounds)]
    results = {way: min((one[way] for one in rounds), key=lambda figures: figures["cpu"]) for way in WAYS}
    for figures in results.values():
        figures["ratio"] = figures["cpu"] / results["DuckDB"]["cpu"]
    print("| way | CPU time, DuckDB = 1 | peak memory | size, gzip file = 1 |\n|---|---|---|---|")
    for way, figures in results.items():
        print(f"| {way} | {figures['ratio']:.2f} | {figures['peak']:.0f} MiB | {figures['size']:.2f} |")
    draw(results, arguments.output)


if __name__ == "__main__":
    main()
