//! The state of a shell as bytes: a portable, versioned format.
//!
//! Ten bytes say what it is (`wasmsh-sh` and the version); postcard follows, and a checksum (FNV-1a, 64 bits,
//! little-endian) of everything before it ends it. Functions are kept as their text.

use std::collections::BTreeMap;
use std::hash::Hasher;
use std::rc::Rc;

use serde::{Deserialize, Serialize};
use wasmsh_syntax::options::NoAliases;
use wasmsh_syntax::parser::Parser;

use crate::hash::Fnv;
use crate::history::{Entry, History};
use crate::options::Options;
use crate::shared::Shared;
use crate::symbol::known;
use crate::text::Str;
use crate::traps::Traps;
use crate::vars::{Assoc, Attrs, Indexed, Value, Var};
use crate::vm::{Shell, compile};

const MAGIC: &[u8; 9] = b"wasmsh-sh";
const VERSION: u8 = 1;

/// Why bytes are no state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// No state, or a damaged one: what is wrong.
    #[error("{0}")]
    Damaged(String),
    /// Made by a later version: its number.
    #[error("made by a later version ({0})")]
    NewerVersion(u32),
}

#[derive(Serialize, Deserialize)]
enum SavedValue {
    Unset,
    Scalar(Vec<u8>),
    Indexed(Vec<(i64, Vec<u8>)>),
    Assoc(Vec<(Vec<u8>, Vec<u8>)>),
}

#[derive(Serialize, Deserialize)]
struct SavedVariable {
    name: Vec<u8>,
    attrs: u16,
    value: SavedValue,
}

#[derive(Serialize, Deserialize)]
struct SavedFunction {
    text: Vec<u8>,
    source: Vec<u8>,
    line: u32,
    exported: bool,
    readonly: bool,
}

#[derive(Serialize, Deserialize)]
struct Saved {
    cwd: String,
    umask: u32,
    variables: Vec<SavedVariable>,
    functions: Vec<SavedFunction>,
    aliases: BTreeMap<Vec<u8>, Vec<u8>>,
    set: u32,
    shopt: u64,
    traps: Vec<(u8, Vec<u8>)>,
    dirs: Vec<Vec<u8>>,
    history: Vec<Vec<u8>>,
    completions: Vec<(Vec<u8>, Vec<Vec<u8>>)>,
    disabled: Vec<Vec<u8>>,
    random: u32,
    status: u8,
}

fn checksum(bytes: &[u8]) -> u64 {
    let mut hasher = Fnv::default();
    hasher.write(bytes);
    hasher.finish()
}

/// The state of `shell`, whose process is in `cwd`.
pub(crate) fn save(shell: &Shell, cwd: &str, umask: u32) -> Vec<u8> {
    let names = &shell.shared.names;
    let bytes = |text: &Str| text.to_vec();
    let variables = shell
        .vars
        .existing()
        .map(|(symbol, var)| SavedVariable {
            name: names.name(symbol).into_vec(),
            attrs: var.attrs.bits(),
            value: match &var.value {
                Value::Unset => SavedValue::Unset,
                Value::Indexed(array) => {
                    SavedValue::Indexed(array.iter().map(|(i, v)| (i, v.to_vec())).collect())
                }
                Value::Assoc(array) => SavedValue::Assoc(
                    array.sorted().into_iter().map(|(k, v)| (k.to_vec(), v.to_vec())).collect(),
                ),
                value => SavedValue::Scalar(value.scalar().unwrap_or_default().into_vec()),
            },
        })
        .collect();
    let mut functions: Vec<SavedFunction> = shell
        .functions
        .iter()
        .map(|(symbol, function)| SavedFunction {
            text: crate::expand::source::function(function),
            source: function.source.to_vec(),
            line: function.line,
            exported: shell.exported_functions.contains(symbol),
            readonly: shell.readonly_functions.contains(symbol),
        })
        .collect();
    functions.sort_by(|a, b| a.text.cmp(&b.text));
    let (set, shopt) = shell.options.bits();
    let saved = Saved {
        cwd: cwd.to_owned(),
        umask,
        variables,
        functions,
        aliases: (*shell.aliases).clone(),
        set,
        shopt,
        traps: shell.traps.iter().map(|(trap, text)| (trap, text.to_vec())).collect(),
        dirs: shell.dirs.iter().map(bytes).collect(),
        history: shell.history.entries.iter().map(|entry| entry.text.to_vec()).collect(),
        completions: shell
            .completions
            .iter()
            .map(|(name, words)| (name.to_vec(), words.iter().map(bytes).collect()))
            .collect(),
        disabled: shell.disabled.iter().map(|symbol| names.name(*symbol).into_vec()).collect(),
        random: shell.random,
        status: shell.status,
    };
    let mut out = MAGIC.to_vec();
    out.push(VERSION);
    // Serialising to memory fails only for types that postcard does not know; these it does.
    if let Ok(body) = postcard::to_allocvec(&saved) {
        out.extend_from_slice(&body);
    }
    out.extend_from_slice(&checksum(&out).to_le_bytes());
    out
}

/// Puts the state in `bytes` into `shell`, which is new. The directory and umask it had.
///
/// # Errors
/// The bytes are no state; `shell` is then unchanged.
pub(crate) fn load(shared: &Shared, bytes: &[u8], shell: &mut Shell) -> Result<(String, u32), StateError> {
    let damaged = |what: &str| StateError::Damaged(what.to_owned());
    let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| damaged("no state of a shell"))?;
    let (&version, rest) = rest.split_first().ok_or_else(|| damaged("the bytes end too early"))?;
    if version != VERSION {
        return Err(StateError::NewerVersion(u32::from(version)));
    }
    let (body, sum) = rest.split_last_chunk::<8>().ok_or_else(|| damaged("the bytes end too early"))?;
    let counted = bytes.get(..bytes.len() - sum.len()).unwrap_or_default();
    if checksum(counted) != u64::from_le_bytes(*sum) {
        return Err(damaged("the checksum is wrong"));
    }
    let saved: Saved = postcard::from_bytes(body).map_err(|error| StateError::Damaged(error.to_string()))?;
    let mut new = shell.clone();
    let existing: Vec<_> = new.vars.existing().map(|(symbol, _)| symbol).collect();
    for symbol in existing {
        if !matches!(symbol, known::PPID | known::UID | known::EUID) {
            *new.vars.get_mut(symbol) = Var::default();
        }
    }
    for variable in saved.variables {
        let symbol = shared.names.intern(&variable.name);
        let value = match variable.value {
            SavedValue::Unset => Value::Unset,
            SavedValue::Scalar(text) => Value::Str(text.into()),
            SavedValue::Indexed(items) => {
                let mut array = Indexed::default();
                for (index, value) in items {
                    if index < 0 {
                        return Err(damaged("an array has a negative index"));
                    }
                    array.set(index, value.into());
                }
                Value::Indexed(Rc::new(array))
            }
            SavedValue::Assoc(items) => {
                let mut array = Assoc::default();
                // In bash's order; the newest of a chain comes first there.
                for (key, value) in items.into_iter().rev() {
                    array.set(key.into(), value.into());
                }
                Value::Assoc(Rc::new(array))
            }
        };
        let attrs = Attrs::from_bits_truncate(variable.attrs);
        *new.vars.get_mut(symbol) = Var::with(value, attrs);
    }
    let (mut functions, mut exported, mut readonly) = (crate::hash::Map::default(), Vec::new(), Vec::new());
    for function in saved.functions {
        let mut parser = Parser::new(
            function.text,
            wasmsh_syntax::options::ParserOptions { extglob: true, ..Default::default() },
        );
        parser.set_line(function.line);
        let ast =
            parser.next(&NoAliases).ok().flatten().ok_or_else(|| damaged("a function is not well-formed"))?;
        let code = compile::compile(shared, ast, function.source.into());
        for compiled in code.functions.iter() {
            let symbol = shared.names.intern(&compiled.name);
            functions.insert(symbol, compiled.clone());
            if function.exported {
                exported.push(symbol);
            }
            if function.readonly {
                readonly.push(symbol);
            }
        }
    }
    let mut traps = Traps::new(true, true);
    for (trap, text) in saved.traps {
        traps.set(trap, Some(text.into()));
    }
    let texts = |list: Vec<Vec<u8>>| Rc::new(list.into_iter().map(Str::from).collect::<Vec<_>>());
    new.functions = Rc::new(functions);
    new.exported_functions = Rc::new(exported);
    new.readonly_functions = Rc::new(readonly);
    new.aliases = Rc::new(saved.aliases);
    new.options = Options::from_bits(saved.set, saved.shopt);
    new.traps_debug = traps.get(crate::traps::DEBUG).is_some();
    new.traps = Rc::new(traps);
    new.dirs = texts(saved.dirs);
    let entries = saved.history.into_iter().map(|text| Entry { text: Str::from(text), time: 0 }).collect();
    new.history = Rc::new(History { entries, ..History::default() });
    new.completions =
        Rc::new(saved.completions.into_iter().map(|(name, words)| (Str::from(name), texts(words))).collect());
    new.disabled = Rc::new(saved.disabled.iter().map(|name| shared.names.intern(name)).collect());
    new.random = saved.random;
    new.status = saved.status;
    new.environment = None;
    new.ifs = match new.vars.get(known::IFS).value.scalar() {
        Some(text) => crate::vm::word::Ifs::new(&text),
        None => Default::default(),
    };
    new.look_at_locale();
    *shell = new;
    Ok((saved.cwd, saved.umask))
}
