//! Moves the spans of what was parsed inside backquotes: they count bytes of the unescaped text, which
//! [`Ast`] keeps apart.

use super::*;
use crate::ast::UNESCAPED;

/// Numbers of nodes at some moment: what is younger has a higher index.
#[derive(Clone, Copy, Debug)]
pub(super) struct Age {
    and_ors: usize,
    and_or_parts: usize,
    commands: usize,
    words: usize,
    arguments: usize,
    parts: usize,
    params: usize,
    assignments: usize,
    elements: usize,
    redirects: usize,
    here_docs: usize,
    conds: usize,
    substitutions: usize,
    ansi_c: usize,
    localized: usize,
}

pub(super) fn age(ast: &Ast) -> Age {
    Age {
        and_ors: ast.and_ors.len(),
        and_or_parts: ast.and_or_parts.len(),
        commands: ast.commands.len(),
        words: ast.words.len(),
        arguments: ast.arguments.len(),
        parts: ast.parts.len(),
        params: ast.params.len(),
        assignments: ast.assignments.len(),
        elements: ast.elements.len(),
        redirects: ast.redirects.len(),
        here_docs: ast.here_docs.len(),
        conds: ast.conds.len(),
        substitutions: ast.substitutions.len(),
        ansi_c: ast.ansi_c.len(),
        localized: ast.localized.len(),
    }
}

fn at(base: u32, offset: &mut u32) {
    // What stands inside inner backquotes has been moved already.
    if *offset & UNESCAPED == 0 {
        *offset += base;
    }
}

pub(super) fn span(base: u32, span: &mut Span) {
    at(base, &mut span.start);
    at(base, &mut span.end);
}

fn word(base: u32, word: &mut Word) {
    span(base, &mut word.span);
}

fn assignment(base: u32, a: &mut Assignment) {
    span(base, &mut a.span);
    if let Some(subscript) = &mut a.subscript {
        word(base, subscript);
    }
    if let AssignmentValue::Scalar(value) = &mut a.value {
        word(base, value);
    }
}

/// Adds `base` to the spans of all nodes younger than `since`.
pub(super) fn rebase(ast: &mut Ast, since: Age, base: u32) {
    for item in ast.and_ors.iter_mut().skip(since.and_ors) {
        span(base, &mut item.span);
    }
    for part in ast.and_or_parts.iter_mut().skip(since.and_or_parts) {
        span(base, &mut part.pipeline.span);
    }
    for command in ast.commands.iter_mut().skip(since.commands) {
        span(base, &mut command.span);
        match &mut command.kind {
            CommandKind::ForArith { init, cond, step, .. } => {
                for expression in [init, cond, step] {
                    word(base, expression);
                }
            }
            CommandKind::Case { subject, .. } => word(base, subject),
            CommandKind::Arith(expression) => word(base, expression),
            _ => {}
        }
    }
    for w in ast.words.iter_mut().skip(since.words) {
        word(base, w);
    }
    for argument in ast.arguments.iter_mut().skip(since.arguments) {
        match argument {
            Argument::Word(w) => word(base, w),
            Argument::Assignment(a) => assignment(base, a),
        }
    }
    for part in ast.parts.iter_mut().skip(since.parts) {
        if let Part::Arith { span: s, .. } = part {
            span(base, s);
        }
    }
    for param in ast.params.iter_mut().skip(since.params) {
        span(base, &mut param.span);
        if let Some(Subscript::Index(w)) = &mut param.subscript {
            word(base, w);
        }
        match &mut param.op {
            ParamOp::Default { word: w, .. }
            | ParamOp::Assign { word: w, .. }
            | ParamOp::Error { word: w, .. }
            | ParamOp::Alternative { word: w, .. }
            | ParamOp::RemovePrefix { pattern: w, .. }
            | ParamOp::RemoveSuffix { pattern: w, .. }
            | ParamOp::Case { pattern: w, .. } => word(base, w),
            ParamOp::Replace { pattern, replacement, .. } => {
                word(base, pattern);
                replacement.iter_mut().for_each(|w| word(base, w));
            }
            ParamOp::Substring { offset, length } => {
                word(base, offset);
                length.iter_mut().for_each(|w| word(base, w));
            }
            _ => {}
        }
    }
    for a in ast.assignments.iter_mut().skip(since.assignments) {
        assignment(base, a);
    }
    for element in ast.elements.iter_mut().skip(since.elements) {
        word(base, &mut element.value);
        element.subscript.iter_mut().for_each(|w| word(base, w));
    }
    for redirect in ast.redirects.iter_mut().skip(since.redirects) {
        span(base, &mut redirect.span);
        redirect.kind.word_mut().into_iter().for_each(|w| word(base, w));
    }
    for here_doc in ast.here_docs.iter_mut().skip(since.here_docs) {
        word(base, &mut here_doc.body);
    }
    for cond in ast.conds.iter_mut().skip(since.conds) {
        match cond {
            Cond::Word(w) | Cond::Unary(_, w) => word(base, w),
            Cond::Binary(_, left, right) => {
                word(base, left);
                word(base, right);
            }
            _ => {}
        }
    }
    for substitution in ast.substitutions.iter_mut().skip(since.substitutions) {
        span(base, &mut substitution.span);
    }
    for (_, s) in ast.ansi_c.iter_mut().skip(since.ansi_c) {
        span(base, s);
    }
    for (_, start) in ast.localized.iter_mut().skip(since.localized) {
        at(base, start);
    }
}
