"""
Day files as Parquet: typed columns, nothing lost, memory that does not grow with the file.

A block of lines that fits the schema is read by pyarrow at once. One that does not fit is read line by line by
:mod:`~airflow_provider_bulkexports.tables.records`, with the same values for what fits. What governs memory is the
number of rows in a row group.
"""

from __future__ import annotations

import re
from array import array
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_bulkexports.model.resources import ResourceType
from airflow_provider_bulkexports.tables.column_rules import ColumnRules
from airflow_provider_bulkexports.tables.columns import RESCUED, Column, Kind, columns_of
from airflow_provider_bulkexports.tables.records import Block, RecordReader, blocks
from airflow_provider_bulkexports.tables.statistics import FINAL_STATUSES, FOLD, DayStatistics, SidCounter

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

__all__ = ["arrow_schema", "write_parquet"]

#: Rows of a row group; a reader that filters skips whole groups, and a writer holds one.
ROWS_OF_A_GROUP = 32_768

#: Keys of sids that are compared with a number at once; the result of each such step is as long.
_KEYS_AT_ONCE = 1 << 17

#: Twice as fast as ``bytes.count``.
_BETWEEN_OBJECTS = re.compile(rb"\}\n\{")

#: Ends of what ``datetime`` and other readers take, in microseconds since 1970; the first day of year 1 is left out, as
#: an offset leads there from year 0.
_FIRST_MOMENT, _LAST_MOMENT = -62_135_510_400_000_000, 253_402_300_799_999_999


def arrow_schema(resource_type: ResourceType, rules: ColumnRules | None = None) -> pa.Schema:
    """Schema of a resource type's files: every column that is not dropped, and ``_rescued``."""
    import pyarrow as pa

    types = _arrow_types()
    dropped = rules.drop if rules else ()
    fields = [(column.name, types[column.kind]) for column in columns_of(resource_type) if column.name not in dropped]
    return pa.schema([*fields, (RESCUED, pa.string())])


def write_parquet(source: Path, target: Path, resource_type: ResourceType, rules: ColumnRules) -> DayStatistics:
    """
    Convert a verified day file.

    :param source: Gzip file of JSON lines.
    :param target: Parquet file to write; an incomplete one is left behind if the conversion fails.
    :return: Figures of the day, as :class:`~airflow_provider_bulkexports.tables.statistics.DayStatistics`.
    :raises BulkExportsResponseError: if a line is not JSON, or has a field that fails the day; it names the line.
    """
    import pyarrow.parquet as pq

    columns = columns_of(resource_type)
    conversion = _Conversion(columns, rules, arrow_schema(resource_type, rules))
    kept = [column for column in columns if column.name not in rules.drop]
    few = [column.name for column in kept if column.has_few_values]
    moments = [column.name for column in kept if column.kind is Kind.TIMESTAMP]
    with pq.ParquetWriter(
        target,
        conversion.schema,
        compression="zstd",
        compression_level=1,
        use_dictionary=few,
        write_statistics=[*few, *moments],
        store_decimal_as_integer=True,
    ) as writer:
        groups = _RowGroups(writer)
        for block in blocks(source):
            groups.add(conversion.table_of(block))
        groups.write_rest(conversion.schema)
    conversion.finish()
    return conversion.statistics


class _RowGroups:
    """Joins tables, cuts them into row groups, and keeps nothing of a group that is written."""

    def __init__(self, writer: pq.ParquetWriter) -> None:
        self._writer = writer
        self._waiting: list[pa.Table] = []
        self._rows = 0
        self._is_empty = True

    def add(self, table: pa.Table) -> None:
        """Add rows; write a group if there are enough."""
        self._waiting.append(table)
        self._rows += table.num_rows
        while self._rows >= ROWS_OF_A_GROUP:
            self._write(ROWS_OF_A_GROUP)

    def write_rest(self, schema: pa.Schema) -> None:
        """Write the last group, which may be smaller; a file without rows has one without rows."""
        self._waiting = self._waiting or [schema.empty_table()]
        if self._rows or self._is_empty:
            self._write(self._rows)

    def _write(self, rows: int) -> None:
        import pyarrow as pa

        joined = pa.concat_tables(self._waiting)
        self._waiting, self._rows, self._is_empty = [joined.slice(rows)], self._rows - rows, False
        self._writer.write_table(joined.slice(0, rows), row_group_size=ROWS_OF_A_GROUP)
        del joined
        pa.default_memory_pool().release_unused()


class _Conversion:
    """One file on its way from lines to tables, and what is learned from it."""

    def __init__(self, columns: tuple[Column, ...], rules: ColumnRules, schema: pa.Schema) -> None:
        import pyarrow as pa
        import pyarrow.json as pj

        types = _arrow_types()
        self.schema = schema
        self.statistics = DayStatistics.of_columns(columns)
        self._whole_schema = whole = pa.schema([(column.name, types[column.kind]) for column in columns])
        # pyarrow's JSON reader takes decimals of more digits than fit; its cast from text does not.
        as_text = [pa.field(field.name, pa.string()) if pa.types.is_decimal(field.type) else field for field in whole]
        self._parse = pj.ParseOptions(explicit_schema=pa.schema(as_text), unexpected_field_behavior="error")
        self._reader = RecordReader(columns, rules)
        self._rules = rules
        self._lines = 0
        self._sids = SidCounter() if "sid" in whole.names else None

    def table_of(self, block: Block) -> pa.Table:
        """Convert one block."""
        import pyarrow as pa

        table, rescued, odd_prices = self._read_at_once(block), None, None
        if table is None:
            table, rescued, odd_prices = self._read_by_line(block)
        else:
            self._lines += table.num_rows
        self.statistics.records += table.num_rows
        self._learn(table, odd_prices)
        for name in self._rules.hashed:
            place = table.schema.get_field_index(name)
            table = table.set_column(place, name, self._hashed(table.column(name)))
        table = table.drop_columns([name for name in self._whole_schema.names if name in self._rules.drop])
        return table.append_column(RESCUED, pa.nulls(table.num_rows, pa.string()) if rescued is None else rescued)

    def finish(self) -> None:
        """Complete the figures."""
        if self._sids:
            self.statistics.duplicate_sids = _duplicates(self._sids)

    def _read_at_once(self, block: Block) -> pa.Table | None:
        """Read lines by pyarrow; ``None`` unless each of them is one object that fits the schema."""
        import pyarrow as pa
        import pyarrow.json as pj

        # pyarrow takes several objects on a line, and text that is not UTF-8; a line of ``null`` ends the process.
        objects = _objects_in(block)
        if not objects:
            return None
        try:
            table = pj.read_json(
                pa.BufferReader(pa.py_buffer(memoryview(block.memory)[: block.size])),
                read_options=pj.ReadOptions(use_threads=False, block_size=block.size + 1),
                parse_options=self._parse,
            )
            table.validate(full=True)  # text has to be UTF-8
            if _has_exponents(table):
                return None
            table = table.cast(self._whole_schema)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            return None
        return table if table.num_rows == objects and _moments_fit(table) else None

    def _read_by_line(self, block: Block) -> tuple[pa.Table, pa.Array, pa.Array]:
        """
        Read lines one by one.

        :return: The table, the column of what is rescued, and whether each record has a price that does not fit.
        """
        import pyarrow as pa

        records = []
        for line in block.lines:
            self._lines += 1
            if line.strip(b" \t\r"):
                records.append(self._reader.read(line, self._lines))
            else:
                self.statistics.blank_lines += bool(line)
        arrays = [
            pa.array([record.values.get(field.name) for record in records], type=field.type)
            for field in self._whole_schema
        ]
        rescued = pa.array([record.rescued for record in records], type=pa.string())
        self.statistics.rescued += len(rescued) - rescued.null_count
        odd_prices = pa.array([record.has_odd_price for record in records], type=pa.bool_())
        return pa.Table.from_arrays(arrays, schema=self._whole_schema), rescued, odd_prices

    def _hashed(self, values: Any) -> Any:
        """Hash every different value once."""
        import pyarrow as pa

        chunks = []
        for chunk in values.chunks:
            encoded = chunk.dictionary_encode()
            hashes = pa.array([self._rules.hash(value) for value in encoded.dictionary.to_pylist()], type=pa.string())
            chunks.append(hashes.take(encoded.indices))
        return pa.chunked_array(chunks, type=pa.string())

    def _learn(self, table: pa.Table, odd_prices: pa.Array | None) -> None:
        """Add a table's sids and prices to the figures."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if self._sids:
            self._count_sids(table.column("sid"))
        if self.statistics.has_prices:
            prices = table.column("price")
            is_missing = prices.is_null() if odd_prices is None else pc.and_not(prices.is_null(), odd_prices)
            is_due = pc.and_(
                pc.is_in(table.column("status"), value_set=pa.array(FINAL_STATUSES)),
                pc.starts_with(table.column("direction"), "outbound"),
            )
            self.statistics.add_prices(
                due=pc.sum(is_due).as_py() or 0,
                missing=pc.sum(pc.and_(is_due, is_missing)).as_py() or 0,
                total=pc.sum(prices).as_py() or Decimal(0),
            )

    def _count_sids(self, sids: Any) -> None:
        import pyarrow.compute as pc

        assert self._sids is not None
        present = sids.drop_null()
        digits = pc.utf8_slice_codeunits(present, 2)
        if all(length == 32 for length in pc.unique(pc.binary_length(digits)).to_pylist()):
            with suppress(ValueError):  # other than hexadecimal
                text = b"".join(chunk.buffers()[2] for chunk in digits.chunks if len(chunk))
                halves = array("Q", bytes.fromhex(text.decode()))
                keys = pc.add(_uint64s(halves[::2]), pc.multiply(_uint64s(halves[1::2]), _uint64(FOLD)))
                self._sids.keys.frombytes(memoryview(keys.buffers()[1])[: 8 * len(keys)])
                return
        self._sids.add(present.to_pylist())


def _duplicates(sids: SidCounter) -> int:
    """The same as :meth:`SidCounter.duplicates` in a quarter of the time, a sixteenth of the keys at once."""
    import pyarrow as pa
    import pyarrow.compute as pc

    keys = _uint64s(sids.keys)
    pieces = [keys.slice(begin, _KEYS_AT_ONCE) for begin in range(0, len(keys) or 1, _KEYS_AT_ONCE)]
    duplicates = 0
    for part in range(16):
        in_part = (pc.equal(pc.shift_right(piece, _uint64(60)), _uint64(part)) for piece in pieces)
        some = pa.concat_arrays([piece.filter(mask) for piece, mask in zip(pieces, in_part, strict=True)])
        ordered = some.take(pc.array_sort_indices(some))
        duplicates += pc.sum(pc.equal(ordered.slice(1), ordered.slice(0, max(0, len(ordered) - 1)))).as_py() or 0
    return duplicates


def _uint64s(values: array[int]) -> pa.Array:
    import pyarrow as pa

    return pa.Array.from_buffers(pa.uint64(), len(values), [None, pa.py_buffer(values)])


def _uint64(value: int) -> pa.Scalar:
    import pyarrow as pa

    return pa.scalar(value, pa.uint64())


def _arrow_types() -> dict[Kind, pa.DataType]:
    import pyarrow as pa

    return {
        Kind.STRING: pa.string(),
        Kind.TIMESTAMP: pa.timestamp("us", "UTC"),
        Kind.DECIMAL: pa.decimal128(18, 8),
        Kind.INT32: pa.int32(),
        Kind.INT64: pa.int64(),
        Kind.BOOL: pa.bool_(),
    }


def _objects_in(block: Block) -> int:
    """Number of lines that end as an object before a line that begins as one; 0 if the ends are not so."""
    memory, size = block
    if not (memory.startswith(b"{") and memory.endswith(b"}\n", 0, size)):
        return 0
    return len(_BETWEEN_OBJECTS.findall(memory, 0, size)) + 1


def _has_exponents(table: pa.Table) -> bool:
    """Whether a price is written with an exponent; pyarrow takes ``1e-50`` for 0."""
    import pyarrow.compute as pc

    if "price" not in table.schema.names:
        return False
    prices = table.column("price")
    return any(pc.any(pc.match_substring(prices, letter)).as_py() for letter in "eE")


def _moments_fit(table: pa.Table) -> bool:
    """Whether all moments are in the years 1 to 9999; pyarrow takes year 0, which other readers refuse."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for field in table.schema:
        if pa.types.is_timestamp(field.type):
            ends = pc.min_max(table.column(field.name).cast(pa.int64())).as_py().values()
            if any(end is not None and not _FIRST_MOMENT <= end <= _LAST_MOMENT for end in ends):
                return False
    return True
