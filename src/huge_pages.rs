//! Large blocks of memory in huge pages.
//!
//! Each document has new workers, and most of a worker's memory are a few large blocks: a page's pixels, the rows made
//! of them, the file. The kernel takes 4 to 5 times as long to hand over the same in pages of 4 KiB. What engines in C
//! ask for themselves is not in it, but for MuPDF's, which does the same, and what glibc can be told to do
//! ([`MALLOC_TUNABLES`](crate::worker::MALLOC_TUNABLES)).

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr::{copy_nonoverlapping, null_mut};

use rustix::mm::{Advice, MapFlags, MremapFlags, ProtFlags, madvise, mmap_anonymous, mremap, munmap};

/// The size of a huge page, in bytes. A block as large has a mapping of its own.
const HUGE_PAGE_BYTES: usize = 2 << 20;

/// The largest such block, in bytes. On a virtual machine whose host takes back what is free, larger ones cost more so
/// than in small pages, for which the kernel has memory in use before: a poster took 1.6 times as long.
const MOST_BYTES: usize = 32 << 20;

/// What mappings end at a multiple of, in bytes: the largest base page of any Linux.
const BASE_PAGE_BYTES: usize = 64 << 10;

/// The system's allocator for small blocks, and mappings that begin a huge page for large ones.
///
/// It is a wish: where the kernel has no huge page to give, it gives small ones.
pub(crate) struct HugePages;

#[allow(unsafe_code)] // The trait is unsafe, and so is all that it is made of.
// SAFETY: what a block's layout says tells where it is from, and so how it goes back: the system's allocator, or a
// mapping of its own, as long as `mapped_bytes` says. Nothing here panics, or allocates by another way.
unsafe impl GlobalAlloc for HugePages {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if is_large(layout) {
            return map(layout.size());
        }
        // SAFETY: what the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if is_large(layout) {
            // The kernel clears what it hands over.
            return map(layout.size());
        }
        // SAFETY: what the caller promises.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if is_large(layout) {
            // SAFETY: the block is a mapping of this length, which the caller gives up. Refused, it stays.
            let _ = unsafe { munmap(block.cast(), mapped_bytes(layout.size())) };
            return;
        }
        // SAFETY: what the caller promises.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller promises that the new size, with this alignment, is a layout.
        let new_layout = unsafe { Layout::from_size_align_unchecked(new_size, layout.align()) };
        match (is_large(layout), is_large(new_layout)) {
            // SAFETY: what the caller promises.
            (false, false) => return unsafe { System.realloc(block, layout, new_size) },
            (true, true) => {
                let (old, new) = (mapped_bytes(layout.size()), mapped_bytes(new_size));
                // SAFETY: the block is a mapping of this length. It moves with all that is in it, or stays.
                if let Ok(moved) = unsafe { mremap(block.cast(), old, new, MremapFlags::MAYMOVE) } {
                    return moved.cast();
                }
            }
            _ => {}
        }
        // SAFETY: the caller promises that the new size is not zero. There are two blocks then, each as long at
        // least, of which the first is given up, as the caller did.
        unsafe {
            let new = self.alloc(new_layout);
            if !new.is_null() {
                copy_nonoverlapping(block, new, layout.size().min(new_size));
                self.dealloc(block, layout);
            }
            new
        }
    }
}

/// Whether a block has a mapping of its own. Mappings begin at a base page, and only the first also at a huge one.
fn is_large(layout: Layout) -> bool {
    (HUGE_PAGE_BYTES..=MOST_BYTES).contains(&layout.size()) && layout.align() <= 4096
}

/// The length of a large block's mapping, in bytes.
fn mapped_bytes(bytes: usize) -> usize {
    bytes.next_multiple_of(BASE_PAGE_BYTES)
}

/// A new mapping for a block of so many bytes, or null.
fn map(bytes: usize) -> *mut u8 {
    let length = mapped_bytes(bytes);
    // As much more as it takes to reach the start of a huge page, of which the ends go back at once.
    let reserved = length + HUGE_PAGE_BYTES;
    #[allow(unsafe_code)] // No safe wrapper maps memory that is nobody's.
    // SAFETY: the mapping is new and nobody's, and what goes back is all of it but the block. The advice changes nothing
    // that is in it.
    unsafe {
        let access = ProtFlags::READ | ProtFlags::WRITE;
        let Ok(start) = mmap_anonymous(null_mut(), reserved, access, MapFlags::PRIVATE) else {
            return null_mut();
        };
        let before = start.align_offset(HUGE_PAGE_BYTES);
        let block = start.byte_add(before);
        if before > 0 {
            let _ = munmap(start, before);
        }
        let _ = munmap(block.byte_add(length), HUGE_PAGE_BYTES - before);
        // All of it, as what is only half advised cannot move as one. Its end may share a huge page with what comes
        // after it, if that is advised too.
        let _ = madvise(block, length, Advice::LinuxHugepage);
        block.cast()
    }
}

#[cfg(test)]
#[allow(unsafe_code)] // The allocator is called by hand.
mod tests {
    use std::path::Path;

    use super::*;

    /// Sizes on both sides of what is large, in an order in which each border is crossed both ways.
    const SIZES: [usize; 10] = [
        100,
        HUGE_PAGE_BYTES - 1,
        HUGE_PAGE_BYTES,
        3 * HUGE_PAGE_BYTES + 12_345,
        MOST_BYTES,
        MOST_BYTES + 1,
        HUGE_PAGE_BYTES + 1,
        7,
        5 * HUGE_PAGE_BYTES,
        HUGE_PAGE_BYTES - 4096,
    ];

    fn layout(bytes: usize) -> Layout {
        Layout::from_size_align(bytes, 16).unwrap()
    }

    fn pattern(i: usize) -> u8 {
        (i ^ i >> 8 ^ i >> 16) as u8
    }

    #[test]
    fn a_block_keeps_its_bytes_as_it_grows_and_shrinks() {
        let mut size = SIZES[0];
        // SAFETY: each block is used within its size, and given back with the layout that it has.
        unsafe {
            let mut block = HugePages.alloc(layout(size));
            for (i, next) in SIZES.into_iter().cycle().skip(1).take(2 * SIZES.len()).enumerate() {
                std::slice::from_raw_parts_mut(block, size).iter_mut().enumerate().for_each(|(i, byte)| {
                    *byte = pattern(i);
                });
                block = HugePages.realloc(block, layout(size), next);
                assert!(!block.is_null() && block.addr().is_multiple_of(16), "step {i}");
                let kept = std::slice::from_raw_parts(block, size.min(next));
                assert!(kept.iter().enumerate().all(|(i, &byte)| byte == pattern(i)), "step {i}");
                size = next;
            }
            HugePages.dealloc(block, layout(size));
        }
    }

    #[test]
    fn what_was_used_before_is_zero_where_that_is_asked_for() {
        for size in SIZES {
            // SAFETY: as above.
            unsafe {
                let used = HugePages.alloc(layout(size));
                used.write_bytes(0xAA, size);
                HugePages.dealloc(used, layout(size));
                let block = HugePages.alloc_zeroed(layout(size));
                assert!(
                    std::slice::from_raw_parts(block, size).iter().all(|&byte| byte == 0),
                    "{size} bytes"
                );
                HugePages.dealloc(block, layout(size));
            }
        }
    }

    #[test]
    fn too_much_is_no_block() {
        // SAFETY: no block comes of it, and the one that there is stays.
        unsafe {
            let most = layout(isize::MAX as usize - 15);
            assert!(HugePages.alloc(most).is_null());
            let block = HugePages.alloc(layout(HUGE_PAGE_BYTES));
            assert!(HugePages.realloc(block, layout(HUGE_PAGE_BYTES), most.size()).is_null());
            block.write_bytes(1, HUGE_PAGE_BYTES);
            HugePages.dealloc(block, layout(HUGE_PAGE_BYTES));
        }
    }

    #[test]
    fn a_large_block_begins_a_huge_page_for_which_the_kernel_was_asked() {
        let size = 3 * HUGE_PAGE_BYTES + 1;
        // SAFETY: the block is only looked at from outside, and given back.
        unsafe {
            let block = HugePages.alloc(layout(size));
            assert!(block.addr().is_multiple_of(HUGE_PAGE_BYTES));
            let flags = flags_at(block.addr());
            // A kernel without huge pages takes no advice on them.
            if Path::new("/sys/kernel/mm/transparent_hugepage").exists() {
                assert!(flags.split(' ').any(|flag| flag == "hg"), "no advice was given: {flags}");
            }
            HugePages.dealloc(block, layout(size));
        }
    }

    /// The flags of the mapping that an address is in.
    fn flags_at(address: usize) -> String {
        let smaps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let mut is_here = false;
        for line in smaps.lines() {
            let range = line.split_once(' ').and_then(|(range, _)| range.split_once('-'));
            let number = |text| usize::from_str_radix(text, 16).ok();
            if let Some((Some(start), Some(end))) = range.map(|(start, end)| (number(start), number(end))) {
                is_here = (start..end).contains(&address);
            } else if is_here && let Some(flags) = line.strip_prefix("VmFlags: ") {
                return flags.to_owned();
            }
        }
        panic!("nothing is mapped at {address:#x}");
    }
}
