curl -fsS -d 'outage us-west-2' $AWS_ENDPOINT_URL_DSQL/_sim/faults
curl -fsS -d 'drop us-east-1->* CreateCluster.response times=1' $AWS_ENDPOINT_URL_DSQL/_sim/faults
curl -fsS -d 'throttle us-east-1 UpdateCluster times=3' $AWS_ENDPOINT_URL_DSQL/_sim/faults
curl -fsS -d 'heal' $AWS_ENDPOINT_URL_DSQL/_sim/faults
curl -fsS -d '{"by": "5m"}' $AWS_ENDPOINT_URL_DSQL/_sim/advance
curl -fsS $AWS_ENDPOINT_URL_DSQL/_sim/verdict
