"""A run of the whole suite that skips anything has failed: what is not run proves nothing."""

from __future__ import annotations

import pytest

NOT_RUN = ("skipped", "xfailed", "deselected")


def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    not_run = [kind for kind in NOT_RUN if reporter and reporter.stats.get(kind)]
    if not_run and session.config.option.keyword == "" and session.config.args_source.name == "TESTPATHS":
        reporter.write_line(f"\nnothing may be skipped: {', '.join(not_run)}", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
