//! The HTTP client that rmcp uses.

use std::fs;

use reqwest::{Certificate, ClientBuilder};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;

use crate::Result;

/// With `BENCH_VARIANT=pooled`, an HTTP client that reuses its connection. Without it, rmcp's default, which in version
/// 3.11 opens a connection for every request.
pub fn transport(url: &str, authority: Option<&str>) -> Result<StreamableHttpClientTransport<reqwest::Client>> {
    let config = StreamableHttpClientTransportConfig::with_uri(url);
    let pooled = match std::env::var("BENCH_VARIANT").as_deref() {
        Ok("pooled") => true,
        Ok("shipped") | Err(_) => false,
        Ok(other) => return Err(format!("unknown variant: {other}").into()),
    };
    let builder = match (pooled, authority) {
        (true, _) => reqwest::Client::builder().pool_max_idle_per_host(1).tcp_nodelay(true).no_proxy(),
        // rmcp's default client does not accept another CA: build an equivalent client.
        (false, Some(_)) => reqwest::Client::builder().pool_max_idle_per_host(0),
        (false, None) => return Ok(StreamableHttpClientTransport::from_config(config)),
    };
    let client = trusting(builder, authority)?.build()?;
    Ok(StreamableHttpClientTransport::with_client(client, config))
}

fn trusting(builder: ClientBuilder, authority: Option<&str>) -> Result<ClientBuilder> {
    let Some(file) = authority else {
        return Ok(builder);
    };
    Ok(builder.tls_certs_only([Certificate::from_pem(&fs::read(file)?)?]))
}
