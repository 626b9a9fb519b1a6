//! Cursors: a position in a list, opaque to clients.
//!
//! A cursor also identifies its list, so one of another list is refused. Neither new reviews nor
//! moved buckets shift the position.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use twox_hash::XxHash3_64;

use crate::store::error::StoreError;

/// Identifies a list by its parameters; a cursor of another list is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct ListScope(u64);

impl ListScope {
    /// The list with these parameters.
    pub fn of(words: &[&str]) -> ListScope {
        // The separator distinguishes ["ab", "c"] from ["a", "bc"].
        ListScope(XxHash3_64::oneshot(words.join("\0").as_bytes()))
    }
}

/// The last item of a page: its group in the order, and its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct Position {
    pub group: u8,
    pub id: i64,
}

const CHECKED_BYTES: usize = 17;
const CURSOR_BYTES: usize = CHECKED_BYTES + 4;

/// Detects damaged cursors. It is not a secret: forged cursors are harmless.
fn checksum(checked: &[u8]) -> [u8; 4] {
    let hash = XxHash3_64::oneshot_with_seed(0x6f73_7472_616b_6f6e, checked);
    [0, 1, 2, 3].map(|byte| hash.to_be_bytes()[byte])
}

pub(in crate::store) fn encode(scope: ListScope, position: Position) -> String {
    let mut bytes = Vec::with_capacity(CURSOR_BYTES);
    bytes.extend(scope.0.to_be_bytes());
    bytes.push(position.group);
    bytes.extend(position.id.to_be_bytes());
    bytes.extend(checksum(&bytes));
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

pub(in crate::store) fn decode(scope: ListScope, text: &str) -> Result<Position, StoreError> {
    let bytes: [u8; CURSOR_BYTES] = BASE64_URL_SAFE_NO_PAD
        .decode(text)
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or(StoreError::CursorInvalid)?;
    let (checked, sum) = bytes.split_at(CHECKED_BYTES);
    if checksum(checked) != sum {
        return Err(StoreError::CursorInvalid);
    }
    let (of_scope, position) = checked.split_at(8);
    if of_scope != scope.0.to_be_bytes() {
        return Err(StoreError::CursorMismatch);
    }
    let mut id = [0; 8];
    id.copy_from_slice(&position[1..]);
    Ok(Position { group: position[0], id: i64::from_be_bytes(id) })
}

/// The id after which a page starts, in a list ordered by id; `first` for the first page.
pub(in crate::store) fn start(
    scope: ListScope,
    cursor: Option<&str>,
    first: i64,
) -> Result<i64, StoreError> {
    cursor.map_or(Ok(first), |cursor| decode(scope, cursor).map(|position| position.id))
}

/// Truncates `rows`, read with a limit one higher than the page's, to a page of a list ordered by
/// id. Returns the cursor of the next page; `None` on the last page.
pub(in crate::store) fn cut<T>(
    rows: &mut Vec<T>,
    limit: usize,
    scope: ListScope,
    id: impl Fn(&T) -> i64,
) -> Option<String> {
    let more = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().filter(|_| more)?;
    Some(encode(scope, Position { group: 0, id: id(last) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_belong_to_their_list() {
        let scope = ListScope::of(&["reviews", "1", "newest"]);
        let position = Position { group: 3, id: i64::MAX };
        let text = encode(scope, position);
        assert_eq!(decode(scope, &text).unwrap(), position);
        let other = ListScope::of(&["reviews", "1", "oldest"]);
        assert!(matches!(decode(other, &text), Err(StoreError::CursorMismatch)));
    }

    #[test]
    fn damaged_cursors_are_refused() {
        let scope = ListScope::of(&["reviews"]);
        let text = encode(scope, Position { group: 0, id: 1 });
        for place in 0..text.len() {
            let mut damaged = text.clone().into_bytes();
            damaged[place] = if damaged[place] == b'A' { b'B' } else { b'A' };
            let damaged = String::from_utf8(damaged).unwrap();
            assert!(matches!(decode(scope, &damaged), Err(StoreError::CursorInvalid)), "{damaged}");
        }
        for bad in ["", "x", "💥", &text[1..], &format!("{text}A")] {
            assert!(matches!(decode(scope, bad), Err(StoreError::CursorInvalid)), "{bad}");
        }
    }
}
