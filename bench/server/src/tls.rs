//! Optional TLS.

#[cfg(feature = "tls")]
pub use with::{Tls, accept, from_arguments};
#[cfg(not(feature = "tls"))]
pub use without::{Tls, from_arguments};

#[cfg(feature = "tls")]
mod with {
    use std::io;
    use std::net::TcpStream;
    use std::sync::Arc;

    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use rustls::{ServerConfig, ServerConnection, StreamOwned};

    pub type Tls = Option<Arc<ServerConfig>>;

    /// Reads `--tls CERT KEY` from the command line.
    pub fn from_arguments(arguments: impl Iterator<Item = String>) -> Tls {
        let arguments: Vec<_> = arguments.collect();
        match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            [] => None,
            ["--tls", chain, key] => Some(Arc::new(config(chain, key))),
            _ => panic!("usage: mcp-bench-server [--tls CERT KEY]"),
        }
    }

    fn config(chain: &str, key: &str) -> ServerConfig {
        let chain = CertificateDer::pem_file_iter(chain).expect("cannot read the certificate file");
        let chain = chain.map(|item| item.expect("the certificate file is not valid PEM"));
        let key = PrivateKeyDer::from_pem_file(key).expect("cannot read the key file");
        ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain.collect(), key))
            .expect("the certificate and the key must be valid")
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

    pub fn from_arguments(mut arguments: impl Iterator<Item = String>) -> Tls {
        assert!(arguments.next().is_none(), "this server was built without the feature `tls`");
        None
    }
}
