"""A load balancer answers who knows its name, whoever asks.

MiniStack looks for it among those of the account that signed the request, and requests of browsers are not signed.
"""

from ministack.core.responses import set_request_account_id, set_request_region
from ministack.services import alb

from ..wrapping import around

AWS = "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html"
ROWS = ["elb: a load balancer answers requests that are not signed"]


def install():
    @around(alb, "find_lb_for_host", "(host)", "e690f2a714af")
    def by_host(inner, host):
        return inner(host) or _elsewhere(lambda: inner(host))

    @around(alb, "_find_lb_by_name", "(name)", "ae3ff5367653")
    def by_name(inner, name):
        return inner(name) or _elsewhere(lambda: inner(name))


def _elsewhere(look):
    """Looks in all accounts and regions, and stays where it is found: what follows is answered there."""
    from ministack.core.responses import get_account_id, get_region

    here = get_account_id(), get_region()
    for account, region in {key[:2] for key in list(alb._lbs._data)}:
        set_request_account_id(account)
        set_request_region(region)
        found = look()
        if found:
            return found
    set_request_account_id(here[0])
    set_request_region(here[1])
    return None
