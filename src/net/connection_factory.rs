//! How connections are made: what a caller sets before the first request, and what all connections of a client share.

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

/// The most bytes of an answer's head, unless the caller says otherwise.
pub const DEFAULT_MAX_HEAD: usize = 64 * 1024;

/// What a caller sets.
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

/// The network as one client sees it.
pub struct ConnectionFactory {
    pub names: DnsCache,
    tls: TlsOptions,
    /// Made for the first connection that needs it.
    tls_config: OnceCell<Result<Arc<ClientConfig>, String>>,
    unix_socket: Option<PathBuf>,
    proxies: ProxySettings,
}

/// What the first socket of a connection leads to.
pub enum Route<'a> {
    Server,
    Unix(&'a PathBuf),
    Proxy(&'a Proxy),
}

impl ConnectionFactory {
    pub fn new(options: ConnectionOptions) -> ConnectionFactory {
        let proxies = ProxySettings::new(&options.proxy, |name| std::env::var(name).ok());
        ConnectionFactory {
            names: DnsCache::default(),
            tls: options.tls,
            tls_config: OnceCell::new(),
            unix_socket: options.unix_socket,
            proxies,
        }
    }

    pub fn tls_config(&self) -> Result<Arc<ClientConfig>, String> {
        self.tls_config.get_or_init(|| self.tls.config()).clone()
    }

    /// The way to `origin`.
    pub fn route(&self, origin: &Origin) -> Result<Route<'_>, &str> {
        if let Some(path) = &self.unix_socket {
            return Ok(Route::Unix(path));
        }
        Ok(self.proxies.towards(origin)?.map_or(Route::Server, |proxy| Route::Proxy(proxy)))
    }

    /// The proxy that passes requests to `origin` on, and may answer them itself.
    pub fn forwarding_proxy(&self, origin: &Origin) -> Option<&Proxy> {
        match self.route(origin) {
            Ok(Route::Proxy(proxy)) if proxy.forwards(origin) => Some(proxy),
            _ => None,
        }
    }

    /// The credentials of proxies, in the forms in which they are sent.
    pub fn proxy_secrets(&self) -> Vec<Zeroizing<String>> {
        self.proxies.all().flat_map(Proxy::secrets).collect()
    }
}

impl fmt::Debug for ConnectionFactory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Network")
    }
}
