// SPDX-License-Identifier: GPL-2.0-only
//! rust KIND [ROUNDS [HOLD_MS]]: a thread waits ROUNDS times on one object of Rust's standard
//! library; every third time while a panic unwinds its stack.

use std::panic;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Condvar, Mutex, Once, RwLock};
use std::thread::{self, Thread};
use std::time::Duration;

static GO: AtomicUsize = AtomicUsize::new(0);
static DONE: AtomicUsize = AtomicUsize::new(0);
static LET_GO: AtomicUsize = AtomicUsize::new(0);
static MUTEX: Mutex<bool> = Mutex::new(false);
static RWLOCK: RwLock<u32> = RwLock::new(0);
static CONDVAR: Condvar = Condvar::new();
/// One for each round: they run but once.
static ONCES: [Once; 256] = [const { Once::new() }; 256];

fn poll(counter: &AtomicUsize, value: usize) {
    while counter.load(SeqCst) < value {
        thread::sleep(Duration::from_micros(50));
    }
}

/// Main's part of a round. Keeps what the other wants for as long as `pause` takes.
fn hold(kind: &str, round: usize, waiter: &Thread, pause: impl Fn()) {
    match kind {
        "mutex" => {
            let _guard = MUTEX.lock();
            pause();
        }
        "rwlock-read" => {
            let _guard = RWLOCK.write();
            pause();
        }
        "rwlock-write" => {
            let _guard = RWLOCK.read();
            pause();
        }
        "condvar" => {
            pause();
            *MUTEX.lock().unwrap_or_else(|e| e.into_inner()) = true;
            CONDVAR.notify_one();
        }
        "park" => {
            pause();
            LET_GO.store(round, SeqCst);
            waiter.unpark();
        }
        _ => ONCES[round].call_once(pause),
    }
}

#[inline(never)]
fn wait(kind: &str, round: usize) {
    match kind {
        "mutex" => drop(MUTEX.lock()),
        "rwlock-read" => drop(RWLOCK.read()),
        "rwlock-write" => drop(RWLOCK.write()),
        "condvar" => {
            let mut guard = MUTEX.lock().unwrap_or_else(|e| e.into_inner());
            while !*guard {
                guard = CONDVAR.wait(guard).unwrap_or_else(|e| e.into_inner());
            }
            *guard = false;
        }
        "park" => {
            while LET_GO.load(SeqCst) < round {
                thread::park();
            }
        }
        _ => ONCES[round].call_once(|| ()),
    }
}

struct WaitsAtEnd<'a>(&'a str, usize);

impl Drop for WaitsAtEnd<'_> {
    fn drop(&mut self) {
        wait(self.0, self.1);
    }
}

#[inline(never)]
fn waiter_main(kind: &str, rounds: usize) {
    for round in 1..=rounds {
        poll(&GO, round);
        if round % 3 == 0 {
            let caught = panic::catch_unwind(|| {
                let _last = WaitsAtEnd(kind, round);
                panic!("on the way out");
            });
            assert!(caught.is_err());
        } else {
            wait(kind, round);
        }
        DONE.store(round, SeqCst);
    }
}

fn main() {
    let kinds = [
        ("mutex", "mutex"),
        ("rwlock-read", "rwlock-read"),
        ("rwlock-write", "rwlock-write"),
        ("condvar", "cond"),
        ("park", "park"),
        ("once", "once"),
    ];
    let args: Vec<String> = std::env::args().collect();
    let number = |i: usize, otherwise: u64| args.get(i).and_then(|a| a.parse().ok()).unwrap_or(otherwise);
    let rounds = number(2, 23).min(255) as usize;
    let pause = Duration::from_millis(number(3, 5));
    let Some(&(kind, reported)) = kinds.iter().find(|k| Some(k.0) == args.get(1).map(|a| a.as_str())) else {
        eprintln!("usage: rust KIND [ROUNDS [HOLD_MS]]; kinds: {:?}", kinds.map(|k| k.0));
        std::process::exit(1);
    };
    panic::set_hook(Box::new(|_| ()));
    let waiter = thread::Builder::new().name("waiter".into()).spawn(move || waiter_main(kind, rounds)).unwrap();
    for round in 1..=rounds {
        hold(kind, round, waiter.thread(), || {
            GO.store(round, SeqCst);
            thread::sleep(pause);
        });
        poll(&DONE, round);
    }
    waiter.join().unwrap();
    println!("{{\"pid\":{},\"kind\":\"{reported}\",\"rounds\":{rounds}}}", std::process::id());
}
