"""Blue/green, canary and linear deployments: all new tasks first, then their traffic, in one step or several.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-blue-green.html
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/canary-deployment.html
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-linear.html
"""

from . import guards, hooks, listeners, scripts
from .clock import Wait


def deploy(world, service, deployment):
    target, source = deployment.target, _source(deployment)
    target.group = _other_group(target, source)
    _balance(service, deployment, production=0.0, test=0.0)
    stage = lambda name: _stage(world, service, deployment, name)
    yield from stage("RECONCILE_SERVICE")
    yield from stage("PRE_SCALE_UP")
    service.plan = lambda here: _plan(here, deployment, source)
    yield from stage("SCALE_UP")
    yield from guards.hold(service, deployment, lambda: len(service.healthy(target)) >= service.desired)
    yield from stage("POST_SCALE_UP")
    _balance(service, deployment, production=0.0, test=100.0)
    yield from stage("TEST_TRAFFIC_SHIFT")
    yield from stage("POST_TEST_TRAFFIC_SHIFT")
    for percent, bake in _steps(deployment.configuration):
        # No stage of its own: what is described stays as it was before.
        yield from hooks.run(world, service, deployment, "PRE_PRODUCTION_TRAFFIC_SHIFT")
        deployment.stage, deployment.updated = "PRODUCTION_TRAFFIC_SHIFT", world.time
        _balance(service, deployment, production=percent, test=100.0)
        yield from scripts.at(world, service, deployment, f"PRODUCTION_TRAFFIC_SHIFT {percent:g}")
        yield from guards.hold(service, deployment, minutes=bake)
    yield from stage("PRODUCTION_TRAFFIC_SHIFT")
    yield from stage("POST_PRODUCTION_TRAFFIC_SHIFT")
    yield from stage("BAKE_TIME")
    yield from guards.hold(service, deployment, minutes=deployment.configuration.get("bakeTimeInMinutes", 0))
    service.plan = lambda here: _only(here, target)
    yield from stage("CLEAN_UP")
    yield from guards.hold(service, deployment, lambda: source is None or not service.left(source))


def clean_up(world, service, deployment):
    service.plan = None
    return
    yield


def leave(world, service, deployment) -> None:
    """What the deployment has begun is taken back at once."""
    source = _source(deployment)
    if deployment.target.group:
        _balance(service, deployment, production=0.0, test=0.0)
    if source and deployment.started:
        service.plan = lambda here: _only(here, source)


def undo(world, service, deployment, source):
    _balance(service, deployment, production=0.0, test=0.0)
    service.plan = lambda here: _plan(here, deployment, source)
    yield Wait(lambda: len(service.healthy(source)) >= service.desired)
    service.plan = lambda here: _only(here, source)
    yield Wait(lambda: not service.left(deployment.target))


def _stage(world, service, deployment, name: str):
    deployment.stage, deployment.updated = name, world.time
    yield from scripts.at(world, service, deployment, name)
    yield from hooks.run(world, service, deployment, name)
    yield from guards.hold(service, deployment, delays=1)


def _source(deployment):
    return next((one for one in reversed(deployment.sources) if one.completed), None)


def _plan(service, deployment, source) -> None:
    for one in service.revisions:
        one.wanted = service.desired if one in (deployment.target, source) else 0


def _only(service, revision) -> None:
    for one in service.revisions:
        one.wanted = service.desired if one is revision else 0


def _other_group(target, source) -> str | None:
    """The target group that the revision before does not use."""
    balancers = target.configuration.get("loadBalancers") or []
    if not balancers:
        return None
    first = balancers[0].get("targetGroupArn")
    other = (balancers[0].get("advancedConfiguration") or {}).get("alternateTargetGroupArn")
    return other if source is not None and source.group == first and other else first


def _steps(configuration: dict) -> list[tuple[float, float]]:
    """The shares of production traffic, in percent, each with the minutes that follow it."""
    strategy = configuration.get("strategy")
    if strategy == "CANARY":
        canary = configuration.get("canaryConfiguration") or {}
        return [(canary.get("canaryPercent", 5.0), canary.get("canaryBakeTimeInMinutes", 10)), (100.0, 0)]
    if strategy == "LINEAR":
        linear = configuration.get("linearConfiguration") or {}
        step, bake = linear.get("stepPercent", 10.0), linear.get("stepBakeTimeInMinutes", 6)
        shares, share = [], step
        while share < 100:
            shares.append((round(share, 1), bake))
            share += step
        return [*shares, (100.0, 0)]
    return [(100.0, 0)]


def _balance(service, deployment, production: float, test: float) -> None:
    """Gives the new revision these shares of the traffic, and the rest to the one before."""
    target, source = deployment.target, _source(deployment)
    if source is None:
        production = test = 100.0
    for revision, of_production, of_test in ((target, production, test), (source, 100.0 - production, 100.0 - test)):
        if revision:
            revision.weight, revision.test_weight = of_production, of_test
    balancers = target.configuration.get("loadBalancers") or []
    rules = (balancers[0].get("advancedConfiguration") or {}) if balancers else {}
    for rule, share in ((rules.get("productionListenerRule"), production), (rules.get("testListenerRule"), test)):
        if rule:
            shares = {target.group: share}
            if source and source.group and source.group != target.group:
                shares[source.group] = 100.0 - share
            listeners.set_weights(rule, shares)
