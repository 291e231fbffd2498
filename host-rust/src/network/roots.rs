//! Whom the certificates of servers have to come from.

use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use webpki_root_certs::TLS_SERVER_ROOT_CERTS;

/// Which root certificates a [`Network`](super::Network) trusts, before those that
/// [`trust`](super::Network::trust) adds.
///
/// ```
/// use wasmsh::{Network, Roots};
///
/// // Nobody is trusted but whom `trust` adds.
/// let network = Network::new().allow("https://intranet.example".parse()?).roots(Roots::Added);
/// assert_eq!(serde_json::to_string(&Roots::Added)?, "\"added\"");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Roots {
    /// Those of the platform, as other programs on this machine trust them: the variables `SSL_CERT_FILE` and
    /// `SSL_CERT_DIR` name them, or else they are the system's. Mozilla's where the platform has none, as in a small
    /// container. They are read once for a `Network` and its clones, at the first exchange by https.
    #[default]
    Platform,
    /// Mozilla's, as this crate was built with them: the same wherever it runs.
    Mozilla,
    /// None but those that are added.
    Added,
}

/// Why a text has no certificates to trust.
///
/// ```
/// use wasmsh::{Network, TrustError};
///
/// assert!(matches!(Network::new().trust("no certificate"), Err(TrustError::None)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TrustError {
    /// There is no `BEGIN CERTIFICATE` in it.
    #[error("no certificate in the PEM text")]
    None,
    /// A section of it cannot be read.
    #[error("not the PEM text of certificates: {0}")]
    Malformed(String),
}

/// Root certificates, read when they are needed.
#[derive(Clone, Debug, Default)]
pub(super) struct Trust {
    pub(super) roots: Roots,
    added: Vec<Certificate<'static>>,
    /// What clones have read is read for all of them.
    read: Arc<OnceLock<Result<RootCerts, String>>>,
}

impl Trust {
    pub(super) fn set(&mut self, roots: Roots) {
        self.roots = roots;
        self.read = Arc::default();
    }

    pub(super) fn add(&mut self, pem: &[u8]) -> Result<(), TrustError> {
        let before = self.added.len();
        for item in parse_pem(pem) {
            // A file may hold a server's key beside its certificate.
            if let PemItem::Certificate(certificate) =
                item.map_err(|error| TrustError::Malformed(error.to_string()))?
            {
                self.added.push(certificate);
            }
        }
        self.read = Arc::default();
        if self.added.len() == before { Err(TrustError::None) } else { Ok(()) }
    }

    /// How a server is to prove itself. The error says why that cannot be told.
    pub(super) fn tls(&self) -> Result<TlsConfig, String> {
        let roots = self.read.get_or_init(|| self.read()).clone()?;
        Ok(TlsConfig::builder().root_certs(roots).build())
    }

    fn read(&self) -> Result<RootCerts, String> {
        let mut certificates = match self.roots {
            Roots::Platform => platform()?,
            Roots::Mozilla => mozilla(),
            Roots::Added => Vec::new(),
        };
        certificates.extend(self.added.iter().cloned());
        Ok(certificates.into())
    }
}

fn platform() -> Result<Vec<Certificate<'static>>, String> {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "root certificates of the platform");
    }
    match found.errors.first() {
        _ if !found.certs.is_empty() => {
            Ok(found.certs.iter().map(|certificate| Certificate::from_der(certificate).to_owned()).collect())
        }
        // Somebody has said whom to trust: nobody else is trusted in their place.
        Some(error) => Err(format!("cannot read the root certificates of this machine: {error}")),
        None => Ok(mozilla()),
    }
}

fn mozilla() -> Vec<Certificate<'static>> {
    TLS_SERVER_ROOT_CERTS.iter().map(|certificate| Certificate::from_der(certificate)).collect()
}
