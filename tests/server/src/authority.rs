//! Certificate authorities for one run, and their certificates.

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType, Error, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, PublicKeyData, date_time_ymd,
};
use rustls::pki_types::CertificateDer;

/// The names of a server on loopback.
pub const LOOPBACK: &[&str] = &["localhost", "127.0.0.1", "::1"];

/// The validity period of a certificate.
#[derive(Clone, Copy)]
pub enum Validity {
    /// It includes the present, for centuries.
    Now,
    /// It has ended.
    Expired,
    /// It has not begun.
    NotYet,
}

/// Signs certificates.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    /// Creates a root authority.
    pub fn new(name: &str) -> Result<Self, Error> {
        CertifiedIssuer::self_signed(authority_params(name)?, KeyPair::generate()?).map(Self)
    }

    /// Creates an intermediate authority, signed by this one.
    pub fn intermediate(&self, name: &str) -> Result<Self, Error> {
        CertifiedIssuer::signed_by(authority_params(name)?, KeyPair::generate()?, &self.0).map(Self)
    }

    /// The authority's own certificate.
    pub fn der(&self) -> &CertificateDer<'static> {
        self.0.der()
    }

    /// The authority's own certificate in PEM.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A server's certificate.
    pub fn server(&self, key: &KeyPair, names: &[&str], validity: Validity) -> Result<Certificate, Error> {
        server_params(names, validity)?.signed_by(key, &self.0)
    }

    /// A client's certificate.
    pub fn client(&self, key: &impl PublicKeyData, name: &str) -> Result<Certificate, Error> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        params.signed_by(key, &self.0)
    }
}

/// A self-signed server certificate.
pub fn self_signed(key: &KeyPair) -> Result<Certificate, Error> {
    let mut params = server_params(LOOPBACK, Validity::Now)?;
    // Debian's snakeoil certificate is called localhost, and may be trusted.
    params.distinguished_name.push(DnType::CommonName, "mcp-test-server self-signed");
    params.self_signed(key)
}

fn authority_params(name: &str) -> Result<CertificateParams, Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn server_params(names: &[&str], validity: Validity) -> Result<CertificateParams, Error> {
    let mut params = CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())?;
    params.distinguished_name.push(DnType::CommonName, names[0]);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let years = match validity {
        Validity::Now => (1975, 4096),
        Validity::Expired => (2001, 2002),
        Validity::NotYet => (4000, 4096),
    };
    (params.not_before, params.not_after) = (date_time_ymd(years.0, 1, 1), date_time_ymd(years.1, 1, 1));
    Ok(params)
}
