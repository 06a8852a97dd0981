//! TLS, where it is asked for.

#[cfg(feature = "tls")]
pub use with::{Tls, accept, asked_for};
#[cfg(not(feature = "tls"))]
pub use without::{Tls, asked_for};

#[cfg(feature = "tls")]
mod with {
    use std::io;
    use std::net::TcpStream;
    use std::sync::Arc;

    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use rustls::{ServerConfig, ServerConnection, StreamOwned};

    pub type Tls = Option<Arc<ServerConfig>>;

    /// What `--tls CERT KEY` says.
    pub fn asked_for(arguments: impl Iterator<Item = String>) -> Tls {
        let arguments: Vec<_> = arguments.collect();
        match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            [] => None,
            ["--tls", chain, key] => Some(Arc::new(config(chain, key))),
            _ => panic!("usage: mcp-bench-server [--tls CERT KEY]"),
        }
    }

    fn config(chain: &str, key: &str) -> ServerConfig {
        let chain = CertificateDer::pem_file_iter(chain).expect("the certificate").map(|item| item.expect("PEM"));
        let key = PrivateKeyDer::from_pem_file(key).expect("the key");
        ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain.collect(), key))
            .expect("a certificate and its key")
    }

    pub fn accept<'a>(
        config: &Arc<ServerConfig>,
        stream: &'a TcpStream,
    ) -> io::Result<StreamOwned<ServerConnection, &'a TcpStream>> {
        let connection = ServerConnection::new(config.clone()).map_err(io::Error::other)?;
        Ok(StreamOwned::new(connection, stream))
    }
}

#[cfg(not(feature = "tls"))]
mod without {
    pub type Tls = Option<std::sync::Arc<std::convert::Infallible>>;

    pub fn asked_for(mut arguments: impl Iterator<Item = String>) -> Tls {
        assert!(arguments.next().is_none(), "built without the feature tls");
        None
    }
}
