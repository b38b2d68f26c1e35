dsql-sim serve --speed 60 &
export AWS_ENDPOINT_URL_DSQL=http://127.0.0.1:4566 AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any
