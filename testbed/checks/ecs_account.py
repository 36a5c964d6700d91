"""What the checks of ECS share: an account with a cluster, images that behave, services and their deployments."""

import json
import urllib.error
import urllib.request

from .check_ecr import Images
from .common import REGION

ENDED = ("SUCCESSFUL", "STOPPED", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED")
NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-1"], "securityGroups": ["sg-1"], "assignPublicIp": "ENABLED"}}
BREAKER = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}


class Ecs:
    """The cluster `main` of a section's account."""

    def __init__(self, c):
        self.c = c
        c.set(ecs_delay=0.02)
        self.api = c.client("ecs")
        self.api.create_cluster(clusterName="main")
        self.images = Images(c, "app")
        self.digests = {}

    def image(self, tag: str, behaviour: str = "", architecture: str = "amd64") -> str:
        """An image of the repository `app`, by tag."""
        self.digests[tag] = self.images.push(tag, {"testbed.behaviour": behaviour}, architecture)
        return self.images.uri(tag)

    def define(self, image: str, family: str = "web", container: dict | None = None, others=(), **fields) -> str:
        """Registers a task definition; its revision as `family:n`."""
        one = {"name": "app", "image": image, "essential": True, "portMappings": [{"containerPort": 8080}]}
        fargate = {"networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512"}
        made = self.api.register_task_definition(
            family=family, containerDefinitions=[{**one, **(container or {})}, *others], **{**fargate, **fields}
        )
        return made["taskDefinition"]["taskDefinitionArn"].rsplit("/", 1)[1]

    def create(self, name: str, definition: str, count: int = 2, **fields) -> dict:
        """Makes a service and waits until it is steady."""
        self.begin(name, definition, count, **fields)
        return self.steady(name)

    def begin(self, name: str, definition: str, count: int = 2, **fields) -> dict:
        options = {"launchType": "FARGATE", "networkConfiguration": NETWORK} | fields
        return self.api.create_service(
            cluster="main", serviceName=name, taskDefinition=definition, desiredCount=count, **options
        )["service"]

    def steady(self, name: str) -> dict:
        return self.c.until(
            lambda: self.service(name),
            lambda s: (
                len(s["deployments"]) == 1
                and s["runningCount"] == s["desiredCount"]
                and s["deployments"][0]["rolloutState"] == "COMPLETED"
            ),
        )

    def service(self, name: str) -> dict:
        return self.api.describe_services(cluster="main", services=[name])["services"][0]

    def update(self, name: str, **fields) -> dict:
        return self.api.update_service(cluster="main", service=name, **fields)["service"]

    def deploy(self, name: str, **fields) -> str:
        """Updates a service; the ARN of the deployment that follows."""
        return self.update(name, **fields)["currentServiceDeployment"]

    def deployment(self, arn: str) -> dict:
        return self.api.describe_service_deployments(serviceDeploymentArns=[arn])["serviceDeployments"][0]

    def follow(self, arn: str, until=lambda d: d["status"] in ENDED) -> dict:
        return self.c.until(lambda: self.deployment(arn), until)

    def finish(self, arn: str) -> dict:
        """As `follow`, and lets minutes pass, so that it bakes and hooks time out."""
        return self.follow(arn, lambda d: d["status"] in ENDED or self.advance(60))

    def hold(self, name: str, stage: str = "SCALE_UP", **fields) -> str:
        """Deploys, and holds the deployment when it comes to a stage: its ARN, once it has begun."""
        self.control("POST", "script", [{"service": name, "hold": stage}])
        arn = self.deploy(name, **fields)
        self.follow(arn, lambda d: d["status"] == "IN_PROGRESS" and d.get("lifecycleStage", stage) == stage)
        return arn

    def let_go(self, name: str) -> None:
        self.control("PATCH", "script", {"service": name, "set": {"hold": None}})

    def revision(self, arn: str) -> dict:
        return self.api.describe_service_revisions(serviceRevisionArns=[arn])["serviceRevisions"][0]

    def task(self, arn: str) -> dict:
        return self.api.describe_tasks(cluster="main", tasks=[arn])["tasks"][0]

    def stopped(self, arn: str) -> dict:
        return self.c.until(lambda: self.task(arn), lambda t: t["lastStatus"] == "STOPPED")

    def run(self, definition: str, **fields) -> dict:
        options = {"launchType": "FARGATE", "networkConfiguration": NETWORK} | fields
        return self.api.run_task(cluster="main", taskDefinition=definition, **options)

    def raw(self, action: str, body: dict) -> dict:
        """An action with its answer as it is on the wire, with keys that no SDK knows."""
        credential = f"{self.c.account}/20260101/{REGION}/ecs/aws4_request"
        headers = {
            "authorization": f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0",
            "x-amz-target": f"AmazonEC2ContainerServiceV20141113.{action}",
            "content-type": "application/x-amz-json-1.1",
        }
        request = urllib.request.Request(self.c.url, method="POST", headers=headers, data=json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.loads(response.read())

    def advance(self, seconds: float) -> None:
        self.c.control("POST", f"accounts/{self.c.account}/clock", {"advance": seconds})

    def control(self, method: str, path: str, body):
        return self.c.control(method, f"accounts/{self.c.account}/ecs/{path}", body)


class Balanced:
    """A load balancer with a rule for production traffic, one for test traffic, and two target groups."""

    def __init__(self, c, name: str):
        self.c, self.name, elb = c, f"{name}-{c.account}", c.client("elbv2")
        self.elb = elb
        made = elb.create_load_balancer(Name=self.name, Subnets=["subnet-1", "subnet-2"])
        balancer = made["LoadBalancers"][0]["LoadBalancerArn"]
        self.groups = [
            elb.create_target_group(
                Name=f"{self.name}-{color}", TargetType="ip", Protocol="HTTP", Port=80, VpcId="vpc-1", HealthCheckPath="/health"
            )["TargetGroups"][0]["TargetGroupArn"]
            for color in ("blue", "green")
        ]
        forward = [{"Type": "forward", "TargetGroupArn": self.groups[0]}]
        self.listener = elb.create_listener(LoadBalancerArn=balancer, Port=80, Protocol="HTTP", DefaultActions=forward)[
            "Listeners"
        ][0]["ListenerArn"]
        header = {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "x-test", "Values": ["1"]}}
        path = {"Field": "path-pattern", "Values": ["*"]}
        self.test_rule, self.rule = [
            elb.create_rule(ListenerArn=self.listener, Priority=priority, Conditions=[condition], Actions=forward)["Rules"][0][
                "RuleArn"
            ]
            for priority, condition in ((1, header), (2, path))
        ]

    def of_service(self, shifts: bool) -> list[dict]:
        advanced = {
            "alternateTargetGroupArn": self.groups[1],
            "productionListenerRule": self.rule,
            "testListenerRule": self.test_rule,
            "roleArn": f"arn:aws:iam::{self.c.account}:role/ecs",
        }
        one = {"targetGroupArn": self.groups[0], "containerName": "app", "containerPort": 8080}
        return [{**one, **({"advancedConfiguration": advanced} if shifts else {})}]

    def weights(self, rule: str | None = None) -> list[int]:
        """The weights of blue and green."""
        action = self.elb.describe_rules(RuleArns=[rule or self.rule])["Rules"][0]["Actions"][0]
        found = {one["TargetGroupArn"]: one["Weight"] for one in action["ForwardConfig"]["TargetGroups"]}
        return [found.get(group, 0) for group in self.groups]

    def health(self, group: int = 0) -> list[str]:
        found = self.elb.describe_target_health(TargetGroupArn=self.groups[group])["TargetHealthDescriptions"]
        return [one["TargetHealth"]["State"] for one in found]

    def get(self, path: str = "/health", **headers) -> tuple[int, dict]:
        """What the load balancer answers: the status and what the task says it is."""
        request = urllib.request.Request(f"{self.c.url}/_alb/{self.name}{path}", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return response.status, json.loads(response.read())
        except urllib.error.HTTPError as problem:
            return problem.code, json.loads(problem.read() or b"{}")
