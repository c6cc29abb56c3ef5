//! What runs beside drawing. The boxes are the point: the compiler makes the machinery of an effect or of a future once,
//! not once for each place that has one.

use core::pin::Pin;

use leptos::prelude::Effect;

/// Runs now, and again whenever a signal that it read has changed.
pub fn follow(run: impl FnMut() + 'static) {
    boxed_effect(Box::new(run));
}

fn boxed_effect(mut run: Box<dyn FnMut()>) {
    Effect::new(move |_: Option<()>| run());
}

/// Runs a future to its end.
pub fn spawn(future: impl Future<Output = ()> + 'static) {
    boxed_future(Box::pin(future));
}

fn boxed_future(future: Pin<Box<dyn Future<Output = ()>>>) {
    wasm_bindgen_futures::spawn_local(future);
}

/// As [`follow`], with what it gave back the time before.
pub fn follow_on<Kept: 'static>(mut run: impl FnMut(Option<Kept>) -> Kept + 'static) {
    let mut kept = None;
    follow(move || kept = Some(run(kept.take())));
}
