//! What a person has made of the list: its query, order, columns and density. All of it stands in the address, so that it
//! can be sent to somebody; what is a matter of taste is also kept in the browser.

use crate::parts::board::{COLUMNS, Column};

/// How high the rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Density {
    /// 28 px.
    Compact,
    /// 36 px.
    Usual,
    /// 44 px.
    #[default]
    Roomy,
}

/// All densities, and how they are written in the address and on the table.
pub const DENSITIES: [(Density, &str); 3] =
    [(Density::Compact, "compact"), (Density::Usual, "cosy"), (Density::Roomy, "roomy")];

impl Density {
    /// As it is written.
    pub fn name(self) -> &'static str {
        DENSITIES.iter().find(|(density, _)| *density == self).map_or("roomy", |(_, name)| name)
    }
}

/// How the columns are written.
const NAMES: [(Column, &str); 8] = [
    (Column::State, "state"),
    (Column::Name, "channel"),
    (Column::Ids, "ids"),
    (Column::Running, "running"),
    (Column::Failovers, "failovers"),
    (Column::Queries, "queries"),
    (Column::Answer, "answer"),
    (Column::Next, "next"),
];

fn name_of(column: Column) -> &'static str {
    NAMES.iter().find(|(known, _)| *known == column).map_or("", |(_, name)| name)
}

fn column_of(name: &str) -> Option<Column> {
    NAMES.iter().find(|(_, known)| *known == name).map(|(column, _)| *column)
}

/// The order of the rows; none of a column: what needs someone first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    /// By which column.
    pub column: Column,
    /// Whether the largest stands first.
    pub falling: bool,
}

/// One view of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// As it was typed.
    pub query: String,
    /// None: in the order of attention.
    pub sort: Option<Sort>,
    /// The columns that are shown, in their order. The channel is always among them.
    pub columns: Vec<Column>,
    /// How high the rows are.
    pub density: Density,
}

impl Default for View {
    fn default() -> Self {
        Self { query: String::new(), sort: None, columns: COLUMNS.to_vec(), density: Density::default() }
    }
}

/// The names of the parameters in the address.
pub const QUERY: &str = "q";
const SORT: &str = "sort";
const SHOWN: &str = "columns";
const ROWS: &str = "rows";

impl View {
    /// The parameters of an address that tell it; what is as usual is left out.
    pub fn parameters(&self) -> Vec<(&'static str, String)> {
        let usual = Self::default();
        let mut told = Vec::new();
        if !self.query.trim().is_empty() {
            told.push((QUERY, self.query.clone()));
        }
        if let Some(sort) = self.sort {
            told.push((SORT, [if sort.falling { "-" } else { "" }, name_of(sort.column)].concat()));
        }
        if self.columns != usual.columns {
            let names: Vec<&str> = self.columns.iter().map(|column| name_of(*column)).collect();
            told.push((SHOWN, names.join(".")));
        }
        if self.density != usual.density {
            told.push((ROWS, self.density.name().to_owned()));
        }
        told
    }

    /// The view that parameters tell, on top of `self`. What cannot be read changes nothing.
    pub fn told_by<'a>(mut self, parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        for (name, value) in parameters {
            match name {
                QUERY => self.query = value.to_owned(),
                SORT => {
                    let (falling, column) =
                        value.strip_prefix('-').map_or((false, value), |column| (true, column));
                    self.sort = column_of(column).map(|column| Sort { column, falling });
                }
                SHOWN => {
                    let mut columns = Vec::new();
                    for column in value.split('.').filter_map(column_of) {
                        if !columns.contains(&column) {
                            columns.push(column);
                        }
                    }
                    if columns.contains(&Column::Name) {
                        self.columns = columns;
                    }
                }
                ROWS => {
                    let known = DENSITIES.iter().find(|(_, known)| *known == value);
                    self.density = known.map_or(self.density, |(density, _)| *density);
                }
                _ => {}
            }
        }
        self
    }

    /// What a press on a column's head makes of the order: rising, falling, and as usual again.
    pub fn press(&mut self, column: Column) {
        self.sort = match self.sort {
            Some(Sort { column: now, falling: false }) if now == column => {
                Some(Sort { column, falling: true })
            }
            Some(Sort { column: now, falling: true }) if now == column => None,
            _ => Some(Sort { column, falling: false }),
        };
    }

    /// Shows a column that is hidden, at its usual place, or hides one that is shown. The channel stays.
    pub fn toggle(&mut self, column: Column) {
        if column == Column::Name {
            return;
        }
        if let Some(place) = self.columns.iter().position(|shown| *shown == column) {
            self.columns.remove(place);
            return;
        }
        let usual = |column: Column| COLUMNS.iter().position(|known| *known == column);
        let place = self.columns.iter().position(|shown| usual(*shown) > usual(column));
        self.columns.insert(place.unwrap_or(self.columns.len()), column);
    }

    /// Moves a column by one place.
    pub fn shift(&mut self, column: Column, to_the_left: bool) {
        let Some(place) = self.columns.iter().position(|shown| *shown == column) else { return };
        let other = if to_the_left { place.checked_sub(1) } else { Some(place + 1) };
        if let Some(other) = other.filter(|other| *other < self.columns.len()) {
            self.columns.swap(place, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Density, Sort, View};
    use crate::parts::board::Column;

    fn again(view: &View) -> View {
        let told = view.parameters();
        View::default().told_by(told.iter().map(|(name, value)| (*name, value.as_str())))
    }

    #[test]
    fn a_view_is_found_again_by_its_address_and_the_usual_one_has_none() {
        assert!(View::default().parameters().is_empty());
        let mut view =
            View { query: "state:failover".to_owned(), density: Density::Compact, ..View::default() };
        view.press(Column::Running);
        view.press(Column::Running);
        view.toggle(Column::Queries);
        view.shift(Column::Next, true);
        assert_eq!(view.sort, Some(Sort { column: Column::Running, falling: true }));
        assert_eq!(again(&view), view);
        view.press(Column::Running);
        assert_eq!(view.sort, None);
    }

    #[test]
    fn the_channel_stays_and_a_column_comes_back_to_its_place() {
        let mut view = View::default();
        view.toggle(Column::Name);
        assert_eq!(view, View::default());
        view.toggle(Column::Ids);
        view.toggle(Column::Ids);
        assert_eq!(view, View::default());
        view.shift(Column::State, true);
        view.shift(Column::Next, false);
        assert_eq!(view, View::default(), "there is no place beyond the ends");
    }

    #[test]
    fn an_odd_address_changes_nothing() {
        let odd = [("sort", "-nothing"), ("columns", "state.state.x"), ("rows", "huge"), ("other", "1")];
        assert_eq!(View::default().told_by(odd), View::default());
    }
}
