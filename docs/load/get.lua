-- GetCluster: wrk -t1 -c32 -d5 --latency -s docs/load/get.lua http://127.0.0.1:4566/cluster/IDENTIFIER
wrk.headers["Authorization"] =
  "AWS4-HMAC-SHA256 Credential=any/20260101/us-east-1/dsql/aws4_request, SignedHeaders=host, Signature=00"
