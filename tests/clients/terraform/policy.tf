data "aws_iam_policy_document" "kept" {
  statement {
    effect    = "Deny"
    actions   = ["dsql:DeleteCluster"]
    resources = [aws_dsql_cluster.orders.arn]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }
  }
}

resource "terraform_data" "policy" {
  input            = aws_dsql_cluster.orders.identifier
  triggers_replace = data.aws_iam_policy_document.kept.json

  provisioner "local-exec" {
    command = "aws dsql put-cluster-policy --identifier $ID --policy \"$POLICY\""

    environment = {
      ID     = self.input
      POLICY = self.triggers_replace
    }
  }

  provisioner "local-exec" {
    when    = destroy
    command = "aws dsql delete-cluster-policy --identifier $ID"

    environment = {
      ID = self.input
    }
  }
}
