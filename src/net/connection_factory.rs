//! The settings for connections, and what all connections of a client share.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use once_cell::sync::OnceCell;
use rustls::ClientConfig;
use zeroize::Zeroizing;

use super::dns::DnsCache;
use super::origin::Origin;
use super::proxy::{Proxy, ProxyChoice, ProxySettings};
use super::tls::TlsOptions;

/// The default limit for the head of a response, in bytes.
pub const DEFAULT_MAX_HEAD: usize = 64 * 1024;

/// Settings for the connections of a client.
#[derive(Clone)]
pub struct ConnectionOptions {
    pub proxy: ProxyChoice,
    pub tls: TlsOptions,
    pub unix_socket: Option<PathBuf>,
    pub max_head: usize,
}

impl Default for ConnectionOptions {
    fn default() -> ConnectionOptions {
        ConnectionOptions {
            proxy: ProxyChoice::default(),
            tls: TlsOptions::default(),
            unix_socket: None,
            max_head: DEFAULT_MAX_HEAD,
        }
    }
}

/// What all connections of one client share: settings, DNS cache, TLS configuration and proxies.
pub struct ConnectionFactory {
    pub dns: DnsCache,
    tls: TlsOptions,
    /// Created for the first connection that needs it.
    tls_config: OnceCell<Result<Arc<ClientConfig>, String>>,
    unix_socket: Option<PathBuf>,
    proxies: ProxySettings,
}

/// What the socket of a connection connects to.
pub enum Route<'a> {
    Server,
    Unix(&'a PathBuf),
    Proxy(&'a Proxy),
}

impl ConnectionFactory {
    pub fn new(options: ConnectionOptions) -> ConnectionFactory {
        let proxies = ProxySettings::new(&options.proxy, |name| std::env::var(name).ok());
        ConnectionFactory {
            dns: DnsCache::default(),
            tls: options.tls,
            tls_config: OnceCell::new(),
            unix_socket: options.unix_socket,
            proxies,
        }
    }

    pub fn tls_config(&self) -> Result<Arc<ClientConfig>, String> {
        self.tls_config.get_or_init(|| self.tls.config()).clone()
    }

    /// The route to `origin`.
    pub fn route(&self, origin: &Origin) -> Result<Route<'_>, &str> {
        if let Some(path) = &self.unix_socket {
            return Ok(Route::Unix(path));
        }
        Ok(self.proxies.proxy_for(origin)?.map_or(Route::Server, |proxy| Route::Proxy(proxy)))
    }

    /// The proxy that forwards requests to `origin`, and that may send responses itself.
    pub fn forwarding_proxy(&self, origin: &Origin) -> Option<&Proxy> {
        match self.route(origin) {
            Ok(Route::Proxy(proxy)) if proxy.forwards(origin) => Some(proxy),
            _ => None,
        }
    }

    /// The credentials of the proxies, in the forms in which they are sent.
    pub fn proxy_secrets(&self) -> Vec<Zeroizing<String>> {
        self.proxies.all().flat_map(Proxy::secrets).collect()
    }
}

impl fmt::Debug for ConnectionFactory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConnectionFactory")
    }
}
