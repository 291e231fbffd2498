//! The one list of all commands.

use crate::Command;

/// All commands, ordered by name.
pub static COMMANDS: &[&Command] = &[
    &crate::test::BRACKET,
    &crate::system::ARCH,
    &crate::awk::COMMAND,
    &crate::sums::B2,
    &crate::base64::BASE32,
    &crate::base64::BASE64,
    &crate::basename::COMMAND,
    &crate::bc::COMMAND,
    &crate::cat::COMMAND,
    &crate::owner::CHGRP,
    &crate::chmod::COMMAND,
    &crate::owner::CHOWN,
    &crate::comm::COMMAND,
    &crate::cp::COMMAND,
    &crate::curl::COMMAND,
    &crate::cut::COMMAND,
    &crate::date::COMMAND,
    &crate::dc::COMMAND,
    &crate::dd::COMMAND,
    &crate::ls::DIR,
    &crate::dircolors::COMMAND,
    &crate::dirname::COMMAND,
    &crate::du::COMMAND,
    &crate::echo::COMMAND,
    &crate::grep::EXTENDED,
    &crate::env::COMMAND,
    &crate::expr::COMMAND,
    &crate::r#false::COMMAND,
    &crate::fd::COMMAND,
    &crate::grep::FIXED,
    &crate::file_type::COMMAND,
    &crate::find::COMMAND,
    &crate::fold::COMMAND,
    &crate::awk::GAWK,
    &crate::grep::COMMAND,
    &crate::id::GROUPS,
    &crate::head::COMMAND,
    &crate::system::HOSTNAME,
    &crate::id::ID,
    &crate::install::COMMAND,
    &crate::jq::COMMAND,
    &crate::link::LINK,
    &crate::ln::COMMAND,
    &crate::system::LOGNAME,
    &crate::ls::COMMAND,
    &crate::sums::MD5,
    &crate::mkdir::COMMAND,
    &crate::mkfifo::MKFIFO,
    &crate::mkfifo::MKNOD,
    &crate::mktemp::COMMAND,
    &crate::mv::COMMAND,
    &crate::awk::NAWK,
    &crate::nl::COMMAND,
    &crate::system::NPROC,
    &crate::paste::COMMAND,
    &crate::pathchk::COMMAND,
    &crate::system::PRINTENV,
    &crate::printf::COMMAND,
    &crate::pwd::COMMAND,
    &crate::readlink::COMMAND,
    &crate::realpath::COMMAND,
    &crate::rev::COMMAND,
    &crate::rg::COMMAND,
    &crate::rm::COMMAND,
    &crate::rmdir::COMMAND,
    &crate::sed::COMMAND,
    &crate::seq::COMMAND,
    &crate::sums::SHA1,
    &crate::sums::SHA224,
    &crate::sums::SHA256,
    &crate::sums::SHA384,
    &crate::sums::SHA512,
    &crate::shred::COMMAND,
    &crate::sleep::COMMAND,
    &crate::sort::COMMAND,
    &crate::stat::COMMAND,
    &crate::sync::COMMAND,
    &crate::tac::COMMAND,
    &crate::tail::COMMAND,
    &crate::tee::COMMAND,
    &crate::test::COMMAND,
    &crate::timeout::COMMAND,
    &crate::touch::COMMAND,
    &crate::tr::COMMAND,
    &crate::tree_command::COMMAND,
    &crate::r#true::COMMAND,
    &crate::truncate::COMMAND,
    &crate::system::TTY,
    &crate::system::UNAME,
    &crate::uniq::COMMAND,
    &crate::link::UNLINK,
    &crate::ls::VDIR,
    &crate::wc::COMMAND,
    &crate::wget::COMMAND,
    &crate::system::WHOAMI,
    &crate::xargs::COMMAND,
    &crate::yes::COMMAND,
];

/// The command with this name.
pub fn find(name: &[u8]) -> Option<&'static Command> {
    let index = COMMANDS.binary_search_by(|command| command.name.as_bytes().cmp(name)).ok()?;
    COMMANDS.get(index).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_ordered() {
        assert!(COMMANDS.is_sorted_by(|a, b| a.name < b.name));
        for command in COMMANDS {
            assert!(find(command.name.as_bytes()).is_some());
        }
    }
}
