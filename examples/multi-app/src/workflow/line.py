"""How a report is put into words."""


def line(ticker, price):
    """One line of a report."""
    return f"{ticker}: {price:.2f}"
