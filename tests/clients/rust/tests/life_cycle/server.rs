//! `dsql-sim serve` as a child process, whose recording is replayed when it ends.

use std::env;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

use aws_sdk_dsql::Client;
use aws_sdk_dsql::config::{BehaviorVersion, Credentials, Region};
use serde_json::Value;
use tempfile::TempDir;

pub struct Server {
    child: Child,
    out: BufReader<ChildStdout>,
    folder: TempDir,
    url: String,
}

impl Server {
    pub fn start() -> Server {
        let folder = tempfile::tempdir().expect("a folder");
        let mut child = Command::new(binary())
            .args(["serve", "--port", "0", "--speed", "600", "--until-stdin-closes", "--record"])
            .arg(folder.path().join("recorded.scenario"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("dsql-sim");
        let mut out = BufReader::new(child.stdout.take().expect("its output"));
        let mut line = String::new();
        out.read_line(&mut line).expect("a line");
        let url = line.trim().rsplit(' ').next().expect("an address").to_owned();
        Server { child, out, folder, url }
    }

    pub fn client(&self, region: &'static str) -> Client {
        let config = aws_sdk_dsql::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region))
            .endpoint_url(&self.url)
            .credentials_provider(Credentials::new("AKIDEXAMPLE", "none", None, None, "test"))
            .build();
        Client::from_conf(config)
    }

    /// Has `/_sim/` do something; faults are lines of the scenario language without quotation marks.
    pub fn sim(&self, what: &str, body: &str) {
        let body = match what {
            "faults" => format!("{{\"faults\": [\"{body}\"]}}"),
            _ => body.to_owned(),
        };
        let post = ureq::post(format!("{}/_sim/{what}", self.url)).header("Content-Type", "application/json");
        post.send(body).expect("done");
    }

    /// Ends it, and replays what it recorded to the same hash.
    pub fn stop(mut self) {
        let ended = Command::new("kill").arg(self.child.id().to_string()).status().expect("kill");
        assert!(ended.success());
        assert!(self.child.wait().expect("an end").success());
        let mut said = String::new();
        self.out.read_to_string(&mut said).expect("text");
        let line = said.lines().find(|line| line.contains(" events, hash ")).expect("a hash");
        let words: Vec<&str> = line.split([' ', ',']).filter(|word| !word.is_empty()).collect();
        let again = Command::new(binary())
            .arg("run")
            .arg(self.folder.path().join("recorded.scenario"))
            .args(["--format", "json"])
            .output()
            .expect("dsql-sim");
        let report = String::from_utf8(again.stdout).expect("text");
        let report: Value = serde_json::from_str(report.lines().next().expect("a line")).expect("JSON");
        assert_eq!(report["outcome"], "pass");
        assert_eq!((report["events"].to_string(), &report["hash"]), (words[0].to_owned(), &words[3].into()));
    }
}

fn binary() -> PathBuf {
    env::var_os("DSQL_SIM").expect("DSQL_SIM says where dsql-sim is").into()
}
