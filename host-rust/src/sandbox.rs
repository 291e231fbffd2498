//! The shortest way to a session.

use crate::session::SessionBuilder;

/// Where to begin: sessions on the engine that the process shares.
///
/// ```no_run
/// let mut session = wasmsh::Sandbox::builder().env("NAME", "world").build()?;
/// assert_eq!(session.run("echo hello $NAME").output()?.stdout, b"hello world\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Sandbox;

impl Sandbox {
    /// Settings of a session on [`Engine::shared`](crate::Engine::shared). The builder can be cloned: many sessions
    /// with the same settings.
    ///
    /// ```
    /// let builder = wasmsh::Sandbox::builder().env("NAME", "value");
    /// let (mut one, mut two) = (builder.clone().build()?, builder.build()?);
    /// one.run("echo 1 > file").output()?;
    /// assert!(!two.exists("file")?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn builder() -> SessionBuilder {
        SessionBuilder::new(None)
    }
}
