"""A PostgreSQL of one's own, for as long as standard input is open. Prints its port.

    python3 serve.py <folder of PostgreSQL's programs> [<certificate> <key>]
"""

import sys
import tempfile

from database import Database

with tempfile.TemporaryDirectory() as folder, Database(sys.argv[1], folder, sys.argv[2:4]) as postgres:
    print(postgres.port, flush=True)
    sys.stdin.read()
