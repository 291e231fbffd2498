//! Scripts, sources and documents, by what they begin with.

use bstr::ByteSlice;

use super::Found;

/// `is_text`: only what texts can be is asked for.
pub(super) fn detect(text: &[u8], is_text: bool) -> Option<Found> {
    if let Some(rest) = text.strip_prefix(b"#!") {
        return Some(script(rest));
    }
    if !is_text {
        return None;
    }
    if text.starts_with(b"<?php") || text.starts_with(b"<?\n") {
        return Some(Found::text("PHP script", "text/x-php"));
    }
    markup(text).or_else(|| by_beginning(text)).or_else(|| by_line(text))
}

/// A script with `#!`.
fn script(rest: &[u8]) -> Found {
    let line = rest.lines().next().unwrap_or_default();
    let has_more = rest.len() > line.len();
    let words = line.trim_ascii();
    let mut parts = words.split(|byte| matches!(byte, b' ' | b'\t')).filter(|part| !part.is_empty());
    let program = parts.next().unwrap_or_default();
    let by_env = crate::path::base_name(program) == b"env";
    let name = if by_env { parts.next().unwrap_or_default() } else { crate::path::base_name(program) };
    let known_place =
        [&b"/bin/"[..], b"/usr/bin/", b"/usr/local/bin/"].iter().any(|place| program.starts_with(place));
    let text = String::from_utf8_lossy;
    if has_more && known_place {
        let shell = "text/x-shellscript";
        let found = match name {
            b"sh" if !by_env => Some(Found::script("POSIX shell script", shell)),
            b"bash" => Some(Found::script("Bourne-Again shell script", shell)),
            b"csh" if !by_env => Some(Found::script("C shell script", shell)),
            b"tcsh" => Some(Found::script("Tenex C shell script", shell)),
            b"zsh" => Some(Found::script("Paul Falstad's zsh script", shell)),
            b"ksh" if !by_env => Some(Found::script("Korn shell script", shell)),
            b"fish" => Some(Found::script("fish shell script", shell)),
            b"awk" => Some(Found::script("awk script", "text/x-awk")),
            b"gawk" => Some(Found::script("GNU awk script", "text/x-gawk")),
            b"nawk" => Some(Found::script("new awk script", "text/x-nawk")),
            b"node" | b"nodejs" => Some(Found::text("Node.js script executable", "application/javascript")),
            b"ruby" => Some(Found::script("Ruby script", "text/x-ruby")),
            b"lua" => Some(Found::script("Lua script", "text/x-lua")),
            b"tclsh" | b"wish" => Some(Found::script("Tcl/Tk script", "text/x-tcl")),
            b"php" => Some(Found::script("PHP script", "text/x-php")),
            b"perl" => Some(Found::plain("Perl script text executable", "text/x-perl")),
            _ if name.starts_with(b"python") => Some(Found::script("Python script", "text/x-script.python")),
            _ => None,
        };
        if let Some(found) = found {
            return found;
        }
    }
    let shown = match words.strip_prefix(b"/usr/bin/env") {
        Some(rest) if !rest.is_empty() => rest.trim_ascii(),
        _ => words,
    };
    Found::script(format!("a {} script", text(shown)), "text/plain")
}

fn starts_ignoring_case(text: &[u8], word: &[u8]) -> bool {
    text.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word))
}

fn markup(text: &[u8]) -> Option<Found> {
    let trimmed = text.trim_ascii_start();
    let head = text.get(..4096).unwrap_or(text);
    if trimmed.starts_with(b"<?xml") {
        let svg = "image/svg+xml";
        if head.contains_str("<svg") {
            return Some(Found::plain("SVG Scalable Vector Graphics image", svg));
        }
        if head.contains_str("<!DOCTYPE svg") {
            return Some(Found::plain("SVG XML document", svg));
        }
        if head.contains_str("<html") || head.contains_str("<!DOCTYPE html") {
            return Some(Found::text("XHTML document", "text/html"));
        }
        let version = trimmed.find("version=").and_then(|at| trimmed.get(at + 9..at + 12));
        let version = version.filter(|text| text.starts_with(b"1.")).unwrap_or(b"1.0");
        return Some(Found::text(format!("XML {} document", String::from_utf8_lossy(version)), "text/xml"));
    }
    if trimmed.starts_with(b"<svg") {
        return Some(Found::plain("SVG Scalable Vector Graphics image", "image/svg+xml"));
    }
    const TAGS: [&[u8]; 11] = [
        b"<!doctype html",
        b"<html",
        b"<head>",
        b"<head ",
        b"<title",
        b"<body",
        b"<script",
        b"<style",
        b"<table",
        b"<h1",
        b"<a href=",
    ];
    let start = TAGS.iter().any(|tag| starts_ignoring_case(trimmed, tag));
    start.then(|| Found::text("HTML document", "text/html"))
}

fn by_beginning(text: &[u8]) -> Option<Found> {
    let starts = |word: &str| text.starts_with(word.as_bytes());
    if let Some(rest) = text.strip_prefix(b"-----BEGIN ") {
        let mut end = rest.splitn_str(2, "-----");
        let kind = end.next().unwrap_or_default();
        let words = match kind {
            b"CERTIFICATE" => "PEM certificate",
            b"CERTIFICATE REQUEST" => "PEM certificate request",
            b"RSA PRIVATE KEY" => "PEM RSA private key",
            b"DSA PRIVATE KEY" => "PEM DSA private key",
            b"EC PRIVATE KEY" => "PEM EC private key",
            b"OPENSSH PRIVATE KEY" => "OpenSSH private key",
            b"PGP MESSAGE" => return Some(Found::plain("PGP message", "application/pgp-encrypted")),
            b"PGP PUBLIC KEY BLOCK" => {
                return Some(Found::plain("PGP public key block", "application/pgp-keys"));
            }
            b"PGP SIGNATURE" => return Some(Found::plain("PGP signature", "application/pgp-signature")),
            b"PGP SIGNED MESSAGE" => {
                return Some(Found::plain("PGP signed message", "text/PGP"));
            }
            _ => "",
        };
        if !words.is_empty() {
            return Some(Found::plain(words, "text/plain"));
        }
    }
    if starts("ssh-rsa ") {
        return Some(Found::plain("OpenSSH RSA public key", "text/plain"));
    }
    if starts("ssh-dss ") {
        return Some(Found::plain("OpenSSH DSA public key", "text/plain"));
    }
    if starts("ssh-ed25519 ") {
        return Some(Found::plain("OpenSSH ED25519 public key", "text/plain"));
    }
    if starts("ecdsa-sha2-nistp256 ") {
        return Some(Found::plain("OpenSSH ECDSA public key", "text/plain"));
    }
    if let Some(version) = text.strip_prefix(b"{\\rtf") {
        let number: String =
            version.iter().take_while(|byte| byte.is_ascii_digit()).map(|b| char::from(*b)).collect();
        let set = if text.contains_str("\\ansi") { ", ANSI" } else { "" };
        return Some(Found::plain(format!("Rich Text Format data, version {number}{set}"), "text/rtf"));
    }
    if let Some(rest) = text.strip_prefix(b"%!PS-Adobe-") {
        let version = rest.split(|byte| byte.is_ascii_whitespace()).next().unwrap_or_default();
        let kind =
            if rest.lines().next().unwrap_or_default().contains_str(" EPSF-") { ", type EPS" } else { "" };
        let words = format!("PostScript document text conforming DSC level {}{kind}", version.as_bstr());
        return Some(Found::plain(words, "application/postscript"));
    }
    if starts("%!") {
        return Some(Found::plain("PostScript document text", "application/postscript"));
    }
    if starts("BEGIN:VCALENDAR") {
        return Some(Found::plain("vCalendar calendar file", "text/calendar"));
    }
    if starts("#EXTM3U") {
        return Some(Found::text("M3U playlist", "text/plain"));
    }
    if starts_ignoring_case(text, b"@echo off") || starts_ignoring_case(text, b"@rem ") {
        return Some(Found::text("DOS batch file", "text/x-msdos-batch"));
    }
    if starts("\\input texinfo") || starts("\\input") {
        return Some(Found::text("TeX document", "text/x-tex"));
    }
    if starts("\\documentclass") {
        return Some(Found::text("LaTeX 2e document", "text/x-tex"));
    }
    if starts("\\documentstyle") {
        return Some(Found::text("LaTeX document", "text/x-tex"));
    }
    if starts(".TH ")
        || starts(".\\\"")
        || starts("'\\\"")
        || starts(".Dd ")
        || starts(".de ")
        || starts(".so ")
    {
        return Some(Found::text("troff or preprocessor input", "text/troff"));
    }
    if starts("Received:") || starts("Return-Path:") && text.contains_str("\nReceived:") {
        return Some(Found::text("RFC 822 mail", "message/rfc822"));
    }
    if ["From: ", "Message-ID: ", "Xref: ", "Path: ", "Date: ", "Relay-Version: "]
        .iter()
        .any(|word| starts(word))
    {
        return Some(Found::text("news or mail", "message/rfc822"));
    }
    if starts("diff ")
        || starts("*** ") && text.contains_str("\n--- ")
        || starts("--- ") && text.contains_str("\n+++ ")
    {
        let unified = starts("--- ") || text.contains_str("\n--- ") && text.contains_str("\n+++ ");
        let words = if unified { "unified diff output" } else { "diff output" };
        let words = if starts("*** ") { "context diff output" } else { words };
        return Some(Found::text(words, "text/x-diff"));
    }
    if starts("1\n00:") && text.contains_str(" --> ") {
        return Some(Found::text("SubRip", "application/x-subrip"));
    }
    if starts("WEBVTT") {
        return Some(Found::text("WebVTT subtitles", "text/vtt"));
    }
    None
}

/// Bytes in which a line may decide.
const LINES: usize = 8192;

fn is_name(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte == b'.')
}

/// What a line of the text gives away; kinds are asked for one after the other.
fn by_line(text: &[u8]) -> Option<Found> {
    let head = text.get(..LINES).unwrap_or(text);
    let any = |test: &dyn Fn(&[u8]) -> bool| head.lines().any(test);
    let cpp = |line: &[u8]| {
        let trimmed = line.trim_ascii();
        line.starts_with(b"template ") && line.contains(&b'<')
            || line.starts_with(b"template<")
            || line.starts_with(b"using namespace ")
            || line.starts_with(b"namespace ") && trimmed.ends_with(b"{")
            || matches!(trimmed, b"public:" | b"private:" | b"protected:")
            || line.starts_with(b"class ") && trimmed.ends_with(b"{")
    };
    if any(&cpp) {
        return Some(Found::text("C++ source", "text/x-c++"));
    }
    let c = |line: &[u8]| {
        let after = line.strip_prefix(b"#").map(<[u8]>::trim_ascii_start);
        after.is_some_and(|rest| {
            rest.starts_with(b"include ")
                || rest.starts_with(b"include<")
                || rest.starts_with(b"include\"")
                || rest.starts_with(b"pragma ")
        }) || ["int ", "void ", "fn ", "func "].iter().any(|word| {
            line.strip_prefix(word.as_bytes()).is_some_and(|rest| {
                let rest = rest.trim_ascii_start();
                rest.strip_prefix(b"main").is_some_and(|rest| rest.trim_ascii_start().starts_with(b"("))
            })
        })
    };
    if any(&c) {
        return Some(Found::text("C source", "text/x-c"));
    }
    let python = |line: &[u8]| {
        let trimmed = line.trim_ascii();
        if let Some(rest) = line.strip_prefix(b"import ") {
            return rest.split(|byte| *byte == b',').all(|name| {
                let mut words = name.trim_ascii().split(|byte| *byte == b' ');
                let first = words.next().unwrap_or_default();
                is_name(first) && words.next().is_none_or(|word| word == b"as")
            });
        }
        if let Some(rest) = line.strip_prefix(b"from ") {
            return rest.split_str(" import ").count() == 2;
        }
        (trimmed.starts_with(b"def ") || line.starts_with(b"class "))
            && trimmed.contains(&b'(')
            && trimmed.ends_with(b":")
    };
    if head.starts_with(b"\"\"\"") {
        return Some(Found::script("Python script", "text/plain"));
    }
    if any(&python) {
        return Some(Found::script("Python script", "text/x-script.python"));
    }
    let javascript = |line: &[u8]| {
        let declares = ["var ", "let ", "const "].iter().any(|word| line.starts_with(word.as_bytes()));
        line.starts_with(b"\"use strict\"")
            || line.starts_with(b"'use strict'")
            || declares && line.contains_str("require(")
            || line.starts_with(b"import ") && line.contains_str(" from ")
            || line.starts_with(b"export default ")
            || line.starts_with(b"module.exports")
    };
    if any(&javascript) {
        return Some(Found::text("JavaScript source", "application/javascript"));
    }
    if head.starts_with(b"package ")
        && head.lines().next().is_some_and(|line| line.trim_ascii().ends_with(b";"))
    {
        return Some(Found::text("Perl5 module source", "text/plain"));
    }
    let rule = |line: &[u8]| {
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
        line.starts_with(b".PHONY:")
            || line.starts_with(b"all:")
            || line.starts_with(b"CFLAGS")
            || line.starts_with(b"CC=")
            || line.starts_with(b"SUBDIRS") && name.len() < 20
    };
    if any(&rule) {
        return Some(Found::text("makefile script", "text/x-makefile"));
    }
    let assembler = |line: &[u8]| {
        let line = line.trim_ascii_start();
        [".text", ".globl", ".file ", ".asciz", ".section", ".data", ".byte", ".even", ".type"]
            .iter()
            .any(|word| line.starts_with(word.as_bytes()))
    };
    if any(&assembler) {
        return Some(Found::text("assembler source", "text/x-asm"));
    }
    let lisp = ["(defun ", "(defvar ", "(setq ", "(defmacro ", "(define ", "(defparam ", "(autoload "];
    if lisp.iter().any(|word| head.starts_with(word.as_bytes())) {
        return Some(Found::text("Lisp/Scheme program", "text/x-lisp"));
    }
    None
}
