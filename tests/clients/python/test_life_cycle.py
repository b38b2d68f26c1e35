"""What people do with boto3, against the simulated Regions."""

import json

import pytest
from botocore.exceptions import WaiterError

SOON = {"Delay": 0.05, "MaxAttempts": 200}
WITNESS = {"witnessRegion": "us-west-2"}
KINESIS = {
    "kinesis": {
        "streamArn": "arn:aws:kinesis:us-east-1:111122223333:stream/orders",
        "roleArn": "arn:aws:iam::111122223333:role/orders",
    }
}


def active(client, identifier):
    client.get_waiter("cluster_active").wait(identifier=identifier, WaiterConfig=SOON)
    return client.get_cluster(identifier=identifier)


def gone(client, identifier):
    client.get_waiter("cluster_not_exists").wait(identifier=identifier, WaiterConfig=SOON)


def without_metadata(answer):
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def pair(east, ohio, **settings):
    """The three steps that make a multi-Region pair."""
    blue = east.create_cluster(multiRegionProperties=WITNESS, **settings)
    assert blue["status"] == "PENDING_SETUP"
    green = ohio.create_cluster(multiRegionProperties={**WITNESS, "clusters": [blue["arn"]]}, **settings)
    assert green["status"] == "PENDING_SETUP"
    east.update_cluster(
        identifier=blue["identifier"], multiRegionProperties={**WITNESS, "clusters": [green["arn"]]}
    )
    return active(east, blue["identifier"]), active(ohio, green["identifier"])


def test_a_single_region_cluster_lives_and_goes(server):
    client = server.client()
    created = client.create_cluster(tags={"team": "orders"})
    assert created["status"] == "CREATING"
    cluster = active(client, created["identifier"])
    assert cluster["arn"] == created["arn"]
    assert cluster["tags"] == {"team": "orders"}
    assert cluster["deletionProtectionEnabled"] is True
    assert cluster["endpoint"] == f"{cluster['identifier']}.dsql.us-east-1.on.aws"
    with pytest.raises(client.exceptions.ValidationException) as refused:
        client.delete_cluster(identifier=cluster["identifier"])
    assert refused.value.response["reason"] == "deletionProtectionEnabled"
    client.update_cluster(identifier=cluster["identifier"], deletionProtectionEnabled=False)
    active(client, cluster["identifier"])
    assert client.delete_cluster(identifier=cluster["identifier"])["status"] == "DELETING"
    gone(client, cluster["identifier"])


def test_three_steps_make_a_pair_and_two_calls_delete_it(server):
    east, ohio = server.client("us-east-1"), server.client("us-east-2")
    blue, green = pair(east, ohio, deletionProtectionEnabled=False)
    both = {blue["arn"], green["arn"]}
    for cluster in blue, green:
        assert set(cluster["multiRegionProperties"]["clusters"]) == both
        assert cluster["multiRegionProperties"]["witnessRegion"] == "us-west-2"
    assert east.delete_cluster(identifier=blue["identifier"])["status"] == "PENDING_DELETE"
    server.sim("advance", '{"by": "5m"}')
    assert east.get_cluster(identifier=blue["identifier"])["status"] == "PENDING_DELETE"
    ohio.delete_cluster(identifier=green["identifier"])
    gone(east, blue["identifier"])
    gone(ohio, green["identifier"])


def test_a_witness_is_not_in_the_clusters_own_region(server):
    client = server.client()
    with pytest.raises(client.exceptions.ValidationException):
        client.create_cluster(multiRegionProperties={"witnessRegion": "us-east-1"})


def test_a_retry_with_its_token_is_answered_as_the_first_time(server):
    client = server.client()
    first = without_metadata(client.create_cluster(clientToken="orders-1"))
    active(client, first["identifier"])
    assert without_metadata(client.create_cluster(clientToken="orders-1")) == first
    with pytest.raises(client.exceptions.ConflictException):
        client.create_cluster(clientToken="orders-1", deletionProtectionEnabled=False)


def test_pages_hold_all_clusters_once(server):
    client = server.client()
    made = {client.create_cluster()["identifier"] for _ in range(7)}
    pages = list(client.get_paginator("list_clusters").paginate(PaginationConfig={"PageSize": 3}))
    assert [len(page["clusters"]) for page in pages] == [3, 3, 1]
    assert {cluster["identifier"] for page in pages for cluster in page["clusters"]} == made


def test_the_quota_is_an_error_of_its_own(server):
    client = server.client()
    for _ in range(5):
        client.create_cluster(multiRegionProperties=WITNESS)
    with pytest.raises(client.exceptions.ServiceQuotaExceededException) as refused:
        client.create_cluster(multiRegionProperties=WITNESS)
    answer = refused.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 402
    assert (answer["serviceCode"], answer["quotaCode"], answer["resourceType"]) == (
        "dsql",
        "L-DCF93F11",
        "cluster",
    )


def test_a_cluster_that_does_not_exist_is_an_error_of_its_own(server):
    client = server.client()
    unknown = "a" * 26
    with pytest.raises(client.exceptions.ResourceNotFoundException) as refused:
        client.get_cluster(identifier=unknown)
    assert refused.value.response["resourceId"] == unknown
    with pytest.raises(WaiterError):
        client.get_waiter("cluster_active").wait(identifier=unknown, WaiterConfig=SOON)


def test_tags_are_given_listed_and_taken(server):
    client = server.client()
    arn = client.create_cluster(tags={"a": "1"})["arn"]
    client.tag_resource(resourceArn=arn, tags={"b": "2", "c d": "+ = /"})
    client.untag_resource(resourceArn=arn, tagKeys=["a", "nobody"])
    assert client.list_tags_for_resource(resourceArn=arn)["tags"] == {"b": "2", "c d": "+ = /"}


def test_policies_have_versions(server):
    client = server.client()
    identifier = client.create_cluster()["identifier"]
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_cluster_policy(identifier=identifier)
    statement = {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "dsql:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    first = client.put_cluster_policy(identifier=identifier, policy=document)["policyVersion"]
    assert client.get_cluster_policy(identifier=identifier)["policy"] == document
    second = client.put_cluster_policy(
        identifier=identifier, policy=document, expectedPolicyVersion=first
    )["policyVersion"]
    assert second != first
    with pytest.raises(client.exceptions.ConflictException):
        client.delete_cluster_policy(identifier=identifier, expectedPolicyVersion=first)
    client.delete_cluster_policy(identifier=identifier, expectedPolicyVersion=second)
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_cluster_policy(identifier=identifier)


def test_streams_live_and_go(server):
    client = server.client()
    cluster = active(client, client.create_cluster()["identifier"])["identifier"]
    asked = dict(
        clusterIdentifier=cluster, targetDefinition=KINESIS, ordering="UNORDERED", format="JSON"
    )
    names = [client.create_stream(**asked)["streamIdentifier"] for _ in range(5)]
    with pytest.raises(client.exceptions.ServiceQuotaExceededException):
        client.create_stream(**asked)
    for name in names:
        client.get_waiter("stream_active").wait(
            clusterIdentifier=cluster, streamIdentifier=name, WaiterConfig=SOON
        )
    pages = client.get_paginator("list_streams").paginate(
        clusterIdentifier=cluster, PaginationConfig={"PageSize": 2}
    )
    assert [stream["streamIdentifier"] for page in pages for stream in page["streams"]] == names
    client.delete_stream(clusterIdentifier=cluster, streamIdentifier=names[0])
    client.get_waiter("stream_not_exists").wait(
        clusterIdentifier=cluster, streamIdentifier=names[0], WaiterConfig=SOON
    )


def test_a_key_is_put_to_use_and_can_be_lost(server):
    client = server.client()
    key = "arn:aws:kms:us-east-1:111122223333:key/1234abcd"
    cluster = active(client, client.create_cluster(kmsEncryptionKey=key)["identifier"])
    details = {"encryptionType": "CUSTOMER_MANAGED_KMS_KEY", "kmsKeyArn": key}
    assert cluster["encryptionDetails"] == {**details, "encryptionStatus": "ENABLED"}
    server.sim("faults", "disable-keys us-east-1")
    server.sim("advance", '{"by": "1s"}')
    cluster = client.get_cluster(identifier=cluster["identifier"])
    assert cluster["status"] == "IDLE"
    assert cluster["encryptionDetails"] == {**details, "encryptionStatus": "KMS_KEY_INACCESSIBLE"}


def test_the_service_behind_a_cluster_has_a_name(server):
    client = server.client()
    identifier = client.create_cluster()["identifier"]
    answer = client.get_vpc_endpoint_service_name(identifier=identifier)
    assert answer["serviceName"].startswith("com.amazonaws.us-east-1.dsql-")


def test_access_key_ids_of_twelve_digits_are_accounts(server):
    mine, yours = server.client(key="111111111111"), server.client(key="222222222222")
    identifier = mine.create_cluster()["identifier"]
    assert yours.list_clusters()["clusters"] == []
    with pytest.raises(yours.exceptions.ResourceNotFoundException):
        yours.get_cluster(identifier=identifier)


def test_a_lost_answer_and_the_sdks_own_retry_make_one_cluster(server):
    client = server.client(retries={"mode": "standard", "max_attempts": 3}, read_timeout=5)
    client.list_clusters()
    server.sim("faults", "drop us-east-1->client-1 CreateCluster.response times=1")
    answer = client.create_cluster()
    assert answer["ResponseMetadata"]["RetryAttempts"] == 1
    clusters = client.list_clusters()["clusters"]
    assert [cluster["identifier"] for cluster in clusters] == [answer["identifier"]]


@pytest.mark.parametrize("seed", range(5))
def test_under_loss_every_create_that_was_answered_made_one_cluster(serve, seed):
    server = serve("--seed", str(seed))
    client = server.client(retries={"mode": "standard", "max_attempts": 10}, read_timeout=5)
    client.list_clusters()
    server.sim("faults", "drop us-east-1<->client-1 rate=15%")
    made = {client.create_cluster()["identifier"] for _ in range(10)}
    server.sim("faults", "heal")
    assert {cluster["identifier"] for cluster in client.list_clusters()["clusters"]} == made


def test_throttling_is_waited_out(server):
    client = server.client(retries={"mode": "standard", "max_attempts": 3})
    server.sim("faults", "throttle us-east-1 CreateCluster times=1")
    assert client.create_cluster()["ResponseMetadata"]["RetryAttempts"] == 1


def test_an_unreachable_witness_region_is_an_internal_error_and_makes_nothing(server):
    client = server.client(retries={"mode": "standard", "max_attempts": 1})
    server.sim("faults", "outage us-west-2")
    with pytest.raises(client.exceptions.InternalServerException):
        client.create_cluster(multiRegionProperties=WITNESS)
    assert client.list_clusters()["clusters"] == []


def test_a_crash_between_two_calls_loses_nothing(server):
    client = server.client(retries={"mode": "standard", "max_attempts": 5})
    created = client.create_cluster(clientToken="before-the-crash")
    server.sim("faults", "crash us-east-1\nat +2s restart us-east-1")
    server.sim("advance", '{"by": "3s"}')
    again = client.create_cluster(clientToken="before-the-crash")
    assert again["identifier"] == created["identifier"]
    active(client, created["identifier"])


def test_a_reset_begins_anew(server):
    client = server.client()
    client.create_cluster()
    server.sim("reset", "")
    assert client.list_clusters()["clusters"] == []
    verdict = server.sim("verdict")
    assert verdict["violations"] == []


def test_the_trace_and_the_state_can_be_looked_at(server):
    identifier = server.client().create_cluster()["identifier"]
    lines = server.sim("trace")["lines"]
    assert any("calls us-east-1 CreateCluster" in line for line in lines)
    clusters = server.sim("state")["clusters"]["us-east-1"]
    assert [cluster["identifier"] for cluster in clusters] == [identifier]
