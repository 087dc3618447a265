"""Asks the desk of the interop suite for clients, a signed-in person and lies."""

import json
import logging
import os
import unittest
import urllib.error
import urllib.request

DESK = os.environ["AYB_INTEROP_DESK"]


def ask(what, **words):
    """What the desk answers; an AssertionError with its reason if it cannot."""
    request = urllib.request.Request(f"{DESK}/{what}", json.dumps(words).encode())
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise AssertionError(error.read().decode()) from error


# The asyncio test case runs its loop in debug mode, which remarks on every slow step.
logging.getLogger("asyncio").setLevel(logging.ERROR)

ISSUERS = ask("issuers")


class Lines(unittest.TextTestResult):
    """Prints `test <name> ... ok` or `FAILED`, one line for each test."""

    def startTest(self, test):
        unittest.TestResult.startTest(self, test)

    def stopTest(self, test):
        super().stopTest(test)
        bad = [case for case, _ in self.failures + self.errors]
        name = test.id().split(".")[-1]
        failed = any(case is test or getattr(case, "test_case", None) is test for case in bad)
        print(f"test {name} ... {'FAILED' if failed else 'ok'}", flush=True)


def main():
    """Runs the tests of the calling file."""
    unittest.main(testRunner=unittest.TextTestRunner(resultclass=Lines, verbosity=0))
