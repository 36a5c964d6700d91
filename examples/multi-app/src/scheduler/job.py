"""The scheduler: reads the prices of all tickers once a day."""

from src.api.handler import answer
from src.data.prices import latest, tickers


def handler(event, context):
    """Started by a schedule; GET /health is the deployment's."""
    if event.get("rawPath") == "/health":
        return answer(200, {"status": "ok"})
    return {ticker: latest(ticker) for ticker in tickers()}
