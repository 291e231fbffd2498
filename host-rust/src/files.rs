//! The session's files, as the host sees them.

use std::time::SystemTime;

use thiserror::Error;

use crate::bindings::core::exports::wasmsh::fs::files::Guest;
use crate::bindings::core::exports::wasmsh::fs::types::{ErrorCode, NewTime};
use crate::core::{CoreState, Trapped};
use crate::session::Session;
use crate::types::{Entry, Errno, FileType, Stat, timestamp};

/// Why a call on files has failed.
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
    /// # Errors
    /// [`FileError`]
    pub fn read_file(&mut self, path: &str) -> Result<Vec<u8>, FileError> {
        let full = self.resolve(path);
        self.file_call(path, &|files, store| files.call_read_file(store, &full))
    }

    /// Creates a file, and the directories above it, or replaces its contents. A new file has the mode 644.
    ///
    /// # Errors
    /// [`FileError`]
    pub fn write_file(&mut self, path: &str, contents: impl AsRef<[u8]>) -> Result<(), FileError> {
        self.write_file_with_mode(path, contents, 0o644)
    }

    /// As [`Session::write_file`], and gives the file these permission bits, whether or not it is new.
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
    /// # Errors
    /// [`FileError`]
    pub fn list_dir(&mut self, path: &str) -> Result<Vec<Entry>, FileError> {
        let full = self.resolve(path);
        let entries = self.file_call(path, &|files, store| files.call_read_directory(store, &full))?;
        Ok(entries.into_iter().map(Into::into).collect())
    }

    /// `stat(2)`: what a path leads to.
    ///
    /// # Errors
    /// [`FileError`]
    pub fn stat(&mut self, path: &str) -> Result<Stat, FileError> {
        let full = self.resolve(path);
        Ok(self.file_call(path, &|files, store| files.call_stat_at(store, &full, true))?.into())
    }

    /// `lstat(2)`: as [`Session::stat`], but of a symbolic link it tells of the link.
    ///
    /// # Errors
    /// [`FileError`]
    pub fn symlink_stat(&mut self, path: &str) -> Result<Stat, FileError> {
        let full = self.resolve(path);
        Ok(self.file_call(path, &|files, store| files.call_stat_at(store, &full, false))?.into())
    }

    /// Whether a path leads to anything.
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
    /// # Errors
    /// [`FileError`]
    pub fn rename(&mut self, old: &str, new: &str) -> Result<(), FileError> {
        let (from, to) = (self.resolve(old), self.resolve(new));
        self.file_call(old, &|files, store| files.call_rename(store, &from, &to))
    }

    /// Makes `new` a symbolic link with the given target.
    ///
    /// # Errors
    /// [`FileError`]
    pub fn symlink(&mut self, target: &str, new: &str) -> Result<(), FileError> {
        let full = self.resolve(new);
        self.file_call(new, &|files, store| files.call_symlink(store, target, &full))
    }

    /// Makes `new` another name of a file.
    ///
    /// # Errors
    /// [`FileError`]
    pub fn hard_link(&mut self, existing: &str, new: &str) -> Result<(), FileError> {
        let (from, to) = (self.resolve(existing), self.resolve(new));
        self.file_call(new, &|files, store| files.call_link(store, &from, &to, false))
    }

    /// Where a symbolic link leads.
    ///
    /// # Errors
    /// [`FileError`]
    pub fn read_link(&mut self, path: &str) -> Result<String, FileError> {
        let full = self.resolve(path);
        self.file_call(path, &|files, store| files.call_read_link(store, &full))
    }

    /// Adds to the end of a file, which is created with mode 644 if it is missing.
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
    /// # Errors
    /// [`FileError`]
    pub fn set_mode(&mut self, path: &str, mode: u32) -> Result<(), FileError> {
        let full = self.resolve(path);
        self.file_call(path, &|files, store| files.call_set_mode_at(store, &full, mode, true))
    }

    /// `chown(2)`; a symbolic link is not followed.
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
