//! TLS by rustls. It trusts the certificates of the system and those that the caller adds.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use once_cell::sync::Lazy;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use rustls::{
    ALL_VERSIONS, CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, InvalidMessage,
    SignatureScheme,
};
use rustls_platform_verifier::Verifier;
use zeroize::Zeroizing;

use super::buffered_socket::{BufferedSocket, ByteStream};
use super::io_error::io_reason;
use super::origin::without_brackets;
use super::pinned_certificate::{CA_AS_SERVER, PinnedCertificates};
use crate::sanitize::shortened;
use crate::sys::file;

/// The largest file with certificates or a key, in bytes. The trust store of a system is smaller than 1 MiB.
const MAX_FILE: u64 = 16 * 1024 * 1024;

/// The longest path in an error message, in bytes.
const MAX_PATH_LENGTH: usize = 400;

static PROVIDER: Lazy<Arc<CryptoProvider>> = Lazy::new(|| Arc::new(ring::default_provider()));

/// The configuration with default options. All clients share it, because reading the system's trust store takes
/// milliseconds.
static DEFAULT_CONFIG: Lazy<Result<Arc<ClientConfig>, String>> = Lazy::new(|| build(&TlsOptions::default()));

/// The TLS options of a client.
#[derive(Clone, Default)]
pub struct TlsOptions {
    /// Trusted in addition to the system's certificates.
    authorities: Vec<CertificateDer<'static>>,
    client_certificate: Option<Arc<CertifiedKey>>,
    /// The server's certificate is not verified.
    pub accepts_any_certificate: bool,
}

impl TlsOptions {
    /// Trusts the certificates in a PEM file, in place of those of an earlier file.
    pub fn set_ca_file(&mut self, path: Option<&str>) -> Result<(), String> {
        self.authorities = match path {
            Some(path) => read_certificates(path)?,
            None => Vec::new(),
        };
        // Report an unusable certificate now, and not at the first handshake.
        let shown = shown_path(path.unwrap_or_default());
        check_trust_store()?;
        build(self).map(|_| ()).map_err(|why| format!("the certificates in {shown} cannot be used: {why}"))
    }

    /// Sets the certificate for servers that request one. The key is in a separate file, or in the same file as the
    /// certificate.
    pub fn set_client_cert(&mut self, files: Option<(&str, Option<&str>)>) -> Result<(), String> {
        self.client_certificate = match files {
            Some((certificate, key)) => {
                Some(Arc::new(read_client_certificate(certificate, key.unwrap_or(certificate))?))
            }
            None => None,
        };
        Ok(())
    }

    fn is_default(&self) -> bool {
        self.authorities.is_empty() && self.client_certificate.is_none() && !self.accepts_any_certificate
    }

    pub fn config(&self) -> Result<Arc<ClientConfig>, String> {
        if !self.is_default() {
            return build(self);
        }
        if Lazy::get(&DEFAULT_CONFIG).is_none() {
            // Checked here, so that a failure is not cached: the file may be corrected before the next client.
            check_trust_store()?;
        }
        DEFAULT_CONFIG.clone()
    }
}

fn read_certificates(path: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let (content, path) = (read_file(path)?, shown_path(path));
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&content).collect();
    match certificates {
        Ok(certificates) if certificates.is_empty() => Err(format!("the file {path} contains no PEM certificate")),
        Ok(certificates) => Ok(certificates),
        // Without the parser's message, which may quote the content.
        Err(_) => Err(not_pem(&path)),
    }
}

fn read_file(path: &str) -> Result<Zeroizing<Vec<u8>>, String> {
    file::read(Path::new(path), MAX_FILE)
        .map_err(|error| format!("the file {} cannot be read: {error}", shown_path(path)))
}

/// A path, shortened for an error message.
fn shown_path(path: &str) -> Cow<'_, str> {
    shortened(path, MAX_PATH_LENGTH)
}

/// Checks the file that SSL_CERT_FILE names: the crate that reads the trust store would block if it is a FIFO.
fn check_trust_store() -> Result<(), String> {
    const VARIABLE: &str = "SSL_CERT_FILE";
    let Some(path) = std::env::var_os(VARIABLE).map(PathBuf::from) else { return Ok(()) };
    // The usual way to trust only the certificates that the application adds.
    if path == Path::new("/dev/null") {
        return Ok(());
    }
    file::check(&path, MAX_FILE).map_err(|error| {
        format!("{VARIABLE} names {}, which cannot be used: {error}", shown_path(&path.to_string_lossy()))
    })
}

fn read_client_certificate(certificate: &str, key: &str) -> Result<CertifiedKey, String> {
    let chain = read_certificates(certificate)?;
    let content = read_file(key)?;
    let (certificate, key) = (shown_path(certificate), shown_path(key));
    let private_key = PrivateKeyDer::pem_slice_iter(&content).next().ok_or_else(|| {
        format!("the file {key} contains no readable PEM private key (an encrypted key must be decrypted first)")
    })?;
    let private_key = private_key.map_err(|_| not_pem(&key))?;
    CertifiedKey::from_der(chain, private_key, &PROVIDER).map_err(|error| {
        format!("the client certificate in {certificate} and the key in {key} cannot be used: {error}")
    })
}

fn not_pem(path: &str) -> String {
    format!("the file {path} is not valid PEM")
}

fn build(options: &TlsOptions) -> Result<Arc<ClientConfig>, String> {
    let provider = Arc::clone(&PROVIDER);
    let verifier: Arc<dyn ServerCertVerifier> = if options.accepts_any_certificate {
        Arc::new(AcceptAnyCertificate)
    } else {
        check_trust_store()?;
        let roots = options.authorities.iter().cloned();
        let verifier = Verifier::new_with_extra_roots(roots, Arc::clone(&provider));
        let verifier = verifier.map_err(|error| error.to_string())?;
        Arc::new(PinnedCertificates { verifier, trusted: options.authorities.clone() })
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(ALL_VERSIONS)
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let config = match &options.client_certificate {
        Some(certificate) => {
            builder.with_client_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(Arc::clone(certificate))))
        }
        None => builder.with_no_client_auth(),
    };
    Ok(Arc::new(config))
}

const WRONG_PURPOSE: &str = "the server's certificate does not allow server authentication (its extended key usage \
     lacks serverAuth): issue one that does";

/// The meaning of a failed handshake, and what to do about it; `None` if the error's own text is sufficient.
pub fn explain(error: &io::Error) -> Option<String> {
    let Some(failure) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) else {
        let is_end = matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset);
        return is_end.then(|| format!("{}; does it speak TLS on this port?", io_reason(error)));
    };
    let certificate_error = match failure {
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion) => {
            return Some(
                "the server does not speak TLS on this port, it responded to the TLS handshake with another protocol; \
                 use its port for https, or an http:// URL where it offers plain http only"
                    .into(),
            );
        }
        rustls::Error::InvalidCertificate(error) => error,
        _ => return None,
    };
    let remedy = match certificate_error {
        CertificateError::UnknownIssuer => {
            "the certificate's issuer is not trusted: add your own certificate authority with mcp_set_tls_ca_file"
        }
        CertificateError::BadSignature => {
            "a signature is invalid: the server does not have its certificate's private key, or the certificate was \
             not issued by the named issuer"
        }
        CertificateError::NotValidForNameContext { presented, .. } if presented.is_empty() => {
            "the certificate has no subjectAltName extension, and its common name is not used: issue one that names \
             the server there"
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            return Some(WRONG_PURPOSE.into());
        }
        CertificateError::Other(other) => match other.0.to_string().as_str() {
            CA_AS_SERVER => {
                return Some(
                    "the server's certificate is a certificate authority's (CA:TRUE), which is accepted only if it is \
                     in the file of mcp_set_tls_ca_file: add it there if it is the server's own"
                        .into(),
                );
            }
            "UnsupportedCertVersion" => {
                return Some(
                    "the server's certificate is not an X.509 version 3 certificate: issue one with extensions, \
                     including a subjectAltName that names the server (openssl req -x509 -addext \
                     subjectAltName=DNS:NAME)"
                        .into(),
                );
            }
            // The error of the platform's verifier for a wrong purpose.
            _ if format!("{other:?}").contains("EkuError") => return Some(WRONG_PURPOSE.into()),
            _ => return None,
        },
        _ => return None,
    };
    Some(format!("{failure}; {remedy}"))
}

/// A TLS connection over a socket.
pub struct TlsStream {
    connection: ClientConnection,
    socket: BufferedSocket,
}

impl TlsStream {
    /// Performs the TLS handshake with a server whose certificate must be valid for `host`.
    pub fn open(config: Arc<ClientConfig>, host: &str, mut socket: BufferedSocket) -> io::Result<TlsStream> {
        let bare = without_brackets(host).to_owned();
        let name = ServerName::try_from(bare)
            .map_err(|_| io::Error::other("the host is not a name that a certificate can contain"))?;
        let mut connection = ClientConnection::new(config, name).map_err(io::Error::other)?;
        while connection.is_handshaking() {
            if let Err(error) = connection.complete_io(&mut socket) {
                // Send the alert for the server, which is still buffered.
                let _ = socket.send_buffered();
                return Err(error);
            }
        }
        Ok(TlsStream { connection, socket })
    }
}

impl ByteStream for TlsStream {
    fn socket_mut(&mut self) -> &mut BufferedSocket {
        &mut self.socket
    }

    fn socket(&self) -> &BufferedSocket {
        &self.socket
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn is_tls(&self) -> bool {
        true
    }
}

impl Read for TlsStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let outcome = rustls::Stream::new(&mut self.connection, &mut self.socket).read(buffer);
        match outcome {
            // Return the data of the records before the invalid one first.
            Err(error) if error.kind() == io::ErrorKind::InvalidData => match self.connection.reader().read(buffer) {
                Ok(count @ 1..) => Ok(count),
                _ => Err(error),
            },
            outcome => outcome,
        }
    }
}

impl Write for TlsStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.connection.writer().write(bytes)?;
        while self.connection.wants_write() {
            self.connection.write_tls(&mut self.socket)?;
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for TlsStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsStream").field("socket", &self.socket).finish_non_exhaustive()
    }
}

/// Accepts every certificate, if the server has its private key: for development.
#[derive(Debug)]
struct AcceptAnyCertificate;

impl ServerCertVerifier for AcceptAnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        if !is_readable(certificate) {
            return Ok(HandshakeSignatureValid::assertion());
        }
        verify_tls12_signature(message, certificate, signature, &PROVIDER.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        if !is_readable(certificate) {
            return Ok(HandshakeSignatureValid::assertion());
        }
        verify_tls13_signature(message, certificate, signature, &PROVIDER.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        PROVIDER.signature_verification_algorithms.supported_schemes()
    }
}

/// Whether the certificate can be parsed; X.509 v1 certificates cannot. A certificate that cannot be parsed is accepted
/// without a check that the server has its private key.
fn is_readable(certificate: &CertificateDer<'_>) -> bool {
    ParsedCertificate::try_from(certificate).is_ok()
}
