//! Files that are read whole.

use std::fs::{File, FileType};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use zeroize::Zeroizing;

/// The content of a regular file of at most `limit` bytes. Anything else is refused: a FIFO or a device could block for ever, or
/// never end.
pub fn read(path: &Path, limit: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    // Opening a FIFO would wait for a writer.
    let file = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    let metadata = file.metadata()?;
    check_kind(metadata.file_type())?;
    check_size(metadata.len(), limit)?;
    // Memory that grows leaves copies behind. One byte more tells that the file has grown meanwhile.
    let mut content = Zeroizing::new(Vec::new());
    content.try_reserve_exact(metadata.len() as usize + 1).map_err(|_| io::ErrorKind::OutOfMemory)?;
    file.take(limit + 1).read_to_end(&mut content)?;
    check_size(content.len() as u64, limit)?;
    Ok(content)
}

/// Fails for a file that [`read`] would refuse, and leaves one that is missing alone.
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
        _ if kind.is_dir() => "a folder",
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
    fn only_regular_files_of_bounded_size_are_read() {
        let path = std::env::current_exe().unwrap();
        assert!(read(&path, 1000).unwrap_err().to_string().contains("1000 bytes"));
        assert!(check(&path, 1000).is_err() && check(&path, u64::MAX).is_ok());
        for (path, word) in [("/", "folder"), ("/dev/null", "device"), ("/dev/zero", "device")] {
            let why = read(Path::new(path), 1000).unwrap_err().to_string();
            assert!(why.contains(word) && check(Path::new(path), 1000).is_err(), "{why}");
        }
        assert!(check(Path::new("/there/is/none"), 0).is_ok());
        assert_eq!(read(Path::new("/there/is/none"), 0).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
