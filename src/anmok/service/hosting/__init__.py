"""The models in a process of the web service: opened once, asked by all threads, exchanged while they answer.

Files, in the order of the way of a photo: ``admission`` (how many photos may wait), ``host`` (which bundle is meant),
``hosted`` (one bundle that answers), ``batching`` (photos of several requests together). Beside it: ``choices`` (what
the command line names), ``store`` (bundles in the service's folder), ``watching`` (exchange), ``metrics``, ``probes``
and ``middleware`` (what is counted and told).
"""
