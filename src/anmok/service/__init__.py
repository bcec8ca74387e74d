"""The web service: drop in a photo, learn what it is and all that is known about it. A Django project.

Rooms inside: ``folder`` (what lies on disk), ``settings``, ``answering`` (the bundle in this process), ``cards`` (what
is known of each class), ``uploads`` (photos that are kept, and who says so), ``identify`` (the pages), ``backup`` (the
whole service in one file), ``serve``, ``worker`` and ``connections`` (gunicorn's processes, waitress's HTTP). It
imports ``inference``, ``images``, ``records``, ``errors``: never training.
"""
