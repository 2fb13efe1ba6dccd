"""Prices, as JSON over HTTP."""

import argparse
import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PRICES = {"tea": 4.5, "coffee": 7.9, "cocoa": 5.2}


class Handler(BaseHTTPRequestHandler):
    """Answers `/health` and `/prices`."""

    def do_GET(self):
        if self.path == "/health":
            self.answer(200, "ok\n")
        elif self.path == "/prices":
            currency = os.environ["CURRENCY"]
            prices = {name: f"{price:.2f} {currency}" for name, price in PRICES.items()}
            self.answer(200, json.dumps(prices))
        else:
            self.answer(404, "not here\n")

    def answer(self, status, body):
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *args):
        """Says nothing: a probe asks every ten seconds."""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    print(f"prices on port {port}")
    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    main()
