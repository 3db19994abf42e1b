//! What a group keeps of children that have ended: see F25 in `docs/semantics.md`.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicIsize, Ordering};

use loopwork::{TaskGroup, yield_now};

/// How many bytes are allocated now.
static LIVE: AtomicIsize = AtomicIsize::new(0);

struct Counting;

// SAFETY: it is the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size() as isize, Ordering::Relaxed);
        // SAFETY: passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size() as isize, Ordering::Relaxed);
        // SAFETY: passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn f25_a_group_does_not_grow_with_children_that_have_ended() {
    const WARM: usize = 1_000;
    const CHILDREN: usize = 30_000;
    common::at_each_size(|event_loop| {
        let group = TaskGroup::new().run(|group| async move {
            let mut warm = 0;
            for made in 0..CHILDREN {
                if made == WARM {
                    warm = LIVE.load(Ordering::Relaxed);
                }
                let ballast = vec![0_u8; 1024];
                let child = group.create_task(async move {
                    yield_now().await;
                    Ok::<_, std::io::Error>(ballast.len())
                });
                let ends = child.as_any();
                drop(child);
                ends.ended().await;
            }
            Ok::<_, std::io::Error>(LIVE.load(Ordering::Relaxed) - warm)
        });
        let grown = event_loop.run_until_complete(group).unwrap().unwrap();
        assert!(grown < 256 * 1024, "it has grown by {grown} bytes");
    });
}
