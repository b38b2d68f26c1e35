id=$(aws dsql create-cluster --region us-east-1 --query identifier --output text) &&
  aws dsql wait cluster-active --region us-east-1 --identifier "$id" &&
  aws dsql get-cluster --region us-east-1 --identifier "$id"
