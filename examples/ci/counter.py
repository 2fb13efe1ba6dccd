"""Counts: `POST /` adds one, `GET /` says how many."""

import os
from http.server import BaseHTTPRequestHandler, HTTPServer


class Handler(BaseHTTPRequestHandler):
    """Answers `/` and `/health`."""

    count = 0

    def do_GET(self):
        self.answer("ok" if self.path == "/health" else str(Handler.count))

    def do_POST(self):
        Handler.count += 1
        self.answer(str(Handler.count))

    def answer(self, body):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body.encode())


def main():
    port = int(os.environ["PORT"])
    with open(os.environ["PORT_FILE"], "w", encoding="utf-8") as file:
        file.write(f"{port}\n")
    HTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    main()
