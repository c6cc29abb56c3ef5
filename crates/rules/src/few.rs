//! Sorting a few things. The lists of the rules hold a handful, and the standard library's sort adds 4 kB to what a browser
//! downloads for every type that it sorts.

/// Puts a short list in order; what is equal keeps its order. The time grows with the square of the length.
pub(crate) fn sort_few<Item, Key: Ord>(items: &mut [Item], key: impl Fn(&Item) -> Key) {
    for end in 1..items.len() {
        let mut place = end;
        while place > 0 && key(&items[place]) < key(&items[place - 1]) {
            items.swap(place, place - 1);
            place -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::sort_few;

    #[test]
    fn equal_items_keep_their_order() {
        let mut items = [(2, 'a'), (1, 'b'), (2, 'c'), (1, 'd'), (0, 'e')];
        sort_few(&mut items, |item| item.0);
        assert_eq!(items, [(0, 'e'), (1, 'b'), (1, 'd'), (2, 'a'), (2, 'c')]);
        sort_few::<u8, u8>(&mut [], |item| *item);
    }
}
