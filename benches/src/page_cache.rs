//! Takes a file out of memory, so that whoever needs it next has to read it from the disk.

use std::fs::File;
use std::io;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use rustix::fs::{Advice, fadvise};

/// Takes a file out of the page cache, and makes sure that it is out.
///
/// # Errors
///
/// If it cannot be read, or any of its pages stays: somebody uses it, or its file system is in memory.
pub fn evict(path: &Path) -> Result<()> {
    let file = File::open(path).with_context(|| format!("failed to open {}", path.display()))?;
    // A page that is not written yet stays.
    file.sync_all().with_context(|| format!("failed to sync {}", path.display()))?;
    fadvise(&file, 0, None, Advice::DontNeed).context("failed to ask the kernel to forget a file")?;
    let resident = resident_pages(&file).context("failed to learn what is in memory")?;
    ensure!(resident == 0, "{resident} pages of {} stay in memory", path.display());
    Ok(())
}

/// How many pages of a file are in memory.
#[allow(unsafe_code, reason = "no safe wrapper says which pages of a file are in memory")]
fn resident_pages(file: &File) -> io::Result<usize> {
    use std::os::fd::AsRawFd;
    use std::ptr;

    let length = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
    if length == 0 {
        return Ok(0);
    }
    // SAFETY: the kernel chooses the address, so nothing else is mapped over; nobody reads through it.
    let mapping = unsafe {
        libc::mmap(ptr::null_mut(), length, libc::PROT_READ, libc::MAP_SHARED, file.as_raw_fd(), 0)
    };
    if mapping == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    let mut pages = vec![0_u8; length.div_ceil(rustix::param::page_size())];
    // SAFETY: the range was mapped just now, and there is a byte for each of its pages.
    let known = unsafe { libc::mincore(mapping, length, pages.as_mut_ptr()) };
    let failure = io::Error::last_os_error();
    // SAFETY: the mapping is ours, and nothing refers to it.
    unsafe { libc::munmap(mapping, length) };
    if known != 0 {
        return Err(failure);
    }
    Ok(pages.iter().filter(|page| **page & 1 == 1).count())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn what_was_just_written_is_in_memory() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[1; 100_000]).unwrap();
        assert_eq!(resident_pages(&file).unwrap(), 100_000_usize.div_ceil(rustix::param::page_size()));
    }

    #[test]
    fn a_file_is_out_of_memory_or_that_is_an_error() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&[1; 100_000]).unwrap();
        // Where temporary files are in memory, only the error can be seen.
        match evict(file.path()) {
            Ok(()) => assert_eq!(resident_pages(file.as_file()).unwrap(), 0),
            Err(error) => assert!(error.to_string().contains("stay in memory"), "{error}"),
        }
        assert!(evict(Path::new("/there/is/no/such/file")).is_err());
    }
}
