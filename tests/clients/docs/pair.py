import boto3

east = boto3.client("dsql", region_name="us-east-1")
ohio = boto3.client("dsql", region_name="us-east-2")
witness = {"witnessRegion": "us-west-2"}

blue = east.create_cluster(multiRegionProperties=witness)
green = ohio.create_cluster(multiRegionProperties={**witness, "clusters": [blue["arn"]]})
both = {**witness, "clusters": [green["arn"]]}
east.update_cluster(identifier=blue["identifier"], multiRegionProperties=both)
east.get_waiter("cluster_active").wait(identifier=blue["identifier"])
ohio.get_waiter("cluster_active").wait(identifier=green["identifier"])
