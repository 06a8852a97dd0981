//! Why a program cannot be started, in words: the system says "No such file or directory" for four different faults.

use std::fs;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::short::shortened;

/// Where a program is looked for without PATH (confstr, `_CS_PATH`).
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// The longest PATH and the longest file in a message, in bytes.
const LONGEST_PATH: usize = 600;
const LONGEST_FILE: usize = 300;

/// How much of a script the system looks at for its interpreter (Linux).
const FIRST_LINE: u64 = 256;

/// The error, with its cause where that can be found: the program is missing, cannot be executed, or needs another one that is
/// missing. `path` is the PATH by which it was looked for, and `directory` the folder that it was to be started in.
pub fn explained(error: io::Error, name: &str, path: Option<&str>, directory: Option<&Path>) -> io::Error {
    match why(&error, name, path, directory) {
        Some(why) => io::Error::new(error.kind(), why),
        None => error,
    }
}

fn why(error: &io::Error, name: &str, path: Option<&str>, directory: Option<&Path>) -> Option<String> {
    if !matches!(error.raw_os_error(), Some(libc::ENOENT | libc::EACCES | libc::ENOTDIR | libc::ELOOP | libc::EISDIR)) {
        return None;
    }
    let file = |path: &Path| directory.map_or_else(|| path.to_owned(), |directory| directory.join(path));
    if name.contains('/') {
        return fault(&file(Path::new(name)), error, &file);
    }
    let path = path.unwrap_or(DEFAULT_PATH);
    let mut refused = None;
    for folder in path.split(':') {
        let candidate = file(&Path::new(if folder.is_empty() { "." } else { folder }).join(name));
        if fs::metadata(&candidate).is_ok_and(|found| !found.is_dir()) {
            // The system goes on to the next folder.
            refused = refused.or(fault(&candidate, error, &file));
        }
    }
    refused.or_else(|| {
        let arguments =
            if name.contains(' ') { "; arguments are given one by one, not in the program's name" } else { "" };
        Some(format!("it is not in any folder of PATH ({}){arguments}", shortened(path, LONGEST_PATH)))
    })
}

/// What is wrong with a file that was to be executed.
fn fault(path: &Path, error: &io::Error, file: &dyn Fn(&Path) -> PathBuf) -> Option<String> {
    let shown = display(path);
    if let Some(missing) = cannot_be_executed(path) {
        return Some(format!("{shown} {missing}"));
    }
    let mut first = Vec::new();
    let opened = fs::File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path).ok()?;
    opened.take(FIRST_LINE).read_to_end(&mut first).ok()?;
    if first.starts_with(b"\x7fELF") && error.raw_os_error() == Some(libc::ENOENT) {
        return Some(format!(
            "the loader of {shown} does not exist: the program was built for another system (glibc or musl, processor)"
        ));
    }
    let line = first.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let interpreter = line.split(|byte| matches!(byte, b' ' | b'\t')).find(|word| !word.is_empty())?;
    if let Some(interpreter) = interpreter.strip_suffix(b"\r") {
        return Some(format!(
            "the first line of the script {shown} ends with a carriage return, as on Windows, which the system takes as part of the interpreter's name {:?}; convert the line ends (dos2unix)",
            display(Path::new(std::ffi::OsStr::from_bytes(interpreter)))
        ));
    }
    let interpreter = Path::new(std::ffi::OsStr::from_bytes(interpreter));
    let wrong = cannot_be_executed(&file(interpreter))?;
    Some(format!("the interpreter {:?} of the script {shown} {wrong}", display(interpreter)))
}

/// Why the system does not execute what is at a path, as far as the path itself says it.
fn cannot_be_executed(path: &Path) -> Option<String> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => Some("is a directory".into()),
        Ok(found) if found.permissions().mode() & 0o111 == 0 => Some("is not executable (chmod +x)".into()),
        Ok(_) => None,
        Err(error) => Some(match error.raw_os_error() {
            Some(libc::ENOENT) if fs::symlink_metadata(path).is_ok() => {
                "is a symbolic link to something that does not exist".into()
            }
            Some(libc::ENOENT | libc::ENOTDIR) => "does not exist (no such file)".into(),
            Some(libc::ELOOP) => "leads through too many symbolic links".into(),
            Some(libc::EACCES) => "cannot be accessed: permission denied on a parent directory".into(),
            _ => format!("cannot be used: {error}"),
        }),
    }
}

fn display(path: &Path) -> String {
    shortened(&path.to_string_lossy(), LONGEST_FILE).into_owned()
}
