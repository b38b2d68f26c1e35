import time


def test_a_cluster_survives_the_outage_of_its_region(dsql):
    client = dsql.client("us-east-1")
    cluster = client.create_cluster(tags={"team": "orders"})
    client.get_waiter("cluster_active").wait(identifier=cluster["identifier"])
    dsql.faults("outage us-east-1", "at +2m restart us-east-1 us-east-1/witness")
    time.sleep(180)
    assert client.get_cluster(identifier=cluster["identifier"])["status"] == "ACTIVE"
    assert dsql.elapsed() > 180
