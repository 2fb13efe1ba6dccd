"""The job's tests: they talk to the service that `tspm up` has started."""

import unittest
import urllib.request


def ask(method):
    with open("port", encoding="utf-8") as file:
        url = f"http://127.0.0.1:{file.read().strip()}/"
    with urllib.request.urlopen(urllib.request.Request(url, method=method)) as answer:
        return int(answer.read())


class Counter(unittest.TestCase):
    def test_a_post_adds_one(self):
        before = ask("GET")
        self.assertEqual(ask("POST"), before + 1)
        self.assertEqual(ask("GET"), before + 1)


if __name__ == "__main__":
    unittest.main()
