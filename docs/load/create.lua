-- CreateCluster, each with a token of its own: wrk -t1 -c32 -d5 --latency -s docs/load/create.lua http://127.0.0.1:4566/
wrk.method = "POST"
wrk.headers["Authorization"] =
  "AWS4-HMAC-SHA256 Credential=any/20260101/us-east-1/dsql/aws4_request, SignedHeaders=host, Signature=00"
local number = 0
request = function()
  number = number + 1
  local token = string.format("%08x-8b1c-4b6e-9d0a-0a4f3c2b1a00", number)
  return wrk.format(nil, "/cluster", nil, string.format('{"clientToken":"%s"}', token))
end
