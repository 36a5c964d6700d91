"""The mcp of the document platform: GET /health says which commit runs, everything else answers its tools."""

import json
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        health = {"status": "ok", "commit": os.environ["REVISION"]}
        content = json.dumps(health if self.path == "/health" else {"tools": []}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


if __name__ == "__main__":
    # ECS stops a task by SIGTERM; a process that ignores it is killed after 30 seconds.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    ThreadingHTTPServer(("", int(os.environ.get("PORT", "8080"))), Answer).serve_forever()
