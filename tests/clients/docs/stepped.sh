dsql-sim serve --clock stepped --port 4567 --ready-file stepped.url &
until test -e stepped.url; do sleep 0.1; done
sim=$(cat stepped.url)/_sim
json='Content-Type: application/json'
curl -fsS -H "$json" -d '{"seed": 7, "faults": "swarm"}' $sim/reset
curl -fsS -H "$json" -d '{"by": "5m"}' $sim/advance
curl -fsS -X POST $sim/verdict
