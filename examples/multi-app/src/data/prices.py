"""Prices, as the scheduler stored them."""

PRICES = {"PTT": 33.25, "KBANK": 142.5}


def latest(ticker):
    """The newest price of a ticker."""
    return PRICES[ticker]


def tickers():
    """All tickers there are prices of."""
    return sorted(PRICES)
