"""Clients that may not do everything, and the policies that would be enough for them."""

import json

import pytest
from test_life_cycle import pair

ROLE = "arn:aws:iam::111122223333:role/deployer"


def team(folder, policy):
    """A file in which the access key id AKIADEPLOYER is a role with this policy."""
    file = folder / "team.scenario"
    file.write_text(f"principal deployer arn={ROLE} access-key=AKIADEPLOYER\n{json.dumps(policy)}\n")
    return file


def allow(actions, resources):
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": resources}]}


def test_a_policy_without_the_witness_region_is_denied_there(serve, tmp_path):
    clusters = [f"arn:aws:dsql:{region}:111122223333:cluster/*" for region in ("us-east-1", "us-east-2")]
    server = serve("--principals", team(tmp_path, allow("dsql:*", clusters)))
    client = server.client(key="AKIADEPLOYER")
    with pytest.raises(client.exceptions.AccessDeniedException) as denied:
        client.create_cluster(multiRegionProperties={"witnessRegion": "us-west-2"})
    assert denied.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    message = denied.value.response["Error"]["Message"]
    assert message.startswith(
        f"User: {ROLE} is not authorized to perform: dsql:PutWitnessRegion on resource: "
        "arn:aws:dsql:us-west-2:111122223333:cluster/* because no identity-based policy allows"
    )
    # Listing asks for no cluster in particular.
    with pytest.raises(client.exceptions.AccessDeniedException):
        client.list_clusters()
    assert server.client(key="AKIAOTHER").list_clusters()["clusters"] == []
    assert client.create_cluster()["status"] == "CREATING"


def test_what_was_called_needs_what_the_server_says(serve, tmp_path):
    server = serve()
    pair(server.client("us-east-1"), server.client("us-east-2"))
    told = server.sim("permissions")
    assert told["isComplete"]
    [root] = told["principals"]
    assert root["regions"] == ["us-east-1", "us-east-2", "us-west-2"]
    # Another world has other clusters, and the policy names none.
    server = serve("--principals", team(tmp_path, root["policy"]))
    blue, green = (server.client(region, key="AKIADEPLOYER") for region in ("us-east-1", "us-east-2"))
    made, _ = pair(blue, green)
    with pytest.raises(blue.exceptions.AccessDeniedException):
        blue.delete_cluster(identifier=made["identifier"])
