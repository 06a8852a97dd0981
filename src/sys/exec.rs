//! Explains why a program could not be started: the system reports "No such file or directory" for four different
//! causes.

use std::fs;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::short::shortened;

/// Where programs are searched if PATH is not set (confstr, `_CS_PATH`).
const DEFAULT_PATH: &str = "/bin:/usr/bin";

// The maximum length of PATH and of a file's path in a message, in bytes.
const MAX_PATH_VARIABLE: usize = 600;
const MAX_FILE: usize = 300;

/// The bytes of a script in which Linux searches the interpreter.
const MAX_FIRST_LINE: u64 = 256;

/// Adds the cause to the error if it can be found: a missing or non-executable program, interpreter or loader. `path`
/// is the PATH that was searched, and `directory` the working directory for the program.
pub fn with_cause(error: io::Error, name: &str, path: Option<&str>, directory: Option<&Path>) -> io::Error {
    match cause(&error, name, path, directory) {
        Some(cause) => io::Error::new(error.kind(), cause),
        None => error,
    }
}

fn cause(error: &io::Error, name: &str, path: Option<&str>, directory: Option<&Path>) -> Option<String> {
    if !matches!(error.raw_os_error(), Some(libc::ENOENT | libc::EACCES | libc::ENOTDIR | libc::ELOOP | libc::EISDIR)) {
        return None;
    }
    let file = |path: &Path| directory.map_or_else(|| path.to_owned(), |directory| directory.join(path));
    if name.contains('/') {
        return file_error(&file(Path::new(name)), error, &file);
    }
    let path = path.unwrap_or(DEFAULT_PATH);
    let mut file_problem = None;
    for folder in path.split(':') {
        let candidate = file(&Path::new(if folder.is_empty() { "." } else { folder }).join(name));
        if fs::metadata(&candidate).is_ok_and(|found| !found.is_dir()) {
            // As the system does, continue with the next folder.
            file_problem = file_problem.or(file_error(&candidate, error, &file));
        }
    }
    file_problem.or_else(|| {
        let arguments =
            if name.contains(' ') { "; pass arguments separately, not as part of the program's name" } else { "" };
        Some(format!("it is not in any folder of PATH ({}){arguments}", shortened(path, MAX_PATH_VARIABLE)))
    })
}

/// Describes why the file cannot be executed.
fn file_error(path: &Path, error: &io::Error, file: &dyn Fn(&Path) -> PathBuf) -> Option<String> {
    let shown = display(path);
    if let Some(missing) = path_error(path) {
        return Some(format!("{shown} {missing}"));
    }
    let mut first = Vec::new();
    let opened = fs::File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path).ok()?;
    opened.take(MAX_FIRST_LINE).read_to_end(&mut first).ok()?;
    if first.starts_with(b"\x7fELF") && error.raw_os_error() == Some(libc::ENOENT) {
        return Some(format!(
            "the loader of {shown} does not exist: the program was built for another system (glibc or musl, processor)"
        ));
    }
    let line = first.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let interpreter = line.split(|byte| matches!(byte, b' ' | b'\t')).find(|word| !word.is_empty())?;
    if let Some(interpreter) = interpreter.strip_suffix(b"\r") {
        return Some(format!(
            "the first line of the script {shown} ends with a carriage return, as on Windows, which the system takes \
             as part of the interpreter's name {:?}; convert the line ends (dos2unix)",
            display(Path::new(std::ffi::OsStr::from_bytes(interpreter)))
        ));
    }
    let interpreter = Path::new(std::ffi::OsStr::from_bytes(interpreter));
    let wrong = path_error(&file(interpreter))?;
    Some(format!("the interpreter {:?} of the script {shown} {wrong}", display(interpreter)))
}

/// Describes why a path cannot be executed, without reading the file.
fn path_error(path: &Path) -> Option<String> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => Some("is a directory".into()),
        Ok(found) if found.permissions().mode() & 0o111 == 0 => Some("is not executable (chmod +x)".into()),
        Ok(_) => None,
        Err(error) => Some(match error.raw_os_error() {
            Some(libc::ENOENT) if fs::symlink_metadata(path).is_ok() => {
                "is a symbolic link to something that does not exist".into()
            }
            Some(libc::ENOENT | libc::ENOTDIR) => "does not exist (no such file)".into(),
            Some(libc::ELOOP) => "contains too many symbolic links".into(),
            Some(libc::EACCES) => "cannot be accessed: permission denied on a parent directory".into(),
            _ => format!("cannot be used: {error}"),
        }),
    }
}

fn display(path: &Path) -> String {
    shortened(&path.to_string_lossy(), MAX_FILE).into_owned()
}
