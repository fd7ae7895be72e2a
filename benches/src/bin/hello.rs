//! The smallest Lambda function: what a start costs when there is nothing to set up.

use lambda_runtime::{Error, LambdaEvent, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    lambda_runtime::run(service_fn(async |_: LambdaEvent<serde_json::Value>| Ok::<_, Error>(()))).await
}
