import boto3


def test_the_cluster_of_orders_is_protected():
    client = boto3.client("dsql", region_name="us-east-1")
    cluster = client.create_cluster(tags={"team": "orders"})
    assert client.get_cluster(identifier=cluster["identifier"])["deletionProtectionEnabled"]
