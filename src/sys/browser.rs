//! Opens a URL in the user's browser. The command gets the URL as an argument: no shell interprets it.

use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use super::child_process::{ProcessCommand, StopTimeouts};
use super::detached_process::DetachedProcess;
use super::short::shortened;
use super::wait::{Interrupt, WaitContext};

/// How long to wait for an error of the command. Some commands exit when the browser has the URL, others when the user
/// closes the browser.
const ERROR_TIME: Duration = Duration::from_secs(2);

/// The command that opens a URL in the preferred browser.
const OPENER: &str = if cfg!(target_vendor = "apple") { "open" } else { "xdg-open" };

/// The status with which xdg-open exits if it found no browser.
const XDG_OPEN_NOT_FOUND: i32 = 3;

/// The longest host and command in a message, in bytes.
const MAX_SHOWN: usize = 200;

/// Characters that no URL contains (RFC 3986, section 2). `xdg-open` is a shell script, so they are not passed to it.
const NOT_IN_URLS: [char; 9] = ['"', '<', '>', '\\', '^', '`', '{', '|', '}'];

/// Why no browser was opened.
#[derive(Debug)]
pub enum BrowserError {
    /// The URL is not opened in any browser. A message without the URL.
    InvalidUrl(String),
    /// A message with the host of the URL, and what to do.
    Failed(String),
    /// The wait was interrupted. The browser may have been started.
    Stopped(Interrupt),
}

/// Opens an http or https URL. `BROWSER` is a list of commands to try instead of the system's, separated by colons; a
/// command may have arguments, separated by spaces, and `%s` in them is replaced with the URL.
pub fn open(url: &str, wait_context: &WaitContext) -> Result<(), BrowserError> {
    // Variables that are not UTF-8 are left out.
    let variables =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    open_with(url, variables.collect(), ERROR_TIME, wait_context)
}

fn open_with(
    url: &str,
    variables: Vec<(String, String)>,
    error_time: Duration,
    wait_context: &WaitContext,
) -> Result<(), BrowserError> {
    let host = host_of(url).map_err(|why| BrowserError::InvalidUrl(format!("cannot open a browser: {why}")))?;
    let failed = |why: &str| {
        let advice = "print the URL, so that the user can open it in any browser";
        BrowserError::Failed(format!("cannot open a browser for {}: {why}; {advice}", shortened(host, MAX_SHOWN)))
    };
    let mut last_problem = "BROWSER names no command".to_owned();
    for argv in commands(url, &variables).map_err(failed)? {
        match run(argv, &variables, error_time, wait_context).map_err(BrowserError::Stopped)? {
            Ok(()) => return Ok(()),
            Err(why) => last_problem = why,
        }
    }
    Err(failed(&last_problem))
}

/// The host of an http or https URL, with its port.
fn host_of(url: &str) -> Result<&str, &'static str> {
    let (scheme, rest) = url.split_once("://").ok_or("the URL has no scheme")?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return Err("only http and https URLs are opened");
    }
    if !url.chars().all(|c| c.is_ascii_graphic()) || url.contains(NOT_IN_URLS) {
        return Err("the URL contains a character that must be percent-encoded");
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if host.is_empty() { Err("the URL has no host") } else { Ok(host) }
}

/// The commands to try, in order.
fn commands(url: &str, variables: &[(String, String)]) -> Result<Vec<Vec<String>>, &'static str> {
    let variable = |name: &str| {
        variables
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    };
    if let Some(browser) = variable("BROWSER") {
        return Ok(browser.split(':').filter_map(|command| with_url(command, url)).collect());
    }
    let needs_display = !cfg!(target_vendor = "apple");
    if needs_display && variable("DISPLAY").is_none() && variable("WAYLAND_DISPLAY").is_none() {
        return Err("neither DISPLAY nor WAYLAND_DISPLAY is set, as over SSH or in a container");
    }
    Ok(vec![vec![OPENER.into(), url.into()]])
}

/// The words of a command of `BROWSER`; `None` if it is empty.
fn with_url(command: &str, url: &str) -> Option<Vec<String>> {
    // A path may contain spaces.
    let mut words: Vec<&str> = match command {
        path if path.contains('/') && Path::new(path).is_file() => vec![path],
        _ => command.split_ascii_whitespace().collect(),
    };
    // In a shell, it would start the command in the background. That is the case here anyway.
    if words.last() == Some(&"&") {
        words.pop();
    }
    let mut argv: Vec<String> = words.iter().map(|word| word.replace("%s", url)).collect();
    if argv.is_empty() {
        return None;
    }
    if !words.iter().any(|word| word.contains("%s")) {
        argv.push(url.into());
    }
    Some(argv)
}

/// Starts a command, and waits for an error for at most `error_time`. Returns the error.
fn run(
    argv: Vec<String>,
    variables: &[(String, String)],
    error_time: Duration,
    wait_context: &WaitContext,
) -> Result<Result<(), String>, Interrupt> {
    let program = shortened(&argv[0], MAX_SHOWN).into_owned();
    let command = ProcessCommand {
        argv,
        environment: variables.to_vec(),
        directory: None,
        stderr: None,
        stop_timeouts: StopTimeouts::default(),
    };
    let mut process = match DetachedProcess::start(&command) {
        Ok(process) => process,
        Err(error) => return Ok(Err(format!("{program} cannot be started: {error}"))),
    };
    Ok(match process.wait(error_time, wait_context)? {
        Some(status) if !status.success() => Err(exit_problem(&program, status)),
        _ => Ok(()),
    })
}

fn exit_problem(program: &str, status: ExitStatus) -> String {
    match status.code() {
        Some(XDG_OPEN_NOT_FOUND) if program == "xdg-open" => "xdg-open found no browser".into(),
        Some(code) => format!("{program} exited with status {code}"),
        None => format!("{program} was terminated by a signal"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::test_folder::TestFolder;
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::time::Instant;

    const URL: &str = "https://user@auth.example:8443/authorize?a=b&state=$(touch%20x);'y'#z";

    fn variables(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    /// A command that runs a shell script, which writes its arguments to the file `output`. The script itself is not
    /// executed: while another test forks, the system could report that the file is open for writing.
    fn script(base: &TestFolder, name: &str, end: &str) -> String {
        let (path, output) = (base.0.join(name), base.0.join("output"));
        fs::write(&path, format!("printf '%s\\n' \"$@\" > {}\n{end}\n", output.display())).unwrap();
        format!("/bin/sh {}", path.display())
    }

    fn open_in(browser: &str) -> Result<(), String> {
        let environment = variables(&[("BROWSER", browser), ("PATH", "/usr/bin:/bin")]);
        open_with(URL, environment, Duration::from_secs(60), &WaitContext::default()).map_err(|error| match error {
            BrowserError::Failed(why) => why,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn the_browser_gets_the_url_unchanged() {
        let base = TestFolder::new();
        open_in(&script(&base, "browser", "exit 0")).unwrap();
        assert_eq!(fs::read_to_string(base.0.join("output")).unwrap(), format!("{URL}\n"));
    }

    #[test]
    fn the_path_of_a_browser_may_contain_spaces() {
        let base = TestFolder::new();
        let path = base.0.join("a browser");
        symlink("/bin/true", &path).unwrap();
        open_in(path.to_str().unwrap()).unwrap();
    }

    #[test]
    fn browser_commands_may_have_arguments() {
        let base = TestFolder::new();
        let browser = script(&base, "browser", "");
        open_in(&format!("{browser} --new  --url=%s &")).unwrap();
        assert_eq!(fs::read_to_string(base.0.join("output")).unwrap(), format!("--new\n--url={URL}\n"));
    }

    #[test]
    fn the_next_command_is_tried_after_an_error() {
        let base = TestFolder::new();
        let (failing, good) = (script(&base, "failing", "exit 7"), script(&base, "good", ""));
        open_in(&format!("/there/is/none::{failing}:{good}")).unwrap();
        assert_eq!(
            open_in(&failing).unwrap_err(),
            "cannot open a browser for auth.example:8443: /bin/sh exited with status 7; print the URL, so that the \
             user can open it in any browser"
        );
        let missing = open_in("no-such-browser").unwrap_err();
        assert!(missing.contains("no-such-browser cannot be started: it is not in any folder of PATH"), "{missing}");
        assert!(open_in(" : ").unwrap_err().contains("BROWSER names no command"));
    }

    /// The variables for a browser that runs for three seconds. It ends without the test, even if that fails.
    fn running_browser(base: &TestFolder) -> Vec<(String, String)> {
        variables(&[("BROWSER", &script(base, "browser", "sleep 3")), ("PATH", "/usr/bin:/bin")])
    }

    #[test]
    fn a_browser_that_keeps_running_counts_as_opened() {
        let base = TestFolder::new();
        let environment = running_browser(&base);
        open_with(URL, environment, Duration::ZERO, &WaitContext::default()).unwrap();
    }

    #[test]
    fn a_passed_deadline_ends_the_wait_for_an_error() {
        let base = TestFolder::new();
        let expired = WaitContext::until(Instant::now());
        let stopped = open_with(URL, running_browser(&base), Duration::from_secs(60), &expired);
        assert!(matches!(stopped, Err(BrowserError::Stopped(Interrupt::TimedOut))));
    }

    #[test]
    fn only_http_urls_are_opened() {
        let why = |url: &str| host_of(url).unwrap_err();
        for url in ["file:///etc/passwd", "javascript://x/%0aalert(1)", "ftp://a", "-http://a"] {
            assert_eq!(why(url), "only http and https URLs are opened", "{url}");
        }
        assert_eq!(why("mailto:a@b"), "the URL has no scheme");
        for url in ["https://a/b c", "https://a/`b`", "https://a/\"", "https://a/é", "https://a/\n", "https://a/\\"] {
            assert_eq!(why(url), "the URL contains a character that must be percent-encoded", "{url:?}");
        }
        for url in ["https://", "https:///a", "https://a@/"] {
            assert_eq!(why(url), "the URL has no host", "{url}");
        }
        assert_eq!(host_of("HTTP://[::1]:80?x"), Ok("[::1]:80"));
    }

    #[test]
    fn a_url_that_is_not_opened_is_not_a_failure_of_the_browser() {
        let opened = open_with("file:///a", variables(&[]), ERROR_TIME, &WaitContext::default());
        let Err(BrowserError::InvalidUrl(why)) = opened else { panic!("{opened:?}") };
        assert_eq!(why, "cannot open a browser: only http and https URLs are opened");
    }

    #[cfg(not(target_vendor = "apple"))]
    #[test]
    fn without_a_display_there_is_an_error_with_the_host() {
        let opened = open_with(URL, variables(&[("DISPLAY", "")]), ERROR_TIME, &WaitContext::default());
        let Err(BrowserError::Failed(why)) = opened else { panic!("{opened:?}") };
        assert_eq!(
            why,
            "cannot open a browser for auth.example:8443: neither DISPLAY nor WAYLAND_DISPLAY is set, as over SSH or \
             in a container; print the URL, so that the user can open it in any browser"
        );
    }

    #[test]
    fn the_system_opens_the_url_if_browser_is_not_set() {
        for display in ["DISPLAY", "WAYLAND_DISPLAY"] {
            let found = commands(URL, &variables(&[("BROWSER", ""), (display, ":0")])).unwrap();
            assert_eq!(found, [[OPENER, URL]]);
        }
    }
}
