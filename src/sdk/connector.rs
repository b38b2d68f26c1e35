//! The HTTP client of the SDK: a request goes into the mailbox, and its answer comes from the world.

use std::future;
use std::sync::Arc;

use aws_sdk_dsql::config::http::{HttpRequest, HttpResponse};
use aws_sdk_dsql::config::{HttpClient, RuntimeComponents};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use http_body_util::BodyExt;
use tokio::sync::oneshot;

use super::mailbox::{Mailbox, ProcessLife, WireAnswer, WireRequest};

/// The HTTP client of one life of a process.
#[derive(Clone, Debug)]
pub(super) struct SimulatedHttp {
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) owner: ProcessLife,
}

/// The connector for one set of time-outs.
#[derive(Clone, Debug)]
struct SimulatedConnector {
    http: SimulatedHttp,
    settings: HttpConnectorSettings,
}

impl HttpClient for SimulatedHttp {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        _components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(SimulatedConnector { http: self.clone(), settings: settings.clone() })
    }
}

impl HttpConnector for SimulatedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let SimulatedConnector { http, settings } = self.clone();
        HttpConnectorFuture::new(async move { http.exchange(request, &settings).await })
    }
}

impl SimulatedHttp {
    /// Sends a request and waits for its answer, or for ever if there is none.
    async fn exchange(
        self,
        mut request: HttpRequest,
        settings: &HttpConnectorSettings,
    ) -> Result<HttpResponse, ConnectorError> {
        // The body is read to its end. The SDK counts the polls of a body, and takes one without any for a stalled
        // upload: every answer that is slower than five seconds would then fail.
        let body = std::mem::replace(request.body_mut(), SdkBody::taken());
        let body = body.collect().await.map_err(ConnectorError::user)?.to_bytes();
        let headers = request.headers().iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let (answer, answered) = oneshot::channel();
        self.mailbox.send(WireRequest {
            owner: self.owner,
            method: request.method().to_owned(),
            uri: request.uri().to_owned(),
            headers: headers.collect(),
            body: body.to_vec(),
            connect_time_out: settings.connect_timeout(),
            read_time_out: settings.read_timeout(),
            answer,
        });
        match answered.await {
            Ok(WireAnswer::Response(response)) => received(response),
            Ok(WireAnswer::Broken(why)) => Err(ConnectorError::io(why.into())),
            Ok(WireAnswer::TimedOut(why)) => Err(ConnectorError::timeout(why.into())),
            // The run is over, or the process has crashed and a task outlived it.
            Err(_) => future::pending().await,
        }
    }
}

fn received(parts: crate::api::wire::HttpResponse) -> Result<HttpResponse, ConnectorError> {
    let status = parts.status.try_into().map_err(|error| ConnectorError::other(Box::new(error), None))?;
    let mut response = HttpResponse::new(status, SdkBody::from(parts.body));
    for (name, value) in parts.headers {
        response.headers_mut().insert(name, value);
    }
    Ok(response)
}
