#!/usr/bin/env python3
"""Run the test modules beside this file and end with a line: N passed, N failed, N skipped.

    suite.py [MODULE...]        all test_*.py when none is named
"""
import glob
import importlib
import os
import sys
import unittest


class Result(unittest.TextTestResult):
    """Counts every test once, however many of its sub-tests failed."""

    def startTestRun(self):
        super().startTestRun()
        self.bad = set()

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.bad.add(test.id())

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.bad.add(test.id())

    def addError(self, test, err):
        super().addError(test, err)
        self.bad.add(test.id())


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path.insert(0, here)
    importlib.import_module("service")  # quietens the SDK, so it comes before all others
    names = sys.argv[1:] or sorted(os.path.basename(path)[:-3]
                                   for path in glob.glob(os.path.join(here, "test_*.py")))
    tests = unittest.defaultTestLoader.loadTestsFromNames(names)
    if tests.countTestCases() == 0:
        sys.exit("no tests")
    result = unittest.TextTestRunner(sys.stdout, verbosity=2, resultclass=Result).run(tests)
    failed = len(result.bad)
    skipped = len(result.skipped)
    # setUpClass that failed counts as one, though its tests were not run.
    passed = max(result.testsRun - failed - skipped, 0)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(1 if failed else 0)


main()
