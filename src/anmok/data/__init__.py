"""Pictures come in here: sources, readers, the manifest, splits, the built-in sample.

In the order of their way: ``sources`` (what a name stands for: ``folders``, ``archives``, ``tables``; ``catalog`` for
data sets with a name), ``readers`` (which label and split a file has), ``scan`` (read, hash, decode, measure, a handful
at a time: ``measuring``, ``measures``, remembered by ``scancache``), ``manifest`` (the table that results), ``thumbs``
(small pictures, which the scan kept), ``leaks`` (what must not be),
``split`` (train, valid, test, chosen by ``cut``). ``names`` says how paths are spelled.
"""
