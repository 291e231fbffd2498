//! Debian packages without installing them: a private apt that downloads, checks signatures and checksums,
//! and a prefix that the packages are unpacked into. The machine's own package database is never touched.
//!
//! The mirror is the one the machine's apt already uses (or `$WASMSH_DEBIAN_MIRROR`).

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow, bail};

use crate::{cache, exec, ui};

/// A private apt with the indexes of some suites.
pub(crate) struct Apt {
    scratch: cache::Scratch,
    suites: Vec<String>,
}

/// Where the machine's apt gets Debian from.
struct Mirror {
    main: String,
    security: String,
}

impl Apt {
    /// Makes a private apt and downloads the indexes of `suites` (`trixie`, `forky`, `bookworm-security` …,
    /// component main). With `sources`, the indexes of source packages too.
    ///
    /// Signatures are checked against Debian's keyring. A suite may be past the date its Release file is valid
    /// until (testing is, whenever the machine's clock or its mirror is apart): that date alone is ignored.
    pub(crate) fn open(suites: &[&str], sources: bool) -> Result<Self> {
        for program in ["apt-get", "apt-cache", "dpkg-deb"] {
            if !exec::exists(program) {
                bail!("`{program}` is not on this machine; Debian packages need apt and dpkg");
            }
        }
        let keyring = Path::new("/usr/share/keyrings/debian-archive-keyring.gpg");
        if !keyring.exists() {
            bail!("{} is missing: install the package debian-archive-keyring", keyring.display());
        }
        let mirror = mirror()?;
        let scratch = cache::scratch("apt")?;
        let root = scratch.path();
        for folder in ["lists/partial", "cache/archives/partial", "parts", "preferences.d"] {
            fs::create_dir_all(root.join(folder))?;
        }
        fs::write(root.join("status"), "")?;
        let mut list = String::new();
        for suite in suites {
            let uri = if suite.ends_with("-security") { &mirror.security } else { &mirror.main };
            for kind in if sources { &["deb", "deb-src"][..] } else { &["deb"][..] } {
                list += &format!("{kind} [signed-by={}] {uri} {suite} main\n", keyring.display());
            }
        }
        fs::write(root.join("sources.list"), list)?;
        fs::write(root.join("apt.conf"), configuration(root)?)?;
        let apt = Self { scratch, suites: suites.iter().map(ToString::to_string).collect() };
        exec::output(apt.command("apt-get").args(["-qq", "update", "--error-on=any"])).with_context(
            || {
                format!(
                    "cannot download the package index of Debian {} from {}; {ADVICE}",
                    suites.join(", "),
                    mirror.main
                )
            },
        )?;
        Ok(apt)
    }

    /// The newest version of a binary package, if the suites have it.
    pub(crate) fn version(&self, package: &str) -> Result<Option<String>> {
        let text = exec::output(self.command("apt-cache").args(["policy", package]))?;
        let candidate = text.lines().find_map(|line| line.trim().strip_prefix("Candidate: "));
        Ok(candidate.filter(|version| *version != "(none)").map(str::to_owned))
    }

    /// `packages` and everything that they depend on (not what they recommend), without the packages that
    /// `leave_out` says yes to: programs in a private prefix need shared libraries, but no configuration system.
    pub(crate) fn closure(&self, packages: &[&str], leave_out: impl Fn(&str) -> bool) -> Result<Vec<String>> {
        let text = exec::output(
            self.command("apt-cache")
                .args([
                    "depends",
                    "--recurse",
                    "--no-recommends",
                    "--no-suggests",
                    "--no-conflicts",
                    "--no-breaks",
                    "--no-replaces",
                    "--no-enhances",
                ])
                .args(packages),
        )?;
        // Lines that are not indented are packages; `<name>` is a virtual one, `name:arch` a foreign one.
        let names: BTreeSet<&str> = text
            .lines()
            .filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit()))
            .filter(|name| !name.contains(':') && !leave_out(name))
            .collect();
        Ok(names.into_iter().map(str::to_owned).collect())
    }

    /// The packages that `package` depends on directly.
    pub(crate) fn depends(&self, package: &str) -> Result<Vec<String>> {
        let text = exec::output(self.command("apt-cache").args(["depends", package]))?;
        Ok(text.lines().filter_map(|line| line.trim().strip_prefix("Depends: ")).map(str::to_owned).collect())
    }

    /// Downloads binary packages (each alone; see [`Apt::closure`]) and gives the `.deb` files.
    pub(crate) fn download<S: AsRef<str>>(&self, packages: &[S]) -> Result<Vec<PathBuf>> {
        let folder = self.scratch.path().join("debs");
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        let names: Vec<&str> = packages.iter().map(AsRef::as_ref).collect();
        ui::note(format_args!("downloading {} packages of Debian {}", names.len(), self.suites.join(", ")));
        exec::output(self.command("apt-get").args(["-qq", "download"]).args(&names).current_dir(&folder))
            .with_context(|| {
                format!(
                    "cannot download from Debian {}: {}; {ADVICE}",
                    self.suites.join(", "),
                    names.join(" ")
                )
            })?;
        let mut debs = files_in(&folder, "deb")?;
        debs.sort();
        if debs.len() != names.len() {
            bail!(
                "asked for {} packages of Debian {}, got {}",
                names.len(),
                self.suites.join(", "),
                debs.len()
            );
        }
        Ok(debs)
    }

    /// Downloads `packages` and unpacks them into `prefix`, and records their versions in `prefix/packages.txt`.
    /// Files whose path begins with one of `without` (such as `./usr/share/doc`) stay out.
    pub(crate) fn unpack<S: AsRef<str>>(
        &self,
        packages: &[S],
        prefix: &Path,
        without: &[&str],
    ) -> Result<()> {
        let debs = self.download(packages)?;
        fs::create_dir_all(prefix)?;
        let mut versions = String::new();
        for deb in &debs {
            unpack_deb(deb, prefix, without)?;
            if let Some(name) = deb.file_stem() {
                versions += &format!("{}\n", name.to_string_lossy());
            }
        }
        merge_usr(prefix)?;
        let list = prefix.join("packages.txt");
        let before = fs::read_to_string(&list).unwrap_or_default();
        fs::write(&list, before + &versions).with_context(|| format!("cannot write {}", list.display()))
    }

    /// Downloads the archive `file` of the source package `package` alone (what its authors published, without
    /// Debian's changes), checked against a hash that the caller knows. Any version of the package will do.
    ///
    /// Needs an `Apt` opened with `sources`.
    pub(crate) fn download_original(
        &self,
        package: &str,
        file: &str,
        sha256: &str,
        into: &Path,
    ) -> Result<()> {
        let versions = exec::output(self.command("apt-cache").args(["showsrc", "--only-source", package]))?;
        let mut uris = None;
        for version in versions.lines().filter_map(|line| line.strip_prefix("Version: ")) {
            let text = exec::output(self.command("apt-get").args([
                "-qq",
                "--print-uris",
                "--only-source",
                "source",
                &format!("{package}={version}"),
            ]))?;
            // 'URI' file size hash
            uris = text.lines().find_map(|line| {
                let mut words = line.split_whitespace();
                let uri = words.next()?.trim_matches('\'').to_owned();
                (words.next()? == file).then_some(uri)
            });
            if uris.is_some() {
                break;
            }
        }
        let uri = uris.ok_or_else(|| {
            anyhow!(
                "Debian {} has no {file}; get it from its authors (SHA-256 {sha256}), \
                 and name the folder that holds it in WASMSH_SOURCES",
                self.suites.join(", ")
            )
        })?;
        exec::output(
            self.command("/usr/lib/apt/apt-helper")
                .args(["-qq", "download-file", &uri])
                .arg(into.join(file))
                .arg(format!("SHA256:{sha256}")),
        )
        .with_context(|| format!("cannot download {file}; {ADVICE}"))
        .map(drop)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("APT_CONFIG", self.scratch.path().join("apt.conf")).env("LC_ALL", "C");
        command
    }
}

const ADVICE: &str = "check the network and run the same command again (finished steps are kept), \
                      or name another mirror in WASMSH_DEBIAN_MIRROR";

/// Unpacks one `.deb` into `prefix`, without the paths that begin with one of `without`.
pub(crate) fn unpack_deb(deb: &Path, prefix: &Path, without: &[&str]) -> Result<()> {
    use std::process::Stdio;
    let mut source = Command::new("dpkg-deb")
        .arg("--fsys-tarfile")
        .arg(deb)
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start dpkg-deb")?;
    let pipe = source.stdout.take().ok_or_else(|| anyhow!("dpkg-deb has no output"))?;
    let mut tar = Command::new("tar");
    tar.args(["-x", "--no-same-owner", "-f", "-", "-C"]).arg(prefix);
    tar.args(without.iter().map(|path| format!("--exclude={path}")));
    let unpacked = tar.stdin(pipe).output().context("cannot start tar")?;
    let read = source.wait()?;
    if !read.success() || !unpacked.status.success() {
        bail!("cannot unpack {}: {}", deb.display(), String::from_utf8_lossy(&unpacked.stderr).trim());
    }
    Ok(())
}

/// Writes `prefix/bin/NAME`: starts `program` (a path inside the prefix) by the prefix's own dynamic loader and
/// with its own libraries, so that a program of a newer Debian runs on an older system. The wrapper finds the
/// prefix by its own place, so the prefix may be moved; `arguments` are put before the caller's.
#[cfg(unix)]
pub(crate) fn write_wrapper(prefix: &Path, name: &str, program: &str, arguments: &str) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let (triplet, loader) = match env::consts::ARCH {
        "x86_64" => ("x86_64-linux-gnu", "ld-linux-x86-64.so.2"),
        "aarch64" => ("aarch64-linux-gnu", "ld-linux-aarch64.so.1"),
        other => bail!("the Debian toolchain is not known for {other}"),
    };
    let bin = prefix.join("bin");
    fs::create_dir_all(&bin)?;
    let path = bin.join(name);
    fs::write(
        &path,
        format!(
            "#!/bin/sh\n\
             prefix=$(dirname \"$(dirname \"$(readlink -f \"$0\")\")\")\n\
             lib=$prefix/usr/lib/{triplet}\n\
             exec \"$lib/{loader}\" --library-path \"$lib\" --argv0 {name} \"$prefix/{program}\" {arguments}\"$@\"\n"
        ),
    )?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

/// See the Unix version; there is no Debian elsewhere.
#[cfg(not(unix))]
pub(crate) fn write_wrapper(_: &Path, _: &str, _: &str, _: &str) -> Result<()> {
    bail!("Debian packages are of use on Linux only")
}

/// Packages before the /usr merge have `/lib/…`; loaders and wrappers look in `/usr/lib` alone.
fn merge_usr(prefix: &Path) -> Result<()> {
    for name in ["lib", "lib64", "bin", "sbin"] {
        let old = prefix.join(name);
        if fs::symlink_metadata(&old).is_ok_and(|metadata| metadata.is_dir()) {
            let new = prefix.join("usr").join(name);
            fs::create_dir_all(&new)?;
            let mut from = old.clone().into_os_string();
            from.push("/.");
            exec::output(Command::new("cp").arg("-a").arg(&from).arg(&new))?;
            fs::remove_dir_all(&old)?;
        }
    }
    Ok(())
}

/// The private configuration. The machine's settings for reaching the network (proxies, certificates) are
/// taken over; its hooks, pinning and caches are not.
fn configuration(root: &Path) -> Result<String> {
    let dump = exec::output(Command::new("apt-config").arg("dump"))?;
    let network: String = dump
        .lines()
        .filter(|line| {
            ["Acquire::http", "Acquire::https", "Acquire::ftp", "Acquire::ForceIP"]
                .iter()
                .any(|key| line.starts_with(key))
                && !line.ends_with("\"\";")
        })
        .map(|line| format!("{line}\n"))
        .collect();
    let root = root.to_str().ok_or_else(|| anyhow!("the cache folder's path is not UTF-8"))?;
    let architecture = exec::output(Command::new("dpkg").arg("--print-architecture"))?;
    Ok(format!(
        r#"Dir::Etc "{root}";
Dir::Etc::Main "none";
Dir::Etc::Parts "parts";
Dir::Etc::SourceList "{root}/sources.list";
Dir::Etc::SourceParts "{root}/parts";
Dir::Etc::Preferences "{root}/none";
Dir::Etc::PreferencesParts "{root}/preferences.d";
Dir::State "{root}";
Dir::State::Lists "{root}/lists";
Dir::State::Status "{root}/status";
Dir::Cache "{root}/cache";
APT::Architecture "{architecture}";
APT::Architectures {{ "{architecture}"; }};
APT::Sandbox::User "";
Acquire::Check-Valid-Until "false";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::IndexTargets::deb::DEP-11-icons::DefaultEnabled "false";
Acquire::IndexTargets::deb::DEP-11-icons-small::DefaultEnabled "false";
{network}"#
    ))
}

fn mirror() -> Result<Mirror> {
    if let Some(uri) = env::var("WASMSH_DEBIAN_MIRROR").ok().filter(|uri| !uri.is_empty()) {
        let main = uri.trim_end_matches('/').to_owned();
        return Ok(Mirror { security: format!("{main}-security"), main });
    }
    let text = exec::output(Command::new("apt-get").args([
        "indextargets",
        "--format",
        "$(REPO_URI) $(RELEASE)",
        "Created-By: Packages",
        "Component: main",
    ]))
    .context("cannot ask apt for the machine's package sources")?;
    choose_mirror(&text).ok_or_else(|| {
        anyhow!("the machine's apt has no Debian source; name a mirror in WASMSH_DEBIAN_MIRROR (such as https://MIRROR/debian)")
    })
}

/// From lines of `URI suite`: the first Debian archive, and the first security archive (or its usual place beside).
fn choose_mirror(text: &str) -> Option<Mirror> {
    let sources: Vec<(&str, &str)> = text
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(uri, suite)| (uri.trim_end_matches('/'), suite))
        .collect();
    let security = sources
        .iter()
        .find(|(uri, suite)| suite.ends_with("-security") && uri.contains("debian"))
        .map(|(uri, _)| *uri);
    let main =
        sources.iter().find(|(uri, suite)| uri.ends_with("/debian") && !suite.ends_with("-security"))?.0;
    Some(Mirror {
        main: main.to_owned(),
        security: security.map_or_else(|| format!("{main}-security"), str::to_owned),
    })
}

fn files_in(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|found| found == extension) {
            files.push(path);
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mirror_comes_from_the_sources_of_the_machine() {
        let mirror = choose_mirror(
            "https://tools.example/node_20 nodistro\nhttp://one.example/debian/ bookworm\n\
             http://two.example/debian-security/ bookworm-security\n",
        )
        .unwrap();
        assert_eq!(mirror.main, "http://one.example/debian");
        assert_eq!(mirror.security, "http://two.example/debian-security");
        assert_eq!(
            choose_mirror("http://a.example/debian trixie\n").unwrap().security,
            "http://a.example/debian-security"
        );
        assert!(choose_mirror("http://archive.example/ubuntu noble\n").is_none());
    }
}
