"""What both chat apps say: one line of a report."""

from src.data.prices import latest


def report(ticker):
    """The newest price of a ticker, in words."""
    return f"{ticker}: {latest(ticker):.2f}"
