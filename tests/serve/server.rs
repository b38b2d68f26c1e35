//! `dsql-sim serve` as a child process.

use std::fs;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use crate::http::Connection;

pub(crate) struct Server {
    /// `None` once its end was waited for.
    child: Option<Child>,
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
            .args(["serve", "--port", "0", "--until-stdin-closes", "--ready-file"])
            .arg(ready)
            .args(arguments)
            .env_remove("RUST_LOG")
            // It ends with this process, however that ends.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&errors).expect("a file"))
            .spawn()
            .expect("dsql-sim");
        loop {
            if let Ok(url) = fs::read_to_string(ready) {
                let address = url.trim().trim_start_matches("http://").to_owned();
                return Server { child: Some(child), address, errors, _folder: folder };
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

    /// Its standard output, which nobody reads from then on.
    pub(crate) fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.child.as_mut().expect("a child").stdout.take()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.as_ref().expect("a child").id()
    }

    /// What it takes of memory, in KiB.
    pub(crate) fn resident_kib(&self) -> u64 {
        let status = fs::read_to_string(Path::new("/proc").join(self.id().to_string()).join("status"));
        let status = status.expect("a process");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its size");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// Ends it as `kill -9` does.
    pub(crate) fn kill(mut self) {
        let mut child = self.child.take().expect("a child");
        child.kill().expect("a process");
        child.wait().expect("its end");
    }

    /// Ends it as `kill` does.
    pub(crate) fn stop(self) -> Ended {
        self.signal("-TERM")
    }

    pub(crate) fn signal(mut self, signal: &str) -> Ended {
        let sent = Command::new("kill").args([signal, &self.id().to_string()]).status();
        assert!(sent.expect("kill").success());
        let mut child = self.child.take().expect("a child");
        // Its end follows from the signal, and not from that of its standard input, which a wait would close.
        while child.try_wait().expect("a child").is_none() {
            thread::sleep(Duration::from_millis(2));
        }
        let output = child.wait_with_output().expect("its end");
        let errors = fs::read_to_string(&self.errors).expect("a file");
        Ended { code: output.status.code(), out: String::from_utf8(output.stdout).expect("text"), errors }
    }
}

/// A test that fails leaves no server behind.
impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
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
