provider "aws" {
  region     = "us-east-1"
  access_key = "111122223333"
  secret_key = "any"

  endpoints {
    dsql = "http://127.0.0.1:4566"
    sts  = "http://127.0.0.1:4566"
  }
}
