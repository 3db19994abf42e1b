//! A hint that memory will be needed soon.

#![allow(unsafe_code, reason = "the instruction takes any address; the intrinsic does not say so")]

/// Begins to load the cache line at `place`, for reading or writing, and does not wait for it. The
/// address need not be valid. Where there is no such instruction it does nothing.
///
/// For what is reached by pointers, one after the other, and has left the cache: the loads then
/// overlap.
#[inline(always)]
pub fn prefetch<T>(place: *const T) {
    #[cfg(all(target_arch = "x86_64", not(any(loopwork_loom, loopwork_shuttle, miri))))]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: every x86-64 has the instruction; it neither faults nor changes what is stored.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(place.cast()) }
    }
    #[cfg(not(all(target_arch = "x86_64", not(any(loopwork_loom, loopwork_shuttle, miri)))))]
    let _ = place;
}

/// As [`prefetch`], for a place that will be written: no other processor has the line then, if the target
/// has an instruction for that (`prfchw`); else it is loaded for reading. On two lines, since what begins
/// at `place` may lie on both.
#[inline(always)]
pub fn prefetch_to_write<T>(place: *const T) {
    #[cfg(all(target_arch = "x86_64", not(any(loopwork_loom, loopwork_shuttle, miri))))]
    {
        use std::arch::x86_64::{_MM_HINT_ET0, _mm_prefetch};
        let place = place.cast::<i8>();
        // SAFETY: as above; where it is not known it does nothing.
        unsafe { _mm_prefetch::<_MM_HINT_ET0>(place) }
        // SAFETY: as above.
        unsafe { _mm_prefetch::<_MM_HINT_ET0>(place.wrapping_add(64)) }
    }
    #[cfg(not(all(target_arch = "x86_64", not(any(loopwork_loom, loopwork_shuttle, miri)))))]
    let _ = place;
}
