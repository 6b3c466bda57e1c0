"""
Store day files in a local folder or an object store.

* ``day_store`` stores many days: it compares what exists, fetches, publishes and writes manifests.
* ``day_source`` is where files come from: ``day_fetcher`` downloads a day from Twilio, or says why it has no file;
  ``stored_days`` reads what is stored in a destination already.
* ``destination`` reads and writes files in the store; ``destination_url`` checks its address, ``schemes`` what is
  installed for it, ``upload_options`` what an upload may be given.
* ``layout`` makes the path of a day's file and of its manifest; ``manifest`` is what a manifest contains.
* ``changes`` compares a new file with the one that it replaced; ``refresh`` finds the days whose prices were late.
* ``existing_files`` decides whose file exists at a path, and whether it is up to date.
* ``errors`` turns a store's errors into one sentence; ``abandoned_uploads`` removes what killed uploads left in S3.
"""
