//! Killing the process loses nothing that was answered, doubles nothing, and leaves no pair half linked.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use dsql_sim::internals::rng::{self, Purpose};
use rand::RngExt;
use serde_json::{Value, json};

use crate::http::{Answer, Connection};
use crate::server::Server;

const ROUNDS: u64 = 200;
const CLIENTS: u64 = 4;
const CALLS: u64 = 20;
const HOME: &str = "us-east-1";
const AWAY: &str = "us-east-2";
const WITNESS: &str = "us-west-2";

/// A call that changes something, with a token where its operation has one.
#[derive(Clone, Debug)]
struct Call {
    region: &'static str,
    method: &'static str,
    target: String,
    body: Value,
    does: Does,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    Create,
    Protect(bool),
    Peer,
    Tag(u64),
    Delete,
}

/// What one client knows of its account, in which nobody else does anything.
#[derive(Debug)]
struct Client {
    account: String,
    /// Calls that were answered with success, and the answers.
    done: Vec<(Call, Value)>,
    /// The call that was not answered when the process was killed.
    open: Option<Call>,
}

/// A cluster as its client must find it.
#[derive(Clone, Debug, Default)]
struct Expected {
    region: &'static str,
    arn: String,
    is_pair: bool,
    is_protected: bool,
    tag: Option<u64>,
    peer: Option<String>,
    is_deleted: bool,
}

impl Client {
    /// Calls until the process is killed, or it has done enough.
    fn work(&mut self, server: &str, seed: u64, answers: &AtomicU64) {
        let Ok(mut connection) = Connection::open(server) else { return };
        for number in 0..CALLS {
            let call = self.next_call(seed, number);
            let made = self.make(&mut connection, &call);
            answers.fetch_add(1, Ordering::Relaxed);
            match made {
                Ok(Some(answer)) => self.done.push((call, answer)),
                Ok(None) => {}
                Err(_) => {
                    self.open = Some(call);
                    return;
                }
            }
        }
    }

    /// What `call` was answered with, if with success. A refusal has changed nothing; whatever else, nobody knows.
    fn make(&self, connection: &mut Connection, call: &Call) -> io::Result<Option<Value>> {
        let Answer { status, body, .. } =
            connection.ask(&self.account, call.region, call.method, &call.target, &call.body)?;
        match status {
            200 => Ok(Some(serde_json::from_slice(&body)?)),
            400..500 => Ok(None),
            _ => Err(io::Error::other(format!("{status}: {call:?}"))),
        }
    }

    fn next_call(&self, seed: u64, number: u64) -> Call {
        let draw = |what: u64, below: u64| {
            let key = rng::fingerprint(&(number, what, &self.account));
            rng::stream(seed, Purpose::Scenario, key).random_range(0..below)
        };
        let token = format!("{}-{number}", self.account);
        let known: Vec<(String, Expected)> =
            self.expected().into_iter().filter(|(_, it)| !it.is_deleted).collect();
        if known.is_empty() || draw(0, 3) == 0 {
            let region = if draw(1, 2) == 0 { HOME } else { AWAY };
            let mut body = json!({ "clientToken": token, "deletionProtectionEnabled": draw(2, 4) == 0 });
            if draw(3, 4) > 0 {
                let others: Vec<&str> = known
                    .iter()
                    .filter(|(_, it)| it.is_pair && it.region != region)
                    .map(|(_, it)| &*it.arn)
                    .collect();
                body["multiRegionProperties"] = json!({ "witnessRegion": WITNESS });
                if !others.is_empty() {
                    let other = others[draw(4, others.len() as u64) as usize];
                    body["multiRegionProperties"]["clusters"] = json!([other]);
                }
            }
            return Call { region, method: "POST", target: "/cluster".to_owned(), body, does: Does::Create };
        }
        if draw(9, 2) == 0
            && let Some((identifier, cluster, peer)) = unanswered(&known)
        {
            return peers(identifier, cluster, Some(peer), token);
        }
        let (identifier, cluster) = &known[draw(5, known.len() as u64) as usize];
        let region = cluster.region;
        let path = format!("/cluster/{identifier}");
        match draw(6, 8) {
            0 | 1 => {
                let target = format!("{path}?client-token={token}");
                Call { region, method: "DELETE", target, body: Value::Null, does: Does::Delete }
            }
            2 | 3 => {
                let on = draw(7, 3) == 0;
                let body = json!({ "clientToken": token, "deletionProtectionEnabled": on });
                Call { region, method: "POST", target: path, body, does: Does::Protect(on) }
            }
            4 | 5 if cluster.is_pair => {
                let mut others = known.iter().filter(|(_, it)| it.is_pair && it.region != region);
                peers(identifier, cluster, others.next().map(|(_, it)| &*it.arn), token)
            }
            _ => {
                let tag = draw(8, 100);
                let target = format!("/tags/{}", cluster.arn.replace('/', "%2F"));
                let body = json!({ "tags": { "number": tag.to_string() } });
                Call { region, method: "POST", target, body, does: Does::Tag(tag) }
            }
        }
    }

    /// What the answers that it got say of its clusters.
    fn expected(&self) -> BTreeMap<String, Expected> {
        let mut clusters = BTreeMap::<String, Expected>::new();
        for (call, answer) in &self.done {
            let text = |value: &Value| value.as_str().expect("text").to_owned();
            if call.does == Does::Create {
                let properties = &call.body["multiRegionProperties"];
                let cluster = Expected {
                    region: call.region,
                    arn: text(&answer["arn"]),
                    is_pair: !properties.is_null(),
                    is_protected: call.body["deletionProtectionEnabled"] == json!(true),
                    peer: properties["clusters"][0].as_str().map(str::to_owned),
                    ..Expected::default()
                };
                clusters.insert(text(&answer["identifier"]), cluster);
                continue;
            }
            let path = call.target.split('?').next().expect("a path").replace("%2F", "/");
            let identifier = path.rsplit('/').next().expect("an identifier");
            let cluster = clusters.get_mut(identifier).expect("it was created before");
            match call.does {
                Does::Create => {}
                Does::Protect(on) => cluster.is_protected = on,
                Does::Peer => {
                    let peer = &call.body["multiRegionProperties"]["clusters"][0];
                    cluster.peer = peer.as_str().map(str::to_owned);
                }
                Does::Tag(tag) => cluster.tag = Some(tag),
                Does::Delete => cluster.is_deleted = true,
            }
        }
        clusters
    }

    /// Makes the open call again, and looks whether everything that was answered is so.
    fn check(&mut self, server: &str) {
        let mut connection = Connection::open(server).expect("a connection");
        if let Some(call) = self.open.take() {
            let made = (0..20).find_map(|_| self.make(&mut connection, &call).ok());
            if let Some(answer) = made.expect("a retry comes to an end") {
                self.done.push((call, answer));
            }
        }
        for (call, answer) in self.done.iter().filter(|(call, _)| !matches!(call.does, Does::Tag(_))) {
            let again = self.make(&mut connection, call).expect("an answer");
            assert_eq!(again.as_ref(), Some(answer), "{call:?}");
        }
        let expected = self.expected();
        for region in [HOME, AWAY] {
            let here: Vec<&String> =
                expected.iter().filter(|(_, it)| it.region == region).map(|(id, _)| id).collect();
            let listed = self.list(&mut connection, region);
            assert!(listed.iter().all(|identifier| here.contains(&identifier)), "one too many in {region}");
            for identifier in here {
                let cluster = &expected[identifier];
                assert!(cluster.is_deleted || listed.contains(identifier), "{identifier} is lost");
                if let Some(found) = self.find(&mut connection, region, identifier) {
                    cluster.check(&found);
                }
            }
        }
    }

    fn list(&self, connection: &mut Connection, region: &str) -> BTreeSet<String> {
        let answer = connection.ask(&self.account, region, "GET", "/cluster?max-results=100", &Value::Null);
        let page = answer.expect("an answer").json();
        let listed: Vec<String> = page["clusters"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|it| it["identifier"].as_str().expect("text").to_owned())
            .collect();
        let set: BTreeSet<String> = listed.iter().cloned().collect();
        assert_eq!(set.len(), listed.len(), "a cluster is listed twice");
        set
    }

    fn find(&self, connection: &mut Connection, region: &str, identifier: &str) -> Option<Value> {
        let path = format!("/cluster/{identifier}");
        let answer = connection.ask(&self.account, region, "GET", &path, &Value::Null).expect("an answer");
        (answer.status == 200).then(|| answer.json())
    }

    /// Everything has come to rest: what is linked is linked both ways, and nothing is half done. Says how many are.
    fn check_rest(&self, server: &str) -> usize {
        let mut linked = 0;
        let mut connection = Connection::open(server).expect("a connection");
        let expected = self.expected();
        for (identifier, cluster) in &expected {
            let found = self.find(&mut connection, cluster.region, identifier);
            let Some(found) = found else {
                assert!(cluster.is_deleted, "{identifier} is lost");
                continue;
            };
            let status = found["status"].as_str().expect("a status");
            assert!(
                matches!(status, "ACTIVE" | "PENDING_SETUP" | "PENDING_DELETE"),
                "{identifier} is {status}"
            );
            assert!(!cluster.is_deleted || status == "PENDING_DELETE", "{identifier} is {status}");
            if !cluster.is_pair || status == "PENDING_SETUP" {
                continue;
            }
            let peers = found["multiRegionProperties"]["clusters"].as_array().expect("a list");
            let peer = peers[1].as_str().expect("an ARN").rsplit('/').next().expect("an identifier");
            let other = self.find(&mut connection, expected[peer].region, peer).expect("its peer exists");
            let back = other["multiRegionProperties"]["clusters"][1].as_str();
            assert_eq!(back, Some(&*cluster.arn), "{identifier} is linked one way");
            assert_ne!(other["status"], "PENDING_SETUP");
            linked += 1;
        }
        linked
    }
}

/// A cluster that another one has declared its peer and that has not declared it, and the other one.
fn unanswered(known: &[(String, Expected)]) -> Option<(&str, &Expected, &str)> {
    known.iter().find_map(|(identifier, cluster)| {
        let is_unanswered = |it: &&(String, Expected)| {
            it.1.peer.as_deref() == Some(&cluster.arn) && cluster.peer.as_deref() != Some(&it.1.arn)
        };
        let (_, other) = known.iter().find(is_unanswered)?;
        Some((&**identifier, cluster, &*other.arn))
    })
}

/// Declares `peer`, or nobody.
fn peers(identifier: &str, cluster: &Expected, peer: Option<&str>, token: String) -> Call {
    let clusters: Vec<&str> = peer.into_iter().collect();
    let properties = json!({ "witnessRegion": WITNESS, "clusters": clusters });
    let body = json!({ "clientToken": token, "multiRegionProperties": properties });
    let target = format!("/cluster/{identifier}");
    Call { region: cluster.region, method: "POST", target, body, does: Does::Peer }
}

impl Expected {
    fn check(&self, found: &Value) {
        assert_eq!(found["deletionProtectionEnabled"], json!(self.is_protected), "{found}");
        let tag = self.tag.map(|tag| tag.to_string());
        assert_eq!(found["tags"]["number"].as_str(), tag.as_deref(), "{found}");
        let status = found["status"].as_str().expect("a status");
        let is_going = matches!(status, "PENDING_DELETE" | "DELETING");
        assert_eq!(is_going, self.is_deleted, "{found}");
        let declared = &found["multiRegionProperties"]["clusters"][1];
        assert_eq!(declared.as_str(), self.peer.as_deref(), "{found}");
    }
}

/// What came of rounds with one data directory.
#[derive(Debug, Default)]
struct Tally {
    answered: usize,
    linked: usize,
}

/// Kills the process in each round while clients call, and looks at what the next one makes of it.
fn campaign(rounds: Range<u64>) -> Tally {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().to_str().expect("a path");
    let mut tally = Tally::default();
    let mut clients: Vec<Client> = Vec::new();
    for round in rounds {
        // When time is slow, more is under way between the Regions at the end.
        let speed = if round % 2 == 0 { "60" } else { "10" };
        let arguments = ["--speed", speed, "--data-dir", data];
        let account = |number| format!("{:012}", 100_000_000_000 + round * CLIENTS + number);
        let new =
            (0..CLIENTS).map(|number| Client { account: account(number), done: Vec::new(), open: None });
        let mut new: Vec<Client> = new.collect();
        let server = Server::start(&arguments);
        let (address, answers) = (server.address.clone(), AtomicU64::new(0));
        thread::scope(|scope| {
            for client in &mut new {
                scope.spawn(|| client.work(&address, round, &answers));
            }
            // However fast the machine is, some calls are answered and some are not.
            let drawn = |key, below| rng::stream(round, Purpose::Scenario, key).random_range(0..below);
            let enough: u64 = drawn(0, CLIENTS * CALLS / 2);
            while answers.load(Ordering::Relaxed) < enough {
                thread::sleep(Duration::from_millis(1));
            }
            thread::sleep(Duration::from_micros(drawn(1, 5000)));
            server.kill();
        });
        tally.answered += new.iter().map(|client| client.done.len()).sum::<usize>();

        let server = Server::start(&arguments);
        thread::scope(|scope| {
            for client in &mut new {
                scope.spawn(|| client.check(&server.address));
            }
        });
        clients.extend(new);
        server.kill();
    }
    let server = Server::start(&["--data-dir", data]);
    let mut connection = server.connect();
    connection.sim("advance", "{\"by\": \"5m\"}");
    tally.linked = clients.iter().map(|client| client.check_rest(&server.address)).sum();
    assert_eq!(connection.look("verdict")["violations"], json!([]));
    assert_eq!(server.stop().code, Some(0));
    tally
}

#[test]
fn killing_the_process_loses_and_doubles_nothing() {
    let mut tally = Tally::default();
    for batch in 0..10 {
        let some = campaign(batch * ROUNDS / 10..(batch + 1) * ROUNDS / 10);
        tally.answered += some.answered;
        tally.linked += some.linked;
    }
    assert!(tally.answered > 2000 && tally.linked > 40, "{tally:?}");
}
