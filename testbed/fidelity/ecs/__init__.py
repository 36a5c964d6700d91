"""ECS that happens: tasks that start, fail and end, service deployments, traffic that moves.

clock        what happens by itself, on the account's clock
images       what a container's image is, and what it does
containers   tasks on a container engine: what really runs there (engine, registry, secrets)
tasks        the life of a task
model        services, revisions and deployments as they are kept
scheduler    starts and stops the tasks of services
deployments  the life of a service deployment: rolling, shifting (blue/green, canary, linear), hooks, guards, rollback
listeners    rules, targets, and what answers behind a load balancer
answers      all of it in AWS's shapes
control      what a test says
"""
