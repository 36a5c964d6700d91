"""CloudFront as it is seen from outside: caches at the edge, changes that take time to reach it, and functions in
front.

    address.py       how a viewer's request names a distribution, and whose it is
    viewer.py        what happens to it between MiniStack's data plane and the origin
    cache.py         what the edge keeps, and how it answers from it
    lifetimes.py     how long that is good
    progress.py      distributions, invalidations and key value stores that are not everywhere yet
    functions.py     what a function does
    stand.py         a bucket and a distribution in front of it, in one call
    control.py       what a test says

The edge is one cache for each distribution, where AWS has hundreds. What takes time is on the account's clock
(`watch.reached`): a test moves it, or changes a delay, which then holds for what is under way too.
"""
