//! Reads whole files.

use std::fs::{File, FileType};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use zeroize::Zeroizing;

/// Reads a regular file of at most `limit` bytes. Other kinds are rejected: a FIFO or a device could block forever or
/// be endless.
pub fn read(path: &Path, limit: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    // Without O_NONBLOCK, opening a FIFO would wait for a writer.
    read_opened(File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path)?, limit)
}

/// Reads an open file as [`read`] does. It must have been opened with O_NONBLOCK.
pub(super) fn read_opened(file: File, limit: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    let metadata = file.metadata()?;
    check_kind(metadata.file_type())?;
    check_size(metadata.len(), limit)?;
    // Reserve all memory first: a growing vector would leave copies of secrets in freed memory. Read one byte more than
    // the limit, to notice that the file has grown since.
    let mut content = Zeroizing::new(Vec::new());
    content.try_reserve_exact(metadata.len() as usize + 1).map_err(|_| io::ErrorKind::OutOfMemory)?;
    file.take(limit + 1).read_to_end(&mut content)?;
    check_size(content.len() as u64, limit)?;
    Ok(content)
}

/// Fails for a file that [`read`] would reject, but not for a missing file.
pub fn check(path: &Path, limit: u64) -> io::Result<()> {
    let Ok(metadata) = std::fs::metadata(path) else { return Ok(()) };
    check_kind(metadata.file_type())?;
    check_size(metadata.len(), limit)
}

fn check_kind(kind: FileType) -> io::Result<()> {
    if kind.is_file() {
        return Ok(());
    }
    let what = match kind {
        _ if kind.is_dir() => "a directory",
        _ if kind.is_fifo() => "a pipe (FIFO)",
        _ if kind.is_socket() => "a socket",
        _ => "a device",
    };
    Err(io::Error::new(io::ErrorKind::InvalidInput, format!("it is {what}, not a regular file")))
}

fn check_size(size: u64, limit: u64) -> io::Result<()> {
    if size <= limit {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {limit} bytes")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_and_special_files_are_rejected() {
        let path = std::env::current_exe().unwrap();
        assert!(read(&path, 1000).unwrap_err().to_string().contains("1000 bytes"));
        assert!(check(&path, 1000).is_err() && check(&path, u64::MAX).is_ok());
        for (path, word) in [("/", "directory"), ("/dev/null", "device"), ("/dev/zero", "device")] {
            let why = read(Path::new(path), 1000).unwrap_err().to_string();
            assert!(why.contains(word) && check(Path::new(path), 1000).is_err(), "{why}");
        }
        assert!(check(Path::new("/there/is/none"), 0).is_ok());
        assert_eq!(read(Path::new("/there/is/none"), 0).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
