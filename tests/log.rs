//! The events of a world, as the subscriber of a user's own test gets them.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dsql_sim::Instant;
use dsql_sim::api::{CreateClusterInput, Request};
use dsql_sim::fault::Written;
use dsql_sim::{Call, ClientId, Fault, NodeId, Options, Region, SimulatedTime, Simulation, Violation};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::with_default;
use tracing::{Event, Level, Metadata, Subscriber};

/// An event as it was received.
#[derive(Debug, Default)]
struct Received {
    target: String,
    level: Option<Level>,
    at: Option<Instant>,
    message: String,
    texts: Vec<(&'static str, String)>,
    numbers: Vec<(&'static str, u64)>,
}

impl Received {
    fn text(&self, field: &str) -> Option<&str> {
        self.texts.iter().find(|(name, _)| *name == field).map(|(_, value)| value.as_str())
    }

    fn number(&self, field: &str) -> Option<u64> {
        self.numbers.iter().find(|(name, _)| *name == field).map(|(_, value)| *value)
    }
}

impl Visit for Received {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.texts.push((field.name(), value.to_owned()));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.numbers.push((field.name(), value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        assert_eq!(field.name(), "message", "every other field is typed");
        self.message = format!("{value:?}");
    }
}

/// A subscriber without any other crate: it keeps every event.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Received>>>);

impl Subscriber for Collector {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn event(&self, event: &Event<'_>) {
        let metadata = event.metadata();
        let mut received = Received {
            target: metadata.target().to_owned(),
            level: Some(*metadata.level()),
            at: SimulatedTime::of_event(),
            ..Received::default()
        };
        event.record(&mut received);
        self.0.lock().expect("one thread").push(received);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

fn east() -> Region {
    Region::parse("us-east-1").expect("a Region")
}

/// Creates a cluster while the control plane crashes behind its first write, and returns the hash of the run.
fn lose_a_response() -> Result<u64, Violation> {
    let node = NodeId::ControlPlane(east());
    let mut simulation = Simulation::new(Options::new(42));
    simulation.inject(Fault::crash(node).after_persist(Written::Anything))?;
    simulation.inject_in(Duration::from_secs(2), Fault::restart(node));
    let create = Request::CreateCluster(CreateClusterInput::default());
    let call = simulation.call(ClientId(0), Call::new(east(), create, 5));
    simulation.finish(call)?;
    Ok(simulation.world().trace().hash())
}

#[test]
fn a_test_gets_the_events_with_typed_fields_at_their_simulated_time() -> Result<(), Violation> {
    let collector = Collector::default();
    with_default(collector.clone(), lose_a_response)?;
    let events = collector.0.lock().expect("one thread");
    let one = |target: &str, level: Level, message: &str| {
        let mut found = events.iter().filter(|event| {
            event.target == target && event.level == Some(level) && event.message.starts_with(message)
        });
        found.next().unwrap_or_else(|| panic!("no {level} of {target}: {message} in {events:#?}"))
    };
    let call = one("dsql_sim::client", Level::INFO, "calls us-east-1 CreateCluster");
    assert_eq!((call.text("node"), call.text("operation")), (Some("ops"), Some("CreateCluster")));
    assert_eq!((call.number("call"), call.number("seed")), (Some(5), Some(42)));
    assert_eq!((call.text("cluster"), call.at), (None, Some(Instant::START)));

    let write = one("dsql_sim::control_plane", Level::INFO, "");
    assert_eq!((write.text("node"), write.number("call")), (Some("us-east-1"), Some(5)));
    assert_eq!(write.text("cluster").map(str::len), Some(26));

    assert_eq!(one("dsql_sim::control_plane", Level::WARN, "crashes").text("operation"), None);
    let restart = one("dsql_sim::control_plane", Level::INFO, "restarts");
    assert_eq!(restart.at, Some(Instant::START.after(Duration::from_secs(2))));
    one("dsql_sim::fault", Level::WARN, "");
    one("dsql_sim::network", Level::DEBUG, "sends CreateCluster (attempt 1) to us-east-1");

    let times: Vec<_> = events.iter().map(|event| event.at).collect();
    assert!(times.is_sorted() && times[0].is_some());
    Ok(())
}

#[test]
fn an_event_outside_of_a_world_has_no_simulated_time() -> Result<(), Violation> {
    let collector = Collector::default();
    with_default(collector.clone(), || {
        tracing::info!("before");
        lose_a_response()?;
        tracing::info!("after");
        Ok(())
    })?;
    let events = collector.0.lock().expect("one thread");
    for own in [events.first(), events.last()] {
        assert_eq!(own.expect("an event").at, None);
    }
    Ok(())
}

#[test]
fn a_violation_is_an_event_that_names_its_invariant() {
    let collector = Collector::default();
    let violation = with_default(collector.clone(), || {
        let mut simulation = Simulation::new(Options::new(1));
        simulation.invariant("no-calls", |world| match world.next_event_at() {
            None => Ok(()),
            Some(_) => Err("an event is queued".to_owned()),
        });
        let create = Request::CreateCluster(CreateClusterInput::default());
        let call = simulation.call(ClientId(0), Call::new(east(), create, 1));
        simulation.finish(call).expect_err("the invariant does not hold")
    });
    let events = collector.0.lock().expect("one thread");
    let event = events.iter().find(|event| event.target == "dsql_sim::check").expect("the violation");
    assert_eq!((event.level, event.at), (Some(Level::ERROR), Some(violation.at)));
    assert_eq!((event.text("invariant"), &event.message), (Some("no-calls"), &violation.message));
}

#[test]
fn a_subscriber_does_not_change_the_run() -> Result<(), Violation> {
    let with = with_default(Collector::default(), lose_a_response)?;
    assert_eq!(with, lose_a_response()?);
    Ok(())
}

/// The time in a line of `tracing-subscriber`.
#[cfg(feature = "tracing-subscriber")]
#[test]
fn a_formatting_subscriber_writes_the_simulated_time() -> Result<(), Violation> {
    /// Takes the lines that a subscriber writes.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);
    impl std::io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("one thread").write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_timer(SimulatedTime)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    with_default(subscriber, lose_a_response)?;
    let text = String::from_utf8(lines.0.lock().expect("one thread").clone()).expect("text");
    assert!(text.contains("   2.000  INFO dsql_sim::control_plane: restarts seed=42"), "{text}");
    Ok(())
}
