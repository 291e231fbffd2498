//! What a session is made from, kept so that it can be made again.

use std::sync::Arc;

use crate::bindings::core::wasmsh::session::types::Config;
use crate::blobs::Blobs;
use crate::core::{Core, Trapped};
use crate::engine::{Engine, Python};
use crate::limits::{Ceilings, Quota};
use crate::mailbox::Mailbox;
use crate::network::Network;
use crate::snapshot::SharedFiles;

/// Everything that makes a core.
pub(crate) struct Recipe {
    pub(crate) engine: Engine,
    pub(crate) config: Config,
    /// Bytes of memory of each component.
    pub(crate) memory: usize,
    pub(crate) quota: Quota,
    pub(crate) ceilings: Ceilings,
    pub(crate) network: Option<Arc<Network>>,
    /// Bytes of files up to which a checkpoint is made before each run.
    pub(crate) checkpoint_bytes: u64,
}

/// Why a core cannot be made.
pub(crate) enum Failure {
    Instantiate(wasmtime::Error),
    Trapped(Trapped),
}

impl From<Trapped> for Failure {
    fn from(trapped: Trapped) -> Self {
        Self::Trapped(trapped)
    }
}

impl Recipe {
    /// A new core.
    pub(crate) fn core(&self, mailbox: &Arc<Mailbox>) -> Result<Core, Failure> {
        // While a snapshot is put back there are two trees.
        self.make(mailbox, Blobs::new(self.quota.bytes.saturating_mul(2)))
    }

    fn make(&self, mailbox: &Arc<Mailbox>, blobs: Blobs) -> Result<Core, Failure> {
        let inner = &self.engine.0;
        let composed = inner.python == Python::Composed;
        let mut core =
            Core::new(&inner.core, Arc::clone(mailbox), self.memory, self.network.clone(), blobs, composed)
                .map_err(Failure::Instantiate)?;
        core.open(&self.config)?;
        core.bounds = (self.ceilings, self.quota);
        if self.quota != Quota::default() {
            core.set_quota(self.quota)?;
        }
        Ok(core)
    }

    /// A new core with these files, if there are any but those of every session, and this state.
    pub(crate) fn core_with(
        &self,
        mailbox: &Arc<Mailbox>,
        files: Option<&SharedFiles>,
        state: &[u8],
    ) -> Result<Core, Failure> {
        let mut core = match files {
            None => self.core(mailbox)?,
            Some(files) => {
                let mut core = self.make(mailbox, files.blobs.clone())?;
                let put = core.put_shared(&files.names)?;
                put.map_err(|error| Failure::Trapped(Trapped(error.to_string().into())))?;
                core
            }
        };
        core.load(state)?.map_err(|error| Failure::Trapped(Trapped(format!("{error:?}").into())))?;
        Ok(core)
    }
}
