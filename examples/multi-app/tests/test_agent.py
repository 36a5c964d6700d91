"""The words of a report."""

from src.agent import report


def test_a_report_is_one_line():
    assert report("PTT") == "PTT: 33.25"
