//! The evaluator: a machine with frames (what is to be done with an output) and forks (where to go on for the next
//! one). Both are data, so that it can stop anywhere, and depth costs memory instead of stack.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::host::{Fault, Host};
use super::node::{Kind, N};
use super::ops;
use super::paths;
use super::print::excerpt;
use super::syntax::Operator;
use super::value::{Array, Members, Object, Value};

/// The variables and parameters in sight, the innermost first.
type Env = Option<Rc<Binding>>;

struct Binding {
    slot: Slot,
    outer: Env,
}

enum Slot {
    Value(Value),
    Closure(N, Env),
    Label(u64),
}

impl Drop for Binding {
    fn drop(&mut self) {
        let mut list: Vec<Rc<Binding>> = Vec::new();
        let take = |binding: &mut Binding, list: &mut Vec<Rc<Binding>>| {
            list.extend(binding.outer.take());
            if let Slot::Closure(_, env) = &mut binding.slot {
                list.extend(env.take());
            }
        };
        take(self, &mut list);
        while let Some(binding) = list.pop() {
            if let Ok(mut binding) = Rc::try_unwrap(binding) {
                take(&mut binding, &mut list);
            }
        }
    }
}

/// Where a value was found, while paths are followed.
struct Track {
    path: Vec<Value>,
    value: Value,
}

type Tracked = Option<Rc<Track>>;

/// What flows.
#[derive(Clone)]
struct Item {
    value: Value,
    track: Tracked,
}

impl Item {
    fn plain(value: Value) -> Item {
        Item { value, track: None }
    }
}

type Cont = Option<Rc<Frame>>;

struct Frame {
    step: Then,
    next: Cont,
    depth: u32,
}

impl Drop for Frame {
    fn drop(&mut self) {
        let mut next = self.next.take();
        while let Some(frame) = next {
            match Rc::try_unwrap(frame) {
                Ok(mut frame) => next = frame.next.take(),
                Err(_) => break,
            }
        }
    }
}

struct Collected {
    values: Vec<Value>,
    bytes: usize,
}

/// What is being updated, and the paths of what is to vanish.
struct Update {
    value: Value,
    gone: Vec<Value>,
}

/// What to do with an output.
enum Then {
    Pipe(N, Env),
    IndexKey(N, Env, Item),
    IndexDo(Value),
    Iterate,
    Negate(Tracked),
    BinaryLeft(Operator, N, Env, Item),
    BinaryDo(Operator, Value, Tracked),
    And(N, Env, Item),
    Or(N, Env, Item),
    Truth(Tracked),
    Alternative(Rc<Cell<bool>>),
    Collect(Rc<RefCell<Collected>>),
    /// The keys and values so far, and which member is at work.
    ObjectKey(Rc<[(N, N)]>, usize, Env, Item, Rc<Object>),
    ObjectValue(Rc<[(N, N)]>, usize, Env, Item, Rc<Object>, Rc<String>),
    SliceTo(N, Env, Item),
    SliceDo(Value, Tracked),
    TryEnd(u64),
    If(N, N, Env, Item),
    Bind(N, Env, Item),
    BindAlternatives(Rc<[N]>, Env, Item),
    FoldStart {
        source: N,
        entry: N,
        env: Env,
        input: Item,
        emits: bool,
    },
    FoldSource(Rc<RefCell<Item>>, N, Env),
    Fold(Rc<RefCell<Item>>),
    Extract(Rc<RefCell<Item>>, Option<N>, Env),
    /// The arguments that are known, the last first.
    Native(super::host::Native, Rc<[N]>, Env, Item, Rc<Vec<Value>>),
    PathEnd(Tracked),
    GetPath(Item),
    ModifyPath(Rc<RefCell<Update>>, N, Env),
    /// Where the forks stood before the update.
    ModifyDone(Rc<RefCell<Update>>, Value, usize),
    AssignValue(N, Env, Item),
    AssignPath(Rc<RefCell<Update>>, Value),
    RangeUpTo(N, N, Env, Item),
    RangeBy(Value, N, Env, Item),
    RangeDo(Value, Value, Tracked),
    First(usize),
    Last(Rc<RefCell<Option<Item>>>),
    Limit(Rc<Cell<u64>>, usize),
    Skip(Rc<Cell<u64>>),
}

/// Where to go on.
enum Point {
    Eval(N, Env, Item),
    Each(Rc<Array>, usize, Tracked),
    EachMember(Rc<Object>, usize, Tracked),
    Range {
        next: f64,
        to: f64,
        by: f64,
        track: Tracked,
    },
    Try {
        id: u64,
        handler: Option<N>,
        env: Env,
        track: Tracked,
    },
    /// An error that comes from behind this one is not for the `try` of this number.
    Barrier(u64),
    Label(u64),
    Collected(Rc<RefCell<Collected>>, Tracked),
    Folded(Rc<RefCell<Item>>),
    Updated(Rc<RefCell<Update>>, Tracked),
    /// The update gave nothing.
    Gone(Rc<RefCell<Update>>, Value),
    Alternative(Rc<Cell<bool>>, N, Env, Item),
    Patterns(Rc<[N]>, usize, Env, Item),
    Last(Rc<RefCell<Option<Item>>>),
    Inputs(Tracked),
}

struct Fork {
    point: Point,
    cont: Cont,
}

/// Why the machine stands still.
pub(crate) enum Outcome {
    Value(Value),
    /// It wants the next input: [`Machine::input`].
    Input,
    /// It wants to know of a module: [`Machine::answer`].
    Module(Value),
    /// The steps are used up.
    Paused,
    /// There are no more outputs.
    Done,
    Fault(Fault),
}

enum State {
    Eval(N, Env, Item),
    Return(Item),
    Backtrack,
    Raise(Fault),
    AwaitInput { all: bool, track: Tracked },
    AwaitModule(Tracked, Value),
}

/// A program at work.
pub(crate) struct Machine {
    functions: Rc<[N]>,
    state: State,
    cont: Cont,
    forks: Vec<Fork>,
    ids: u64,
    /// Bytes that collected values and waiting frames may take.
    ceiling: usize,
    pub(crate) host: Host,
}

fn lookup(env: &Env, mut back: u32) -> Option<&Rc<Binding>> {
    let mut at = env.as_ref()?;
    while back > 0 {
        at = at.outer.as_ref()?;
        back -= 1;
    }
    Some(at)
}

fn bind(slot: Slot, outer: Env) -> Env {
    Some(Rc::new(Binding { slot, outer }))
}

fn lost() -> Fault {
    Fault::Fatal("a name has lost its place".into())
}

fn get(value: &Value, key: &Value) -> Result<Value, Fault> {
    paths::get(value, key).map_err(Fault::error)
}

impl Machine {
    pub(crate) fn new(functions: Rc<[N]>, host: Host, ceiling: usize) -> Machine {
        Machine { functions, state: State::Backtrack, cont: None, forks: Vec::new(), ids: 0, ceiling, host }
    }

    /// Begins with an input.
    pub(crate) fn start(&mut self, main: &N, input: Value) {
        self.forks.clear();
        self.cont = None;
        self.state = State::Eval(Rc::clone(main), None, Item::plain(input));
    }

    /// The input that was wanted; `None`: there is none.
    pub(crate) fn input(&mut self, value: Option<Value>) {
        if let State::AwaitInput { all, track } = &self.state {
            let (all, track) = (*all, track.clone());
            self.state = match value {
                Some(value) => {
                    if all {
                        self.fork(Point::Inputs(track.clone()));
                    }
                    State::Return(Item { value, track })
                }
                None if all => State::Backtrack,
                None => State::Raise(Fault::error("No more inputs")),
            };
        }
    }

    /// An input that cannot be read.
    pub(crate) fn input_error(&mut self, message: String) {
        self.state = State::Raise(Fault::error(message));
    }

    /// What a module says of itself.
    pub(crate) fn answer(&mut self, answer: Result<Value, String>) {
        if let State::AwaitModule(track, _) = &self.state {
            let track = track.clone();
            self.state = match answer {
                Ok(value) => State::Return(Item { value, track }),
                Err(message) => State::Raise(Fault::error(message)),
            };
        }
    }

    fn fork(&mut self, point: Point) {
        self.forks.push(Fork { point, cont: self.cont.clone() });
    }

    fn push(&mut self, step: Then) {
        let next = self.cont.take();
        let depth = next.as_ref().map_or(0, |frame| frame.depth) + 1;
        self.cont = Some(Rc::new(Frame { step, next, depth }));
    }

    fn id(&mut self) -> u64 {
        self.ids += 1;
        self.ids
    }

    /// Whether frames and forks take more than they may.
    fn is_too_large(&self) -> bool {
        let depth = self.cont.as_ref().map_or(0, |frame| frame.depth as usize);
        depth.saturating_mul(size_of::<Frame>() + 64) > self.ceiling
            || self.forks.len().saturating_mul(size_of::<Fork>()) > self.ceiling
    }

    /// Goes on for so many steps at most, until there is something to tell.
    pub(crate) fn run(&mut self, steps: u32) -> Outcome {
        for count in 0..steps {
            if count % 64 == 0 && self.is_too_large() {
                self.state = State::Raise(Fault::Fatal("cannot allocate memory".into()));
            }
            let state = std::mem::replace(&mut self.state, State::Backtrack);
            self.state = match state {
                State::Eval(node, env, item) => match self.eval(node, env, item) {
                    Ok(state) => state,
                    Err(fault) => State::Raise(fault),
                },
                State::Return(item) => {
                    let Some(frame) = self.cont.take() else { return Outcome::Value(item.value) };
                    let result = match Rc::try_unwrap(frame) {
                        Ok(mut frame) => {
                            self.cont = frame.next.take();
                            let step = std::mem::replace(&mut frame.step, Then::Iterate);
                            self.resume(step, item)
                        }
                        Err(frame) => {
                            self.cont = frame.next.clone();
                            self.resume_shared(&frame.step, item)
                        }
                    };
                    match result {
                        Ok(state) => state,
                        Err(fault) => State::Raise(fault),
                    }
                }
                State::Backtrack => match self.backtrack() {
                    Ok(Some(state)) => state,
                    Ok(None) => return Outcome::Done,
                    Err(fault) => State::Raise(fault),
                },
                State::Raise(fault) => match self.raise(fault) {
                    Ok(state) => state,
                    Err(fault) => return Outcome::Fault(fault),
                },
                State::AwaitInput { all, track } => {
                    self.state = State::AwaitInput { all, track };
                    return Outcome::Input;
                }
                State::AwaitModule(track, name) => {
                    self.state = State::AwaitModule(track, name.clone());
                    return Outcome::Module(name);
                }
            };
            if self.host.has_messages() {
                return Outcome::Paused;
            }
        }
        Outcome::Paused
    }

    fn raise(&mut self, fault: Fault) -> Result<State, Fault> {
        if matches!(fault, Fault::Halt(..) | Fault::Fatal(_)) {
            self.forks.clear();
            return Err(fault);
        }
        let mut outside: Vec<u64> = Vec::new();
        while let Some(fork) = self.forks.pop() {
            match (fork.point, &fault) {
                (Point::Barrier(id), _) => outside.push(id),
                (Point::Label(id), Fault::Break(wanted)) if id == *wanted => return Ok(State::Backtrack),
                (Point::Try { id, handler, env, track }, Fault::Error(value)) if !outside.contains(&id) => {
                    self.cont = fork.cont;
                    return Ok(match handler {
                        Some(handler) => State::Eval(handler, env, Item { value: value.clone(), track }),
                        None => State::Backtrack,
                    });
                }
                (Point::Patterns(list, next, env, item), Fault::Error(_)) => {
                    self.cont = fork.cont;
                    return self.pattern(list, next, env, item).ok_or_else(lost);
                }
                _ => {}
            }
        }
        Err(match fault {
            Fault::Break(_) => Fault::error("break"),
            other => other,
        })
    }

    fn pattern(&mut self, list: Rc<[N]>, at: usize, env: Env, item: Item) -> Option<State> {
        let node = Rc::clone(list.get(at)?);
        if at + 1 < list.len() {
            self.fork(Point::Patterns(list, at + 1, env.clone(), item.clone()));
        }
        Some(State::Eval(node, env, item))
    }

    fn backtrack(&mut self) -> Result<Option<State>, Fault> {
        loop {
            let Some(top) = self.forks.last_mut() else { return Ok(None) };
            // Those that have more to give stay.
            match &mut top.point {
                Point::Each(array, at, track) if *at + 1 < array.len() => {
                    let index = *at;
                    *at += 1;
                    let value = array.get(index).cloned().unwrap_or_default();
                    let track = extend(track, || Value::Number(index as f64), &value);
                    self.cont = top.cont.clone();
                    return Ok(Some(State::Return(Item { value, track })));
                }
                Point::EachMember(object, at, track) if *at + 1 < object.len() => {
                    let Some((key, value)) = object.get_index(*at) else { return Err(lost()) };
                    *at += 1;
                    let track = extend(track, || Value::String(Rc::clone(key)), value);
                    let value = value.clone();
                    self.cont = top.cont.clone();
                    return Ok(Some(State::Return(Item { value, track })));
                }
                Point::Range { next, to, by, track } => {
                    let more = if *by > 0.0 { *next < *to } else { *next > *to };
                    if more {
                        let value = Value::Number(*next);
                        *next += *by;
                        let item = Item { value, track: track.clone() };
                        let last = if *by > 0.0 { *next >= *to } else { *next <= *to };
                        self.cont = top.cont.clone();
                        if last {
                            self.forks.pop();
                        }
                        return Ok(Some(State::Return(item)));
                    }
                    self.forks.pop();
                    continue;
                }
                _ => {}
            }
            let Some(fork) = self.forks.pop() else { return Ok(None) };
            self.cont = fork.cont;
            return Ok(Some(match fork.point {
                Point::Eval(node, env, item) => State::Eval(node, env, item),
                Point::Each(array, at, track) => {
                    let value = match Rc::try_unwrap(array) {
                        Ok(mut array) => array.get_mut(at).map(std::mem::take).unwrap_or_default(),
                        Err(array) => array.get(at).cloned().unwrap_or_default(),
                    };
                    let track = extend(&track, || Value::Number(at as f64), &value);
                    State::Return(Item { value, track })
                }
                Point::EachMember(object, at, track) => {
                    let Some((key, value)) = object.get_index(at) else { return Err(lost()) };
                    let track = extend(&track, || Value::String(Rc::clone(key)), value);
                    State::Return(Item { value: value.clone(), track })
                }
                Point::Range { .. }
                | Point::Try { .. }
                | Point::Barrier(_)
                | Point::Label(_)
                | Point::Patterns(..) => {
                    continue;
                }
                Point::Collected(cell, track) => {
                    let values = std::mem::take(&mut cell.borrow_mut().values);
                    State::Return(Item { value: Value::array(values), track })
                }
                Point::Folded(cell) => {
                    State::Return(std::mem::replace(&mut *cell.borrow_mut(), Item::plain(Value::Null)))
                }
                Point::Updated(cell, track) => {
                    let (value, gone) = {
                        let mut update = cell.borrow_mut();
                        (std::mem::take(&mut update.value), std::mem::take(&mut update.gone))
                    };
                    let value = paths::delete_all(value, gone).map_err(Fault::error)?;
                    State::Return(Item { value, track })
                }
                Point::Gone(cell, path) => {
                    cell.borrow_mut().gone.push(path);
                    continue;
                }
                Point::Alternative(found, node, env, item) => {
                    if found.get() {
                        continue;
                    }
                    State::Eval(node, env, item)
                }
                Point::Last(cell) => match cell.borrow_mut().take() {
                    Some(item) => State::Return(item),
                    None => continue,
                },
                Point::Inputs(track) => State::AwaitInput { all: true, track },
            }));
        }
    }

    /// The only output of a node that is [simple](super::node::Node::simple).
    fn simple(&mut self, node: &N, env: &Env, input: &Value) -> Result<Value, Fault> {
        Ok(match &node.kind {
            Kind::Identity => input.clone(),
            Kind::Const(value) => value.clone(),
            Kind::Var(back) => match lookup(env, *back).map(|binding| &binding.slot) {
                Some(Slot::Value(value)) => value.clone(),
                _ => return Err(lost()),
            },
            Kind::Negate(inner) => ops::negate(&self.simple(inner, env, input)?)?,
            Kind::Pipe(first, then) => {
                let value = self.simple(first, env, input)?;
                self.simple(then, env, &value)?
            }
            Kind::Index(term, key) => {
                if let (Kind::Identity, Kind::Const(key)) = (&term.kind, &key.kind) {
                    return get(input, key);
                }
                let key = self.simple(key, env, input)?;
                let value = self.simple(term, env, input)?;
                get(&value, &key)?
            }
            Kind::Binary(operator, left, right) => {
                let right = self.simple(right, env, input)?;
                let left = self.simple(left, env, input)?;
                ops::binary(&self.host, *operator, left, &right)?
            }
            Kind::And(left, right) => Value::Bool(
                self.simple(left, env, input)?.is_true() && self.simple(right, env, input)?.is_true(),
            ),
            Kind::Or(left, right) => Value::Bool(
                self.simple(left, env, input)?.is_true() || self.simple(right, env, input)?.is_true(),
            ),
            Kind::Alternative(left, right) => {
                let value = self.simple(left, env, input)?;
                if value.is_true() { value } else { self.simple(right, env, input)? }
            }
            Kind::If(condition, then, otherwise) => {
                if self.simple(condition, env, input)?.is_true() {
                    self.simple(then, env, input)?
                } else {
                    self.simple(otherwise, env, input)?
                }
            }
            Kind::Object(members) => {
                let mut object = Members::with_capacity_and_hasher(members.len(), Default::default());
                for (key, value) in members.iter() {
                    let key = object_key(self.simple(key, env, input)?)?;
                    object.insert(key, self.simple(value, env, input)?);
                }
                Value::object(object)
            }
            Kind::Slice(from, to) => {
                let from = self.simple(from, env, input)?;
                slice_key(from, self.simple(to, env, input)?)
            }
            Kind::Native(native, arguments) => {
                return self.simple_native(native, arguments, env, input.clone());
            }
            _ => return Err(lost()),
        })
    }

    fn simple_native(
        &mut self,
        native: &super::host::Native,
        arguments: &Rc<[N]>,
        env: &Env,
        input: Value,
    ) -> Result<Value, Fault> {
        match &**arguments {
            [] => native(&mut self.host, input, &[]),
            [a] => {
                let a = self.simple(a, env, &input)?;
                native(&mut self.host, input, &[a])
            }
            list => {
                let mut values = vec![Value::Null; list.len()];
                for (slot, node) in values.iter_mut().zip(list.iter()).rev() {
                    *slot = self.simple(node, env, &input)?;
                }
                native(&mut self.host, input, &values)
            }
        }
    }

    /// The path of an expression that is one, if that can be told at once.
    fn simple_path(&mut self, node: &N, env: &Env, input: &Value) -> Option<Result<Vec<Value>, Fault>> {
        let mut keys = Vec::new();
        let mut at = node;
        let mut chain = Vec::new();
        loop {
            match &at.kind {
                Kind::Identity => break,
                Kind::Index(term, key) if key.simple.is_some() => {
                    chain.push(key);
                    at = term;
                }
                _ => return None,
            }
        }
        let mut value = input.clone();
        for key in chain.into_iter().rev() {
            let next = self.simple(key, env, input).and_then(|key| {
                let value = get(&value, &key)?;
                Ok((key, value))
            });
            match next {
                Ok((key, inner)) => {
                    keys.push(key);
                    value = inner;
                }
                Err(fault) => return Some(Err(fault)),
            }
        }
        Some(Ok(keys))
    }

    /// The input of a part whose paths do not matter.
    fn sub(&mut self, node: &N, env: &Env, input: &Item) -> State {
        State::Eval(Rc::clone(node), env.clone(), Item::plain(input.value.clone()))
    }

    #[inline]
    fn eval(&mut self, node: N, env: Env, item: Item) -> Result<State, Fault> {
        if node.simple.is_some() && item.track.is_none() {
            return Ok(State::Return(Item::plain(match &node.kind {
                Kind::Identity => item.value,
                // What nobody else holds can be changed in place.
                Kind::Native(native, arguments) => self.simple_native(native, arguments, &env, item.value)?,
                Kind::Binary(operator, left, right) if matches!(left.kind, Kind::Identity) => {
                    let right = self.simple(right, &env, &item.value)?;
                    ops::binary(&self.host, *operator, item.value, &right)?
                }
                _ => self.simple(&node, &env, &item.value)?,
            })));
        }
        Ok(match &node.kind {
            Kind::Identity => State::Return(item),
            Kind::Const(value) => State::Return(Item { value: value.clone(), track: item.track }),
            Kind::Var(_) => {
                State::Return(Item { value: self.simple(&node, &env, &item.value)?, track: item.track })
            }
            Kind::Pipe(first, then) => {
                if first.simple.is_some() && item.track.is_none() {
                    let value = self.simple(first, &env, &item.value)?;
                    return Ok(State::Eval(Rc::clone(then), env, Item::plain(value)));
                }
                self.push(Then::Pipe(Rc::clone(then), env.clone()));
                State::Eval(Rc::clone(first), env, item)
            }
            Kind::Comma(first, second) => {
                self.fork(Point::Eval(Rc::clone(second), env.clone(), item.clone()));
                State::Eval(Rc::clone(first), env, item)
            }
            Kind::Index(term, key) => {
                if key.simple.is_some() {
                    let key = self.simple(key, &env, &item.value)?;
                    if matches!(term.kind, Kind::Identity) {
                        return Ok(State::Return(navigate(item, key)?));
                    }
                    self.push(Then::IndexDo(key));
                    return Ok(State::Eval(Rc::clone(term), env, item));
                }
                let state = self.sub(key, &env, &item);
                self.push(Then::IndexKey(Rc::clone(term), env, item));
                state
            }
            Kind::Iterate(term) => {
                if matches!(term.kind, Kind::Identity) {
                    return self.iterate(item);
                }
                self.push(Then::Iterate);
                State::Eval(Rc::clone(term), env, item)
            }
            Kind::Negate(inner) => {
                let state = self.sub(inner, &env, &item);
                self.push(Then::Negate(item.track));
                state
            }
            Kind::Binary(operator, left, right) => {
                if right.simple.is_some() {
                    let right = self.simple(right, &env, &item.value)?;
                    let state = self.sub(left, &env, &item);
                    self.push(Then::BinaryDo(*operator, right, item.track));
                    return Ok(state);
                }
                let state = self.sub(right, &env, &item);
                self.push(Then::BinaryLeft(*operator, Rc::clone(left), env, item));
                state
            }
            Kind::And(left, right) => {
                let state = self.sub(left, &env, &item);
                self.push(Then::And(Rc::clone(right), env, item));
                state
            }
            Kind::Or(left, right) => {
                let state = self.sub(left, &env, &item);
                self.push(Then::Or(Rc::clone(right), env, item));
                state
            }
            Kind::Alternative(left, right) => {
                let found = Rc::new(Cell::new(false));
                self.fork(Point::Alternative(Rc::clone(&found), Rc::clone(right), env.clone(), item.clone()));
                self.push(Then::Alternative(found));
                State::Eval(Rc::clone(left), env, item)
            }
            Kind::Collect(inner) => {
                let cell = Rc::new(RefCell::new(Collected { values: Vec::new(), bytes: 0 }));
                self.fork(Point::Collected(Rc::clone(&cell), item.track));
                self.push(Then::Collect(cell));
                State::Eval(Rc::clone(inner), env, Item::plain(item.value))
            }
            Kind::Object(members) => self.member(Rc::clone(members), 0, env, item, Rc::default()),
            Kind::Slice(from, to) => {
                let state = self.sub(from, &env, &item);
                self.push(Then::SliceTo(Rc::clone(to), env, item));
                state
            }
            Kind::Try(body, handler) => {
                let id = self.id();
                self.fork(Point::Try {
                    id,
                    handler: handler.clone(),
                    env: env.clone(),
                    track: item.track.clone(),
                });
                self.push(Then::TryEnd(id));
                State::Eval(Rc::clone(body), env, item)
            }
            Kind::If(condition, then, otherwise) => {
                if condition.simple.is_some() {
                    let branch =
                        if self.simple(condition, &env, &item.value)?.is_true() { then } else { otherwise };
                    return Ok(State::Eval(Rc::clone(branch), env, item));
                }
                let state = self.sub(condition, &env, &item);
                self.push(Then::If(Rc::clone(then), Rc::clone(otherwise), env, item));
                state
            }
            Kind::Bind(source, body) => {
                if source.simple.is_some() {
                    let value = self.simple(source, &env, &item.value)?;
                    return Ok(State::Eval(Rc::clone(body), bind(Slot::Value(value), env), item));
                }
                let state = self.sub(source, &env, &item);
                self.push(Then::Bind(Rc::clone(body), env, item));
                state
            }
            Kind::Alternatives(source, list) => {
                let state = self.sub(source, &env, &item);
                self.push(Then::BindAlternatives(Rc::clone(list), env, item));
                state
            }
            Kind::Reduce(source, init, entry) | Kind::Foreach(source, init, entry) => {
                self.push(Then::FoldStart {
                    source: Rc::clone(source),
                    entry: Rc::clone(entry),
                    env: env.clone(),
                    input: item.clone(),
                    emits: matches!(node.kind, Kind::Foreach(..)),
                });
                State::Eval(Rc::clone(init), env, item)
            }
            Kind::Update(update) => {
                let cell = self.fold_cell()?;
                let state = std::mem::replace(&mut *cell.borrow_mut(), Item::plain(Value::Null));
                self.push(Then::Fold(cell));
                State::Eval(Rc::clone(update), env, state)
            }
            Kind::UpdateExtract(update, extract) => {
                let cell = self.fold_cell()?;
                let state = std::mem::replace(&mut *cell.borrow_mut(), Item::plain(Value::Null));
                // The outputs go to whoever waits for the whole.
                let next = match &self.cont {
                    Some(frame) => frame.next.clone(),
                    None => None,
                };
                self.cont = next;
                self.push(Then::Extract(cell, extract.clone(), env.clone()));
                State::Eval(Rc::clone(update), env, state)
            }
            Kind::Label(body) => {
                let id = self.id();
                self.fork(Point::Label(id));
                State::Eval(Rc::clone(body), bind(Slot::Label(id), env), item)
            }
            Kind::Break(back) => match lookup(&env, *back).map(|binding| &binding.slot) {
                Some(Slot::Label(id)) => return Err(Fault::Break(*id)),
                _ => return Err(lost()),
            },
            Kind::Call { function, pops, arguments } => {
                let body = self.functions.get(*function).ok_or_else(lost)?;
                let mut inner = &env;
                for _ in 0..*pops {
                    match inner {
                        Some(binding) => inner = &binding.outer,
                        None => return Err(lost()),
                    }
                }
                let mut inner = inner.clone();
                for argument in arguments.iter() {
                    // A parameter that is handed on is not wrapped again.
                    let slot = match &argument.kind {
                        Kind::Parameter(back) => match lookup(&env, *back).map(|binding| &binding.slot) {
                            Some(Slot::Closure(node, env)) => Slot::Closure(Rc::clone(node), env.clone()),
                            _ => return Err(lost()),
                        },
                        _ => Slot::Closure(Rc::clone(argument), env.clone()),
                    };
                    inner = bind(slot, inner);
                }
                State::Eval(Rc::clone(body), inner, item)
            }
            Kind::Parameter(back) => match lookup(&env, *back).map(|binding| &binding.slot) {
                Some(Slot::Closure(node, env)) => State::Eval(Rc::clone(node), env.clone(), item),
                _ => return Err(lost()),
            },
            Kind::Native(native, arguments) => {
                self.arguments(*native, Rc::clone(arguments), env, item, Rc::default())?
            }
            Kind::Empty => State::Backtrack,
            Kind::Path(inner) => {
                let track = Rc::new(Track { path: Vec::new(), value: item.value.clone() });
                self.push(Then::PathEnd(item.track));
                State::Eval(Rc::clone(inner), env, Item { value: item.value, track: Some(track) })
            }
            Kind::GetPath(path) => {
                let state = self.sub(path, &env, &item);
                self.push(Then::GetPath(item));
                state
            }
            Kind::Modify(places, update) => {
                if let Some(path) = self.simple_path(places, &env, &item.value) {
                    let path = Value::array(path?);
                    let cell = Rc::new(RefCell::new(Update { value: item.value, gone: Vec::new() }));
                    self.fork(Point::Updated(Rc::clone(&cell), item.track));
                    return self.modify(cell, path, update, &env);
                }
                let cell = Rc::new(RefCell::new(Update { value: item.value.clone(), gone: Vec::new() }));
                self.fork(Point::Updated(Rc::clone(&cell), item.track));
                self.push(Then::ModifyPath(cell, Rc::clone(update), env.clone()));
                self.push(Then::PathEnd(None));
                let track = Rc::new(Track { path: Vec::new(), value: item.value.clone() });
                State::Eval(Rc::clone(places), env, Item { value: item.value, track: Some(track) })
            }
            Kind::Assign(places, value) => {
                if value.simple.is_some() {
                    let value = self.simple(value, &env, &item.value)?;
                    return self.assign(places, value, env, item);
                }
                let state = self.sub(value, &env, &item);
                self.push(Then::AssignValue(Rc::clone(places), env, item));
                state
            }
            Kind::Range(from, to, by) => {
                if from.simple.is_some() && to.simple.is_some() && by.simple.is_some() {
                    let from = self.simple(from, &env, &item.value)?;
                    let to = self.simple(to, &env, &item.value)?;
                    let by = self.simple(by, &env, &item.value)?;
                    return self.range(&from, &to, &by, item.track);
                }
                let state = self.sub(from, &env, &item);
                self.push(Then::RangeUpTo(Rc::clone(to), Rc::clone(by), env, item));
                state
            }
            Kind::First(inner) => {
                let height = self.forks.len();
                self.push(Then::First(height));
                State::Eval(Rc::clone(inner), env, item)
            }
            Kind::Last(inner) => {
                let cell = Rc::new(RefCell::new(None));
                self.fork(Point::Last(Rc::clone(&cell)));
                self.push(Then::Last(cell));
                State::Eval(Rc::clone(inner), env, item)
            }
            Kind::Limit(count, inner) => {
                let count = self.count(count, &env, &item, "limit doesn't support negative count")?;
                if count == 0 {
                    return Ok(State::Backtrack);
                }
                let height = self.forks.len();
                self.push(Then::Limit(Rc::new(Cell::new(count)), height));
                State::Eval(Rc::clone(inner), env, item)
            }
            Kind::Skip(count, inner) => {
                let count = self.count(count, &env, &item, "skip doesn't support negative count")?;
                self.push(Then::Skip(Rc::new(Cell::new(count))));
                State::Eval(Rc::clone(inner), env, item)
            }
            Kind::Input { all } => State::AwaitInput { all: *all, track: item.track },
            Kind::ModuleMeta => State::AwaitModule(item.track, item.value),
        })
    }

    fn count(&mut self, count: &N, env: &Env, item: &Item, negative: &str) -> Result<u64, Fault> {
        let count = self.simple(count, env, &item.value)?;
        match count.as_f64() {
            Some(number) if number < 0.0 => Err(Fault::error(negative)),
            Some(number) => Ok(number.ceil() as u64),
            // As a comparison with a number has it.
            None if count.is_true() && !matches!(count, Value::Bool(_)) => Ok(u64::MAX),
            None => Err(Fault::error(negative)),
        }
    }

    /// The state of the fold whose entry is at work.
    fn fold_cell(&self) -> Result<Rc<RefCell<Item>>, Fault> {
        match self.cont.as_ref().map(|frame| &frame.step) {
            Some(Then::Fold(cell)) => Ok(Rc::clone(cell)),
            _ => Err(lost()),
        }
    }

    fn assign(&mut self, places: &N, value: Value, env: Env, item: Item) -> Result<State, Fault> {
        if let Some(path) = self.simple_path(places, &env, &item.value) {
            let path = path?;
            let result = paths::set_path(item.value, &path, value).map_err(Fault::error)?;
            return Ok(State::Return(Item { value: result, track: item.track }));
        }
        let cell = Rc::new(RefCell::new(Update { value: item.value.clone(), gone: Vec::new() }));
        self.fork(Point::Updated(Rc::clone(&cell), item.track));
        self.push(Then::AssignPath(cell, value));
        self.push(Then::PathEnd(None));
        let track = Rc::new(Track { path: Vec::new(), value: item.value.clone() });
        Ok(State::Eval(Rc::clone(places), env, Item { value: item.value, track: Some(track) }))
    }

    fn modify(
        &mut self,
        cell: Rc<RefCell<Update>>,
        path: Value,
        update: &N,
        env: &Env,
    ) -> Result<State, Fault> {
        let old = {
            let mut state = cell.borrow_mut();
            let keys = path_keys(&path)?;
            // Taken out, so that it can be changed in place.
            paths::take_path(&mut state.value, keys).map_err(Fault::error)?
        };
        let height = self.forks.len();
        self.fork(Point::Gone(Rc::clone(&cell), path.clone()));
        self.push(Then::ModifyDone(cell, path, height));
        Ok(State::Eval(Rc::clone(update), env.clone(), Item::plain(old)))
    }

    fn range(&mut self, from: &Value, to: &Value, by: &Value, track: Tracked) -> Result<State, Fault> {
        let (Some(from), Some(to), Some(by)) = (from.as_f64(), to.as_f64(), by.as_f64()) else {
            return Err(Fault::error("Range bounds must be numeric"));
        };
        if by != 0.0 || from < to {
            self.fork(Point::Range { next: from, to, by, track });
        }
        Ok(State::Backtrack)
    }

    fn member(
        &mut self,
        members: Rc<[(N, N)]>,
        at: usize,
        env: Env,
        item: Item,
        object: Rc<Object>,
    ) -> State {
        match members.get(at) {
            None => State::Return(Item { value: Value::Object(object), track: item.track }),
            Some((key, _)) => {
                let state = self.sub(key, &env, &item);
                self.push(Then::ObjectKey(members, at, env, item, object));
                state
            }
        }
    }

    /// Evaluates the argument that is next, the last first, or calls.
    fn arguments(
        &mut self,
        native: super::host::Native,
        nodes: Rc<[N]>,
        env: Env,
        item: Item,
        values: Rc<Vec<Value>>,
    ) -> Result<State, Fault> {
        match nodes.len().checked_sub(values.len() + 1).and_then(|at| nodes.get(at)) {
            Some(node) => {
                let state = self.sub(node, &env, &item);
                self.push(Then::Native(native, nodes, env, item, values));
                Ok(state)
            }
            None => {
                let values: Vec<Value> = values.iter().rev().cloned().collect();
                let value = native(&mut self.host, item.value, &values)?;
                Ok(State::Return(Item { value, track: item.track }))
            }
        }
    }

    fn iterate(&mut self, item: Item) -> Result<State, Fault> {
        if let Some(track) = &item.track
            && !track.value.is_same(&item.value)
        {
            return Err(Fault::error(format!(
                "Invalid path expression near attempt to iterate through {}",
                excerpt(&item.value)
            )));
        }
        match item.value {
            Value::Array(array) => {
                if !array.is_empty() {
                    self.fork(Point::Each(array, 0, item.track));
                }
            }
            Value::Object(object) => {
                if !object.is_empty() {
                    self.fork(Point::EachMember(object, 0, item.track));
                }
            }
            other => return Err(Fault::error(format!("Cannot iterate over {}", ops::described(&other)))),
        }
        Ok(State::Backtrack)
    }

    fn resume_shared(&mut self, step: &Then, item: Item) -> Result<State, Fault> {
        let step = match step {
            Then::Pipe(node, env) => Then::Pipe(Rc::clone(node), env.clone()),
            Then::IndexKey(node, env, input) => Then::IndexKey(Rc::clone(node), env.clone(), input.clone()),
            Then::IndexDo(key) => Then::IndexDo(key.clone()),
            Then::Iterate => Then::Iterate,
            Then::Negate(track) => Then::Negate(track.clone()),
            Then::BinaryLeft(op, node, env, input) => {
                Then::BinaryLeft(*op, Rc::clone(node), env.clone(), input.clone())
            }
            Then::BinaryDo(op, value, track) => Then::BinaryDo(*op, value.clone(), track.clone()),
            Then::And(node, env, input) => Then::And(Rc::clone(node), env.clone(), input.clone()),
            Then::Or(node, env, input) => Then::Or(Rc::clone(node), env.clone(), input.clone()),
            Then::Truth(track) => Then::Truth(track.clone()),
            Then::Alternative(found) => Then::Alternative(Rc::clone(found)),
            Then::Collect(cell) => Then::Collect(Rc::clone(cell)),
            Then::ObjectKey(members, at, env, input, object) => {
                Then::ObjectKey(Rc::clone(members), *at, env.clone(), input.clone(), Rc::clone(object))
            }
            Then::ObjectValue(members, at, env, input, object, key) => Then::ObjectValue(
                Rc::clone(members),
                *at,
                env.clone(),
                input.clone(),
                Rc::clone(object),
                Rc::clone(key),
            ),
            Then::SliceTo(node, env, input) => Then::SliceTo(Rc::clone(node), env.clone(), input.clone()),
            Then::SliceDo(from, track) => Then::SliceDo(from.clone(), track.clone()),
            Then::TryEnd(id) => Then::TryEnd(*id),
            Then::If(then, otherwise, env, input) => {
                Then::If(Rc::clone(then), Rc::clone(otherwise), env.clone(), input.clone())
            }
            Then::Bind(node, env, input) => Then::Bind(Rc::clone(node), env.clone(), input.clone()),
            Then::BindAlternatives(list, env, input) => {
                Then::BindAlternatives(Rc::clone(list), env.clone(), input.clone())
            }
            Then::FoldStart { source, entry, env, input, emits } => Then::FoldStart {
                source: Rc::clone(source),
                entry: Rc::clone(entry),
                env: env.clone(),
                input: input.clone(),
                emits: *emits,
            },
            Then::FoldSource(cell, node, env) => {
                Then::FoldSource(Rc::clone(cell), Rc::clone(node), env.clone())
            }
            Then::Fold(cell) => Then::Fold(Rc::clone(cell)),
            Then::Extract(cell, node, env) => Then::Extract(Rc::clone(cell), node.clone(), env.clone()),
            Then::Native(native, nodes, env, input, values) => {
                Then::Native(*native, Rc::clone(nodes), env.clone(), input.clone(), Rc::clone(values))
            }
            Then::PathEnd(track) => Then::PathEnd(track.clone()),
            Then::GetPath(input) => Then::GetPath(input.clone()),
            Then::ModifyPath(cell, node, env) => {
                Then::ModifyPath(Rc::clone(cell), Rc::clone(node), env.clone())
            }
            Then::ModifyDone(cell, path, height) => Then::ModifyDone(Rc::clone(cell), path.clone(), *height),
            Then::AssignValue(node, env, input) => {
                Then::AssignValue(Rc::clone(node), env.clone(), input.clone())
            }
            Then::AssignPath(cell, value) => Then::AssignPath(Rc::clone(cell), value.clone()),
            Then::RangeUpTo(to, by, env, input) => {
                Then::RangeUpTo(Rc::clone(to), Rc::clone(by), env.clone(), input.clone())
            }
            Then::RangeBy(from, by, env, input) => {
                Then::RangeBy(from.clone(), Rc::clone(by), env.clone(), input.clone())
            }
            Then::RangeDo(from, to, track) => Then::RangeDo(from.clone(), to.clone(), track.clone()),
            Then::First(height) => Then::First(*height),
            Then::Last(cell) => Then::Last(Rc::clone(cell)),
            Then::Limit(count, height) => Then::Limit(Rc::clone(count), *height),
            Then::Skip(count) => Then::Skip(Rc::clone(count)),
        };
        self.resume(step, item)
    }

    fn resume(&mut self, step: Then, item: Item) -> Result<State, Fault> {
        Ok(match step {
            Then::Pipe(node, env) => State::Eval(node, env, item),
            Then::IndexKey(term, env, input) => {
                if matches!(term.kind, Kind::Identity) {
                    return Ok(State::Return(navigate(input, item.value)?));
                }
                self.push(Then::IndexDo(item.value));
                State::Eval(term, env, input)
            }
            Then::IndexDo(key) => State::Return(navigate(item, key)?),
            Then::Iterate => return self.iterate(item),
            Then::Negate(track) => State::Return(Item { value: ops::negate(&item.value)?, track }),
            Then::BinaryLeft(operator, left, env, input) => {
                let state = self.sub(&left, &env, &input);
                self.push(Then::BinaryDo(operator, item.value, input.track));
                state
            }
            Then::BinaryDo(operator, right, track) => {
                State::Return(Item { value: ops::binary(&self.host, operator, item.value, &right)?, track })
            }
            Then::And(right, env, input) => {
                if item.value.is_true() {
                    let state = self.sub(&right, &env, &input);
                    self.push(Then::Truth(input.track));
                    state
                } else {
                    State::Return(Item { value: Value::Bool(false), track: input.track })
                }
            }
            Then::Or(right, env, input) => {
                if item.value.is_true() {
                    State::Return(Item { value: Value::Bool(true), track: input.track })
                } else {
                    let state = self.sub(&right, &env, &input);
                    self.push(Then::Truth(input.track));
                    state
                }
            }
            Then::Truth(track) => State::Return(Item { value: Value::Bool(item.value.is_true()), track }),
            Then::Alternative(found) => {
                if item.value.is_true() {
                    found.set(true);
                    State::Return(item)
                } else {
                    State::Backtrack
                }
            }
            Then::Collect(cell) => {
                let mut collected = cell.borrow_mut();
                collected.bytes += size_of::<Value>()
                    + match &item.value {
                        Value::String(text) => text.len() + 40,
                        Value::Array(array) => array.len() * size_of::<Value>() + 40,
                        Value::Object(object) => object.len() * 64 + 100,
                        _ => 0,
                    };
                if collected.bytes > self.ceiling {
                    return Err(Fault::Fatal("cannot allocate memory".into()));
                }
                collected.values.push(item.value);
                State::Backtrack
            }
            Then::ObjectKey(members, at, env, input, object) => {
                let key = object_key(item.value)?;
                let Some((_, value)) = members.get(at) else { return Err(lost()) };
                let state = self.sub(value, &env, &input);
                self.push(Then::ObjectValue(members, at, env, input, object, key));
                state
            }
            Then::ObjectValue(members, at, env, input, mut object, key) => {
                Rc::make_mut(&mut object).insert(key, item.value);
                self.member(members, at + 1, env, input, object)
            }
            Then::SliceTo(to, env, input) => {
                let state = self.sub(&to, &env, &input);
                self.push(Then::SliceDo(item.value, input.track));
                state
            }
            Then::SliceDo(from, track) => State::Return(Item { value: slice_key(from, item.value), track }),
            Then::TryEnd(id) => {
                match self.forks.last().map(|fork| &fork.point) {
                    Some(Point::Try { id: other, .. }) if *other == id => {
                        self.forks.pop();
                    }
                    _ => self.fork(Point::Barrier(id)),
                }
                State::Return(item)
            }
            Then::If(then, otherwise, env, input) => {
                State::Eval(if item.value.is_true() { then } else { otherwise }, env, input)
            }
            Then::Bind(body, env, input) => State::Eval(body, bind(Slot::Value(item.value), env), input),
            Then::BindAlternatives(list, env, input) => {
                let env = bind(Slot::Value(item.value), env);
                return self.pattern(list, 0, env, input).ok_or_else(lost);
            }
            Then::FoldStart { source, entry, env, input, emits } => {
                let cell = Rc::new(RefCell::new(item));
                if !emits {
                    self.fork(Point::Folded(Rc::clone(&cell)));
                }
                self.push(Then::FoldSource(cell, entry, env.clone()));
                State::Eval(source, env, Item::plain(input.value))
            }
            Then::FoldSource(cell, entry, env) => {
                let input = Item::plain(Value::Null);
                let env = bind(Slot::Value(item.value), env);
                if let Kind::Update(update) = &entry.kind {
                    let state = std::mem::replace(&mut *cell.borrow_mut(), input);
                    self.push(Then::Fold(cell));
                    return Ok(State::Eval(Rc::clone(update), env, state));
                }
                // The entry finds the state in this frame.
                self.push(Then::Fold(cell));
                State::Eval(entry, env, input)
            }
            Then::Fold(cell) => {
                *cell.borrow_mut() = item;
                State::Backtrack
            }
            Then::Extract(cell, extract, env) => {
                *cell.borrow_mut() = item.clone();
                match extract {
                    Some(node) => State::Eval(node, env, item),
                    None => State::Return(item),
                }
            }
            Then::Native(native, nodes, env, input, mut values) => {
                Rc::make_mut(&mut values).push(item.value);
                return self.arguments(native, nodes, env, input, values);
            }
            Then::PathEnd(outer) => {
                let Some(track) = item.track else { return Err(lost()) };
                if !track.value.is_same(&item.value) {
                    return Err(Fault::error(format!(
                        "Invalid path expression with result {}",
                        excerpt(&item.value)
                    )));
                }
                let path = match Rc::try_unwrap(track) {
                    Ok(track) => track.path,
                    Err(track) => track.path.clone(),
                };
                State::Return(Item { value: Value::array(path), track: outer })
            }
            Then::GetPath(input) => {
                let keys = path_keys(&item.value)?;
                let track = match input.track {
                    None => None,
                    Some(track) => {
                        if !track.value.is_same(&input.value) {
                            return Err(Fault::error(format!(
                                "Invalid path expression with result {}",
                                excerpt(&input.value)
                            )));
                        }
                        Some(track)
                    }
                };
                let value = paths::get_path(&input.value, keys).map_err(Fault::error)?;
                let track = track.map(|track| {
                    let mut path = track.path.clone();
                    path.extend(keys.iter().cloned());
                    Rc::new(Track { path, value: value.clone() })
                });
                State::Return(Item { value, track })
            }
            Then::ModifyPath(cell, update, env) => return self.modify(cell, item.value, &update, &env),
            Then::ModifyDone(cell, path, height) => {
                self.forks.truncate(height);
                let mut state = cell.borrow_mut();
                let value = std::mem::take(&mut state.value);
                state.value = paths::set_path(value, path_keys(&path)?, item.value).map_err(Fault::error)?;
                State::Backtrack
            }
            Then::AssignValue(places, env, input) => return self.assign(&places, item.value, env, input),
            Then::AssignPath(cell, value) => {
                let mut state = cell.borrow_mut();
                let old = std::mem::take(&mut state.value);
                state.value = paths::set_path(old, path_keys(&item.value)?, value).map_err(Fault::error)?;
                State::Backtrack
            }
            Then::RangeUpTo(to, by, env, input) => {
                let state = self.sub(&to, &env, &input);
                self.push(Then::RangeBy(item.value, by, env, input));
                state
            }
            Then::RangeBy(from, by, env, input) => {
                let state = self.sub(&by, &env, &input);
                self.push(Then::RangeDo(from, item.value, input.track));
                state
            }
            Then::RangeDo(from, to, track) => return self.range(&from, &to, &item.value, track),
            Then::First(height) => {
                self.forks.truncate(height);
                State::Return(item)
            }
            Then::Last(cell) => {
                *cell.borrow_mut() = Some(item);
                State::Backtrack
            }
            Then::Limit(count, height) => {
                let left = count.get().saturating_sub(1);
                count.set(left);
                if left == 0 {
                    self.forks.truncate(height);
                }
                State::Return(item)
            }
            Then::Skip(count) => {
                if count.get() > 0 {
                    count.set(count.get() - 1);
                    return Ok(State::Backtrack);
                }
                State::Return(item)
            }
        })
    }
}

fn extend(track: &Tracked, key: impl FnOnce() -> Value, value: &Value) -> Tracked {
    track.as_ref().map(|track| {
        let mut path = Vec::with_capacity(track.path.len() + 1);
        path.extend(track.path.iter().cloned());
        path.push(key());
        Rc::new(Track { path, value: value.clone() })
    })
}

fn navigate(item: Item, key: Value) -> Result<Item, Fault> {
    if let Some(track) = &item.track
        && !track.value.is_same(&item.value)
    {
        return Err(Fault::error(format!(
            "Invalid path expression near attempt to access element {} of {}",
            excerpt(&key),
            excerpt(&item.value)
        )));
    }
    let value = get(&item.value, &key)?;
    let track = extend(&item.track, || key, &value);
    Ok(Item { value, track })
}

fn object_key(key: Value) -> Result<Rc<String>, Fault> {
    match key {
        Value::String(key) => Ok(key),
        other => Err(Fault::error(format!("Cannot use {} as object key", ops::described(&other)))),
    }
}

fn slice_key(from: Value, to: Value) -> Value {
    let mut members = Members::default();
    members.insert(Rc::new("start".into()), from);
    members.insert(Rc::new("end".into()), to);
    Value::object(members)
}

fn path_keys(path: &Value) -> Result<&[Value], Fault> {
    match path {
        Value::Array(keys) => Ok(keys),
        _ => Err(Fault::error("Path must be specified as an array")),
    }
}
