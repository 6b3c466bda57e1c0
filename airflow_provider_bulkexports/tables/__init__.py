"""
Day files as tables: typed columns, personal data, Parquet.

``columns.py`` lists the columns of each resource type, ``column_rules.py`` says which of them are dropped or hashed,
``records.py`` reads a file line by line, ``parquet.py`` and ``json_lines.py`` write what is published, chosen by
``conversion.py``. ``definitions.py`` writes the SQL that makes the files a table.
"""
