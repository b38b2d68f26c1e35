resource "aws_dsql_cluster" "orders" {
  deletion_protection_enabled = true

  tags = {
    team = "orders"
  }
}
