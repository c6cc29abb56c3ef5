//! What makes a page bearable that is open all day: shortcuts, alerts by step, the title and its mark, and what can be taken
//! out of the page. None of it is needed for the list, so it comes with the second file.

pub mod alerts;
pub mod curl;
pub mod export;
pub mod keys;
pub mod tab;

/// Begins what runs as long as the page does.
pub fn begin() {
    keys::listen();
    alerts::begin();
    tab::begin();
}
