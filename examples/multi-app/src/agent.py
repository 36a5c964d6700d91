"""What both chat apps say: one line of a report."""

from src.data.prices import latest
from src.workflow.line import line


def report(ticker):
    """The newest price of a ticker, in words."""
    return line(ticker, latest(ticker))
