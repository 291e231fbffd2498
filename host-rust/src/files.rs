//! The session's files, as the host sees them.

use std::time::SystemTime;

use thiserror::Error;

use crate::bindings::core::exports::wasmsh::fs::files::Guest;
use crate::bindings::core::exports::wasmsh::fs::types::{ErrorCode, NewTime};
use crate::core::{CoreState, Trapped};
use crate::session::Session;
use crate::types::{Entry, Errno, FileType, Stat, timestamp};

/// Why a call on files has failed.
///
/// ```
/// use wasmsh::{Errno, FileError};
///
/// # let mut session = wasmsh::Sandbox::builder().build()?;
/// match session.read_file("missing") {
///     Err(FileError::Errno { path, errno: Errno::NoEntry }) => assert_eq!(path, "missing"),
///     other => panic!("{other:?}"),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Error)]
pub enum FileError {
    /// As POSIX has it.
    #[error("{path}: {errno}")]
    Errno {
        /// The path of the call.
        path: String,
        /// What is wrong with it.
        errno: Errno,
    },
    /// The core has trapped. The session is lost.
    #[error("the session has trapped: {0}")]
    Trapped(String),
}

impl FileError {
    /// The error number, unless the core has trapped.
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// let error = session.read_file("missing").unwrap_err();
    /// assert_eq!(error.errno(), Some(wasmsh::Errno::NoEntry));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn errno(&self) -> Option<Errno> {
        match self {
            Self::Errno { errno, .. } => Some(*errno),
            Self::Trapped(_) => None,
        }
    }
}

impl From<Trapped> for FileError {
    fn from(trapped: Trapped) -> Self {
        Self::Trapped(trapped.0.to_string())
    }
}

type Call<'c, R> =
    &'c dyn Fn(&Guest, &mut wasmtime::Store<CoreState>) -> wasmtime::Result<Result<R, ErrorCode>>;

/// Files of the session. Paths are absolute, or start where the session started. The host may do what the session's
/// user may, and where that is not enough, what root may; what it creates belongs to the user.
impl Session {
    /// The contents of a file.
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// session.run("echo text > file").output()?;
    /// assert_eq!(session.read_file("file")?, b"text\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`FileError`]
    pub fn read_file(&mut self, path: &str) -> Result<Vec<u8>, FileError> {
        let full = self.resolve(path);
        self.file_call(path, &|files, store| files.call_read_file(store, &full))
    }

    /// Creates a file, and the directories above it, or replaces its contents. A new file has the mode 644.
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// session.write_file("dir/file", "text")?;
    /// assert_eq!(session.run("cat dir/file").output()?.stdout, b"text");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`FileError`]
    pub fn write_file(&mut self, path: &str, contents: impl AsRef<[u8]>) -> Result<(), FileError> {
        self.write_file_with_mode(path, contents, 0o644)
    }

    /// As [`Session::write_file`], and gives the file these permission bits, whether or not it is new.
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// session.write_file_with_mode("script", "#!/bin/sh\necho ran\n", 0o755)?;
    /// assert_eq!(session.run("./script").output()?.stdout, b"ran\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`FileError`]
    pub fn write_file_with_mode(
        &mut self,
        path: &str,
        contents: impl AsRef<[u8]>,
        mode: u32,
    ) -> Result<(), FileError> {
        let full = self.resolve(path);
        let contents = contents.as_ref();
        let created = self.stat(path).is_err();
        let write: Call<'_, ()> = &|files, store| files.call_write_file(store, &full, contents, mode);
        match self.file_call(path, write) {
            Err(FileError::Errno { errno: Errno::NoEntry, .. }) if created => {
                if let Some((parent, _)) = full.rsplit_once('/') {
                    self.create_dir(parent)?;
                }
                self.file_call(path, write)?;
            }
            result => result?,
        }
        if created {
            self.own(path, &full)?;
        }
        if !created || mode != 0o644 {
            self.file_call(path, &|files, store| files.call_set_mode_at(store, &full, mode, true))?;
        }
        Ok(())
    }

    /// Creates a directory with mode 755, and those above it. One that exists is left as it is.
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// session.create_dir("a/b/c")?;
    /// assert!(session.run("cd a/b/c").output()?.success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`FileError`]
    pub fn create_dir(&mut self, path: &str) -> Result<(), FileError> {
        let full = self.resolve(path);
        let mut end = 0;
        for part in full.split('/') {
            end += part.len() + 1;
            let Some(above) = full.get(..end - 1).filter(|_| !part.is_empty()) else { continue };
            match self.file_call(above, &|files, store| files.call_make_directory(store, above, 0o755)) {
                Ok(()) => self.own(above, above)?,
                Err(FileError::Errno { errno: Errno::Exist, .. }) => {
                    if self.stat(above)?.kind != FileType::Directory {
                        return Err(FileError::Errno { path: path.to_owned(), errno: Errno::NotDirectory });
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// What is in a directory, ordered by name as bytes, without `.` and `..`.
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// session.run("mkdir dir; touch file").output()?;
    /// let names: Vec<String> = session.list_dir(".")?.into_iter().map(|entry| entry.name).collect();
    /// assert_eq!(names, ["dir", "file"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`FileError`]
    pub fn list_dir(&mut self, path: &str) -> Result<Vec<Entry>, FileError> {
        let full = self.resolve(path);
        let entries = self.file_call(path, &|files, store| files.call_read_directory(store, &full))?;
        Ok(entries.into_iter().map(Into::into).collect())
    }

    /// `stat(2)`: what a path leads to.
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// session.write_file("file", "text")?;
    /// let stat = session.stat("file")?;
    /// assert_eq!((stat.kind, stat.size, stat.mode), (wasmsh::FileType::Regular, 4, 0o644));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`FileError`]
    pub fn stat(&mut self, path: &str) -> Result<Stat, FileError> {
        let full = self.resolve(path);
        Ok(self.file_call(path, &|files, store| files.call_stat_at(store, &full, true))?.into())
    }

    /// `lstat(2)`: as [`Session::stat`], but of a symbolic link it tells of the link.
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// session.symlink("nowhere", "link")?;
    /// assert_eq!(session.symlink_stat("link")?.kind, wasmsh::FileType::SymbolicLink);
    /// assert!(session.stat("link").is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`FileError`]
    pub fn symlink_stat(&mut self, path: &str) -> Result<Stat, FileError> {
        let full = self.resolve(path);
        Ok(self.file_call(path, &|files, store| files.call_stat_at(store, &full, false))?.into())
    }

    /// Whether a path leads to anything.
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// assert!(session.exists("/etc/passwd")? && !session.exists("missing")?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`FileError::Trapped`]; and any error but that there is nothing.
    pub fn exists(&mut self, path: &str) -> Result<bool, FileError> {
        match self.stat(path) {
            Ok(_) => Ok(true),
            Err(FileError::Errno { errno: Errno::NoEntry | Errno::NotDirectory, .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Removes a file, a link, or an empty directory.
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// session.write_file("file", "text")?;
    /// session.remove("file")?;
    /// assert!(!session.exists("file")?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`FileError`]
    pub fn remove(&mut self, path: &str) -> Result<(), FileError> {
        let full = self.resolve(path);
        if self.symlink_stat(path)?.kind == FileType::Directory {
            self.file_call(path, &|files, store| files.call_remove_directory(store, &full))
        } else {
            self.file_call(path, &|files, store| files.call_remove_file(store, &full))
        }
    }

    /// `rename(2)`.
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// session.write_file("old", "text")?;
    /// session.rename("old", "new")?;
    /// assert_eq!(session.read_file("new")?, b"text");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`FileError`]
    pub fn rename(&mut self, old: &str, new: &str) -> Result<(), FileError> {
        let (from, to) = (self.resolve(old), self.resolve(new));
        self.file_call(old, &|files, store| files.call_rename(store, &from, &to))
    }

    /// Makes `new` a symbolic link with the given target.
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// session.write_file("file", "text")?;
    /// session.symlink("file", "link")?;
    /// assert_eq!(session.read_file("link")?, b"text");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`FileError`]
    pub fn symlink(&mut self, target: &str, new: &str) -> Result<(), FileError> {
        let full = self.resolve(new);
        self.file_call(new, &|files, store| files.call_symlink(store, target, &full))
    }

    /// Makes `new` another name of a file.
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// session.write_file("file", "text")?;
    /// session.hard_link("file", "other")?;
    /// assert_eq!(session.stat("file")?.links, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`FileError`]
    pub fn hard_link(&mut self, existing: &str, new: &str) -> Result<(), FileError> {
        let (from, to) = (self.resolve(existing), self.resolve(new));
        self.file_call(new, &|files, store| files.call_link(store, &from, &to, false))
    }

    /// Where a symbolic link leads.
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// session.symlink("target", "link")?;
    /// assert_eq!(session.read_link("link")?, "target");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`FileError`]
    pub fn read_link(&mut self, path: &str) -> Result<String, FileError> {
        let full = self.resolve(path);
        self.file_call(path, &|files, store| files.call_read_link(store, &full))
    }

    /// Adds to the end of a file, which is created with mode 644 if it is missing.
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// session.append_file("log", "one\n")?;
    /// session.append_file("log", "two\n")?;
    /// assert_eq!(session.read_file("log")?, b"one\ntwo\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`FileError`]
    pub fn append_file(&mut self, path: &str, contents: impl AsRef<[u8]>) -> Result<(), FileError> {
        let full = self.resolve(path);
        let created = self.stat(path).is_err();
        self.file_call(path, &|files, store| files.call_append_file(store, &full, contents.as_ref(), 0o644))?;
        if created { self.own(path, &full) } else { Ok(()) }
    }

    /// `chmod(2)`.
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// session.write_file("script", "echo ran")?;
    /// session.set_mode("script", 0o755)?;
    /// assert_eq!(session.run("./script").output()?.stdout, b"ran\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`FileError`]
    pub fn set_mode(&mut self, path: &str, mode: u32) -> Result<(), FileError> {
        let full = self.resolve(path);
        self.file_call(path, &|files, store| files.call_set_mode_at(store, &full, mode, true))
    }

    /// `chown(2)`; a symbolic link is not followed.
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// session.write_file("file", "text")?;
    /// session.set_owner("file", 0, 0)?;
    /// assert!(!session.run("echo more >> file").output()?.success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`FileError`]
    pub fn set_owner(&mut self, path: &str, uid: u32, gid: u32) -> Result<(), FileError> {
        let full = self.resolve(path);
        self.file_call(path, &|files, store| {
            files.call_set_owner_at(store, &full, Some(uid), Some(gid), false)
        })
    }

    /// Sets the time of the last change of a file's contents.
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// session.write_file("file", "text")?;
    /// session.set_modified("file", std::time::SystemTime::UNIX_EPOCH)?;
    /// assert_eq!(session.run("stat -c %Y file").output()?.stdout, b"0\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`FileError`]
    pub fn set_modified(&mut self, path: &str, at: SystemTime) -> Result<(), FileError> {
        let full = self.resolve(path);
        let at = NewTime::At(timestamp(at));
        self.file_call(path, &|files, store| files.call_set_times_at(store, &full, NewTime::Keep, at, false))
    }

    fn resolve(&self, path: &str) -> String {
        if path.starts_with('/') { path.to_owned() } else { format!("{}/{path}", self.home()) }
    }

    /// Gives a file to the session's user.
    pub(crate) fn give_to_user(&mut self, path: &str) -> Result<(), FileError> {
        let full = self.resolve(path);
        self.own(path, &full)
    }

    /// Gives what was created as root to the session's user.
    fn own(&mut self, path: &str, full: &str) -> Result<(), FileError> {
        let (uid, gid) = self.plain(|files, store| files.call_get_user(store))?;
        let stat = self.stat(path)?;
        if (stat.uid, stat.gid) != (uid, gid) {
            self.file_call(path, &|files, store| {
                files.call_set_owner_at(store, full, Some(uid), Some(gid), true)
            })?;
        }
        Ok(())
    }

    fn plain<R>(
        &mut self,
        call: impl FnOnce(&Guest, &mut wasmtime::Store<CoreState>) -> wasmtime::Result<R>,
    ) -> Result<R, FileError> {
        Ok(self.core.lock().call(|world, store| call(world.wasmsh_fs_files(), store))?)
    }

    /// Calls as the session's user, and then, if that is not permitted, as root.
    fn file_call<R>(&mut self, path: &str, call: Call<'_, R>) -> Result<R, FileError> {
        let mut result = self.plain(|files, store| call(files, store))?;
        if matches!(result, Err(ErrorCode::Access | ErrorCode::NotPermitted)) {
            result = self.plain(|files, store| {
                let (uid, gid) = files.call_get_user(&mut *store)?;
                files.call_set_user(&mut *store, 0, 0)?;
                let result = call(files, store)?;
                files.call_set_user(&mut *store, uid, gid)?;
                Ok(result)
            })?;
        }
        result.map_err(|error| FileError::Errno { path: path.to_owned(), errno: error.into() })
    }
}
