//! `import` and `include`: finding and reading what a program stands on.

use bstr::ByteSlice;

use super::compile::{Dependency, Module};
use super::parse;
use super::read::{Reader, Step};
use super::syntax::{Import, Source};
use super::value::{Members, Value};
use crate::Tool;

/// Modules that import each other further than this do so in a circle.
const MAX_DEPTH: usize = 64;

/// Reads modules.
pub(crate) struct Loader {
    /// Where modules are searched: `-L`, or the usual places.
    pub(crate) search: Vec<String>,
    modules: Vec<Module>,
    /// The paths of the modules read so far, with their numbers.
    known: Vec<(String, usize)>,
}

fn join(directory: &str, path: &str) -> String {
    if path.starts_with('/') || directory.is_empty() {
        path.to_owned()
    } else {
        format!("{directory}/{path}")
    }
}

fn directory_of(path: &str) -> &str {
    path.rsplit_once('/').map_or(".", |(directory, _)| if directory.is_empty() { "/" } else { directory })
}

impl Loader {
    pub(crate) fn new(search: Vec<String>) -> Loader {
        Loader { search, modules: Vec::new(), known: Vec::new() }
    }

    /// The modules of a program in the order of their dependencies, the program last.
    pub(crate) async fn load(mut self, t: &Tool, source: Source) -> Result<Vec<Module>, String> {
        let dependencies = self.dependencies(t, &source, ".", 0).await?;
        self.modules.push(Module { source, dependencies });
        Ok(self.modules)
    }

    fn dependencies<'a>(
        &'a mut self,
        t: &'a Tool,
        source: &'a Source,
        origin: &'a str,
        depth: usize,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<Vec<Dependency>, String>> + 'a>> {
        Box::pin(async move {
            if depth > MAX_DEPTH {
                return Err("module imports are nested too deep".into());
            }
            let mut found = Vec::new();
            for import in &source.imports {
                let path = self.find(t, import, origin)?;
                let text = t
                    .ctx
                    .read_file(path.as_bytes())
                    .await
                    .map_err(|error| format!("Could not open {path}: {}", error.strerror()))?;
                if import.data {
                    found
                        .push(Dependency::Data(data(&text).map_err(|message| format!("{path}: {message}"))?));
                    continue;
                }
                if let Some((_, number)) = self.known.iter().find(|(known, _)| *known == path) {
                    found.push(Dependency::Module(*number));
                    continue;
                }
                let source =
                    parse::parse(&text.to_str_lossy()).map_err(|error| format!("{error} at {path}"))?;
                if source.body.is_some() {
                    return Err(format!(
                        "library should only have function definitions, not a main expression at {path}"
                    ));
                }
                let directory = directory_of(&path).to_owned();
                let dependencies = self.dependencies(t, &source, &directory, depth + 1).await?;
                self.modules.push(Module { source, dependencies });
                self.known.push((path, self.modules.len() - 1));
                found.push(Dependency::Module(self.modules.len() - 1));
            }
            Ok(found)
        })
    }

    /// The file of an import: `path.jq` or `path/name.jq`, beside the importing module or in the search path.
    fn find(&self, t: &Tool, import: &Import, origin: &str) -> Result<String, String> {
        let extension = if import.data { "json" } else { "jq" };
        let mut places = Vec::new();
        let own = match &import.meta {
            Some(Value::Object(meta)) => meta.get(&"search".to_owned()).cloned(),
            _ => None,
        };
        match own {
            Some(Value::String(path)) => places.push(join(origin, &path)),
            Some(Value::Array(paths)) => {
                places.extend(paths.iter().filter_map(Value::as_str).map(|path| join(origin, path)));
            }
            _ => {}
        }
        if import.path.starts_with("./") || import.path.starts_with("../") {
            places.push(origin.to_owned());
        }
        let home = t.ctx.env("HOME").map(|home| home.to_str_lossy().into_owned());
        for place in &self.search {
            places.push(match (place.strip_prefix("~/"), &home) {
                (Some(rest), Some(home)) => format!("{home}/{rest}"),
                _ => place.clone(),
            });
        }
        let name = import.path.rsplit('/').next().unwrap_or_default();
        for place in &places {
            for path in [
                format!("{}.{extension}", join(place, &import.path)),
                format!("{}/{name}.{extension}", join(place, &import.path)),
            ] {
                if t.ctx.stat(path.as_bytes(), true).is_ok_and(|stat| !stat.is_directory()) {
                    return Ok(path);
                }
            }
        }
        Err(format!("module not found: {}", import.path))
    }

    /// What `modulemeta` tells of a module.
    pub(crate) async fn meta(&self, t: &Tool, name: &str) -> Result<Value, String> {
        let import = Import { path: name.to_owned(), name: None, data: false, meta: None };
        let path = self.find(t, &import, ".")?;
        let text = t
            .ctx
            .read_file(path.as_bytes())
            .await
            .map_err(|error| format!("Could not open {path}: {}", error.strerror()))?;
        let source = parse::parse(&text.to_str_lossy()).map_err(|error| format!("{error} at {path}"))?;
        let mut members = match source.meta {
            Some(Value::Object(meta)) => meta.0.clone(),
            _ => Members::default(),
        };
        let dependencies = source.imports.into_iter().map(|import| {
            let mut one = match import.meta {
                Some(Value::Object(meta)) => meta.0.clone(),
                _ => Members::default(),
            };
            if let Some(name) = import.name {
                one.insert(std::rc::Rc::new("as".into()), Value::string(name));
            }
            one.insert(std::rc::Rc::new("is_data".into()), Value::Bool(import.data));
            one.insert(std::rc::Rc::new("relpath".into()), Value::string(import.path));
            Value::object(one)
        });
        members.insert(std::rc::Rc::new("deps".into()), Value::array(dependencies.collect()));
        let functions = source
            .definitions
            .iter()
            .map(|one| Value::string(format!("{}/{}", one.name, one.parameters.len())));
        members.insert(std::rc::Rc::new("defs".into()), Value::array(functions.collect()));
        Ok(Value::object(members))
    }
}

/// All values of a text.
pub(crate) fn data(text: &[u8]) -> Result<Value, String> {
    let mut reader = Reader::new(false, false);
    let mut values = Vec::new();
    let mut rest = text;
    loop {
        let (used, step) = reader.step(rest, true);
        rest = rest.get(used..).unwrap_or_default();
        match step {
            Step::Value(value) => values.push(value),
            Step::More => return Ok(Value::array(values)),
            Step::Error(message) => return Err(message),
        }
    }
}
