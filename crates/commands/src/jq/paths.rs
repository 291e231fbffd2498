//! Access by keys and paths: reading, changing and deleting.

use std::rc::Rc;

use super::ops::described;
use super::value::{Array, MAX_DEPTH, Members, Value, sort_by_key};

type Access<T> = Result<T, String>;

fn cannot_index(value: &Value, key: &Value) -> String {
    match value {
        Value::Array(_) | Value::String(_) if matches!(key, Value::Object(_)) => {
            "Array/string slice indices must be integers".into()
        }
        _ => format!("Cannot index {} with {}", value.type_name(), described(key)),
    }
}

/// The bounds that an object with `start` and `end` asks for.
fn bounds(key: &Members, length: usize) -> Option<(usize, usize)> {
    let (start, end) = (key.get(&"start".to_owned())?, key.get(&"end".to_owned())?);
    let number = |value: &Value, default: f64| match value {
        Value::Null => Some(default),
        other => other.as_f64(),
    };
    let length = length as f64;
    let from = number(start, 0.0)?;
    let to = number(end, length)?;
    let to = if to.is_nan() { length } else { to };
    let place = |at: f64| {
        let at = if at.is_nan() { 0.0 } else { at };
        (if at < 0.0 { at + length } else { at }).clamp(0.0, length)
    };
    let from = place(from).floor();
    let to = place(to).ceil();
    Some((from as usize, to.max(from) as usize))
}

/// Where the letters begin and end in the bytes.
fn slice_text(text: &str, from: usize, to: usize) -> &str {
    if text.is_ascii() {
        return text.get(from..to.min(text.len())).unwrap_or_default();
    }
    let place = |count: usize| text.char_indices().nth(count).map_or(text.len(), |(at, _)| at);
    text.get(place(from)..place(to)).unwrap_or_default()
}

/// `value[key]`
pub(crate) fn get(value: &Value, key: &Value) -> Access<Value> {
    match (value, key) {
        (Value::Object(object), Value::String(name)) => Ok(object.get(name).cloned().unwrap_or_default()),
        (Value::Array(array), Value::Number(_) | Value::Literal(_)) => {
            let at = key.as_f64().unwrap_or(f64::NAN).floor();
            let at = if at < 0.0 { at + array.len() as f64 } else { at };
            if at.is_nan() || at < 0.0 {
                return Ok(Value::Null);
            }
            Ok(array.get(at as usize).cloned().unwrap_or_default())
        }
        (Value::Null, Value::String(_) | Value::Number(_) | Value::Literal(_)) => Ok(Value::Null),
        (Value::Null, Value::Object(_)) => Ok(Value::Null),
        (Value::Array(array), Value::Object(key_object)) => {
            let (from, to) = bounds(key_object, array.len()).ok_or_else(|| cannot_index(value, key))?;
            Ok(Value::array(array.get(from..to).unwrap_or_default().to_vec()))
        }
        (Value::String(text), Value::Object(key_object)) => {
            let count = if text.is_ascii() { text.len() } else { text.chars().count() };
            let (from, to) = bounds(key_object, count).ok_or_else(|| cannot_index(value, key))?;
            Ok(Value::string(slice_text(text, from, to)))
        }
        (Value::Array(array), Value::Array(wanted)) => indices(array, wanted),
        _ => Err(cannot_index(value, key)),
    }
}

/// Where `wanted` begins in `array`.
fn indices(array: &Array, wanted: &Array) -> Access<Value> {
    let mut found = Vec::new();
    if !wanted.is_empty() {
        for (at, window) in array.windows(wanted.len()).enumerate() {
            let mut same = true;
            for (a, b) in window.iter().zip(wanted.iter()) {
                same = same && a.equals(b).map_err(|_| "Equality check too deep".to_owned())?;
            }
            if same {
                found.push(Value::Number(at as f64));
            }
        }
    }
    Ok(Value::array(found))
}

/// The largest index that can be assigned to.
const MAX_INDEX: f64 = 536_870_911.0;

/// What stands at `key`, taken out so that it can be changed; the place is put back with [`put`].
fn take(value: &mut Value, key: &Value) -> Access<Value> {
    match (&mut *value, key) {
        (Value::Object(object), Value::String(name)) => {
            Ok(Rc::make_mut(object).get_mut(name).map(std::mem::take).unwrap_or_default())
        }
        (Value::Array(array), Value::Number(_) | Value::Literal(_)) => {
            let at = key.as_f64().unwrap_or(f64::NAN).floor();
            let at = if at < 0.0 { at + array.len() as f64 } else { at };
            if at.is_nan() || at < 0.0 || at >= array.len() as f64 {
                return Ok(Value::Null);
            }
            Ok(Rc::make_mut(array).get_mut(at as usize).map(std::mem::take).unwrap_or_default())
        }
        (Value::String(_), Value::Object(_)) => Err("Cannot update string slices".into()),
        (Value::Array(_), Value::Array(_)) => Err("Cannot update field at array index of array".into()),
        _ => get(value, key),
    }
}

/// `value[key] = new`
fn put(value: &mut Value, key: &Value, new: Value) -> Access<()> {
    match (&mut *value, key) {
        (Value::Object(object), Value::String(name)) => {
            Rc::make_mut(object).insert(Rc::clone(name), new);
            Ok(())
        }
        (Value::Null, Value::String(name)) => {
            let mut members = Members::default();
            members.insert(Rc::clone(name), new);
            *value = Value::object(members);
            Ok(())
        }
        (Value::Array(_) | Value::Null, Value::Number(_) | Value::Literal(_)) => {
            let mut array = match std::mem::take(value) {
                Value::Array(array) => array,
                _ => Rc::default(),
            };
            let at = key.as_f64().unwrap_or(f64::NAN);
            if at.is_nan() {
                return Err("Cannot set array element at NaN index".into());
            }
            let at = at.floor();
            let at = if at < 0.0 { at + array.len() as f64 } else { at };
            if at < 0.0 {
                return Err("Out of bounds negative array index".into());
            }
            if at > MAX_INDEX {
                return Err("Array index too large".into());
            }
            let at = at as usize;
            let values = Rc::make_mut(&mut array);
            if at >= values.len() {
                values.resize(at + 1, Value::Null);
            }
            if let Some(slot) = values.get_mut(at) {
                *slot = new;
            }
            *value = Value::Array(array);
            Ok(())
        }
        (Value::Array(_) | Value::Null, Value::Object(key_object)) => {
            let array = match std::mem::take(value) {
                Value::Array(array) => array,
                _ => Rc::default(),
            };
            let Value::Array(new) = new else {
                return Err("A slice of an array can only be assigned another array".into());
            };
            let Some((from, to)) = bounds(key_object, array.len()) else {
                return Err("Array/string slice indices must be integers".into());
            };
            let mut values = array.get(..from).unwrap_or_default().to_vec();
            values.extend(new.iter().cloned());
            values.extend(array.get(to..).unwrap_or_default().iter().cloned());
            *value = Value::array(values);
            Ok(())
        }
        (Value::String(_), Value::Object(_)) => Err("Cannot update string slices".into()),
        (Value::Array(_), Value::Array(_)) => Err("Cannot update field at array index of array".into()),
        (value, key) => Err(cannot_index(value, key)),
    }
}

/// What stands at a path; null behind the end of what there is.
pub(crate) fn get_path(value: &Value, path: &[Value]) -> Access<Value> {
    check_depth(path)?;
    let mut value = value.clone();
    for key in path {
        if matches!(value, Value::Null) {
            return Ok(Value::Null);
        }
        value = get(&value, key)?;
    }
    Ok(value)
}

/// What stands at a path, taken out: it is to be put back with [`set_path`].
pub(crate) fn take_path(value: &mut Value, path: &[Value]) -> Access<Value> {
    check_depth(path)?;
    let Some((last, outer)) = path.split_last() else { return Ok(std::mem::take(value)) };
    // What cannot be walked in place is read.
    let readable = get_path(value, path)?;
    let mut at = value;
    for key in outer {
        let next = match (at, key) {
            (Value::Object(object), Value::String(name)) => Rc::make_mut(object).get_mut(name),
            (Value::Array(array), Value::Number(index)) if *index >= 0.0 => {
                Rc::make_mut(array).get_mut(*index as usize)
            }
            _ => None,
        };
        match next {
            Some(next) => at = next,
            None => return Ok(readable),
        }
    }
    match (&*at, last) {
        (Value::Object(_), Value::String(_)) | (Value::Array(_), Value::Number(_)) => {
            drop(readable);
            take(at, last)
        }
        _ => Ok(readable),
    }
}

fn check_depth(path: &[Value]) -> Access<()> {
    if path.len() > MAX_DEPTH { Err("Path too deep".into()) } else { Ok(()) }
}

/// The value with `new` at the path. It is changed in place where nobody else holds it.
pub(crate) fn set_path(value: Value, path: &[Value], new: Value) -> Access<Value> {
    check_depth(path)?;
    let mut outer: Vec<Value> = Vec::with_capacity(path.len());
    let mut value = value;
    for (index, key) in path.iter().enumerate() {
        // The last place is only written.
        let inner = if index + 1 < path.len() { take(&mut value, key)? } else { Value::Null };
        outer.push(std::mem::replace(&mut value, inner));
    }
    let mut value = new;
    for key in path.iter().rev() {
        let Some(mut container) = outer.pop() else { break };
        put(&mut container, key, value)?;
        value = container;
    }
    Ok(value)
}

/// The value without what stands at the paths.
pub(crate) fn delete_all(value: Value, mut paths: Vec<Value>) -> Access<Value> {
    if paths.is_empty() {
        return Ok(value);
    }
    sort_by_key(&mut paths, |path| path).map_err(|_| "Comparison too deep".to_owned())?;
    let mut keys: Vec<&[Value]> = Vec::with_capacity(paths.len());
    for path in &paths {
        match path {
            Value::Array(path) => {
                check_depth(path)?;
                keys.push(path);
            }
            _ => return Err("Path must be specified as an array".into()),
        }
    }
    if keys.first().is_some_and(|path| path.is_empty()) {
        return Ok(Value::Null);
    }
    delete_sorted(value, &keys)
}

/// Deletes what stands at sorted paths, container by container: what is to be deleted of one goes at once, so that
/// indices stay what they were.
fn delete_sorted(value: Value, paths: &[&[Value]]) -> Access<Value> {
    /// A container whose place in the outer one waits.
    struct Level<'p> {
        value: Value,
        /// The paths below, cut off in front.
        paths: Vec<&'p [Value]>,
        at: usize,
        /// The keys that are to vanish.
        gone: Vec<&'p Value>,
        /// Where it stands in the outer one.
        key: Option<&'p Value>,
    }
    let mut levels = vec![Level { value, paths: paths.to_vec(), at: 0, gone: Vec::new(), key: None }];
    loop {
        let Some(level) = levels.last_mut() else { return Ok(Value::Null) };
        let Some(path) = level.paths.get(level.at).copied() else {
            let Some(mut done) = levels.pop() else { return Ok(Value::Null) };
            let value = delete_keys(std::mem::take(&mut done.value), &done.gone)?;
            let Some(outer) = levels.last_mut() else { return Ok(value) };
            if let Some(key) = done.key {
                put(&mut outer.value, key, value)?;
            }
            continue;
        };
        let Some((key, rest)) = path.split_first() else {
            level.at += 1;
            continue;
        };
        if rest.is_empty() {
            level.gone.push(key);
            level.at += 1;
            continue;
        }
        // All that go on below the same key.
        let same = |other: &&[Value]| other.first().is_some_and(|first| first.equals(key).unwrap_or(false));
        let count = level
            .paths
            .get(level.at..)
            .unwrap_or_default()
            .iter()
            .take_while(|path| same(path))
            .count()
            .max(1);
        let group: Vec<&[Value]> = level
            .paths
            .get(level.at..level.at + count)
            .unwrap_or_default()
            .iter()
            .map(|path| path.get(1..).unwrap_or_default())
            .collect();
        level.at += count;
        let inner = get(&level.value, key)?;
        if matches!(inner, Value::Null) {
            continue;
        }
        if group.iter().any(|path| path.is_empty()) {
            level.gone.push(key);
            continue;
        }
        drop(inner);
        let inner = take(&mut level.value, key)?;
        levels.push(Level { value: inner, paths: group, at: 0, gone: Vec::new(), key: Some(key) });
    }
}

fn delete_keys(value: Value, keys: &[&Value]) -> Access<Value> {
    if keys.is_empty() {
        return Ok(value);
    }
    match value {
        Value::Null => Ok(Value::Null),
        Value::Object(mut object) => {
            for key in keys {
                match key {
                    Value::String(name) => {
                        if object.contains_key(name) {
                            Rc::make_mut(&mut object).shift_remove(name);
                        }
                    }
                    other => return Err(format!("Cannot delete {} field of object", other.type_name())),
                }
            }
            Ok(Value::Object(object))
        }
        Value::Array(array) => {
            let mut gone = vec![false; array.len()];
            for key in keys {
                match key {
                    Value::Object(slice) => {
                        let Some((from, to)) = bounds(slice, array.len()) else {
                            return Err("Array/string slice indices must be integers".into());
                        };
                        gone.get_mut(from..to).unwrap_or_default().fill(true);
                    }
                    other => match other.as_f64() {
                        Some(at) => {
                            let at = at.floor();
                            let at = if at < 0.0 { at + array.len() as f64 } else { at };
                            if at >= 0.0
                                && let Some(slot) = gone.get_mut(at as usize)
                            {
                                *slot = true;
                            }
                        }
                        None => return Err(format!("Cannot delete {} element of array", other.type_name())),
                    },
                }
            }
            let kept = array.iter().zip(gone).filter(|(_, gone)| !gone).map(|(value, _)| value.clone());
            Ok(Value::array(kept.collect()))
        }
        other => Err(format!("Cannot delete fields from {}", other.type_name())),
    }
}
