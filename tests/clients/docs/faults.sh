sim=$AWS_ENDPOINT_URL_DSQL/_sim
json='Content-Type: application/json'
curl -fsS -H "$json" -d '{"faults": ["outage us-west-2"]}' $sim/faults
curl -fsS -H "$json" -d '{"faults": ["drop us-east-1->* CreateCluster.response times=1"]}' $sim/faults
curl -fsS -H "$json" -d '{"faults": ["throttle us-east-1 UpdateCluster times=3"]}' $sim/faults
curl -fsS $sim/faults
curl -fsS -H "$json" -d '{"faults": ["heal", "restart us-west-2", "restart us-west-2/witness"]}' $sim/faults
curl -fsS -H "$json" -d '{"by": "5m"}' $sim/advance
curl -fsS $sim/verdict
