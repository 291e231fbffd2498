//! Tests of shell arithmetic: values and messages that bash 5.2 gives.

use std::borrow::Cow;
use std::collections::HashMap;

use super::*;

#[derive(Default)]
struct Vars {
    scalars: HashMap<Vec<u8>, Vec<u8>>,
    elements: HashMap<(Vec<u8>, Vec<u8>), i64>,
}

impl Variables for Vars {
    type Error = String;
    fn get(&mut self, name: &[u8], key: Option<Key<'_>>) -> Result<Value<'_>, String> {
        Ok(match key {
            None => match self.scalars.get(name) {
                Some(text) => Value::Text(Cow::Borrowed(text)),
                None => Value::Int(0),
            },
            Some(key) => Value::Int(self.elements.get(&(name.to_vec(), key_text(key))).copied().unwrap_or(0)),
        })
    }
    fn set(&mut self, name: &[u8], key: Option<Key<'_>>, value: i64) -> Result<(), String> {
        if name == b"readonly" {
            return Err("readonly: readonly variable".into());
        }
        match key {
            None => {
                self.scalars.insert(name.to_vec(), value.to_string().into_bytes());
            }
            Some(key) => {
                self.elements.insert((name.to_vec(), key_text(key)), value);
            }
        }
        Ok(())
    }
    fn is_associative(&mut self, name: &[u8]) -> bool {
        name.starts_with(b"map")
    }
}

fn key_text(key: Key<'_>) -> Vec<u8> {
    match key {
        Key::Index(i) => i.to_string().into_bytes(),
        Key::Text(text) => text.to_vec(),
    }
}

fn eval_in(vars: &mut Vars, text: &str) -> Result<i64, String> {
    Expression::parse(text.as_bytes()).map_err(|e| e.to_string())?.eval(vars).map_err(|e| e.to_string())
}

fn eval(text: &str) -> Result<i64, String> {
    eval_in(&mut Vars::default(), text)
}

#[test]
fn values() {
    for (text, expected) in [
        ("", 0),
        (" ", 0),
        ("1+2*3", 7),
        ("(1+2)*3", 9),
        ("-2**2", 4),
        ("2**3**2", 512),
        ("2**64", 0),
        ("7 > 3 > 1", 0),
        ("~1", -2),
        ("!0 + !5", 1),
        ("1,2", 2),
        ("5/-2", -2),
        ("-5%3", -2),
        ("-5>>1", -3),
        ("1<<65", 2),
        ("9223372036854775807+1", i64::MIN),
        ("-9223372036854775808/-1", i64::MIN),
        ("-9223372036854775808%-1", 0),
        ("9999999999999999999", -8446744073709551617),
        ("0x1f + 017 + 2#101 + 36#zZ + 64#@_", 31 + 15 + 5 + 1295 + 4031),
        ("0x", 0),
        ("1 ? 2 : 3", 2),
        ("0 ? 2 : 0 ? 3 : 4", 4),
        ("1 ? 0 ? 5 : 6 : 7", 6),
        ("0 && 1/0", 0),
        ("1 || 1/0", 1),
        ("2 && 3", 1),
        ("0 || 7", 1),
        ("1 || (x=9), x", 0),
        ("x=5,x+=2,x", 7),
        ("x=y=3, x*10+y", 33),
        ("x=3, x <<= 2, x |= 1, x ^= 15, x", 2),
        ("x=2, x++ + ++x", 6),
        ("x=2, x-- - --x", 2),
        ("x+++y", 0),
        ("++5", 5),
        ("- - 1", 1),
        ("-+!~1", 0),
        ("1 == 1 != 0", 1),
        ("6 & 3 | 8 ^ 1", 11),
        ("a[1]=5, a[1]++, a[1]", 6),
        ("i=1, a[i++] += 4, a[1]*10 + i", 42),
        ("a[a[0]+1]=7, a[1]", 7),
        ("map[x y]=3, map[x y]*2", 6),
        ("1 ? x=4 : 0, x", 4),
        ("\n 1 +\n 2\t", 3),
    ] {
        assert_eq!(eval(text), Ok(expected), "{text}");
    }
}

#[test]
fn messages() {
    for (text, expected) in [
        ("1+ ", "1+ : syntax error: operand expected (error token is \"+ \")"),
        (" *1 ", "*1 : syntax error: operand expected (error token is \"*1 \")"),
        ("1 + b = 3, b", "1 + b = 3, b: attempted assignment to non-variable (error token is \"= 3, b\")"),
        ("5++ ", "5++ : syntax error: operand expected (error token is \"+ \")"),
        ("1/0+2", "1/0+2: division by 0 (error token is \"0+2\")"),
        ("1 / 0", "1 / 0: division by 0 (error token is \"0\")"),
        ("08", "08: value too great for base (error token is \"08\")"),
        ("1 + 3#5", "3#5: value too great for base (error token is \"3#5\")"),
        ("65#1", "65#1: invalid arithmetic base (error token is \"65#1\")"),
        ("2#", "2#: invalid integer constant (error token is \"2#\")"),
        ("0#1", "0#1: invalid number (error token is \"0#1\")"),
        ("1 2", "1 2: syntax error in expression (error token is \"2\")"),
        ("1 ? 2 ", "1 ? 2 : `:' expected for conditional expression (error token is \"2 \")"),
        ("1 ? : 2", "1 ? : 2: expression expected (error token is \": 2\")"),
        ("1 ? 2 : ", "1 ? 2 : : expression expected (error token is \": \")"),
        ("(1 ", "(1 : missing `)' (error token is \"1 \")"),
        ("((1) ", "((1) : missing `)' (error token is \") \")"),
        ("1) ", "1) : syntax error in expression (error token is \") \")"),
        ("1.5", "1.5: syntax error: invalid arithmetic operator (error token is \".5\")"),
        ("1 @ ", "1 @ : syntax error: invalid arithmetic operator (error token is \"@ \")"),
        ("$", "$: syntax error: operand expected (error token is \"$\")"),
        ("1 : 2", "1 : 2: syntax error in expression (error token is \": 2\")"),
        ("9--a", "9--a: syntax error in expression (error token is \"--a\")"),
        ("f(1)", "f(1): syntax error in expression (error token is \"(1)\")"),
        ("a[1", "a[1: bad array subscript (error token is \"a[1\")"),
        ("a[b c]", "b c: syntax error in expression (error token is \"c\")"),
        ("1==", "1==: syntax error: operand expected (error token is \"==\")"),
        ("x = = 1", "x = = 1: syntax error: operand expected (error token is \"= 1\")"),
        ("++x=9", "++x=9: attempted assignment to non-variable (error token is \"=9\")"),
    ] {
        assert_eq!(eval(text).unwrap_err(), expected, "{text}");
    }
}

#[test]
fn values_of_variables_are_expressions() {
    let mut vars = Vars::default();
    for (name, value) in [("a", "b+1"), ("b", "c+1"), ("c", "5"), ("loop", "loop"), ("bad", "1+")] {
        vars.scalars.insert(name.into(), value.into());
    }
    assert_eq!(eval_in(&mut vars, "a*2"), Ok(14));
    assert_eq!(
        eval_in(&mut vars, "loop").unwrap_err(),
        "loop: expression recursion level exceeded (error token is \"loop\")"
    );
    assert_eq!(
        eval_in(&mut vars, "bad").unwrap_err(),
        "1+: syntax error: operand expected (error token is \"+\")"
    );
    assert_eq!(eval_in(&mut vars, "readonly=1").unwrap_err(), "readonly: readonly variable");
}

#[test]
fn nesting_is_not_recursion() {
    let depth = 200_000;
    let text = format!("{}1{}", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(eval(&text), Ok(1));
    let text = format!("{}1", "-".repeat(depth));
    assert_eq!(eval(&text), Ok(1));
    let text = format!("{}0{}", "a[".repeat(50_000), "]".repeat(50_000));
    assert_eq!(eval(&text), Ok(0));
}
