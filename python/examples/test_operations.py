"""Twenty tests of a program's use of the API, each under the faults of fifty seeds."""

import json
import time
import uuid

import pytest
from botocore.config import Config
from provision import careful, remove, retried, wait_for_active

pytestmark = pytest.mark.dsql(seeds=50, faults="swarm")

ONCE = Config(read_timeout=3, connect_timeout=3, retries={"total_max_attempts": 1})
PATIENCE = 1800
POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
                "Action": "dsql:GetCluster",
                "Resource": "*",
            }
        ],
    }
)
TARGET = {
    "kinesis": {
        "streamArn": "arn:aws:kinesis:us-east-1:111122223333:stream/changes",
        "roleArn": "arn:aws:iam::111122223333:role/delivery",
    }
}


@pytest.fixture
def client(dsql):
    return dsql.client("us-east-1", config=ONCE)


def ask(call, **arguments):
    """The answer to a call, which is repeated with one token until it has one."""
    return retried(lambda: call(**arguments), PATIENCE)


def create(client, **arguments):
    return ask(client.create_cluster, clientToken=str(uuid.uuid4()), **arguments)


def active(client, **arguments):
    cluster = create(client, **arguments)
    wait_for_active(client, cluster["identifier"], PATIENCE)
    return cluster


def gone(client, identifier):
    limit = time.monotonic() + PATIENCE
    while time.monotonic() < limit:
        try:
            ask(client.get_cluster, identifier=identifier)
        except client.exceptions.ResourceNotFoundException:
            return True
        time.sleep(5)
    return False


def stream(client, cluster):
    arguments = {"clusterIdentifier": cluster["identifier"], "targetDefinition": TARGET}
    token = str(uuid.uuid4())
    return ask(client.create_stream, ordering="UNORDERED", format="JSON", clientToken=token, **arguments)


def test_a_cluster_can_be_read_once_it_is_created(client):
    cluster = create(client)
    assert ask(client.get_cluster, identifier=cluster["identifier"])["arn"] == cluster["arn"]


def test_a_cluster_becomes_active(client):
    cluster = active(client)
    assert ask(client.get_cluster, identifier=cluster["identifier"])["status"] == "ACTIVE"


def test_a_deleted_cluster_goes(client):
    cluster = active(client, deletionProtectionEnabled=False)
    remove(client, cluster["identifier"])
    assert gone(client, cluster["identifier"])


def test_a_protected_cluster_is_not_deleted(client):
    cluster = active(client)
    with pytest.raises(client.exceptions.ValidationException):
        ask(client.delete_cluster, identifier=cluster["identifier"])
    assert ask(client.get_cluster, identifier=cluster["identifier"])["deletionProtectionEnabled"]


def test_protection_can_be_removed(client):
    cluster = active(client)
    ask(client.update_cluster, identifier=cluster["identifier"], deletionProtectionEnabled=False)
    assert not ask(client.get_cluster, identifier=cluster["identifier"])["deletionProtectionEnabled"]


def test_tags_of_a_creation_are_listed(client):
    cluster = create(client, tags={"team": "orders"})
    assert ask(client.list_tags_for_resource, resourceArn=cluster["arn"])["tags"] == {"team": "orders"}


def test_tags_are_added(client):
    cluster = create(client, tags={"team": "orders"})
    ask(client.tag_resource, resourceArn=cluster["arn"], tags={"stage": "test"})
    assert len(ask(client.list_tags_for_resource, resourceArn=cluster["arn"])["tags"]) == 2


def test_tags_are_removed(client):
    cluster = create(client, tags={"team": "orders"})
    ask(client.untag_resource, resourceArn=cluster["arn"], tagKeys=["team"])
    assert ask(client.list_tags_for_resource, resourceArn=cluster["arn"])["tags"] == {}


def test_a_token_makes_one_cluster(dsql, client):
    made = [ask(client.create_cluster, clientToken="the-same")["identifier"] for _ in range(3)]
    assert len(set(made)) == 1 and len(dsql.state()["us-east-1"]) == 1


def test_two_tokens_make_two_clusters(dsql, client):
    assert create(client)["identifier"] != create(client)["identifier"]
    assert len(dsql.state()["us-east-1"]) == 2


def test_a_list_has_every_cluster(client):
    made = {create(client)["identifier"] for _ in range(5)}
    pages = retried(lambda: list(client.get_paginator("list_clusters").paginate(PaginationConfig={"PageSize": 2})))
    assert {cluster["identifier"] for page in pages for cluster in page["clusters"]} == made


def test_a_region_lists_its_own_clusters(dsql, client):
    create(client)
    other = dsql.client("us-east-2", config=ONCE)
    assert ask(other.list_clusters)["clusters"] == []


def test_an_unknown_cluster_is_not_found(client):
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        ask(client.get_cluster, identifier="a" * 26)


def test_a_policy_is_read_as_it_was_put(client):
    cluster = active(client)
    ask(client.put_cluster_policy, identifier=cluster["identifier"], policy=POLICY, clientToken="p")
    answer = ask(client.get_cluster_policy, identifier=cluster["identifier"])
    assert json.loads(answer["policy"]) == json.loads(POLICY)


def test_a_policy_is_deleted(client):
    cluster = active(client)
    ask(client.put_cluster_policy, identifier=cluster["identifier"], policy=POLICY, clientToken="p")
    ask(client.delete_cluster_policy, identifier=cluster["identifier"], clientToken="d")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        ask(client.get_cluster_policy, identifier=cluster["identifier"])


def test_an_active_cluster_has_an_endpoint_service(client):
    cluster = active(client)
    answer = ask(client.get_vpc_endpoint_service_name, identifier=cluster["identifier"])
    assert "us-east-1" in answer["serviceName"]


def test_a_stream_can_be_read_once_it_is_created(client):
    cluster = active(client)
    made = stream(client, cluster)
    names = {"clusterIdentifier": cluster["identifier"], "streamIdentifier": made["streamIdentifier"]}
    assert ask(client.get_stream, **names)["arn"] == made["arn"]


def test_a_stream_is_listed(client):
    cluster = active(client)
    made = stream(client, cluster)
    streams = ask(client.list_streams, clusterIdentifier=cluster["identifier"])["streams"]
    assert [it["streamIdentifier"] for it in streams] == [made["streamIdentifier"]]


def test_a_pair_links_two_regions(dsql, client):
    other = dsql.client("us-east-2", config=ONCE)
    blue, green = careful(client, other)
    peers = ask(client.get_cluster, identifier=blue)["multiRegionProperties"]["clusters"]
    assert any(green in arn for arn in peers)


def test_one_half_of_a_pair_is_readable_while_the_other_region_is_out(dsql, client):
    other = dsql.client("us-east-2", config=ONCE)
    _, green = careful(client, other)
    dsql.faults("outage us-east-1")
    assert ask(other.get_cluster, identifier=green)["status"] == "ACTIVE"
