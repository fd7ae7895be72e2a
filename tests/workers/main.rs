//! Worker processes that do wrong, and what the parent makes of them.
//!
//! The test executable plays every part: started with the right first argument it is a hostile
//! worker ([`hostile`]), the real one, or a process that the tests look at from outside ([`roles`]).

mod escape;
mod hostile;
mod roles;
mod stage;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use libtest_mimic::{Arguments, Trial};
use pdf2img::config::Backend;
use pdf2img::pages::DeadlineCause;
use pdf2img::pdf_file::PdfFile;
use pdf2img::worker::{Pool, WorkerCommand, child};
use tokio::time::Instant;

use crate::hostile::{Deed, Moment, PAGES};
use crate::roles::Role;
use crate::stage::{Scene, command, process_exists, processes_of, unique_limits, until};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.split_first() {
        Some((first, rest)) if first == hostile::ARGUMENT => return hostile::play(rest),
        Some((first, rest)) if first == roles::ARGUMENT => return roles::play(rest),
        // `cargo test worker` is a filter and no worker, which is given its limits.
        Some((first, [_, _, _, _])) if first == child::WORKER_ARGUMENT => {
            return child::run_if_asked().expect("it is asked");
        }
        _ => {}
    }
    libtest_mimic::run(&Arguments::from_args(), trials()).exit_code()
}

/// Lists tests by the names of their functions.
macro_rules! trials {
    ($($test:ident),* $(,)?) => {
        vec![$(Trial::test(stringify!($test), || {
            stage::runtime().block_on($test());
            Ok(())
        })),*]
    };
}

fn trials() -> Vec<Trial> {
    trials![
        a_worker_that_was_taken_over_cannot_break_out,
        a_shielded_process_cannot_be_read_by_another_of_its_user,
        a_shielded_process_that_is_not_root_can_start_workers,
        the_real_worker_finds_its_whole_sandbox_in_force,
        a_worker_that_breaks_the_protocol_on_a_page_costs_that_page_alone,
        a_worker_that_breaks_the_protocol_at_open_is_worker_protocol,
        a_worker_that_breaks_the_protocol_at_the_start_says_nothing_about_the_document,
        a_worker_of_another_release_is_named_and_worth_another_attempt,
        a_page_that_one_engine_fails_at_is_drawn_by_the_next,
        engines_are_tried_in_their_order_and_the_first_ones_failure_counts,
        a_document_that_one_engine_cannot_open_is_drawn_by_the_next,
        a_document_that_no_engine_can_open_says_what_each_of_them_said,
        a_page_passes_over_an_engine_that_cannot_open_the_document,
        fallback_costs_nothing_where_nothing_fails,
        a_worker_that_ends_on_a_page_costs_that_page_alone,
        a_worker_is_asked_for_a_page_while_it_draws_the_one_before,
        a_page_is_not_asked_of_a_busy_worker_while_others_are_free,
        a_page_that_was_asked_of_a_worker_that_ended_before_it_is_drawn_by_another,
        an_answer_that_waits_is_taken_although_its_worker_has_ended,
        a_worker_that_ends_at_open_is_named_by_its_end,
        a_worker_that_hangs_on_a_page_costs_that_page_alone,
        a_worker_that_hangs_at_open_is_an_open_timeout,
        a_worker_that_hangs_at_the_start_is_given_up,
        a_page_is_not_blamed_for_what_earlier_pages_did_to_the_worker,
        a_page_whose_worker_is_killed_from_outside_is_tried_once_more,
        a_document_whose_worker_is_killed_from_outside_is_tried_once_more,
        a_page_that_takes_all_memory_is_page_memory,
        a_worker_that_prints_megabytes_neither_blocks_nor_fills_the_parent,
        a_refusal_is_cut_to_a_length_that_ten_thousand_pages_can_have,
        a_document_of_endless_pages_is_refused,
        a_missing_executable_is_worker_unavailable_and_worth_another_attempt,
        a_real_worker_that_is_killed_loses_no_page,
        no_process_is_left_when_a_worker_is_dropped,
        no_process_is_left_when_rendering_is_cancelled,
        a_worker_dies_with_its_parent,
        finished_images_that_wait_to_be_written_are_bounded,
        what_is_not_started_when_an_invocation_ends_is_missing,
        what_is_not_started_when_the_document_timeout_ends_has_failed,
        what_is_not_finished_when_an_invocation_ends_is_missing,
        what_is_not_written_when_an_invocation_ends_is_missing,
        a_document_that_does_not_open_by_the_deadline_is_given_up,
        a_further_worker_that_does_not_open_holds_nobody_up,
    ]
}

// The walls.

async fn a_worker_that_was_taken_over_cannot_break_out() {
    // A descriptor that every child inherits unless somebody closes it.
    let _leak = rustix::io::dup(std::io::stderr()).expect("a descriptor");
    let outcome = Scene::of(Moment::EveryPage, Deed::Escape).pool_of(1).play().await.expect("it opens");
    assert_eq!(outcome.len(), escape::ATTEMPTS.len());
    let escaped: Vec<_> = outcome.values().filter(|page| page.code != escape::HELD).collect();
    assert!(escaped.is_empty(), "{escaped:#?}");
}

async fn a_shielded_process_cannot_be_read_by_another_of_its_user() {
    // Without the shield it can, or the test would prove nothing.
    let open = Role::Victim.start();
    assert_eq!(Role::Spy(open.id()).start().answer(), "read", "an unshielded process");
    let shielded = Role::ShieldedVictim.start();
    assert_eq!(Role::Spy(shielded.id()).start().answer(), "refused", "a shielded process");
}

async fn a_shielded_process_that_is_not_root_can_start_workers() {
    let mut boss = Role::Boss.start();
    assert_eq!(boss.answer(), "1 page");
}

async fn the_real_worker_finds_its_whole_sandbox_in_force() {
    let program = env!("CARGO_BIN_EXE_bootstrap").into();
    let command = WorkerCommand { program, ..WorkerCommand::default() };
    let report = Pool::new(1, unique_limits(), command).self_test(Backend::Mupdf).await.expect("a worker");
    assert_eq!(report.missing, BTreeMap::new());
    for name in [
        "parent_death_signal",
        "no_new_privs",
        "descriptors",
        "memory_limit",
        "cpu_limit",
        "no_core_dump",
        "no_new_descriptors",
        "no_new_processes",
        "no_files",
        "no_sockets",
        "no_signals",
        "no_exec",
        "no_ptrace",
        "no_memory_access",
        "no_clone",
    ] {
        assert!(report.enforced.iter().any(|enforced| enforced == name), "{name}: {report:?}");
    }
}

// Nonsense instead of answers.

async fn a_worker_that_breaks_the_protocol_on_a_page_costs_that_page_alone() {
    for deed in [
        Deed::Garbage,
        Deed::LongHeader,
        Deed::LongBody,
        Deed::NoJson,
        Deed::WrongPage,
        Deed::Opened,
        Deed::Ready,
        Deed::EmptyImage,
        Deed::OtherLength,
        Deed::EndlessLength,
        Deed::NoImages,
        Deed::UnaskedImage,
        Deed::HangUp,
    ] {
        let outcome = Scene::of(Moment::Page(3), deed).play().await.expect("it opens");
        stage::assert_only_page_3_failed(&outcome, "worker_protocol", deed);
    }
}

async fn a_worker_that_breaks_the_protocol_at_open_is_worker_protocol() {
    for deed in [
        Deed::Garbage,
        Deed::LongHeader,
        Deed::LongBody,
        Deed::NoJson,
        Deed::WrongPage,
        Deed::Ready,
        Deed::NoPages,
        Deed::HangUp,
    ] {
        let error = Scene::of(Moment::Open, deed).play().await.expect_err("it does not open");
        assert_eq!((error.failure.code.as_str(), error.retryable), ("worker_protocol", false), "{deed:?}");
    }
}

async fn a_worker_that_breaks_the_protocol_at_the_start_says_nothing_about_the_document() {
    for deed in [
        Deed::Garbage,
        Deed::LongHeader,
        Deed::LongBody,
        Deed::NoJson,
        Deed::Opened,
        Deed::HangUp,
        Deed::ExitZero,
        Deed::Segfault,
    ] {
        let error = Scene::of(Moment::Start, deed).play().await.expect_err("it does not start");
        assert_eq!((error.failure.code.as_str(), error.retryable), ("worker_unavailable", true), "{deed:?}");
    }
}

async fn a_worker_of_another_release_is_named_and_worth_another_attempt() {
    let error = Scene::of(Moment::Start, Deed::OtherVersion).play().await.expect_err("it does not start");
    assert_eq!((error.failure.code.as_str(), error.retryable), ("backend_unavailable", true));
    assert!(error.failure.message.contains("deploy the two from one package"), "{}", error.failure.message);
}

// Fallback.

/// Has the clock end what would last for ever, and nothing that a busy machine only delays.
fn hurried_if_silent(scene: Scene, deed: Deed) -> Scene {
    match deed {
        Deed::Silence => scene.page_timeout(Duration::from_secs(2)),
        _ => scene,
    }
}

/// Every way in which an engine can fail at a page is a reason to try the next one.
async fn a_page_that_one_engine_fails_at_is_drawn_by_the_next() {
    for (deed, code) in [
        (Deed::Segfault, "page_crashed"),
        (Deed::Silence, "page_timeout"),
        (Deed::Allocate, "page_memory"),
        (Deed::Sigkill, "page_memory"),
        (Deed::Garbage, "worker_protocol"),
        (Deed::Refusal, "malformed"),
    ] {
        let scene = Scene::of(Moment::Page(3), deed).fallback(&[Backend::Hayro], Some(Backend::Mupdf));
        let outcome = hurried_if_silent(scene, deed).play().await.expect("it opens");
        for (number, page) in &outcome {
            let (backend, attempts) = match number {
                3 => ("hayro", vec![("mupdf".to_owned(), code.to_owned())]),
                _ => ("mupdf", vec![]),
            };
            assert_eq!((page.code.as_str(), page.backend.as_str()), ("kept", backend), "{deed:?}: {page:?}");
            assert_eq!(page.attempts, attempts, "{deed:?}, page {number}");
        }
        assert_eq!(outcome.len(), PAGES as usize, "{deed:?}");
    }
}

async fn engines_are_tried_in_their_order_and_the_first_ones_failure_counts() {
    let outcome = Scene::of(Moment::Page(3), Deed::Segfault)
        .fallback(&[Backend::Hayro, Backend::Pdfium], None)
        .play()
        .await
        .expect("it opens");
    stage::assert_only_page_3_failed(&outcome, "page_crashed", Deed::Segfault);
    let tried = ["mupdf", "hayro", "pdfium"].map(|name| (name.to_owned(), "page_crashed".to_owned()));
    assert_eq!(outcome[&3].attempts, tried);
}

async fn a_document_that_one_engine_cannot_open_is_drawn_by_the_next() {
    for deed in [Deed::Segfault, Deed::Silence, Deed::Refusal, Deed::NoPages] {
        let scene = Scene::of(Moment::Open, deed).fallback(&[Backend::Hayro], Some(Backend::Mupdf));
        let outcome = hurried_if_silent(scene, deed).play().await.expect("the second engine opens it");
        let drawn: Vec<&str> = outcome.values().map(|page| page.backend.as_str()).collect();
        assert_eq!(drawn, ["hayro"; PAGES as usize], "{deed:?}");
    }
}

async fn a_document_that_no_engine_can_open_says_what_each_of_them_said() {
    let scene = Scene::of(Moment::Open, Deed::Refusal).fallback(&[Backend::Hayro], None);
    let error = scene.play().await.expect_err("none opens it");
    assert_eq!((error.failure.code.as_str(), error.retryable), ("malformed", false));
    assert!(error.failure.message.contains("; hayro: no (malformed)"), "{}", error.failure.message);
}

/// An engine that is tried for a page may not even open the document.
async fn a_page_passes_over_an_engine_that_cannot_open_the_document() {
    let scene = Scene::of(Moment::Page(3), Deed::CrashWhereOthersDoNotOpen)
        .fallback(&[Backend::Pdfium, Backend::Hayro], None);
    let outcome = scene.play().await.expect("it opens");
    assert_eq!(outcome[&3].backend, "hayro", "{:?}", outcome[&3]);
    let tried = [("mupdf", "page_crashed"), ("pdfium", "malformed")];
    assert_eq!(outcome[&3].attempts, tried.map(|(name, code)| (name.to_owned(), code.to_owned())));
}

/// No page is drawn twice, and no worker is started for an engine that nobody needs.
async fn fallback_costs_nothing_where_nothing_fails() {
    let scene = Scene::of(Moment::EveryPage, Deed::Honest)
        .fallback(&[Backend::Hayro, Backend::Pdfium], None)
        .with_journal();
    let outcome = scene.play().await.expect("it opens");
    assert!(outcome.values().all(|page| page.backend == "mupdf" && page.attempts.is_empty()));
    assert_eq!((scene.journal_lines("open hayro"), scene.journal_lines("open pdfium")), (0, 0));
}

// Ends.

async fn a_worker_that_ends_on_a_page_costs_that_page_alone() {
    for (deed, said) in
        [(Deed::ExitZero, "exit status: 0"), (Deed::ShortBody, "exit status: 1"), (Deed::Segfault, "SIGSEGV")]
    {
        let outcome = Scene::of(Moment::Page(3), deed).play().await.expect("it opens");
        stage::assert_only_page_3_failed(&outcome, "page_crashed", deed);
        assert!(outcome[&3].message.contains(said), "{:?}", outcome[&3]);
    }
}

async fn a_worker_is_asked_for_a_page_while_it_draws_the_one_before() {
    let scene = Scene::of(Moment::Page(1), Deed::Hesitate).pool_of(1).page_timeout(Duration::from_secs(5));
    let outcome = scene.play().await.expect("it opens");
    assert_eq!(stage::codes(&outcome), BTreeMap::from([1, 2, 3, 4, 5].map(|page| (page, "kept"))));
}

async fn a_page_is_not_asked_of_a_busy_worker_while_others_are_free() {
    let scene = Scene::of(Moment::Page(1), Deed::Hesitate).pool_of(3).page_timeout(Duration::from_secs(2));
    let outcome = scene.play().await.expect("it opens");
    assert_eq!(outcome[&1].code, "page_timeout", "it was asked for another page");
}

async fn a_page_that_was_asked_of_a_worker_that_ended_before_it_is_drawn_by_another() {
    let scene = Scene::of(Moment::Page(3), Deed::Segfault).pool_of(1).with_journal();
    let outcome = scene.play().await.expect("it opens");
    stage::assert_only_page_3_failed(&outcome, "page_crashed", Deed::Segfault);
    // The worker that died had been asked for page 4 too: that is no failure of it, and no attempt.
    assert_eq!((scene.journal_lines("page 3"), scene.journal_lines("page 4")), (2, 1));
}

async fn an_answer_that_waits_is_taken_although_its_worker_has_ended() {
    // While page 2 waits until page 1 is written, the worker answers for page 3 and ends.
    let scene = Scene::of(Moment::EveryPage, Deed::EndAfterPage3).pool_of(1).with_journal();
    let scene = scene.sink_delay(Duration::from_secs(1));
    let outcome = scene.play().await.expect("it opens");
    assert_eq!(stage::codes(&outcome), BTreeMap::from([1, 2, 3, 4, 5].map(|page| (page, "kept"))));
    assert_eq!((scene.journal_lines("page 3"), scene.journal_lines("open")), (1, 2));
}

async fn a_worker_that_ends_at_open_is_named_by_its_end() {
    for (deed, code) in [
        (Deed::ExitZero, "open_crashed"),
        (Deed::Segfault, "open_crashed"),
        (Deed::Sigkill, "open_memory"),
        (Deed::Allocate, "open_memory"),
    ] {
        let error = Scene::of(Moment::Open, deed).play().await.expect_err("it does not open");
        assert_eq!((error.failure.code.as_str(), error.retryable), (code, false), "{deed:?}");
    }
}

async fn a_worker_that_hangs_on_a_page_costs_that_page_alone() {
    let scene = Scene::of(Moment::Page(3), Deed::Silence).page_timeout(Duration::from_secs(2));
    let started = Instant::now();
    let outcome = scene.play().await.expect("it opens");
    stage::assert_only_page_3_failed(&outcome, "page_timeout", Deed::Silence);
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

async fn a_worker_that_hangs_at_open_is_an_open_timeout() {
    let scene = Scene::of(Moment::Open, Deed::Silence).page_timeout(Duration::from_secs(2));
    let error = scene.play().await.expect_err("it does not open");
    assert_eq!((error.failure.code.as_str(), error.retryable), ("open_timeout", false));
}

async fn a_worker_that_hangs_at_the_start_is_given_up() {
    let started = Instant::now();
    let error = Scene::of(Moment::Start, Deed::Silence).play().await.expect_err("it does not start");
    assert_eq!((error.failure.code.as_str(), error.retryable), ("worker_unavailable", true));
    assert!(started.elapsed() < Duration::from_secs(40), "{:?}", started.elapsed());
}

async fn a_page_is_not_blamed_for_what_earlier_pages_did_to_the_worker() {
    let scene = Scene::of(Moment::EveryPage, Deed::SegfaultWhenUsed).pool_of(1).with_journal();
    let outcome = scene.play().await.expect("it opens");
    assert_eq!(stage::codes(&outcome), BTreeMap::from([1, 2, 3, 4, 5].map(|page| (page, "kept"))));
    // Each page but the first was asked of a worker that died of it, and then of a new one.
    assert_eq!(scene.journal_lines("open"), 5);
    assert_eq!(scene.journal_lines("page 5"), 2);
}

async fn a_page_whose_worker_is_killed_from_outside_is_tried_once_more() {
    // On the first page its worker is fresh, so that this is not the rule about used workers.
    for number in [1, 3] {
        let scene = Scene::of(Moment::Page(number), Deed::Sigkill).pool_of(1).with_journal();
        let outcome = scene.play().await.expect("it opens");
        for (page, outcome) in &outcome {
            let expected = if *page == i64::from(number) { "page_memory" } else { "kept" };
            assert_eq!(outcome.code, expected, "page {page}");
        }
        assert_eq!(outcome.len(), PAGES as usize);
        assert_eq!(scene.journal_lines(&format!("page {number}")), 2);
    }
}

async fn a_document_whose_worker_is_killed_from_outside_is_tried_once_more() {
    let scene = Scene::of(Moment::Open, Deed::Sigkill).with_journal();
    let error = scene.play().await.expect_err("it does not open");
    assert_eq!(error.failure.code, "open_memory");
    assert_eq!(scene.journal_lines("open"), 2);
}

async fn a_page_that_takes_all_memory_is_page_memory() {
    let outcome = Scene::of(Moment::Page(3), Deed::Allocate).play().await.expect("it opens");
    stage::assert_only_page_3_failed(&outcome, "page_memory", Deed::Allocate);
    assert!(outcome[&3].message.contains("memory allocation of"), "{:?}", outcome[&3]);
    assert!(outcome[&3].message.contains("PDF2IMG_WORKER_MEMORY"), "{:?}", outcome[&3]);
}

async fn a_worker_that_prints_megabytes_neither_blocks_nor_fills_the_parent() {
    for moment in [Moment::Start, Moment::Open, Moment::EveryPage] {
        let outcome = Scene::of(moment, Deed::Flood).play().await.expect("it opens");
        assert_eq!(stage::codes(&outcome), BTreeMap::from([1, 2, 3, 4, 5].map(|page| (page, "kept"))));
    }
}

async fn a_refusal_is_cut_to_a_length_that_ten_thousand_pages_can_have() {
    let outcome = Scene::of(Moment::Page(3), Deed::LongRefusal).play().await.expect("it opens");
    assert_eq!(outcome.values().filter(|page| page.code == "kept").count(), 4);
    assert!(outcome[&3].code.len() < 100 && outcome[&3].message.len() < 2000, "{:?}", outcome[&3]);
}

async fn a_document_of_endless_pages_is_refused() {
    let error = Scene::of(Moment::Open, Deed::EndlessPages).play().await.expect_err("too many pages");
    assert_eq!((error.failure.code.as_str(), error.retryable), ("too_many_pages", false));
}

async fn a_missing_executable_is_worker_unavailable_and_worth_another_attempt() {
    let command = WorkerCommand { program: "/nowhere/bootstrap".into(), ..WorkerCommand::default() };
    let error = Scene::with_command(command).play().await.expect_err("it does not start");
    assert_eq!((error.failure.code.as_str(), error.retryable), ("worker_unavailable", true));
}

async fn a_real_worker_that_is_killed_loses_no_page() {
    let document = corpus::hostile::document("one-bad-page").expect("it is in the corpus");
    let scene = Scene::with_command(WorkerCommand::default())
        .of_pdf(document.bytes())
        .pool_of(1)
        .page_timeout(Duration::from_secs(3));
    let (gallery, limits) = (scene.gallery(), scene.limits());
    let killer = tokio::spawn(async move {
        // Pages 1 and 2 are quick; with one worker, page 3 is what it draws next, for seconds.
        until(|| gallery.pages().len() == 2).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        let workers = processes_of(&limits);
        let [worker] = workers[..] else { panic!("{workers:?}") };
        rustix::process::kill_process(worker, rustix::process::Signal::KILL).expect("it lives");
    });
    let started = Instant::now();
    let outcome = scene.play().await.expect("it opens");
    killer.await.expect("it was killed");
    stage::assert_only_page_3_failed(&outcome, "page_timeout", Deed::Honest);
    // The second attempt had its own time.
    assert!(started.elapsed() > Duration::from_millis(3200), "{:?}", started.elapsed());
}

// Processes.

async fn no_process_is_left_when_a_worker_is_dropped() {
    for (moment, deed) in [(Moment::Start, Deed::Silence), (Moment::Open, Deed::Honest)] {
        let limits = unique_limits();
        let pool = Pool::new(1, limits, command(moment, deed));
        let worker = pool
            .start(&PdfFile::from_bytes(b"%PDF-").expect("a file"), Backend::Mupdf)
            .await
            .expect("a worker");
        until(|| processes_of(&limits).len() == 1).await;
        let process = processes_of(&limits)[0];
        drop(worker);
        // A zombie would still count.
        until(|| !process_exists(process)).await;
    }
}

async fn no_process_is_left_when_rendering_is_cancelled() {
    let scene = Scene::of(Moment::Page(3), Deed::Silence).pool_of(2);
    let (gallery, limits) = (scene.gallery(), scene.limits());
    let rendering = tokio::spawn(async move { scene.play().await.map(drop) });
    until(|| gallery.pages().len() == 4).await;
    let workers = processes_of(&limits);
    assert!(!workers.is_empty());
    rendering.abort();
    assert!(rendering.await.expect_err("it was cancelled").is_cancelled());
    until(|| workers.iter().all(|worker| !process_exists(*worker))).await;
}

async fn a_worker_dies_with_its_parent() {
    let mut boss = Role::Boss.start();
    assert_eq!(boss.answer(), "1 page");
    let workers = stage::children_of(boss.id());
    assert_eq!(workers.len(), 1, "{workers:?}");
    boss.kill();
    until(|| !stage::runs(workers[0])).await;
}

async fn finished_images_that_wait_to_be_written_are_bounded() {
    let mut hoarder = Role::Hoarder.start();
    let answer = hoarder.answer();
    let (kept, peak_kib) = answer.split_once(' ').expect("two numbers");
    assert_eq!(kept.parse(), Ok(hostile::LARGE_IMAGES));
    // The images are 2,000 MiB in all. 48 may wait, each worker holds one, and the rest is the
    // program itself and what its allocator keeps.
    let peak_kib: u64 = peak_kib.parse().expect("a number");
    assert!(peak_kib < 128 << 10, "{} MiB", peak_kib >> 10);
    assert!(peak_kib > 32 << 10, "the sink was not slow: {} MiB", peak_kib >> 10);
}

// Deadlines.

async fn what_is_not_started_when_an_invocation_ends_is_missing() {
    not_started(DeadlineCause::Invocation, "deadline").await;
}

async fn what_is_not_started_when_the_document_timeout_ends_has_failed() {
    not_started(DeadlineCause::DocumentTimeout, "document_timeout").await;
}

async fn not_started(cause: DeadlineCause, code: &str) {
    // Five pages of 100 ms each, and time to start on two or three.
    let outcome = Scene::of(Moment::EveryPage, Deed::Slow)
        .pool_of(1)
        .deadline(Duration::from_millis(250), Duration::from_secs(20), cause)
        .play()
        .await
        .expect("it opens");
    assert_eq!(outcome.len(), PAGES as usize);
    let missed = outcome.values().filter(|page| page.code == code).count();
    assert!(missed > 0 && outcome.values().all(|page| page.code == code || page.code == "kept"));
    let (missing, message) = (cause == DeadlineCause::Invocation, "before the page was started");
    for page in outcome.values().filter(|page| page.code == code) {
        assert!(page.is_missing == missing && page.message.contains(message), "{page:?}");
    }
}

async fn what_is_not_finished_when_an_invocation_ends_is_missing() {
    let started = Instant::now();
    let outcome = Scene::of(Moment::Page(2), Deed::Silence)
        .pool_of(1)
        .deadline(Duration::from_millis(3000), Duration::from_millis(3500), DeadlineCause::Invocation)
        .play()
        .await
        .expect("it opens");
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
    assert_eq!(outcome[&1].code, "kept");
    assert!(outcome[&2].is_missing && outcome[&2].message.contains("finished"), "{:?}", outcome[&2]);
    assert!((3..=5).all(|page| outcome[&page].is_missing && outcome[&page].message.contains("started")));
}

async fn what_is_not_written_when_an_invocation_ends_is_missing() {
    let started = Instant::now();
    let outcome = Scene::of(Moment::Open, Deed::Honest)
        .sink_delay(Duration::from_secs(60))
        .deadline(Duration::from_millis(3000), Duration::from_millis(3500), DeadlineCause::Invocation)
        .play()
        .await
        .expect("it opens");
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
    assert_eq!(outcome.len(), PAGES as usize);
    for page in outcome.values() {
        assert!(page.code == "deadline" && page.is_missing && page.message.contains("written"), "{page:?}");
    }
}

async fn a_document_that_does_not_open_by_the_deadline_is_given_up() {
    for (cause, code, retryable) in [
        (DeadlineCause::Invocation, "deadline", true),
        (DeadlineCause::DocumentTimeout, "document_timeout", false),
    ] {
        for moment in [Moment::Start, Moment::Open] {
            let started = Instant::now();
            let error = Scene::of(moment, Deed::Silence)
                .deadline(Duration::from_millis(300), Duration::from_millis(600), cause)
                .play()
                .await
                .expect_err("it does not open");
            assert!(started.elapsed() < Duration::from_secs(15), "{moment:?} {:?}", started.elapsed());
            assert_eq!((error.failure.code.as_str(), error.retryable), (code, retryable), "{moment:?}");
        }
    }
}

async fn a_further_worker_that_does_not_open_holds_nobody_up() {
    // The second worker hangs at open, and the first draws everything meanwhile.
    let started = Instant::now();
    let scene = Scene::of(Moment::Open, Deed::Silence).pool_of(2).with_journal().later_only();
    let outcome = scene.play().await.expect("it opens");
    assert_eq!(stage::codes(&outcome), BTreeMap::from([1, 2, 3, 4, 5].map(|page| (page, "kept"))));
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());

    // The first dies of page 1, and time runs out while the next one hangs.
    let started = Instant::now();
    let outcome = Scene::of(Moment::Page(1), Deed::CrashAndLeaveNobody)
        .pool_of(1)
        .with_journal()
        .deadline(Duration::from_millis(3000), Duration::from_millis(3500), DeadlineCause::Invocation)
        .play()
        .await
        .expect("it opens");
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
    assert_eq!(outcome[&1].code, "page_crashed");
    assert!(
        (2..=5).all(|page| outcome[&page].is_missing && outcome[&page].code == "deadline"),
        "{outcome:?}"
    );
}
