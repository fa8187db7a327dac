//! Asking for memory before it is needed. A packet's flow lies somewhere in memory that the
//! packets between pushed out of the caches; waiting for it is most of the cost of short frames.

/// Asks for the cache lines of `value`. A hint: it changes nothing and may do nothing.
#[inline]
pub(crate) fn prefetch<T: ?Sized>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        const LINE: usize = 64;
        let start = core::ptr::from_ref(value).cast::<i8>();
        for offset in (0..size_of_val(value)).step_by(LINE) {
            // SAFETY: a prefetch of any address neither faults nor writes; these lie in `value`.
            #[allow(unsafe_code, reason = "the only way to a prefetch; it can't fault")]
            unsafe {
                _mm_prefetch::<_MM_HINT_T0>(start.wrapping_add(offset));
            }
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}
