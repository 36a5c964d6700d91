"""Topics: what a message may be, and who may publish.

https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
"""

from .check_iam import Roles
from .common import section


@section("sns")
def publishing(c):
    sns = c.client("sns", parameter_validation=False)
    topic = sns.create_topic(Name="deployments")["TopicArn"]
    publish = lambda **message: sns.publish(TopicArn=topic, **({"Message": "text"} | message))
    c.row("Publish", lambda: publish(Subject="shop prd: v42 serves"), want=lambda r: bool(r["MessageId"]))
    c.row("Publish subject of 100 characters", lambda: publish(Subject="x" * 100))
    refused = lambda name, **message: c.row(name, lambda: publish(**message), error="InvalidParameter")
    refused("Publish subject of 101 characters", Subject="x" * 101)
    refused("Publish subject with a line break", Subject="one\ntwo")
    refused("Publish subject that is not ASCII", Subject="geht in grün")
    c.row("Publish 262144 bytes", lambda: publish(Message="x" * 262144))
    refused("Publish 262145 bytes", Message="x" * 262145)
    c.row("Publish to no topic", lambda: sns.publish(TopicArn=f"{topic}x", Message="text"), error="NotFound")


@section("sns")
def fifo(c):
    sns, sqs = c.client("sns"), c.client("sqs")
    topic = sns.create_topic(Name="ordered.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
    queue = sqs.create_queue(QueueName="ordered.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    once = {"MessageGroupId": "prd", "MessageDeduplicationId": "a"}
    c.row(
        "Publish to a FIFO topic without a group",
        lambda: sns.publish(TopicArn=topic, Message="text"),
        error="InvalidParameter",
    )
    c.row(
        "Publish twice with one deduplication id arrives once",
        lambda: [sns.publish(TopicArn=topic, Message="text", **once) for _ in range(2)],
        want=lambda _: len(sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])) == 1,
    )


@section("sns")
def permissions(c):
    root = c.client("sns")
    topics = [root.create_topic(Name=name)["TopicArn"] for name in ("deployments", "others")]
    keys = Roles(c).only("sns:Publish", topics[0])
    publish = lambda topic: c.client("sns", **keys).publish(TopicArn=topic, Message="text")
    c.row("iam: Publish is sns:Publish on the topic", lambda: publish(topics[0]))
    c.row("iam: Publish to another topic", lambda: publish(topics[1]), error="AuthorizationError")


SECTIONS = [publishing, fifo, permissions]
