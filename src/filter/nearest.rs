//! Which of many names is meant by one that is none of them.

/// The name nearest to what was typed, by what each is compared as; nothing where none is near.
pub(super) fn nearest<'n>(
    typed: &str,
    names: impl IntoIterator<Item = (&'n str, String)>,
) -> Option<&'n str> {
    /// Longer is no slip of the fingers.
    const LONGEST: usize = 80;
    if typed.len() > LONGEST {
        return None;
    }
    let most = (typed.chars().count() / 3).clamp(1, 4);
    let ranked = names.into_iter().filter_map(|(name, folded)| {
        let cost = distance(typed, &folded);
        (cost <= most).then_some((cost, name))
    });
    ranked.min().map(|(_, name)| name)
}

/// The field that is meant by a name: the nearest by letters, or one with the same last part.
pub(super) fn nearest_field(typed: &str) -> Option<&'static str> {
    let folded = typed.to_ascii_lowercase();
    let fields = || super::field::fields().iter();
    let by_letters = nearest(
        &folded,
        fields().map(|field| (field.name(), field.name().to_ascii_lowercase())),
    );
    let by_end = || {
        let (first, _) = folded.split_once('.')?;
        let (_, last) = folded.rsplit_once('.')?;
        let mut named = fields().map(|field| field.name()).filter(|name| {
            let parts = name.split_once('.').zip(name.rsplit_once('.'));
            parts.is_some_and(|((head, _), (_, tail))| {
                head == first && !last.is_empty() && (tail == last || distance(tail, last) == 1)
            })
        });
        named.next()
    };
    by_letters.or_else(by_end)
}

/// How many letters must be put in, left out, replaced or swapped with the next (optimal string
/// alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, &x) in a.iter().enumerate() {
        let mut row = vec![i + 1; b.len() + 1];
        for (j, &y) in b.iter().enumerate() {
            let mut cost = (last[j] + usize::from(x != y))
                .min(last[j + 1] + 1)
                .min(row[j] + 1);
            if i > 0 && j > 0 && x == b[j - 1] && a[i - 1] == y {
                cost = cost.min(before[j - 1] + 1);
            }
            row[j + 1] = cost;
        }
        before = core::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_seen_through() {
        for (typed, meant) in [
            ("tcp.analysis.retransmision", "tcp.analysis.retransmission"),
            ("tcp.retransmission", "tcp.analysis.retransmission"),
            ("tcp.prot", "tcp.port"),
            ("TCP.PORT", "tcp.port"),
            ("tcp.flags.rst", "tcp.flags.reset"),
            ("conn.retransmission", "conn.retransmissions"),
            ("ip.adr", "ip.addr"),
            ("verdict.triger", "verdict.trigger"),
        ] {
            assert_eq!(nearest_field(typed), Some(meant), "{typed}");
        }
        assert_eq!(nearest_field("something.quite.different"), None);
    }
}
