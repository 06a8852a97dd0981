//! How connections are made: what a caller sets before the first request, and what all connections of a client share.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use once_cell::sync::OnceCell;
use rustls::ClientConfig;
use zeroize::Zeroizing;

use super::names::NameCache;
use super::origin::Origin;
use super::proxy::{Proxies, Proxy, ProxyChoice};
use super::tls::TlsOptions;

/// The most bytes of an answer's head, unless the caller says otherwise.
pub const DEFAULT_MAX_HEAD: usize = 64 * 1024;

/// What a caller sets.
#[derive(Clone)]
pub struct NetworkOptions {
    pub proxy: ProxyChoice,
    pub tls: TlsOptions,
    pub unix_socket: Option<PathBuf>,
    pub max_head: usize,
}

impl Default for NetworkOptions {
    fn default() -> NetworkOptions {
        NetworkOptions {
            proxy: ProxyChoice::default(),
            tls: TlsOptions::default(),
            unix_socket: None,
            max_head: DEFAULT_MAX_HEAD,
        }
    }
}

/// The network as one client sees it.
pub struct Network {
    pub names: NameCache,
    tls: TlsOptions,
    /// Made for the first connection that needs it.
    tls_config: OnceCell<Result<Arc<ClientConfig>, String>>,
    unix_socket: Option<PathBuf>,
    proxies: Proxies,
}

/// What the first socket of a connection leads to.
pub enum Hop<'a> {
    Server,
    Unix(&'a PathBuf),
    Proxy(&'a Proxy),
}

impl Network {
    pub fn new(options: NetworkOptions) -> Network {
        let proxies = Proxies::new(&options.proxy, |name| std::env::var(name).ok());
        Network {
            names: NameCache::default(),
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
    pub fn hop(&self, origin: &Origin) -> Result<Hop<'_>, &str> {
        if let Some(path) = &self.unix_socket {
            return Ok(Hop::Unix(path));
        }
        Ok(self.proxies.towards(origin)?.map_or(Hop::Server, |proxy| Hop::Proxy(proxy)))
    }

    /// The proxy that passes requests to `origin` on, and may answer them itself.
    pub fn forwarding_proxy(&self, origin: &Origin) -> Option<&Proxy> {
        match self.hop(origin) {
            Ok(Hop::Proxy(proxy)) if proxy.forwards(origin) => Some(proxy),
            _ => None,
        }
    }

    /// The credentials of proxies, in the forms in which they are sent.
    pub fn proxy_secrets(&self) -> Vec<Zeroizing<String>> {
        self.proxies.all().flat_map(Proxy::secrets).collect()
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Network")
    }
}
