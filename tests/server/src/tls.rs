//! The TLS listeners of one run: a valid one, those that a client must reject, and those that require a client
//! certificate.

use crate::authority::{Authority, LOOPBACK, Validity, self_signed};
use crate::keys;
use crate::serve::{accept, listen};
use crate::state::State;
use rcgen::{Certificate, KeyPair};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::TLS12;
use rustls::{ALL_VERSIONS, RootCertStore, ServerConfig, SupportedProtocolVersion};
use std::error::Error;
use std::fs::{DirBuilder, File};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The name and the value of an environment variable.
pub type Variable = (&'static str, String);

/// The authority and keys of the TLS listeners, and the files for clients, which are removed when this is dropped.
pub struct Tls {
    provider: Arc<CryptoProvider>,
    authority: Authority,
    /// The key of all server certificates; one key, so that a run starts fast.
    key: KeyPair,
    folder: Folder,
    ca: PathBuf,
}

impl Tls {
    /// Creates a new authority.
    pub fn new() -> Result<Self, Box<dyn Error>> {
        let authority = Authority::new("mcp-test-server CA")?;
        let folder = Folder::new()?;
        let ca = folder.add("ca.pem", &authority.pem())?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        Ok(Self { provider, authority, key: KeyPair::generate()?, folder, ca })
    }

    /// The file with the authority's certificate.
    pub fn ca_path(&self) -> &Path {
        &self.ca
    }

    /// The configuration of a listener with a valid certificate.
    pub fn valid_config(&self) -> Result<Arc<ServerConfig>, Box<dyn Error>> {
        self.config(&self.certificate(LOOPBACK, Validity::Now)?, ALL_VERSIONS, None)
    }

    /// Starts all listeners. Returns the environment variables with their URLs, and with the paths of the files.
    pub fn listen(&self, state: &Arc<State>) -> Result<Vec<Variable>, Box<dyn Error>> {
        let valid = self.certificate(LOOPBACK, Validity::Now)?;
        let unknown = Authority::new("mcp-test-server unknown CA")?;
        let certified = [
            ("MCP_TEST_TLS_EXPIRED_URL", self.certificate(LOOPBACK, Validity::Expired)?),
            ("MCP_TEST_TLS_NOT_YET_URL", self.certificate(LOOPBACK, Validity::NotYet)?),
            ("MCP_TEST_TLS_WRONG_HOST_URL", self.certificate(&["elsewhere.invalid"], Validity::Now)?),
            ("MCP_TEST_TLS_UNKNOWN_URL", unknown.server(&self.key, LOOPBACK, Validity::Now)?),
            ("MCP_TEST_TLS_SELF_SIGNED_URL", self_signed(&self.key)?),
        ];
        let clients = self.client_verifier()?;
        let mut configs = vec![
            ("MCP_TEST_TLS_URL", self.config(&valid, ALL_VERSIONS, None)?),
            ("MCP_TEST_TLS12_URL", self.config(&valid, &[&TLS12], None)?),
            ("MCP_TEST_MTLS_URL", self.config(&valid, ALL_VERSIONS, Some(clients.clone()))?),
            ("MCP_TEST_MTLS12_URL", self.config(&valid, &[&TLS12], Some(clients))?),
        ];
        for (name, versions) in
            [("MCP_TEST_TLS_OTHER_KEY_URL", ALL_VERSIONS), ("MCP_TEST_TLS12_OTHER_KEY_URL", &[&TLS12])]
        {
            configs.push((name, self.with_other_key(&valid, versions)?));
        }
        for (name, certificate) in certified {
            configs.push((name, self.config(&certificate, ALL_VERSIONS, None)?));
        }

        let mut variables = vec![
            ("MCP_TEST_CA", path_text(&self.ca)),
            ("MCP_TEST_TLS_CUT_URL", url(accept(0, close_after_client_hello)?)),
        ];
        for (name, config) in configs {
            variables.push((name, url(listen(0, Some(config), state.clone())?)));
        }
        variables.extend(self.client_files(&unknown)?);
        Ok(variables)
    }

    fn certificate(&self, names: &[&str], validity: Validity) -> Result<Certificate, rcgen::Error> {
        self.authority.server(&self.key, names, validity)
    }

    fn config(
        &self,
        certificate: &Certificate,
        versions: &[&'static SupportedProtocolVersion],
        clients: Option<Arc<dyn ClientCertVerifier>>,
    ) -> Result<Arc<ServerConfig>, Box<dyn Error>> {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(self.provider.clone())
            .with_protocol_versions(versions)?
            .with_client_cert_verifier(clients.unwrap_or_else(WebPkiClientVerifier::no_client_auth))
            .with_single_cert(vec![certificate.der().clone()], key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    /// A configuration with a certificate but without its key.
    fn with_other_key(
        &self,
        certificate: &Certificate,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Result<Arc<ServerConfig>, Box<dyn Error>> {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(KeyPair::generate()?.serialize_der()));
        let key = self.provider.key_provider.load_private_key(key)?;
        let certified_key = CertifiedKey::new(vec![certificate.der().clone()], key);
        let config = ServerConfig::builder_with_provider(self.provider.clone())
            .with_protocol_versions(versions)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified_key)));
        Ok(Arc::new(config))
    }

    /// A verifier that requires a client certificate of this run's authority.
    fn client_verifier(&self) -> Result<Arc<dyn ClientCertVerifier>, Box<dyn Error>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.der().clone())?;
        Ok(WebPkiClientVerifier::builder_with_provider(Arc::new(roots), self.provider.clone()).build()?)
    }

    /// The files for clients: certificates and keys in all usual formats.
    fn client_files(&self, unknown: &Authority) -> Result<Vec<Variable>, Box<dyn Error>> {
        let (key, other, rsa) = (KeyPair::generate()?, KeyPair::generate()?, keys::rsa()?);
        let intermediate = self.authority.intermediate("mcp-test-server intermediate CA")?;
        let chain = intermediate.client(&key, "client")?.pem() + &intermediate.pem() + &key.serialize_pem();
        let files = [
            ("MCP_TEST_CLIENT_CERT", "client.crt", self.authority.client(&key, "client")?.pem()),
            ("MCP_TEST_CLIENT_KEY", "client.key", key.serialize_pem()),
            ("MCP_TEST_CLIENT_KEY_SEC1", "client-sec1.key", keys::sec1_pem(&key)),
            ("MCP_TEST_CLIENT_RSA_CERT", "client-rsa.crt", self.authority.client(&rsa, "rsa client")?.pem()),
            ("MCP_TEST_CLIENT_RSA_KEY", "client-rsa.key", keys::RSA_PKCS1_PEM.into()),
            ("MCP_TEST_CLIENT_PEM", "client.pem", chain),
            (
                "MCP_TEST_CLIENT_OTHER_PEM",
                "other.pem",
                unknown.client(&other, "unknown client")?.pem() + &other.serialize_pem(),
            ),
        ];
        let add = |(name, file, content): (_, &str, String)| Ok((name, path_text(&self.folder.add(file, &content)?)));
        files.into_iter().map(add).collect()
    }
}

fn url(port: u16) -> String {
    format!("https://localhost:{port}")
}

fn path_text(path: &Path) -> String {
    path.display().to_string()
}

/// Reads the whole ClientHello and closes the connection. Closing it with unread bytes would send RST.
fn close_after_client_hello(mut socket: TcpStream) -> impl FnOnce() + Send + 'static {
    move || {
        let mut head = [0; 5];
        if socket.read_exact(&mut head).is_ok() {
            let rest = u64::from(u16::from_be_bytes([head[3], head[4]]));
            let _ = io::copy(&mut (&socket).take(rest), &mut io::sink());
        }
    }
}

/// A temporary folder. Only its owner has access, because it contains keys.
struct Folder(PathBuf);

impl Folder {
    fn new() -> io::Result<Self> {
        let name = format!("mcp-test-server-{}-{:016x}", std::process::id(), crate::state::random());
        let path = std::env::temp_dir().join(name);
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }

    fn add(&self, name: &str, content: &str) -> io::Result<PathBuf> {
        let path = self.0.join(name);
        File::create_new(&path)?.write_all(content.as_bytes())?;
        Ok(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
