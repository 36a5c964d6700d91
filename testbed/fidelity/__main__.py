"""Starts the local AWS on a free port of 127.0.0.1 and ends when its standard input closes.

    python -m fidelity            from the directory above this one

One line is written to standard output once requests are answered: `{"ready": true, "port": 40123, ...}`.
"""

from . import server

server.main()
