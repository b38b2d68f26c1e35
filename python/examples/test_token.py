import pytest
from botocore.exceptions import BotoCoreError, ClientError


@pytest.mark.dsql(seeds=50, faults="swarm")
def test_a_token_makes_one_cluster(dsql):
    client = dsql.client("us-east-1")
    for _ in range(3):
        try:
            client.create_cluster(clientToken="the-same")
        except (BotoCoreError, ClientError):
            pass
    assert len(dsql.state().get("us-east-1", [])) <= 1
