//! The functions of awk: which one is called, and those that may have to wait.

mod numbers;
mod sort;
mod strings;
mod substitute;

use super::array::Key;
use super::extensions;
use super::machine::{Machine, Step, fatal};
use super::streams::wait;
use super::value::{Text, Value, empty, is_missing, looks_numeric};
use super::{text, time};

impl Machine<'_> {
    /// Calls a function that need not wait. False: it may have to, and nothing was done.
    pub(super) fn builtin_now(&mut self, name: &'static str, count: usize) -> Step<bool> {
        let result = match name {
            "length" => match self.pop() {
                Value::Array(array) | Value::Maybe(array) => Value::Number(array.len() as f64),
                Value::Text(text) | Value::Input(text) => Value::Number(self.length(&text) as f64),
                value => {
                    let text = value.to_text(&self.convfmt);
                    Value::Number(self.length(&text) as f64)
                }
            },
            "substr" => self.substr(count),
            "index" => {
                let (needle, hay) = (self.pop_text(), self.pop_text());
                let found = if self.ignore_case {
                    let (hay, needle) = (
                        text::change_case(&hay, false, self.utf8),
                        text::change_case(&needle, false, self.utf8),
                    );
                    memchr::memmem::find(&hay, &needle)
                } else {
                    memchr::memmem::find(&hay, &needle)
                };
                Value::Number(found.map_or(0.0, |at| (self.position(&hay, at) + 1) as f64))
            }
            "split" => self.split(count)?,
            "patsplit" => self.patsplit(count)?,
            "match" => self.matching(count)?,
            "sprintf" => {
                let arguments = self.pop_many(count);
                Value::Text(self.formatted(&arguments)?.into())
            }
            "tolower" | "toupper" => {
                let text = self.pop_text();
                Value::Text(text::change_case(&text, name == "toupper", self.utf8).into())
            }
            "sin" => Value::Number(self.pop_number().sin()),
            "cos" => Value::Number(self.pop_number().cos()),
            "int" => Value::Number(self.pop_number().trunc()),
            "atan2" => {
                let x = self.pop_number();
                Value::Number(self.pop_number().atan2(x))
            }
            "rand" => Value::Number(self.random.number()),
            "srand" => {
                let seed =
                    if count > 0 { self.pop_number().trunc() } else { self.t.ctx.now().seconds as f64 };
                self.random = super::random::Random::new(seed as i64 as u32);
                Value::Number(std::mem::replace(&mut self.seed, seed))
            }
            "and" | "or" | "xor" => self.bits(name, count)?,
            "lshift" | "rshift" => self.shift(name)?,
            "compl" => self.complement()?,
            "strtonum" => self.strtonum(),
            "mkbool" => Value::Bool(self.pop().is_true()),
            "systime" => Value::Number(self.t.ctx.now().seconds as f64),
            "mktime" => {
                let utc = count > 1 && self.pop().is_true();
                let zone = if utc { jiff::tz::TimeZone::UTC } else { crate::time::zone(&self.t.ctx) };
                let text = self.pop_text();
                Value::Number(time::mktime(&text, &zone))
            }
            "strftime" => self.strftime(count),
            "isarray" => Value::flag(match self.pop() {
                Value::Array(_) => true,
                Value::Maybe(array) => array.is_used(),
                _ => false,
            }),
            "typeof" => self.type_of(count),
            "dcgettext" | "dcngettext" => {
                let arguments = self.pop_many(count);
                let plural =
                    name == "dcngettext" && arguments.get(2).is_some_and(|number| number.number() != 1.0);
                arguments.get(usize::from(plural)).cloned().unwrap_or(Value::Unset)
            }
            "bindtextdomain" => {
                let arguments = self.pop_many(count);
                arguments.first().cloned().unwrap_or(Value::Unset)
            }
            _ => return Ok(false),
        };
        self.push(result);
        Ok(true)
    }

    /// Calls a function that may have to wait.
    pub(super) async fn builtin(&mut self, name: &'static str, count: usize) -> Step<()> {
        if self.builtin_now(name, count)? {
            return Ok(());
        }
        let result = match name {
            "exp" | "log" | "sqrt" => {
                let number = self.pop_number();
                let result = match name {
                    "exp" => number.exp(),
                    "log" => number.ln(),
                    _ => number.sqrt(),
                };
                if name == "exp" && result.is_infinite() && number.is_finite() {
                    self.warn(format!("exp: argument {} is out of range", self.shown(number))).await?;
                } else if name != "exp" && number < 0.0 {
                    self.warn(format!("{name}: received negative argument {}", self.shown(number))).await?;
                }
                // What the processors of gawk's makers give, on every processor.
                Value::Number(if result.is_nan() && !number.is_nan() { -f64::NAN.abs() } else { result })
            }
            "gensub" => self.gensub(count).await?,
            "asort" | "asorti" => self.sort(name == "asorti", count).await?,
            "system" => {
                let command = self.pop_text();
                if self.modes.sandbox {
                    return fatal("'system' function not allowed in sandbox mode");
                }
                self.flush_outputs().await?;
                Value::Number(match self.start(&command, Vec::new()) {
                    Ok(pid) => wait(&self.t.ctx, pid).await,
                    Err(_) => -1.0,
                })
            }
            "close" => {
                let how = if count > 1 { Some(self.pop_text()) } else { None };
                let name = self.pop_text();
                if let Some(how) = &how
                    && !matches!(how.to_ascii_lowercase().as_slice(), b"to" | b"from")
                {
                    return fatal("close: second argument must be `to' or `from'");
                }
                Value::Number(self.close(&name, how.as_deref()).await?)
            }
            "fflush" => self.fflush(count).await?,
            name => {
                let arguments = self.pop_many(count);
                extensions::call(self, name, arguments).await?
            }
        };
        self.push(result);
        Ok(())
    }

    /// A number as messages show it.
    fn shown(&self, number: f64) -> String {
        String::from_utf8_lossy(&Value::Number(number).to_text(b"%.6g")).into_owned()
    }

    async fn fflush(&mut self, count: usize) -> Step<Value> {
        let name = if count > 0 { self.pop_text() } else { empty() };
        if name.is_empty() {
            self.flush_outputs().await?;
            return Ok(Value::Number(0.0));
        }
        if self.flush_one(&name).await? {
            return Ok(Value::Number(0.0));
        }
        let shown = bstr::BStr::new(&name[..]).to_string();
        self.warn(format!("fflush: `{shown}' is not an open file, pipe or co-process")).await?;
        Ok(Value::Number(-1.0))
    }

    fn strftime(&mut self, count: usize) -> Value {
        let mut utc = count > 2 && self.pop().is_true();
        let when = if count > 1 { self.pop_number() } else { self.t.ctx.now().seconds as f64 };
        let template: Text = if count > 0 {
            self.pop_text()
        } else {
            self.information(b"strftime").map_or_else(
                || Text::from(&b"%a %b %e %H:%M:%S %Z %Y"[..]),
                |value| value.to_text(&self.convfmt),
            )
        };
        if self.modes.posix && count > 2 {
            utc = true;
        }
        let zone = crate::time::zone(&self.t.ctx);
        Value::Text(time::strftime(&template, when.floor() as i64, &zone, utc).into())
    }

    fn type_of(&mut self, count: usize) -> Value {
        let details = if count > 1 { self.pop_array().ok() } else { None };
        let value = self.pop();
        if let Some(details) = details {
            details.clear();
            if let Value::Array(array) | Value::Maybe(array) = &value {
                let kind: &[u8] = if array.len() == 0 { b"null" } else { b"str" };
                details.set_name(b"array_type", Value::text(kind));
            }
        }
        Value::text(match value {
            Value::Array(_) => b"array",
            Value::Maybe(array) if array.is_used() => b"array",
            Value::Maybe(_) => b"untyped",
            Value::Unset | Value::Symbol(_) => b"unassigned",
            Value::Regex(_) => b"regexp",
            Value::Number(_) => b"number",
            Value::Bool(_) => b"number|bool",
            Value::Input(text) if is_missing(&text) => b"unassigned",
            Value::Input(text) if looks_numeric(&text) => b"strnum",
            Value::Input(_) | Value::Text(_) => b"string",
        })
    }
}

/// The index of an element by its number.
fn nth(number: usize) -> Key<'static> {
    Key::Integer(number as i64)
}
