//! Turns expressions into code.

use super::super::ast::{Expr, Source, Var, special};
use super::super::code::{Op, Reader, Target};
use super::{Compiler, Done, Wrong, field_number};

/// Whether a variable is kept by the machine.
fn is_special(variable: Var) -> bool {
    matches!(variable, Var::Global(index) if index < special::HOOKED)
}

impl Compiler {
    /// An expression whose value nobody wants.
    pub(super) fn effect(&mut self, expr: &Expr) -> Done {
        match expr {
            Expr::Group(inner) => return self.effect(inner),
            Expr::Step(target, by, _) => match &**target {
                Expr::Var(variable) if !is_special(*variable) => {
                    self.push(Op::StepStore(*variable, *by));
                    return Ok(());
                }
                Expr::Index(array, keys) => {
                    if let (Expr::Var(variable), [key]) = (&**array, &keys[..])
                        && let Some(field @ 1..) = field_number(key)
                    {
                        self.push(Op::StepOfField(*variable, field, *by));
                        return Ok(());
                    }
                }
                _ => {}
            },
            Expr::Assign(target, value) => match &**target {
                Expr::Var(variable) => {
                    self.expr(value)?;
                    self.push(Op::Store(*variable));
                    return Ok(());
                }
                Expr::Index(array, keys) => {
                    self.expr(value)?;
                    let base = self.element(array, keys)?;
                    self.push(Op::StoreElement(base));
                    return Ok(());
                }
                _ => {}
            },
            Expr::AssignOp(op, target, value) => match &**target {
                Expr::Var(variable) if !is_special(*variable) => {
                    self.operand(value)?;
                    self.push(Op::UpdateStore(*variable, *op));
                    return Ok(());
                }
                Expr::Index(array, keys) => {
                    if let (Expr::Var(variable), [key]) = (&**array, &keys[..])
                        && let Some(field @ 1..) = field_number(key)
                    {
                        self.operand(value)?;
                        self.push(Op::UpdateOfField(*variable, field, *op));
                        return Ok(());
                    }
                }
                _ => {}
            },
            _ => {}
        }
        self.expr(expr)?;
        self.push(Op::Pop);
        Ok(())
    }

    /// An expression that is wanted as a number.
    fn operand(&mut self, expr: &Expr) -> Done {
        match field_number(expr) {
            Some(number @ 1..) => {
                self.push(Op::FieldNumber(number));
                Ok(())
            }
            _ => self.expr(expr),
        }
    }

    /// Jumps if the condition does not hold.
    pub(super) fn unless(&mut self, condition: &Expr, holes: &mut Vec<usize>) -> Done {
        self.branch(condition, false, holes)
    }

    /// Jumps if the condition comes out as `sense`.
    fn branch(&mut self, condition: &Expr, sense: bool, holes: &mut Vec<usize>) -> Done {
        match condition {
            Expr::Group(inner) => self.branch(inner, sense, holes),
            Expr::Not(inner) => self.branch(inner, !sense, holes),
            Expr::Compare(op, left, right) => {
                self.expr(left)?;
                self.expr(right)?;
                holes.push(self.hole(Op::JumpCompare(*op, sense, 0)));
                Ok(())
            }
            Expr::Regex(regex) => {
                holes.push(self.hole(Op::JumpRecord(*regex, sense, 0)));
                Ok(())
            }
            Expr::And(operands) | Expr::Or(operands) => {
                // All but the last decide when they come out as `decides`.
                let decides = matches!(condition, Expr::Or(_));
                let Some((last, first)) = operands.split_last() else { return Ok(()) };
                if sense == decides {
                    for operand in first {
                        self.branch(operand, sense, holes)?;
                    }
                    return self.branch(last, sense, holes);
                }
                let mut through = Vec::new();
                for operand in first {
                    self.branch(operand, decides, &mut through)?;
                }
                self.branch(last, sense, holes)?;
                self.fill_all(through);
                Ok(())
            }
            other => {
                self.expr(other)?;
                holes.push(self.hole(Op::JumpIf(sense, 0)));
                Ok(())
            }
        }
    }

    pub(super) fn expr(&mut self, expr: &Expr) -> Done {
        match expr {
            Expr::Number(number) => self.number(*number),
            Expr::Text(text) => self.text(text),
            Expr::Regex(regex) => self.push(Op::MatchRecord(*regex)),
            Expr::TypedRegex(regex) => self.push(Op::Regex(*regex)),
            Expr::Var(variable) => self.get(*variable),
            Expr::Group(inner) => self.expr(inner)?,
            Expr::Field(index) => match field_number(expr) {
                Some(number) => self.push(Op::FieldAt(number)),
                None => {
                    self.expr(index)?;
                    self.push(Op::Field);
                }
            },
            Expr::Index(array, keys) => {
                if let (Expr::Var(variable), [key]) = (&**array, &keys[..])
                    && let Some(field @ 1..) = field_number(key)
                {
                    self.push(Op::ElementOfField(*variable, field));
                    return Ok(());
                }
                let base = self.element(array, keys)?;
                self.push(Op::Element(base));
            }
            Expr::Assign(target, value) => {
                self.expr(value)?;
                match &**target {
                    Expr::Var(variable) => self.push(Op::Set(*variable)),
                    Expr::Field(index) => {
                        self.expr(index)?;
                        self.push(Op::SetField);
                    }
                    Expr::Index(array, keys) => {
                        let base = self.element(array, keys)?;
                        self.push(Op::SetElement(base));
                    }
                    _ => return self.no_lvalue(),
                }
            }
            Expr::AssignOp(op, target, value) => {
                self.operand(value)?;
                match &**target {
                    Expr::Var(variable) => self.push(Op::Update(*variable, *op)),
                    Expr::Field(index) => {
                        self.expr(index)?;
                        self.push(Op::UpdateField(*op));
                    }
                    Expr::Index(array, keys) => {
                        let base = self.element(array, keys)?;
                        self.push(Op::UpdateElement(base, *op));
                    }
                    _ => return self.no_lvalue(),
                }
            }
            Expr::Step(target, by, old) => match &**target {
                Expr::Var(variable) => self.push(Op::Step(*variable, *by, *old)),
                Expr::Field(index) => {
                    self.expr(index)?;
                    self.push(Op::StepField(*by, *old));
                }
                Expr::Index(array, keys) => {
                    let base = self.element(array, keys)?;
                    self.push(Op::StepElement(base, *by, *old));
                }
                _ => return self.no_lvalue(),
            },
            Expr::Not(operand) => {
                self.expr(operand)?;
                self.push(Op::Not);
            }
            Expr::Negate(operand) => {
                self.operand(operand)?;
                self.push(Op::Negate);
            }
            Expr::Plus(operand) => {
                self.operand(operand)?;
                self.push(Op::Plus);
            }
            Expr::Arithmetic(first, rest) => {
                self.operand(first)?;
                for (op, operand, place) in rest {
                    self.operand(operand)?;
                    self.place = *place;
                    self.push(Op::Arith(*op));
                }
            }
            Expr::Compare(op, left, right) => {
                self.expr(left)?;
                self.expr(right)?;
                self.push(Op::Compare(*op));
            }
            Expr::Concat(parts) => {
                parts.iter().try_for_each(|part| self.expr(part))?;
                self.push(Op::Concat(parts.len() as u32));
            }
            Expr::Match(value, pattern, negated) => {
                self.expr(value)?;
                match &**pattern {
                    Expr::Regex(regex) | Expr::TypedRegex(regex) => {
                        self.push(Op::MatchStatic(*regex, *negated));
                    }
                    pattern => {
                        self.pattern(pattern)?;
                        self.push(Op::Match(*negated));
                    }
                }
            }
            Expr::And(_) | Expr::Or(_) => {
                let mut no = Vec::new();
                self.branch(expr, false, &mut no)?;
                self.number(1.0);
                let end = self.hole(Op::Jump(0));
                self.fill_all(no);
                self.number(0.0);
                self.fill(end);
            }
            Expr::In(keys, array) => {
                let base = self.element(array, keys)?;
                self.push(Op::Contains(base));
            }
            Expr::Conditional(condition, yes, no) => {
                let mut otherwise = Vec::new();
                self.unless(condition, &mut otherwise)?;
                self.expr(yes)?;
                let end = self.hole(Op::Jump(0));
                self.fill_all(otherwise);
                self.expr(no)?;
                self.fill(end);
            }
            Expr::Call(name, arguments, place) => {
                self.arguments(arguments)?;
                self.place = *place;
                match self.functions.get(name) {
                    Some(index) => {
                        let index = *index;
                        self.push(Op::Call(index, arguments.len() as u32));
                    }
                    None => match super::super::extensions::find(name) {
                        Some(name) => self.push(Op::Builtin(name, arguments.len() as u32)),
                        None => {
                            let name = self.text_constant(name);
                            self.push(Op::Undefined(name));
                        }
                    },
                }
            }
            Expr::Indirect(variable, arguments, place) => {
                self.arguments(arguments)?;
                self.place = *place;
                self.push(Op::CallIndirect(*variable, arguments.len() as u32));
            }
            Expr::Builtin(name, arguments, place) => {
                self.builtin(name, arguments, *place)?;
            }
            Expr::Getline(source, target, place) => {
                let reader = match source {
                    Source::Main => Reader::Main,
                    Source::File(_) => Reader::File,
                    Source::Command(_) => Reader::Command,
                    Source::Coprocess(_) => Reader::Coprocess,
                };
                if let Source::File(name) | Source::Command(name) | Source::Coprocess(name) = source {
                    self.expr(name)?;
                }
                let target = match target {
                    Some(target) => self.target(target)?,
                    None => Target::None,
                };
                self.place = *place;
                self.push(Op::Getline(reader, target));
            }
        }
        Ok(())
    }

    fn no_lvalue(&self) -> Done {
        Err((self.place, "syntax error".into()))
    }

    fn get(&mut self, variable: Var) {
        match variable {
            Var::Global(index @ (special::NF | special::NR | special::FNR)) => {
                self.push(Op::GetSpecial(index))
            }
            variable => self.push(Op::Get(variable)),
        }
    }

    /// Leaves what leads to the place that is assigned to.
    fn target(&mut self, target: &Expr) -> Result<Target, Wrong> {
        Ok(match target {
            Expr::Var(variable) => Target::Var(*variable),
            Expr::Field(index) => {
                self.expr(index)?;
                Target::Field
            }
            Expr::Index(array, keys) => Target::Element(self.element(array, keys)?),
            Expr::Group(inner) => self.target(inner)?,
            _ => return Err((self.place, "syntax error".into())),
        })
    }

    /// Arguments of a function: what may be an array is passed as one.
    fn arguments(&mut self, arguments: &[Expr]) -> Done {
        for argument in arguments {
            self.argument(argument)?;
        }
        Ok(())
    }

    fn argument(&mut self, argument: &Expr) -> Done {
        match argument {
            Expr::Var(variable) => self.push(Op::Reference(*variable)),
            Expr::Index(array, keys) => {
                let base = self.element(array, keys)?;
                self.push(Op::ReferenceElement(base));
            }
            other => self.expr(other)?,
        }
        Ok(())
    }

    /// A pattern: a regular expression is not matched, but passed on.
    pub(super) fn pattern(&mut self, expr: &Expr) -> Done {
        match expr {
            Expr::Regex(regex) | Expr::TypedRegex(regex) => self.push(Op::Regex(*regex)),
            other => self.expr(other)?,
        }
        Ok(())
    }

    fn builtin(&mut self, name: &'static str, arguments: &[Expr], place: super::Place) -> Done {
        match (name, arguments) {
            ("sub" | "gsub", [pattern, replacement, rest @ ..]) => {
                self.pattern(pattern)?;
                self.expr(replacement)?;
                let target = match rest.first() {
                    None => {
                        self.number(0.0);
                        Target::Field
                    }
                    Some(target) => match self.target(target) {
                        Ok(target) => target,
                        Err(_) => {
                            self.expr(target)?;
                            Target::None
                        }
                    },
                };
                self.place = place;
                self.push(Op::Substitute(name == "gsub", target));
                return Ok(());
            }
            ("split" | "patsplit", [text, array, rest @ ..]) => {
                self.expr(text)?;
                self.array(array)?;
                if let Some(separator) = rest.first() {
                    self.pattern(separator)?;
                }
                if let Some(separators) = rest.get(1) {
                    self.array(separators)?;
                }
            }
            ("match", [text, pattern, rest @ ..]) => {
                self.expr(text)?;
                self.pattern(pattern)?;
                if let Some(array) = rest.first() {
                    self.array(array)?;
                }
            }
            ("gensub", [pattern, rest @ ..]) => {
                self.pattern(pattern)?;
                rest.iter().try_for_each(|argument| self.expr(argument))?;
            }
            ("asort" | "asorti", [array, rest @ ..]) => {
                self.array(array)?;
                if let Some(target) = rest.first() {
                    self.array(target)?;
                }
                if let Some(how) = rest.get(1) {
                    self.expr(how)?;
                }
            }
            ("length" | "isarray" | "typeof", [one, rest @ ..]) => {
                self.argument(one)?;
                rest.iter().try_for_each(|argument| self.array(argument))?;
            }
            ("length", []) => {
                self.push(Op::FieldAt(0));
                self.place = place;
                self.push(Op::Builtin(name, 1));
                return Ok(());
            }
            _ => arguments.iter().try_for_each(|argument| self.expr(argument))?,
        }
        self.place = place;
        self.push(Op::Builtin(name, arguments.len() as u32));
        Ok(())
    }
}
