//! `dsql-sim serve` as a child process.

use std::fs;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use crate::http::Connection;

pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
    /// The file of its standard error: a pipe would fill up with the lines of the requests, and stop the server.
    errors: PathBuf,
    _folder: TempDir,
}

/// How it ended: its exit code, and what it said on standard output and standard error.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) errors: String,
}

impl Server {
    pub(crate) fn start(arguments: &[&str]) -> Server {
        let folder = tempfile::tempdir().expect("a folder");
        let ready = folder.path().join("ready");
        Server::start_in(folder, &ready, arguments)
    }

    pub(crate) fn start_with_ready_file(ready: &str) -> Server {
        Server::start_in(tempfile::tempdir().expect("a folder"), Path::new(ready), &[])
    }

    fn start_in(folder: TempDir, ready: &Path, arguments: &[&str]) -> Server {
        let errors = folder.path().join("errors");
        let mut child = Command::new(env!("CARGO_BIN_EXE_dsql-sim"))
            .args(["serve", "--port", "0", "--ready-file"])
            .arg(ready)
            .args(arguments)
            .env_remove("RUST_LOG")
            .stdout(Stdio::piped())
            .stderr(File::create(&errors).expect("a file"))
            .spawn()
            .expect("dsql-sim");
        loop {
            if let Ok(url) = fs::read_to_string(ready) {
                let address = url.trim().trim_start_matches("http://").to_owned();
                return Server { child, address, errors, _folder: folder };
            }
            if let Some(status) = child.try_wait().expect("a child") {
                panic!("the server ended with {status}: {}", fs::read_to_string(&errors).expect("a file"));
            }
            thread::sleep(Duration::from_millis(2));
        }
    }

    pub(crate) fn connect(&self) -> Connection {
        Connection::open(&self.address).expect("a connection")
    }

    /// What it takes of memory, in KiB.
    pub(crate) fn resident_kib(&self) -> u64 {
        let status = fs::read_to_string(Path::new("/proc").join(self.child.id().to_string()).join("status"));
        let status = status.expect("a process");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its size");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// Ends it as `kill -9` does.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("a process");
        self.child.wait().expect("its end");
    }

    /// Ends it as `kill` does.
    pub(crate) fn stop(self) -> Ended {
        self.signal("-TERM")
    }

    pub(crate) fn signal(self, signal: &str) -> Ended {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(sent.expect("kill").success());
        let output = self.child.wait_with_output().expect("its end");
        let errors = fs::read_to_string(&self.errors).expect("a file");
        Ended { code: output.status.code(), out: String::from_utf8(output.stdout).expect("text"), errors }
    }
}

/// How `dsql-sim serve` ends that cannot begin.
pub(crate) fn refused(arguments: &[&str]) -> Ended {
    let port = if arguments.contains(&"--port") { &[][..] } else { &["--port", "0"] };
    let output = Command::new(env!("CARGO_BIN_EXE_dsql-sim"))
        .arg("serve")
        .args(port)
        .args(arguments)
        .output()
        .expect("dsql-sim");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    Ended { code: output.status.code(), out: text(output.stdout), errors: text(output.stderr) }
}
