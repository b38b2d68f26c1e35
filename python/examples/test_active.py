def test_a_cluster_becomes_active(dsql):
    client = dsql.client("us-east-1")
    cluster = client.create_cluster()
    client.get_waiter("cluster_active").wait(identifier=cluster["identifier"])
