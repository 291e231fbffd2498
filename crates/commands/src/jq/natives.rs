//! The functions of jq that are written in Rust. What is easier said in jq is in `prelude.jq`.

use std::cmp::Ordering;
use std::rc::Rc;

use super::dates;
use super::format;
use super::host::{Fault, Host, Native};
use super::number;
use super::ops::{described, too_deep};
use super::paths;
use super::print::compact;
use super::read;
use super::regex::Pattern;
use super::value::{MAX_DEPTH, Members, Value, sort_by_key, sorted_keys};

type Result1 = Result<Value, Fault>;

fn error(message: impl Into<String>) -> Fault {
    Fault::error(message)
}

fn first(arguments: &[Value]) -> &Value {
    arguments.first().unwrap_or(&Value::Null)
}

fn second(arguments: &[Value]) -> &Value {
    arguments.get(1).unwrap_or(&Value::Null)
}

macro_rules! math {
    ($function:expr) => {
        |_, input, _| match input.as_f64() {
            Some(number) => Ok(Value::Number($function(number))),
            None => Err(error(format!("{} number required", described(&input)))),
        }
    };
}

macro_rules! math2 {
    ($function:expr) => {
        |_, _, arguments| {
            let (a, b) = (first(arguments), second(arguments));
            match (a.as_f64(), b.as_f64()) {
                (Some(x), Some(y)) => Ok(Value::Number($function(x, y))),
                (None, _) => Err(error(format!("{} number required", described(a)))),
                _ => Err(error(format!("{} number required", described(b)))),
            }
        }
    };
}

macro_rules! math3 {
    ($function:expr) => {
        |_, _, arguments| {
            let mut numbers = [0.0; 3];
            for (slot, value) in numbers.iter_mut().zip(arguments) {
                *slot =
                    value.as_f64().ok_or_else(|| error(format!("{} number required", described(value))))?;
            }
            let [a, b, c] = numbers;
            Ok(Value::Number($function(a, b, c)))
        }
    };
}

/// The function of this name and so many arguments.
pub(crate) fn find(name: &str, arity: usize) -> Option<Native> {
    Some(match (name, arity) {
        ("not", 0) => |_, input, _| Ok(Value::Bool(!input.is_true())),
        ("true", 0) => |_, _, _| Ok(Value::Bool(true)),
        ("false", 0) => |_, _, _| Ok(Value::Bool(false)),
        ("null", 0) => |_, _, _| Ok(Value::Null),
        ("type", 0) => |_, input, _| Ok(Value::string(input.type_name())),
        ("error", 0) => |_, input, _| Err(Fault::Error(input)),
        ("error", 1) => |_, _, arguments| Err(Fault::Error(first(arguments).clone())),
        ("length", 0) => length,
        ("utf8bytelength", 0) => |_, input, _| match &input {
            Value::String(text) => Ok(Value::Number(text.len() as f64)),
            other => Err(error(format!("{} only strings have UTF-8 byte length", described(other)))),
        },
        ("keys", 0) => |_, input, _| match &input {
            Value::Object(object) => Ok(Value::array(
                sorted_keys(object).into_iter().map(|key| Value::String(Rc::clone(key))).collect(),
            )),
            other => indices_of(other),
        },
        ("keys_unsorted", 0) => |_, input, _| match &input {
            Value::Object(object) => {
                Ok(Value::array(object.keys().map(|key| Value::String(Rc::clone(key))).collect()))
            }
            other => indices_of(other),
        },
        ("has", 1) => has,
        ("contains", 1) => |_, input, arguments| contains(&input, first(arguments)).map(Value::Bool),
        ("add", 0) => add,
        ("tojson", 0) => |_, input, _| Ok(Value::string(compact(&input))),
        ("tostring", 0) => |_, input, _| match input {
            Value::String(_) => Ok(input),
            other => Ok(Value::string(compact(&other))),
        },
        ("fromjson", 0) => fromjson,
        ("tonumber", 0) => tonumber,
        ("toboolean", 0) => |_, input, _| match &input {
            Value::Bool(_) => Ok(input),
            Value::String(text) if text.as_str() == "true" => Ok(Value::Bool(true)),
            Value::String(text) if text.as_str() == "false" => Ok(Value::Bool(false)),
            other => Err(error(format!("{} cannot be parsed as a boolean", described(other)))),
        },
        ("toarray", 0) => |_, input, _| match input {
            Value::Array(_) => Ok(input),
            other => Ok(Value::array(vec![other])),
        },
        ("format", 1) => |_, input, arguments| match first(arguments) {
            Value::String(name) => format::format(name, &input),
            other => Err(error(format!("{} is not a valid format", described(other)))),
        },
        ("setpath", 2) => |_, input, arguments| match first(arguments) {
            Value::Array(path) => paths::set_path(input, path, second(arguments).clone()).map_err(error),
            _ => Err(error("Path must be specified as an array")),
        },
        ("delpaths", 1) => |_, input, arguments| match first(arguments) {
            Value::Array(list) => paths::delete_all(input, list.to_vec()).map_err(error),
            _ => Err(error("Paths must be specified as an array")),
        },
        ("to_entries", 0) => to_entries,
        ("from_entries", 0) => from_entries,
        ("sort", 0) => |_, input, _| {
            let mut values = list(input, "sorted")?;
            sort_by_key(&mut values, |value| value).map_err(too_deep("Comparison"))?;
            Ok(Value::array(values))
        },
        ("unique", 0) => |_, input, _| {
            let mut values = list(input, "sorted")?;
            sort_by_key(&mut values, |value| value).map_err(too_deep("Comparison"))?;
            let mut kept: Vec<Value> = Vec::with_capacity(values.len());
            for value in values {
                if kept.last().map_or(Ok(true), |last| last.equals(&value).map(|same| !same)).unwrap_or(true)
                {
                    kept.push(value);
                }
            }
            Ok(Value::array(kept))
        },
        ("_sort_by", 1) => |_, input, arguments| {
            let pairs = sorted_pairs(input, first(arguments), "sorted")?;
            Ok(Value::array(pairs.into_iter().map(|(_, value)| value).collect()))
        },
        ("_group_by", 1) => |_, input, arguments| {
            let groups = groups(input, first(arguments), "grouped")?;
            Ok(Value::array(groups.into_iter().map(Value::array).collect()))
        },
        ("_unique_by", 1) => |_, input, arguments| {
            let groups = groups(input, first(arguments), "grouped")?;
            Ok(Value::array(groups.into_iter().filter_map(|group| group.into_iter().next()).collect()))
        },
        ("min", 0) => |_, input, _| extreme(&input, &input, false),
        ("max", 0) => |_, input, _| extreme(&input, &input, true),
        ("_min_by", 1) => |_, input, arguments| extreme(&input, first(arguments), false),
        ("_max_by", 1) => |_, input, arguments| extreme(&input, first(arguments), true),
        ("reverse", 0) => |host, input, _| match input {
            Value::Array(mut array) => {
                Rc::make_mut(&mut array).reverse();
                Ok(Value::Array(array))
            }
            Value::Null => Ok(Value::array(Vec::new())),
            Value::String(text) => Ok(Value::string(text.chars().rev().collect::<String>())),
            Value::Object(object) if object.is_empty() => Ok(Value::array(Vec::new())),
            other => {
                let count = length(&mut *host, other.clone(), &[])?.as_f64().unwrap_or(0.0);
                if count == 0.0 {
                    return Ok(Value::array(Vec::new()));
                }
                paths::get(&other, &Value::Number(count - 1.0)).map_err(error)
            }
        },
        ("_flatten", 1) => flatten,
        ("explode", 0) => |_, input, _| match &input {
            Value::String(text) => Ok(Value::array(
                text.chars().map(|letter| Value::Number(f64::from(u32::from(letter)))).collect(),
            )),
            _ => Err(error("explode input must be a string")),
        },
        ("implode", 0) => implode,
        ("_downcase", 0) => |_, input, _| match input {
            Value::String(mut text) => {
                Rc::make_mut(&mut text).make_ascii_lowercase();
                Ok(Value::String(text))
            }
            _ => Err(error("explode input must be a string")),
        },
        ("_upcase", 0) => |_, input, _| match input {
            Value::String(mut text) => {
                Rc::make_mut(&mut text).make_ascii_uppercase();
                Ok(Value::String(text))
            }
            _ => Err(error("explode input must be a string")),
        },
        ("startswith", 1) => |_, input, arguments| match (&input, first(arguments)) {
            (Value::String(text), Value::String(part)) => Ok(Value::Bool(text.starts_with(part.as_str()))),
            _ => Err(error("startswith() requires string inputs")),
        },
        ("endswith", 1) => |_, input, arguments| match (&input, first(arguments)) {
            (Value::String(text), Value::String(part)) => Ok(Value::Bool(text.ends_with(part.as_str()))),
            _ => Err(error("endswith() requires string inputs")),
        },
        ("ltrimstr", 1) => |_, input, arguments| trim_text(&input, first(arguments), true, false),
        ("rtrimstr", 1) => |_, input, arguments| trim_text(&input, first(arguments), false, true),
        ("trimstr", 1) => |_, input, arguments| trim_text(&input, first(arguments), true, true),
        ("trim", 0) => |_, input, _| trim(&input, true, true),
        ("ltrim", 0) => |_, input, _| trim(&input, true, false),
        ("rtrim", 0) => |_, input, _| trim(&input, false, true),
        ("split", 1) => |_, input, arguments| match (&input, first(arguments)) {
            (Value::String(text), Value::String(separator)) => Ok(super::ops::split(text, separator)),
            _ => Err(error("split input and separator must be strings")),
        },
        ("indices" | "_indices", 1) => indices,
        ("_strindices", 1) => |host, input, arguments| match (&input, first(arguments)) {
            (Value::String(_), Value::String(_)) => indices(host, input, arguments),
            (Value::String(_), other) => Err(error(format!("{} is not a string", described(other)))),
            (other, _) => {
                Err(error(format!("{} cannot be searched, as it is not a string", described(other))))
            }
        },
        ("bsearch", 1) => bsearch,
        ("_match", 2) => |host, input, arguments| {
            let (text, pattern) = pattern(host, &input, arguments)?;
            let found = pattern.find(&text, false).map_err(error)?;
            Ok(Value::array(pattern.describe(&text, found)))
        },
        ("_test", 2) => |host, input, arguments| {
            let (text, pattern) = pattern(host, &input, arguments)?;
            pattern.is_match(&text).map(Value::Bool).map_err(error)
        },
        ("_capture", 2) => |host, input, arguments| {
            let (text, pattern) = pattern(host, &input, arguments)?;
            let found = pattern.find(&text, false).map_err(error)?;
            Ok(Value::array(found.iter().map(|found| pattern.named(&text, found)).collect()))
        },
        ("_pieces", 2) => |host, input, arguments| {
            let (text, pattern) = pattern(host, &input, arguments)?;
            let mut pieces = Vec::new();
            let mut done = 0;
            for found in pattern.find(&text, false).map_err(error)? {
                let (from, to) = found.whole();
                let gap = Value::string(text.get(done..from).unwrap_or_default());
                pieces.push(Value::array(vec![gap, pattern.named(&text, &found)]));
                done = to;
            }
            let rest = Value::string(text.get(done..).unwrap_or_default());
            Ok(Value::array(vec![Value::array(pieces), rest]))
        },
        ("_split", 2) => |host, input, arguments| {
            let (text, pattern) = pattern(host, &input, arguments)?;
            let mut pieces = Vec::new();
            let mut done = 0;
            for found in pattern.find(&text, true).map_err(error)? {
                let (from, to) = found.whole();
                pieces.push(Value::string(text.get(done..from).unwrap_or_default()));
                done = to;
            }
            pieces.push(Value::string(text.get(done..).unwrap_or_default()));
            Ok(Value::array(pieces))
        },
        ("_concat", _) => |host, _, arguments| {
            let length = arguments.iter().map(|part| part.as_str().map_or(0, str::len)).sum();
            host.check_size(length)?;
            let mut text = String::with_capacity(length);
            for part in arguments {
                text.push_str(part.as_str().unwrap_or_default());
            }
            Ok(Value::string(text))
        },
        ("debug", 0) => |host, input, _| {
            host.say(format!("[\"DEBUG:\",{}]\n", compact(&input)).as_bytes());
            Ok(input)
        },
        ("stderr", 0) => |host, input, _| {
            let text = format::text(&input);
            host.say(text.as_bytes());
            Ok(input)
        },
        ("input_filename", 0) => |host, _, _| Ok(host.filename.clone().map_or(Value::Null, Value::string)),
        ("input_line_number", 0) => |host, _, _| Ok(Value::Number(host.line as f64)),
        ("get_search_list", 0) => |host, _, _| {
            Ok(Value::array(host.search.iter().map(|path| Value::string(path.clone())).collect()))
        },
        ("_halt", 0) => |_, _, _| Err(Fault::Halt(0, Vec::new())),
        ("halt_error", 1) => |_, input, arguments| match first(arguments).as_f64() {
            Some(status) => {
                let text = match &input {
                    Value::String(text) => text.as_bytes().to_vec(),
                    other => (compact(other) + "\n").into_bytes(),
                };
                Err(Fault::Halt(status as i64 as u8, text))
            }
            None => Err(error("halt_error/1: number required")),
        },
        ("builtins", 0) => {
            |_, _, _| Ok(Value::array(super::compile::builtins().into_iter().map(Value::string).collect()))
        }
        ("now", 0) => dates::now,
        ("gmtime", 0) => dates::gmtime,
        ("localtime", 0) => dates::localtime,
        ("mktime", 0) => dates::mktime,
        ("strftime", 1) => dates::strftime,
        ("strflocaltime", 1) => dates::strflocaltime,
        ("strptime", 1) => dates::strptime,
        ("have_literal_numbers" | "have_decnum", 0) => |_, _, _| Ok(Value::Bool(true)),
        ("nan", 0) => |_, _, _| Ok(Value::Number(f64::NAN)),
        ("infinite", 0) => |_, _, _| Ok(Value::Number(f64::INFINITY)),
        ("isnan", 0) => |_, input, _| class(&input, f64::is_nan),
        ("isinfinite", 0) => |_, input, _| class(&input, f64::is_infinite),
        ("isfinite", 0) => |_, input, _| class(&input, |number| !number.is_infinite()),
        ("isnormal", 0) => |_, input, _| class(&input, f64::is_normal),
        ("abs", 0) => |_, input, _| {
            // Null and booleans are less than 0, and cannot be negated; what is greater stays.
            if input.compare(&Value::Number(0.0)).map_err(too_deep("Comparison"))?.is_lt() {
                super::ops::negate(&input)
            } else {
                Ok(input)
            }
        },
        ("frexp", 0) => |_, input, _| match input.as_f64() {
            Some(number) => {
                let (fraction, exponent) = libm::frexp(number);
                Ok(Value::array(vec![Value::Number(fraction), Value::Number(f64::from(exponent))]))
            }
            None => Err(error(format!("{} number required", described(&input)))),
        },
        ("modf", 0) => |_, input, _| match input.as_f64() {
            Some(number) => {
                let whole = number.trunc();
                let fraction = if number.is_infinite() { 0.0_f64.copysign(number) } else { number - whole };
                Ok(Value::array(vec![Value::Number(fraction), Value::Number(whole)]))
            }
            None => Err(error(format!("{} number required", described(&input)))),
        },
        ("lgamma_r", 0) => |_, input, _| match input.as_f64() {
            Some(number) => {
                let (value, sign) = libm::lgamma_r(number);
                Ok(Value::array(vec![Value::Number(value), Value::Number(f64::from(sign))]))
            }
            None => Err(error(format!("{} number required", described(&input)))),
        },
        (_, 0) => math_function(name)?,
        ("pow", 2) => math2!(|x: f64, y: f64| x.powf(y)),
        ("atan2", 2) => math2!(f64::atan2),
        ("fmod", 2) => math2!(|x: f64, y: f64| x % y),
        ("fmin", 2) => math2!(f64::min),
        ("fmax", 2) => math2!(f64::max),
        ("fdim", 2) => math2!(libm::fdim),
        ("hypot", 2) => math2!(f64::hypot),
        ("copysign", 2) => math2!(f64::copysign),
        ("drem" | "remainder", 2) => math2!(libm::remainder),
        ("nextafter" | "nexttoward", 2) => math2!(libm::nextafter),
        ("ldexp" | "scalb" | "scalbln", 2) => {
            math2!(|x: f64, y: f64| libm::ldexp(x, y.clamp(-5000.0, 5000.0) as i32))
        }
        ("jn", 2) => math2!(|x: f64, y: f64| libm::jn(x as i32, y)),
        ("yn", 2) => math2!(|x: f64, y: f64| libm::yn(x as i32, y)),
        ("fma", 3) => math3!(|x: f64, y: f64, z: f64| libm::fma(x, y, z)),
        _ => return None,
    })
}

fn math_function(name: &str) -> Option<Native> {
    Some(match name {
        "floor" => math!(f64::floor),
        "ceil" => math!(f64::ceil),
        "round" => math!(f64::round),
        "trunc" => math!(f64::trunc),
        "rint" | "nearbyint" => math!(f64::round_ties_even),
        "sqrt" => math!(f64::sqrt),
        "cbrt" => math!(f64::cbrt),
        "fabs" => math!(f64::abs),
        "exp" => math!(f64::exp),
        "exp2" => math!(f64::exp2),
        "exp10" | "pow10" => math!(libm::exp10),
        "expm1" => math!(f64::exp_m1),
        "log" => math!(f64::ln),
        "log2" => math!(f64::log2),
        "log10" => math!(f64::log10),
        "log1p" => math!(f64::ln_1p),
        "logb" => math!(|x: f64| if x == 0.0 {
            f64::NEG_INFINITY
        } else if x.is_finite() {
            f64::from(libm::ilogb(x))
        } else {
            x * x
        }),
        "significand" => {
            math!(|x: f64| if x == 0.0 || !x.is_finite() { x } else { libm::scalbn(x, -libm::ilogb(x)) })
        }
        "sin" => math!(f64::sin),
        "cos" => math!(f64::cos),
        "tan" => math!(f64::tan),
        "asin" => math!(f64::asin),
        "acos" => math!(f64::acos),
        "atan" => math!(f64::atan),
        "sinh" => math!(f64::sinh),
        "cosh" => math!(f64::cosh),
        "tanh" => math!(f64::tanh),
        "asinh" => math!(f64::asinh),
        "acosh" => math!(f64::acosh),
        "atanh" => math!(f64::atanh),
        "gamma" | "lgamma" => math!(libm::lgamma),
        "tgamma" => math!(libm::tgamma),
        "erf" => math!(libm::erf),
        "erfc" => math!(libm::erfc),
        "j0" => math!(libm::j0),
        "j1" => math!(libm::j1),
        "y0" => math!(libm::y0),
        "y1" => math!(libm::y1),
        _ => return None,
    })
}

/// The names that [`find`] knows and that are for everybody, for `builtins`.
pub(crate) const NAMES: &[&str] = &[
    "not/0",
    "type/0",
    "error/0",
    "error/1",
    "length/0",
    "utf8bytelength/0",
    "keys/0",
    "keys_unsorted/0",
    "has/1",
    "contains/1",
    "tojson/0",
    "tostring/0",
    "fromjson/0",
    "tonumber/0",
    "toboolean/0",
    "toarray/0",
    "format/1",
    "setpath/2",
    "delpaths/1",
    "to_entries/0",
    "from_entries/0",
    "sort/0",
    "unique/0",
    "min/0",
    "max/0",
    "reverse/0",
    "explode/0",
    "implode/0",
    "startswith/1",
    "endswith/1",
    "ltrimstr/1",
    "rtrimstr/1",
    "trimstr/1",
    "trim/0",
    "ltrim/0",
    "rtrim/0",
    "split/1",
    "indices/1",
    "bsearch/1",
    "debug/0",
    "stderr/0",
    "input_filename/0",
    "input_line_number/0",
    "get_search_list/0",
    "halt_error/1",
    "builtins/0",
    "now/0",
    "gmtime/0",
    "localtime/0",
    "mktime/0",
    "strftime/1",
    "strflocaltime/1",
    "strptime/1",
    "have_literal_numbers/0",
    "have_decnum/0",
    "nan/0",
    "infinite/0",
    "isnan/0",
    "isinfinite/0",
    "isfinite/0",
    "isnormal/0",
    "abs/0",
    "frexp/0",
    "modf/0",
    "lgamma_r/0",
    "pow/2",
    "atan2/2",
    "fmod/2",
    "fmin/2",
    "fmax/2",
    "fdim/2",
    "hypot/2",
    "copysign/2",
    "drem/2",
    "remainder/2",
    "nextafter/2",
    "nexttoward/2",
    "ldexp/2",
    "scalb/2",
    "scalbln/2",
    "jn/2",
    "yn/2",
    "fma/3",
    "floor/0",
    "ceil/0",
    "round/0",
    "trunc/0",
    "rint/0",
    "nearbyint/0",
    "sqrt/0",
    "cbrt/0",
    "fabs/0",
    "exp/0",
    "exp2/0",
    "exp10/0",
    "expm1/0",
    "log/0",
    "log2/0",
    "log10/0",
    "log1p/0",
    "logb/0",
    "significand/0",
    "sin/0",
    "cos/0",
    "tan/0",
    "asin/0",
    "acos/0",
    "atan/0",
    "sinh/0",
    "cosh/0",
    "tanh/0",
    "asinh/0",
    "acosh/0",
    "atanh/0",
    "gamma/0",
    "lgamma/0",
    "tgamma/0",
    "erf/0",
    "erfc/0",
    "j0/0",
    "j1/0",
    "y0/0",
    "y1/0",
    "empty/0",
    "path/1",
    "getpath/1",
    "range/1",
    "range/2",
    "first/1",
    "last/1",
    "limit/2",
    "skip/2",
    "select/1",
    "input/0",
    "modulemeta/0",
];

fn class(input: &Value, test: fn(f64) -> bool) -> Result1 {
    match input.as_f64() {
        Some(number) => Ok(Value::Bool(test(number))),
        None => Err(error(format!("{} number required", described(input)))),
    }
}

fn length(_: &mut Host, input: Value, _: &[Value]) -> Result1 {
    Ok(Value::Number(match &input {
        Value::Null => 0.0,
        Value::Bool(_) => return Err(error(format!("{} has no length", described(&input)))),
        Value::Number(number) => number.abs(),
        Value::Literal(literal) => {
            return if literal.value < 0.0 { Ok(literal.negated()) } else { Ok(input) };
        }
        Value::String(text) => text.chars().count() as f64,
        Value::Array(array) => array.len() as f64,
        Value::Object(object) => object.len() as f64,
    }))
}

fn indices_of(value: &Value) -> Result1 {
    match value {
        Value::Array(array) => {
            Ok(Value::array((0..array.len()).map(|index| Value::Number(index as f64)).collect()))
        }
        other => Err(error(format!("{} has no keys", described(other)))),
    }
}

fn has(_: &mut Host, input: Value, arguments: &[Value]) -> Result1 {
    let key = first(arguments);
    match (&input, key) {
        (Value::Object(object), Value::String(name)) => Ok(Value::Bool(object.contains_key(name))),
        (Value::Array(array), Value::Number(_) | Value::Literal(_)) => {
            let at = key.as_f64().unwrap_or(f64::NAN);
            Ok(Value::Bool(at >= 0.0 && at < array.len() as f64))
        }
        (input, key) => {
            Err(error(format!("Cannot check whether {} has a {} key", input.type_name(), key.type_name())))
        }
    }
}

/// Whether all of `b` is found in `a`. The search goes back, so it recurses, as deep as is followed at most; here
/// the depth is kept on a list of what is still to be found.
fn contains(a: &Value, b: &Value) -> Result<bool, Fault> {
    // Each task is a conjunction; alternatives arise only from arrays, whose members are searched one by one.
    fn search(a: &Value, b: &Value, depth: usize) -> Result<bool, Fault> {
        let (mut a, mut b, mut depth) = (a, b, depth);
        loop {
            if depth > MAX_DEPTH {
                return Err(error("Containment check too deep"));
            }
            match (a, b) {
                (Value::Object(x), Value::Object(y)) => {
                    // The last member needs no return to here.
                    let Some((last_key, last)) = y.last() else { return Ok(true) };
                    for (key, value) in y.iter().take(y.len() - 1) {
                        match x.get(key) {
                            Some(own) => {
                                if !nested(own, value, depth + 1)? {
                                    return Ok(false);
                                }
                            }
                            None => return Ok(false),
                        }
                    }
                    match x.get(last_key) {
                        Some(own) if own.type_name() == last.type_name() => (a, b) = (own, last),
                        _ => return Ok(false),
                    }
                    depth += 1;
                }
                (Value::Array(x), Value::Array(y)) => {
                    if let ([own], [wanted]) = (x.as_slice(), y.as_slice()) {
                        if own.type_name() != wanted.type_name() {
                            return Ok(false);
                        }
                        (a, b) = (own, wanted);
                        depth += 1;
                        continue;
                    }
                    for wanted in y.iter() {
                        let mut found = false;
                        for own in x.iter() {
                            if own.type_name() == wanted.type_name() && nested(own, wanted, depth + 1)? {
                                found = true;
                                break;
                            }
                        }
                        if !found {
                            return Ok(false);
                        }
                    }
                    return Ok(true);
                }
                (Value::String(x), Value::String(y)) => return Ok(x.contains(y.as_str())),
                (a, b) if a.type_name() == b.type_name() => {
                    return a.equals(b).map_err(too_deep("Equality check"));
                }
                (a, b) => {
                    return Err(error(format!(
                        "{} and {} cannot have their containment checked",
                        described(a),
                        described(b)
                    )));
                }
            }
        }
    }
    /// What has branches on every level is followed on the stack, which has room for fewer levels.
    fn nested(a: &Value, b: &Value, depth: usize) -> Result<bool, Fault> {
        thread_local! {
            static LEVEL: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
        }
        let level = LEVEL.get() + 1;
        if level > 500 {
            return Err(error("Containment check too deep"));
        }
        LEVEL.set(level);
        let result = if a.type_name() == b.type_name() { search(a, b, depth) } else { Ok(false) };
        LEVEL.set(level - 1);
        result
    }
    search(a, b, 0)
}

fn add(host: &mut Host, input: Value, _: &[Value]) -> Result1 {
    let sum = |values: &mut dyn Iterator<Item = &Value>| -> Result1 {
        let mut total = Value::Null;
        for value in values {
            total = super::ops::add(host, total, value)?;
        }
        Ok(total)
    };
    match &input {
        Value::Array(array) => sum(&mut array.iter()),
        Value::Object(object) => sum(&mut object.values()),
        other => Err(error(format!("Cannot iterate over {}", described(other)))),
    }
}

fn fromjson(_: &mut Host, input: Value, _: &[Value]) -> Result1 {
    match &input {
        Value::String(text) => match read::whole(text.as_bytes()) {
            Ok(Some(value)) => Ok(value),
            Ok(None) => Err(error(format!("Expected JSON value (while parsing '{text}')"))),
            Err(message) => Err(error(format!("{message} (while parsing '{text}')"))),
        },
        other => Err(error(format!("{} only strings can be parsed", described(other)))),
    }
}

fn tonumber(_: &mut Host, input: Value, _: &[Value]) -> Result1 {
    match &input {
        Value::Number(_) | Value::Literal(_) => return Ok(input),
        Value::String(text) => {
            if let Some(number) = number::parse(text) {
                return Ok(number);
            }
        }
        _ => {}
    }
    Err(error(format!("{} cannot be parsed as a number", described(&input))))
}

fn to_entries(_: &mut Host, input: Value, _: &[Value]) -> Result1 {
    let entry = |key: Value, value: &Value| {
        let mut members = Members::default();
        members.insert(Rc::new("key".into()), key);
        members.insert(Rc::new("value".into()), value.clone());
        Value::object(members)
    };
    match &input {
        Value::Object(object) => Ok(Value::array(
            object.iter().map(|(key, value)| entry(Value::String(Rc::clone(key)), value)).collect(),
        )),
        Value::Array(array) => Ok(Value::array(
            array
                .iter()
                .enumerate()
                .map(|(index, value)| entry(Value::Number(index as f64), value))
                .collect(),
        )),
        other => Err(error(format!("{} has no keys", described(other)))),
    }
}

fn from_entries(_: &mut Host, input: Value, _: &[Value]) -> Result1 {
    let entries: Vec<&Value> = match &input {
        Value::Array(array) => array.iter().collect(),
        Value::Object(object) => object.values().collect(),
        other => return Err(error(format!("Cannot iterate over {}", described(other)))),
    };
    let mut members = Members::default();
    for entry in entries {
        let field = |name: &str| paths::get(entry, &Value::string(name)).map_err(error);
        // What is null counts as missing, also false for the later names.
        let mut key = field("key")?;
        for name in ["k", "name", "Name", "K", "Key"] {
            if !matches!(key, Value::Null) {
                break;
            }
            key = field(name)?;
        }
        let key = match key {
            Value::String(text) => text,
            other => Rc::new(compact(&other)),
        };
        let mut value = Value::Null;
        for name in ["value", "v", "Value", "V"] {
            let found = matches!(entry, Value::Object(object) if object.contains_key(&name.to_owned()));
            if found {
                value = field(name)?;
                break;
            }
        }
        members.insert(key, value);
    }
    Ok(Value::object(members))
}

fn list(input: Value, what: &str) -> Result<Vec<Value>, Fault> {
    match input {
        Value::Array(array) => Ok(match Rc::try_unwrap(array) {
            Ok(mut array) => std::mem::take(&mut array.0),
            Err(array) => array.to_vec(),
        }),
        other => Err(error(format!("{} cannot be {what}, as it is not an array", described(&other)))),
    }
}

fn sorted_pairs(input: Value, keys: &Value, what: &str) -> Result<Vec<(Value, Value)>, Fault> {
    let values = list(input, what)?;
    let Value::Array(keys) = keys else {
        return Err(error("keys must be an array"));
    };
    let mut pairs: Vec<(Value, Value)> = keys.iter().cloned().zip(values).collect();
    sort_by_key(&mut pairs, |pair| &pair.0).map_err(too_deep("Comparison"))?;
    Ok(pairs)
}

fn groups(input: Value, keys: &Value, what: &str) -> Result<Vec<Vec<Value>>, Fault> {
    let mut groups: Vec<Vec<Value>> = Vec::new();
    let mut last: Option<Value> = None;
    for (key, value) in sorted_pairs(input, keys, what)? {
        let same = match &last {
            Some(last) => last.equals(&key).map_err(too_deep("Comparison"))?,
            None => false,
        };
        match groups.last_mut() {
            Some(group) if same => group.push(value),
            _ => groups.push(vec![value]),
        }
        last = Some(key);
    }
    Ok(groups)
}

fn extreme(values: &Value, keys: &Value, most: bool) -> Result1 {
    let (Value::Array(values), Value::Array(keys)) = (values, keys) else {
        return Err(error(format!("{} and {} cannot be iterated over", described(values), described(keys))));
    };
    let mut best: Option<(&Value, &Value)> = None;
    for (value, key) in values.iter().zip(keys.iter()) {
        let better = match best {
            None => true,
            Some((_, other)) => {
                let order = key.compare(other).map_err(too_deep("Comparison"))?;
                if most { order != Ordering::Less } else { order == Ordering::Less }
            }
        };
        if better {
            best = Some((value, key));
        }
    }
    Ok(best.map_or(Value::Null, |(value, _)| value.clone()))
}

fn flatten(_: &mut Host, input: Value, arguments: &[Value]) -> Result1 {
    let depth = first(arguments).as_f64().unwrap_or(0.0);
    let outer: Vec<Value> = match &input {
        Value::Array(array) => array.to_vec(),
        Value::Object(object) => object.values().cloned().collect(),
        other => return Err(error(format!("Cannot iterate over {}", described(other)))),
    };
    let mut flat = Vec::new();
    // What is still to be seen, with its level; the next is the last.
    let mut work: Vec<(Value, f64)> = outer.into_iter().rev().map(|value| (value, 0.0)).collect();
    while let Some((value, level)) = work.pop() {
        match value {
            Value::Array(array) if level < depth => {
                work.extend(array.iter().rev().map(|value| (value.clone(), level + 1.0)));
            }
            other => flat.push(other),
        }
    }
    Ok(Value::array(flat))
}

fn implode(_: &mut Host, input: Value, _: &[Value]) -> Result1 {
    let Value::Array(array) = &input else { return Err(error("implode input must be an array")) };
    let mut text = String::with_capacity(array.len());
    for value in array.iter() {
        let Some(number) = value.as_f64().filter(|number| !number.is_nan()) else {
            return Err(error(format!(
                "{} can't be imploded, unicode codepoint needs to be numeric",
                described(value)
            )));
        };
        let letter = if number < 0.0 { None } else { char::from_u32(number as u32) };
        text.push(letter.unwrap_or('\u{fffd}'));
    }
    Ok(Value::string(text))
}

fn trim_text(input: &Value, part: &Value, left: bool, right: bool) -> Result1 {
    let (Value::String(text), Value::String(part)) = (input, part) else {
        let name = if left { "startswith" } else { "endswith" };
        return Err(error(format!("{name}() requires string inputs")));
    };
    let mut rest = text.as_str();
    if left {
        rest = rest.strip_prefix(part.as_str()).unwrap_or(rest);
    }
    if right {
        rest = rest.strip_suffix(part.as_str()).unwrap_or(rest);
    }
    Ok(if rest.len() == text.len() { input.clone() } else { Value::string(rest) })
}

fn trim(input: &Value, left: bool, right: bool) -> Result1 {
    let Value::String(text) = input else { return Err(error("trim input must be a string")) };
    let mut rest = text.as_str();
    if left {
        rest = rest.trim_start();
    }
    if right {
        rest = rest.trim_end();
    }
    Ok(if rest.len() == text.len() { input.clone() } else { Value::string(rest) })
}

fn indices(_: &mut Host, input: Value, arguments: &[Value]) -> Result1 {
    let wanted = first(arguments);
    match (&input, wanted) {
        (Value::Null, _) => Ok(Value::Null),
        (Value::String(text), Value::String(part)) => {
            let mut found = Vec::new();
            if !part.is_empty() {
                let finder = memchr::memmem::Finder::new(part.as_bytes());
                let (mut from, mut letters, mut counted) = (0, 0, 0);
                while let Some(at) = text.as_bytes().get(from..).and_then(|rest| finder.find(rest)) {
                    let at = from + at;
                    letters += text.get(counted..at).unwrap_or_default().chars().count();
                    counted = at;
                    found.push(Value::Number(letters as f64));
                    from = at + 1;
                }
            }
            Ok(Value::array(found))
        }
        (Value::Array(_), Value::Array(_)) => paths::get(&input, wanted).map_err(error),
        (Value::Array(array), _) => {
            let mut found = Vec::new();
            for (index, value) in array.iter().enumerate() {
                if value.equals(wanted).map_err(too_deep("Equality check"))? {
                    found.push(Value::Number(index as f64));
                }
            }
            Ok(Value::array(found))
        }
        _ => paths::get(&input, wanted).map_err(error),
    }
}

fn bsearch(_: &mut Host, input: Value, arguments: &[Value]) -> Result1 {
    let Value::Array(array) = &input else {
        return Err(error(format!("{} cannot be searched from", described(&input))));
    };
    let wanted = first(arguments);
    let (mut from, mut to) = (0, array.len());
    while from < to {
        let middle = from + (to - from) / 2;
        let Some(value) = array.get(middle) else { break };
        match value.compare(wanted).map_err(too_deep("Comparison"))? {
            Ordering::Equal => return Ok(Value::Number(middle as f64)),
            Ordering::Less => from = middle + 1,
            Ordering::Greater => to = middle,
        }
    }
    Ok(Value::Number(-1.0 - from as f64))
}

fn pattern(host: &mut Host, input: &Value, arguments: &[Value]) -> Result<(Rc<String>, Rc<Pattern>), Fault> {
    let not_string =
        |value: &Value| error(format!("{} cannot be matched, as it is not a string", described(value)));
    let Value::String(text) = input else { return Err(not_string(input)) };
    let Value::String(source) = first(arguments) else { return Err(not_string(first(arguments))) };
    let flags = match second(arguments) {
        Value::Null => "",
        Value::String(flags) => flags.as_str(),
        other => return Err(error(format!("{} is not a string", described(other)))),
    };
    let pattern = host.pattern(source, flags)?;
    Ok((Rc::clone(text), pattern))
}
