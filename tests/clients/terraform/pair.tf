provider "aws" {
  alias      = "ohio"
  region     = "us-east-2"
  access_key = "111122223333"
  secret_key = "any"

  endpoints {
    dsql = "http://127.0.0.1:4566"
    sts  = "http://127.0.0.1:4566"
  }
}

resource "aws_dsql_cluster" "blue" {
  deletion_protection_enabled = false

  multi_region_properties {
    witness_region = "us-west-2"
  }
}

resource "aws_dsql_cluster" "green" {
  provider                    = aws.ohio
  deletion_protection_enabled = false

  multi_region_properties {
    witness_region = "us-west-2"
  }
}

resource "aws_dsql_cluster_peering" "blue" {
  identifier     = aws_dsql_cluster.blue.identifier
  clusters       = [aws_dsql_cluster.green.arn]
  witness_region = "us-west-2"
}

resource "aws_dsql_cluster_peering" "green" {
  provider = aws.ohio

  identifier     = aws_dsql_cluster.green.identifier
  clusters       = [aws_dsql_cluster.blue.arn]
  witness_region = "us-west-2"
}
