//! The kernel as small programs see it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::await_holding_refcell_ref,
    reason = "not part of the product"
)]
#![allow(missing_docs)]

use std::cell::RefCell;
use std::rc::Rc;

use wasmsh_os::*;

struct HostClock(Rc<ManualClock>);

impl wasmsh_vfs::Clock for HostClock {
    fn now(&self) -> Timestamp {
        self.0.wall()
    }
}

struct HostEntropy;

impl wasmsh_vfs::Entropy for HostEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

struct Machine {
    kernel: Rc<Kernel>,
    clock: Rc<ManualClock>,
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.kernel.shutdown();
    }
}

fn machine() -> Machine {
    machine_with(Ceilings::default())
}

fn machine_with(ceilings: Ceilings) -> Machine {
    let clock = Rc::new(ManualClock::default());
    let fs = wasmsh_vfs::Vfs::new(Rc::new(HostClock(clock.clone())), Rc::new(HostEntropy)).unwrap();
    let kernel = Kernel::new(Rc::new(fs), clock.clone(), Rc::new(SeededEntropy::new(1)), ceilings);
    Machine { kernel, clock }
}

type Log = Rc<RefCell<Vec<String>>>;

impl Machine {
    /// Starts a child of init with nothing but host output open.
    fn start<F: Future<Output = Exit> + 'static>(&self, code: impl FnOnce(Ctx) -> F) -> Pid {
        let init = self.kernel.init();
        init.fork(Group::New, |ctx| {
            ctx.set_descriptors(Rc::new(DescriptorTable::new([
                (0, Rc::new(Description::HostInput)),
                (1, Rc::new(Description::HostOutput(OutputStream::Stdout))),
                (2, Rc::new(Description::HostOutput(OutputStream::Stderr))),
            ])));
            ctx.set_cwd("/workspace");
            Box::pin(code(ctx))
        })
        .unwrap()
    }

    /// Runs to the end, moving the clock as timers need it. The output.
    fn settle(&self) -> Vec<u8> {
        let mut output = Vec::new();
        loop {
            let state = self.kernel.run(10_000);
            let chunks = self.kernel.take_output(usize::MAX);
            let taken = !chunks.is_empty();
            output.extend(chunks.into_iter().flat_map(|chunk| chunk.bytes));
            match state {
                KernelState::Running => {}
                KernelState::Idle { timer: Some(timer) } => self.clock.advance(timer),
                KernelState::Idle { timer: None } if taken => {}
                _ => return output,
            }
        }
    }
}

fn child<F: Future<Output = Exit> + 'static>(ctx: &Ctx, code: impl FnOnce(Ctx) -> F) -> Pid {
    ctx.fork(Group::Inherit, |ctx| Box::pin(code(ctx))).unwrap()
}

fn exited(ctx: &Ctx, pid: Pid) -> impl Future<Output = Exit> {
    let ctx = ctx.clone();
    async move { ctx.wait(Child::Process(pid)).await.unwrap().1 }
}

/// `source | sink`, each with its end of the pipe as its output or input and nothing else of it open.
async fn pipeline<A, B>(ctx: &Ctx, source: impl FnOnce(Ctx) -> A, sink: impl FnOnce(Ctx) -> B) -> (Exit, Exit)
where
    A: Future<Output = Exit> + 'static,
    B: Future<Output = Exit> + 'static,
{
    let (reader, writer) = ctx.new_pipe();
    let first = child(ctx, |ctx| {
        ctx.set_descriptor(1, writer).unwrap();
        source(ctx)
    });
    let second = child(ctx, |ctx| {
        ctx.set_descriptor(0, reader).unwrap();
        sink(ctx)
    });
    (exited(ctx, first).await, exited(ctx, second).await)
}

async fn yes(ctx: Ctx) -> Exit {
    let line = b"y\n".repeat(8192);
    while ctx.write_all(1, &line).await.is_ok() {}
    Exit::Code(9)
}

#[test]
fn an_endless_writer_ends_with_its_reader() {
    let machine = machine();
    machine.start(|ctx| async move {
        let (first, second) = pipeline(&ctx, yes, |ctx| async move {
            let mut input = ctx.stdin().unwrap();
            let mut output = ctx.stdout();
            for _ in 0..3 {
                let line = input.line(b'\n').await.unwrap().unwrap().to_vec();
                output.write(&line).await.unwrap();
            }
            output.flush().await.unwrap();
            Exit::Code(0)
        })
        .await;
        assert_eq!((first, second), (Exit::Signalled(Signal::Pipe), Exit::Code(0)));
        assert_eq!(first.status(), 141);
        Exit::Code(0)
    });
    assert_eq!(machine.settle(), b"y\ny\ny\n");
    assert!(machine.kernel.processes().is_empty());
}

#[test]
fn a_pipe_carries_everything_in_order_and_ends() {
    let machine = machine();
    machine.start(|ctx| async move {
        pipeline(
            &ctx,
            |ctx| async move {
                for number in 0..200_000_u32 {
                    ctx.write_all(1, &number.to_le_bytes()).await.unwrap();
                }
                Exit::Code(0)
            },
            |ctx| async move {
                let mut bytes = Vec::new();
                ctx.stdin().unwrap().read_to_end(&mut bytes).await.unwrap();
                let right = bytes.chunks(4).zip(0_u32..).all(|(bytes, n)| bytes == n.to_le_bytes());
                ctx.write_all(1, format!("{} {right}", bytes.len()).as_bytes()).await.unwrap();
                Exit::Code(0)
            },
        )
        .await;
        Exit::Code(0)
    });
    assert_eq!(machine.settle(), b"800000 true");
}

#[test]
fn an_ignored_pipe_signal_leaves_the_error() {
    let machine = machine();
    machine.start(|ctx| async move {
        let (reader, writer) = ctx.pipe().unwrap();
        ctx.close(reader).unwrap();
        ctx.set_disposition(Signal::Pipe, Disposition::Ignore);
        assert_eq!(ctx.write_all(writer, b"x").await, Err(Errno::BrokenPipe));
        ctx.set_disposition(Signal::Pipe, Disposition::Deliver);
        assert_eq!(ctx.write_all(writer, b"x").await, Err(Errno::BrokenPipe));
        assert_eq!(ctx.take_signal(), Some(Signal::Pipe));
        ctx.write_all(1, b"ok").await.unwrap();
        Exit::Code(0)
    });
    assert_eq!(machine.settle(), b"ok");
}

#[test]
fn small_writes_are_not_torn() {
    let machine = machine();
    machine.start(|ctx| async move {
        let (reader, writer) = ctx.pipe().unwrap();
        ctx.write_all(writer, &vec![0; PIPE_CAPACITY - 10]).await.unwrap();
        assert_eq!(ctx.try_write(writer, &[1; 11]), Err(Errno::Again));
        assert_eq!(ctx.try_write(writer, &[1; PIPE_BUF + 1]), Ok(10));
        let mut bytes = Vec::new();
        assert_eq!(ctx.try_read(reader, &mut bytes, usize::MAX), Ok(PIPE_CAPACITY));
        assert_eq!(ctx.try_read(reader, &mut bytes, 1), Err(Errno::Again));
        ctx.write_all(1, b"ok").await.unwrap();
        Exit::Code(0)
    });
    assert_eq!(machine.settle(), b"ok");
}

#[test]
fn two_sleeps_side_by_side_take_the_time_of_one() {
    let machine = machine();
    machine.start(|ctx| async move {
        let sleeper = |ctx: Ctx| async move {
            ctx.sleep(1_000_000_000).await;
            Exit::Code(0)
        };
        let before = ctx.monotonic();
        let (one, two) = (child(&ctx, sleeper), child(&ctx, sleeper));
        exited(&ctx, one).await;
        exited(&ctx, two).await;
        ctx.write_all(1, (ctx.monotonic() - before).to_string().as_bytes()).await.unwrap();
        Exit::Code(0)
    });
    assert_eq!(machine.settle(), b"1000000000");
}

#[test]
fn a_timer_that_is_not_waited_for_any_longer_is_forgotten() {
    let machine = machine();
    machine.start(|ctx| async move {
        let sleeper = child(&ctx, |ctx| async move {
            ctx.sleep(u64::MAX).await;
            Exit::Code(0)
        });
        ctx.sleep(5).await;
        ctx.kill(Target::Process(sleeper), Some(Signal::Term)).unwrap();
        assert_eq!(exited(&ctx, sleeper).await, Exit::Signalled(Signal::Term));
        ctx.stdin().unwrap().fill().await.unwrap();
        Exit::Code(0)
    });
    assert_eq!(machine.kernel.run(u64::MAX), KernelState::Idle { timer: Some(5) });
    machine.clock.advance(5);
    assert_eq!(machine.kernel.run(u64::MAX), KernelState::Idle { timer: None });
    assert!(machine.kernel.input_wanted());
}

#[test]
fn stop_and_continue() {
    let machine = machine();
    let log: Log = Rc::default();
    let seen = log.clone();
    machine.start(|ctx| async move {
        let counter = child(&ctx, |ctx| async move {
            loop {
                ctx.tick().await;
            }
        });
        ctx.kill(Target::Process(counter), Some(Signal::Stop)).unwrap();
        seen.borrow_mut().push(format!("{:?}", ctx.try_wait(Child::Any, true).map(|(_, state)| state)));
        ctx.kill(Target::Process(counter), Some(Signal::Term)).unwrap();
        seen.borrow_mut().push(format!("{:?}", ctx.try_wait(Child::Any, true).map(|(_, state)| state)));
        ctx.kill(Target::Process(counter), Some(Signal::Cont)).unwrap();
        seen.borrow_mut().push(format!("{:?}", ctx.wait(Child::Any).await.map(|(_, exit)| exit)));
        seen.borrow_mut().push(format!("{:?}", ctx.wait(Child::Any).await.map(|(_, exit)| exit)));
        Exit::Code(0)
    });
    machine.settle();
    assert_eq!(
        *log.borrow(),
        ["Ok(Stopped(Stop))", "Err(Again)", "Ok(Signalled(Term))", "Err(NoChild)"].map(String::from)
    );
}

#[test]
fn a_process_that_kills_itself_does_not_go_on() {
    let machine = machine();
    machine.start(|ctx| async move {
        let suicide = child(&ctx, |ctx| async move {
            ctx.raise(Signal::Kill);
            ctx.write_all(1, b"still here").await.unwrap();
            Exit::Code(0)
        });
        assert_eq!(exited(&ctx, suicide).await, Exit::Signalled(Signal::Kill));
        ctx.write_all(1, b"ok").await.unwrap();
        Exit::Code(0)
    });
    assert_eq!(machine.settle(), b"ok");
}

#[test]
fn orphans_go_to_init_and_groups_die_together() {
    let machine = machine();
    let parent = machine.start(|ctx| async move {
        for _ in 0..3 {
            child(&ctx, |ctx| async move {
                ctx.sleep(1 << 40).await;
                Exit::Code(0)
            });
        }
        Exit::Code(0)
    });
    machine.kernel.run(1000);
    let all = machine.kernel.processes();
    assert_eq!(all.len(), 3);
    assert!(all.iter().all(|process| process.parent == Pid::INIT && process.group == parent));
    machine.kernel.kill(None, Target::Group(parent), Some(Signal::Hup)).unwrap();
    assert!(machine.kernel.processes().is_empty());
    assert_eq!(machine.kernel.kill(None, Target::Group(parent), Some(Signal::Hup)), Err(Errno::NoProcess));
}

#[test]
fn a_delivered_signal_wakes_and_can_be_taken() {
    let machine = machine();
    let pid = machine.start(|ctx| async move {
        ctx.set_disposition(Signal::Usr1, Disposition::Deliver);
        let signal = ctx.signal().await;
        ctx.write_all(1, signal.name().as_bytes()).await.unwrap();
        Exit::Code(0)
    });
    machine.kernel.run(1000);
    machine.kernel.kill(None, Target::Process(pid), Some(Signal::Usr1)).unwrap();
    assert_eq!(machine.settle(), b"USR1");
}

#[test]
fn processes_have_a_ceiling() {
    let machine = machine_with(Ceilings { processes: 5, ..Ceilings::default() });
    machine.start(|ctx| async move {
        let mut started = 0;
        let error = loop {
            match ctx.fork(Group::Inherit, |ctx| {
                Box::pin(async move {
                    ctx.sleep(1).await;
                    Exit::Code(0)
                })
            }) {
                Ok(_) => started += 1,
                Err(error) => break error,
            }
        };
        assert_eq!((started, error), (4, Errno::Again));
        while ctx.wait(Child::Any).await.is_ok() {}
        let again = child(&ctx, |_| async { Exit::Code(3) });
        assert_eq!(exited(&ctx, again).await, Exit::Code(3));
        ctx.write_all(1, b"ok").await.unwrap();
        Exit::Code(0)
    });
    assert_eq!(machine.settle(), b"ok");
}

#[test]
fn fuel_bounds_an_endless_loop_and_slices_alternate() {
    let machine = machine();
    let log: Log = Rc::default();
    for name in ["a", "b"] {
        let log = log.clone();
        machine.start(|ctx| async move {
            for round in 0..=2 * SLICE {
                if round % SLICE == 0 {
                    log.borrow_mut().push(name.into());
                }
                ctx.tick().await;
            }
            Exit::Code(0)
        });
    }
    assert_eq!(machine.kernel.run(u64::from(SLICE) * 2), KernelState::Running);
    let steps = machine.kernel.steps();
    assert!((u64::from(SLICE) * 2..u64::from(SLICE) * 2 + 8).contains(&steps), "{steps}");
    machine.settle();
    assert_eq!(log.borrow().concat(), "ababab");
}

#[test]
fn host_output_has_a_high_water_mark_and_keeps_its_order() {
    let machine = machine_with(Ceilings { output_bytes: 10, ..Ceilings::default() });
    machine.start(|ctx| async move {
        ctx.write_all(1, b"12345").await.unwrap();
        ctx.write_all(2, b"678").await.unwrap();
        ctx.write_all(1, b"90abcdef").await.unwrap();
        Exit::Code(0)
    });
    assert_eq!(machine.kernel.run(u64::MAX), KernelState::Idle { timer: None });
    assert_eq!(machine.kernel.output_len(), 10);
    let chunks = machine.kernel.take_output(6);
    assert_eq!(chunks.len(), 2);
    assert_eq!(chunks[1], Chunk { origin: OutputStream::Stderr, bytes: b"6".to_vec() });
    assert_eq!(machine.settle(), b"7890abcdef");
}

#[test]
fn fifos_join_their_openers() {
    let machine = machine();
    machine.start(|ctx| async move {
        ctx.make_fifo(b"f", 0o666).unwrap();
        let writer = child(&ctx, |ctx| async move {
            let fd = ctx.open(b"f", OpenFlags::WRITE, 0).await.unwrap();
            ctx.write_all(fd, b"through").await.unwrap();
            Exit::Code(0)
        });
        let text = ctx.read_file(b"f").await.unwrap();
        ctx.write_all(1, &text).await.unwrap();
        exited(&ctx, writer).await
    });
    assert_eq!(machine.settle(), b"through");
}

#[test]
fn descriptors_have_paths() {
    let machine = machine();
    machine.start(|ctx| async move {
        let fd = ctx.open(b"file", OpenFlags::WRITE | OpenFlags::CREATE, 0o666).await.unwrap();
        assert_eq!(fd, 3);
        ctx.write_all(fd, b"text").await.unwrap();
        assert_eq!(ctx.stat(b"/dev/fd/3", true).unwrap().size, 4);
        assert_eq!(ctx.read_link(b"/proc/self/fd/3").unwrap(), "/workspace/file");
        assert_eq!(ctx.stat(b"/dev/fd/9", true), Err(Errno::NoEntry));
        let out = ctx.open(b"/dev/stdout", OpenFlags::WRITE, 0).await.unwrap();
        ctx.write_all(out, b"out").await.unwrap();
        assert_eq!(ctx.stat(b"\xff", true), Err(Errno::IllegalByteSequence));
        assert_eq!(ctx.stat(b"", true), Err(Errno::NoEntry));
        Exit::Code(0)
    });
    assert_eq!(machine.settle(), b"out");
}

#[test]
fn a_process_without_turns_is_served_by_pumping() {
    // What a foreign command does: from outside, with the kernel off the stack.
    let machine = machine();
    let foreign = machine.start(|ctx| async move {
        let requested = ctx.request(Request::Command { name: "foreign".into(), pid: ctx.pid() });
        match requested.answer().await {
            Answer::Exited(exit) => exit,
            other => panic!("{other:?}"),
        }
    });
    machine.kernel.run(1000);
    let requests = machine.kernel.take_requests();
    assert!(matches!(&requests[..], [(_, Request::Command { pid, .. })] if *pid == foreign));
    let ctx = machine.kernel.context(foreign).unwrap();
    let (reader, writer) = ctx.pipe().unwrap();
    let producer = child(&ctx, move |ctx| async move {
        ctx.close(reader).unwrap();
        for _ in 0..1000 {
            ctx.write_all(writer, &[b'x'; 1000]).await.unwrap();
        }
        Exit::Code(4)
    });
    ctx.close(writer).unwrap();
    let mut bytes = Vec::new();
    loop {
        match ctx.try_read(reader, &mut bytes, 100_000) {
            Ok(0) => break,
            Ok(_) => {}
            Err(Errno::Again) => {
                let interest = Interest { descriptor: reader, read: true, write: false };
                let state = machine.kernel.run_until(u64::MAX, || !ctx.readiness(interest).is_empty());
                assert_eq!(state, KernelState::Done);
            }
            Err(error) => panic!("{error:?}"),
        }
    }
    assert_eq!(bytes.len(), 1_000_000);
    assert_eq!(ctx.try_wait(Child::Any, false), Ok((producer, ChildState::Ended(Exit::Code(4)))));
    assert_eq!(machine.kernel.unanswered_requests(), 1);
    assert_eq!(machine.kernel.answer(requests[0].0, Answer::Exited(Exit::Code(5))), Reception::Taken);
    machine.kernel.run(1000);
    assert_eq!(machine.kernel.state(foreign), None);
}

#[test]
fn a_request_is_cancelled_with_its_process() {
    let machine = machine();
    let pid = machine.start(|ctx| async move {
        ctx.request(Request::Command { name: "foreign".into(), pid: ctx.pid() }).answer().await;
        Exit::Code(0)
    });
    machine.kernel.run(1000);
    let id = machine.kernel.take_requests()[0].0;
    machine.kernel.kill(None, Target::Process(pid), Some(Signal::Int)).unwrap();
    assert_eq!(machine.kernel.take_requests(), [(id, Request::Cancelled(id))]);
    assert_eq!(machine.kernel.answer(id, Answer::Exited(Exit::Code(0))), Reception::Unwanted);
}

struct Programs;

impl Loader for Programs {
    fn load(&self, ctx: &Ctx, path: &str) -> Result<ProcessFuture, Errno> {
        if !path.ends_with("args") {
            return Err(Errno::NotExecutable);
        }
        let ctx = ctx.clone();
        Ok(Box::pin(async move {
            let text = ctx.arguments().iter().map(|word| word.to_string()).collect::<Vec<_>>().join(",");
            ctx.write_all(1, text.as_bytes()).await.unwrap();
            Exit::Code(0)
        }))
    }
}

#[test]
fn programs_are_found_spawned_and_executed() {
    let machine = machine();
    machine.kernel.set_loader(Rc::new(Programs));
    machine.start(|ctx| async move {
        let how = OpenFlags::WRITE | OpenFlags::CREATE;
        for (name, mode) in [("args", 0o755), ("plain", 0o644), ("text", 0o755)] {
            ctx.open(name.as_bytes(), how, mode).await.unwrap();
        }
        let spawn = |program: &str| Spawn {
            program: program.into(),
            arguments: vec![program.into(), "1".into()],
            environment: Some(Environment::new(vec![("PATH".into(), "/nowhere:/workspace".into())])),
            inherit: true,
            ..Spawn::default()
        };
        let pid = ctx.spawn(spawn("args")).unwrap();
        exited(&ctx, pid).await;
        assert_eq!(ctx.spawn(spawn("missing")), Err(Errno::NoEntry));
        assert_eq!(ctx.spawn(spawn("plain")), Err(Errno::Access));
        assert_eq!(ctx.spawn(spawn("text")), Err(Errno::NotExecutable));
        ctx.exec(b"./args", vec!["x".into(), "y".into()], None).unwrap();
        match ctx.gone().await {}
    });
    assert_eq!(machine.settle(), b"args,1x,y");
}

#[test]
fn two_machines_do_the_same() {
    let trace = || {
        let machine = machine();
        let log: Log = Rc::default();
        for number in 0..20 {
            let log = log.clone();
            machine.start(|ctx| async move {
                for round in 0..50 {
                    let mut random = [0; 1];
                    ctx.random(&mut random);
                    ctx.sleep(u64::from(random[0])).await;
                    log.borrow_mut().push(format!("{number}.{round}"));
                }
                Exit::Code(0)
            });
        }
        machine.settle();

        log.borrow().concat()
    };
    let first = trace();
    assert!(first.len() > 1000);
    assert_eq!(first, trace());
}

#[test]
fn processes_are_cheap() {
    // No time is asserted: `cargo test --release -- --nocapture processes_are_cheap` shows it.
    let machine = machine();
    let rounds = 200_000_u32;
    machine.start(move |ctx| async move {
        for _ in 0..rounds {
            let pid = child(&ctx, |_| async { Exit::Code(0) });
            exited(&ctx, pid).await;
        }
        Exit::Code(0)
    });
    let start = std::time::Instant::now();
    machine.settle();
    println!("fork, exit and wait: {:?}", start.elapsed() / rounds);
    assert!(machine.kernel.processes().is_empty());
}

#[test]
fn a_feed_leads_back_to_whoever_waits_for_the_host() {
    let machine = machine();
    let names = ["tool".to_owned()];
    let fetch = |url: &str| {
        Request::Fetch(HttpRequest {
            method: "GET".into(),
            url: url.into(),
            headers: Vec::new(),
            body: Vec::new(),
            timeout_ms: None,
            redirects: 0,
        })
    };
    // One fetches and writes, one copies, one is run by the host. Beside them somebody fetches for himself.
    machine.start(|ctx| async move {
        child(&ctx, |ctx| async move {
            ctx.request(fetch("http://beside/")).answer().await;
            Exit::Code(0)
        });
        let (middle, last) = (ctx.new_pipe(), ctx.new_pipe());
        child(&ctx, |ctx| async move {
            ctx.set_descriptor(1, middle.1).unwrap();
            ctx.request(fetch("http://upstream/")).answer().await;
            ctx.write_all(1, &[b'x'; 100_000]).await.unwrap();
            Exit::Code(0)
        });
        child(&ctx, |ctx| async move {
            ctx.set_descriptor(0, middle.0).unwrap();
            ctx.set_descriptor(1, last.1).unwrap();
            let mut input = ctx.stdin().unwrap();
            loop {
                let bytes = input.fill().await.unwrap().to_vec();
                if bytes.is_empty() {
                    break;
                }
                input.consume(bytes.len());
                ctx.write_all(1, &bytes).await.unwrap();
            }
            Exit::Code(0)
        });
        let tool = child(&ctx, |ctx| async move {
            ctx.set_descriptor(0, last.0).unwrap();
            ctx.request(Request::Command { name: "tool".into(), pid: ctx.pid() }).answer().await;
            Exit::Code(0)
        });
        exited(&ctx, tool).await
    });
    machine.settle();
    let requests = machine.kernel.take_requests();
    let of = |what: &str| {
        requests.iter().find(|(_, request)| format!("{request:?}").contains(what)).unwrap().clone()
    };
    let (Request::Command { pid, .. }, upstream) = (of("tool").1, of("upstream").0) else { panic!() };
    let feed = machine.kernel.feed(pid);
    assert!(machine.kernel.feed_needs_host(&feed, &names) && feed.has_room());
    feed.spool(1 << 20);
    machine.kernel.answer(upstream, Answer::Ended(Ok(())));
    machine.settle();
    // All of it is there, though nobody has read; what is asked for beside it does not matter.
    let feed = machine.kernel.feed(pid);
    assert!(!machine.kernel.feed_needs_host(&feed, &names) && !feed.has_room());
    let ctx = machine.kernel.context(pid).unwrap();
    let mut bytes = Vec::new();
    while ctx.try_read(0, &mut bytes, 1 << 20).unwrap() > 0 {}
    assert_eq!(bytes.len(), 100_000);
}

#[test]
fn a_writer_waits_again_when_a_spool_ends() {
    let machine = machine();
    let written = Rc::new(RefCell::new(0));
    let count = written.clone();
    machine.start(|ctx| async move {
        let (reader, writer) = ctx.new_pipe();
        child(&ctx, |ctx| async move {
            ctx.set_descriptor(1, writer).unwrap();
            while ctx.write_all(1, &[b'x'; 1 << 12]).await.is_ok() {
                *count.borrow_mut() += 1 << 12;
            }
            Exit::Code(0)
        });
        let sink = child(&ctx, |ctx| async move {
            ctx.set_descriptor(0, reader).unwrap();
            ctx.request(Request::Command { name: "tool".into(), pid: ctx.pid() }).answer().await;
            Exit::Code(0)
        });
        exited(&ctx, sink).await
    });
    machine.settle();
    let Some((_, Request::Command { pid, .. })) = machine.kernel.take_requests().pop() else { panic!() };
    let feed = machine.kernel.feed(pid);
    assert_eq!(*written.borrow(), PIPE_CAPACITY);
    feed.spool(4 * PIPE_CAPACITY);
    machine.kernel.run(20);
    feed.end_spool();
    let spooled = *written.borrow();
    assert!(spooled > PIPE_CAPACITY && spooled < 4 * PIPE_CAPACITY, "{spooled}");
    machine.settle();
    assert_eq!(*written.borrow(), spooled);
    // Until somebody has read below what a pipe holds.
    let ctx = machine.kernel.context(pid).unwrap();
    ctx.try_read(0, &mut Vec::new(), spooled).unwrap();
    machine.settle();
    assert_eq!(*written.borrow(), spooled + PIPE_CAPACITY);
}
