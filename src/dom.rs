//! A piece of the page as data, and the patch that brings it to the browser.
//!
//! A part of the page is a function from what is known to a [`Node`]. Drawn again, the new tree is compared with the one
//! that is shown and only the differences reach the browser, so that elements keep their focus, their selection and their
//! place. Leptos's signals say when: a [`part`] is drawn again when a signal that it read has changed, and nothing else is.
//!
//! Why not `view!`: it compiles one program for each element and each closure, and the page has hundreds of both. As data
//! they are all one program, which is a third of the download.
//!
//! A text that is a constant is ours and is shown in the language of the page; a `String` is data and is shown as it is.
//! Text is text: nothing here can make an element out of a string.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use agora::Timestamp;
use leptos::prelude::{Owner, RenderEffect};
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;

use crate::words::translated;

/// A text of the page: most are constants.
pub type Text = Cow<'static, str>;

/// What an event calls.
type Handler = Rc<dyn Fn(&web_sys::Event)>;

/// What is called when an element is on the page.
type Ready = Box<dyn FnOnce(&web_sys::Element)>;

/// What draws a part.
pub type Draw = Box<dyn Fn() -> Node>;

/// A piece of the page.
#[derive(Default)]
pub enum Node {
    /// Nothing, which keeps its place among its siblings.
    #[default]
    Nothing,
    /// Text.
    Text(Text),
    /// An element.
    Element(Element),
    /// Several in a row. Those with a key are known by it, the others by their place.
    Many(Vec<Node>),
    /// What is drawn again by itself.
    Part(Part),
    /// A text that follows the clock.
    Moving(Moving),
}

/// An element, with its attributes and what is in it.
pub struct Element(Box<Made>);

struct Made {
    tag: &'static str,
    key: Option<Text>,
    attributes: Vec<(&'static str, Text)>,
    /// What a person may have changed since it was drawn: the text of a field.
    value: Option<Text>,
    /// Whether a box is ticked.
    checked: Option<bool>,
    handlers: Vec<(&'static str, Handler)>,
    ready: Option<Ready>,
    children: Vec<Node>,
}

/// A part of the page that is drawn again by itself, when a signal that it read has changed.
pub struct Part {
    key: Text,
    begin: Box<dyn FnOnce() -> Draw>,
}

/// A text made from an instant and the time of the page's clock: an age, a countdown.
#[derive(Clone, Copy)]
pub struct Moving {
    /// The instant.
    pub at: Timestamp,
    /// The text at a given time.
    pub says: fn(Timestamp, Timestamp) -> Text,
}

/// A part. `begin` runs once, where it first appears, and gives what draws it; while a part with this key stays at this
/// place it goes on as it is.
pub fn part<D: Fn() -> Node + 'static>(key: impl Into<Text>, begin: impl FnOnce() -> D + 'static) -> Node {
    Node::Part(Part { key: key.into(), begin: Box::new(move || Box::new(begin())) })
}

/// A part without a state of its own.
pub fn live(draw: impl Fn() -> Node + 'static) -> Node {
    Node::Part(Part { key: Text::Borrowed(""), begin: Box::new(move || Box::new(draw)) })
}

/// A text of ours in the language of the page; data as it is.
fn said(text: Text) -> Text {
    match text {
        Text::Borrowed(text) => Text::Borrowed(translated(text)),
        data => data,
    }
}

/// An element: `el("td")`, or with classes, `el("span.button.plain")`.
pub fn el(name: &'static str) -> Element {
    let (tag, classes) = name.split_once('.').unwrap_or((name, ""));
    let mut made = Made {
        tag,
        key: None,
        attributes: Vec::new(),
        value: None,
        checked: None,
        handlers: Vec::new(),
        ready: None,
        children: Vec::new(),
    };
    if !classes.is_empty() {
        let classes = if classes.contains('.') {
            Text::Owned(classes.replace('.', " "))
        } else {
            Text::Borrowed(classes)
        };
        made.attributes.push(("class", classes));
    }
    Element(Box::new(made))
}

impl Element {
    /// Known among its siblings by this, wherever it moves.
    pub fn key(mut self, key: impl Into<Text>) -> Self {
        self.0.key = Some(key.into());
        self
    }

    /// An attribute. Those that people read are in the language of the page.
    pub fn set(mut self, name: &'static str, value: impl Into<Text>) -> Self {
        let value = value.into();
        let read = matches!(name, "aria-label" | "title" | "placeholder" | "label");
        self.0.attributes.push((name, if read { said(value) } else { value }));
        self
    }

    /// An attribute that may be missing.
    pub fn set_some(self, name: &'static str, value: Option<impl Into<Text>>) -> Self {
        match value {
            Some(value) => self.set(name, value),
            None => self,
        }
    }

    /// An attribute without a value.
    pub fn flag(self, name: &'static str, on: bool) -> Self {
        if on { self.set(name, "") } else { self }
    }

    /// One more class.
    pub fn class(mut self, class: &'static str, on: bool) -> Self {
        if on {
            match self.0.attributes.iter_mut().find(|(name, _)| *name == "class") {
                Some((_, classes)) => {
                    let classes = classes.to_mut();
                    classes.push(' ');
                    classes.push_str(class);
                }
                None => self.0.attributes.push(("class", Text::Borrowed(class))),
            }
        }
        self
    }

    /// The `id`, unique on the page.
    pub fn id(self, id: impl Into<Text>) -> Self {
        self.set("id", id)
    }

    /// The text of a field, whatever was typed since.
    pub fn value(mut self, value: impl Into<Text>) -> Self {
        self.0.value = Some(value.into());
        self
    }

    /// Whether a box is ticked.
    pub fn checked(mut self, checked: bool) -> Self {
        self.0.checked = Some(checked);
        self
    }

    /// What an event calls.
    pub fn on(mut self, event: &'static str, call: impl Fn(&web_sys::Event) + 'static) -> Self {
        self.0.handlers.push((event, Rc::new(call)));
        self
    }

    /// Called once, when the element is on the page.
    pub fn ready(mut self, call: impl FnOnce(&web_sys::Element) + 'static) -> Self {
        self.0.ready = Some(Box::new(call));
        self
    }

    /// What is in it, after what is in it already.
    pub fn add(mut self, child: impl Into<Node>) -> Self {
        self.0.children.push(child.into());
        self
    }
}

impl From<Element> for Node {
    fn from(element: Element) -> Self {
        Self::Element(element)
    }
}

impl From<&'static str> for Node {
    fn from(text: &'static str) -> Self {
        Self::Text(Text::Borrowed(translated(text)))
    }
}

impl From<String> for Node {
    fn from(text: String) -> Self {
        Self::Text(Text::Owned(text))
    }
}

impl From<Text> for Node {
    fn from(text: Text) -> Self {
        Self::Text(said(text))
    }
}

impl From<Moving> for Node {
    fn from(moving: Moving) -> Self {
        Self::Moving(moving)
    }
}

impl From<Vec<Node>> for Node {
    fn from(nodes: Vec<Node>) -> Self {
        Self::Many(nodes)
    }
}

impl<Inner: Into<Node>> From<Option<Inner>> for Node {
    fn from(node: Option<Inner>) -> Self {
        node.map_or(Self::Nothing, Into::into)
    }
}

/// Several nodes in a row: `nodes![el("dt"), " ", text]`.
#[macro_export]
macro_rules! nodes {
    ($($node:expr),* $(,)?) => { $crate::dom::Node::Many(vec![$($crate::dom::Node::from($node)),*]) };
}

/// The same, with every text that would follow the clock as it stands at `now`. Parts inside are left as they are.
pub fn still(node: Node, now: Timestamp) -> Node {
    match node {
        Node::Moving(moving) => Node::Text((moving.says)(moving.at, now)),
        Node::Many(nodes) => Node::Many(nodes.into_iter().map(|node| still(node, now)).collect()),
        Node::Element(mut element) => {
            let children = core::mem::take(&mut element.0.children);
            element.0.children = children.into_iter().map(|node| still(node, now)).collect();
            Node::Element(element)
        }
        node => node,
    }
}

/// What stands on the page for a [`Node`].
#[derive(Default)]
enum Shown {
    #[default]
    Nothing,
    Text(web_sys::Node, Text),
    Element(Box<ShownElement>),
    Many(Vec<Shown>),
    Part(ShownPart),
    Moving(Rc<ShownMoving>),
}

struct ShownElement {
    node: web_sys::Element,
    tag: &'static str,
    key: Option<Text>,
    attributes: Vec<(&'static str, Text)>,
    handlers: Vec<Listener>,
    children: Vec<Shown>,
}

/// A listener stays with its element; what it calls is that of the last drawing.
struct Listener {
    event: &'static str,
    call: Rc<RefCell<Handler>>,
    /// Holds the function that the browser calls.
    closure: Closure<dyn Fn(web_sys::Event)>,
}

struct ShownPart {
    key: Text,
    /// Ends what its drawing follows when it is dropped.
    _effect: RenderEffect<()>,
    /// What was made when it began, and ends with it.
    scope: Owner,
    content: Rc<RefCell<Shown>>,
    /// Stands behind the content, so that a part knows its place also while it shows nothing.
    end: web_sys::Node,
}

struct ShownMoving {
    node: web_sys::Node,
    moving: Cell<Moving>,
    says: RefCell<Text>,
}

thread_local! {
    /// The scope of the part that is being drawn: parts inside it belong to it for as long as it stays.
    static SCOPE: RefCell<Option<Owner>> = const { RefCell::new(None) };
    /// How many parts are being drawn inside each other, and who wants to know when all of it is on the page.
    static DRAWING: Cell<u32> = const { Cell::new(0) };
    static READY: RefCell<Vec<(web_sys::Element, Ready)>> = const { RefCell::new(Vec::new()) };
    /// The texts that follow the clock, and its time.
    static MOVING: RefCell<Vec<Weak<ShownMoving>>> = const { RefCell::new(Vec::new()) };
    static NOW: Cell<Timestamp> = const { Cell::new(Timestamp::from_millis(0)) };
}

/// Shows a node at the end of the page's body, for as long as the page lives.
pub fn mount(node: Node) {
    let Some(body) = leptos::prelude::document().body() else { return };
    drawing(|| {
        let mut shown = Shown::Nothing;
        patch(&body, &mut shown, node, None);
        // The page's own: nothing takes it away.
        core::mem::forget(shown);
    });
}

/// The page's clock has moved on: every text that follows it says the new time.
pub fn move_to(now: Timestamp) {
    NOW.set(now);
    MOVING.with_borrow_mut(|all| {
        all.retain(|one| {
            let Some(one) = one.upgrade() else { return false };
            one.update();
            true
        });
    });
}

impl ShownMoving {
    fn update(&self) {
        let moving = self.moving.get();
        let says = (moving.says)(moving.at, NOW.get());
        let mut said = self.says.borrow_mut();
        if *said != says {
            self.node.set_node_value(Some(&says));
            *said = says;
        }
    }
}

/// Runs a drawing; at the end of the outermost one everything is on the page and may know it.
fn drawing(draw: impl FnOnce()) {
    DRAWING.set(DRAWING.get() + 1);
    draw();
    DRAWING.set(DRAWING.get() - 1);
    if DRAWING.get() == 0 {
        for (element, call) in READY.take() {
            call(&element);
        }
    }
}

/// Makes what is shown equal to `node`. `before` is what stands on the page behind it.
fn patch(parent: &web_sys::Node, shown: &mut Shown, node: Node, before: Option<&web_sys::Node>) {
    match (&mut *shown, node) {
        (Shown::Nothing, Node::Nothing) => {}
        (Shown::Text(node, shown), Node::Text(text)) => {
            if *shown != text {
                node.set_node_value(Some(&text));
                *shown = text;
            }
        }
        (Shown::Element(shown), Node::Element(made)) if shown.is(&made.0) => shown.patch(*made.0),
        (Shown::Many(shown), Node::Many(nodes)) => patch_all(parent, shown, nodes, before),
        // It draws itself.
        (Shown::Part(shown), Node::Part(part)) if shown.key == part.key => {}
        (Shown::Moving(shown), Node::Moving(moving)) => {
            shown.moving.set(moving);
            shown.update();
        }
        (_, node) => {
            remove(parent, core::mem::replace(shown, Shown::Nothing));
            *shown = show(parent, node, before);
        }
    }
}

fn patch_all(
    parent: &web_sys::Node,
    shown: &mut Vec<Shown>,
    nodes: Vec<Node>,
    before: Option<&web_sys::Node>,
) {
    if nodes.iter().any(|node| key_of(node).is_some()) || shown.iter().any(|one| one.key().is_some()) {
        return patch_keyed(parent, shown, nodes, before);
    }
    while shown.len() > nodes.len() {
        if let Some(one) = shown.pop() {
            remove(parent, one);
        }
    }
    shown.resize_with(nodes.len(), || Shown::Nothing);
    // From the last to the first: each then knows what stands behind it.
    let mut before = before.cloned();
    for (one, node) in shown.iter_mut().zip(nodes).rev() {
        patch(parent, one, node, before.as_ref());
        before = one.first().or(before);
    }
}

fn patch_keyed(
    parent: &web_sys::Node,
    shown: &mut Vec<Shown>,
    nodes: Vec<Node>,
    before: Option<&web_sys::Node>,
) {
    let mut old: Vec<Option<Shown>> = core::mem::take(shown).into_iter().map(Some).collect();
    // What stays mostly stays in order: the search goes on where it was successful last.
    let mut from = 0;
    let mut kept: Vec<Shown> = Vec::with_capacity(nodes.len());
    for node in &nodes {
        let key = key_of(node);
        let count = old.len();
        let found = key.and_then(|key| {
            (0..count).map(|step| (from + step) % count).find(|place| {
                old[*place].as_ref().is_some_and(|one| one.key().is_some_and(|other| other == key))
            })
        });
        kept.push(match found {
            Some(place) => {
                from = place + 1;
                old[place].take().unwrap_or(Shown::Nothing)
            }
            None => Shown::Nothing,
        });
    }
    for one in old.into_iter().flatten() {
        remove(parent, one);
    }
    let mut before = before.cloned();
    for (one, node) in kept.iter_mut().zip(nodes).rev() {
        let there = one.last().map(|last| last.next_sibling());
        if there.is_some_and(|behind| behind != before) {
            one.each_node(&mut |node| {
                let _ = parent.insert_before(node, before.as_ref());
            });
        }
        patch(parent, one, node, before.as_ref());
        before = one.first().or(before);
    }
    *shown = kept;
}

fn key_of(node: &Node) -> Option<&Text> {
    match node {
        Node::Element(element) => element.0.key.as_ref(),
        Node::Part(part) if !part.key.is_empty() => Some(&part.key),
        _ => None,
    }
}

fn show(parent: &web_sys::Node, node: Node, before: Option<&web_sys::Node>) -> Shown {
    match node {
        Node::Nothing => Shown::Nothing,
        Node::Text(text) => {
            let node = text_node(&text);
            let _ = parent.insert_before(&node, before);
            Shown::Text(node, text)
        }
        Node::Moving(moving) => {
            let says = (moving.says)(moving.at, NOW.get());
            let node = text_node(&says);
            let _ = parent.insert_before(&node, before);
            let shown = Rc::new(ShownMoving { node, moving: Cell::new(moving), says: RefCell::new(says) });
            MOVING.with_borrow_mut(|all| all.push(Rc::downgrade(&shown)));
            Shown::Moving(shown)
        }
        Node::Many(nodes) => Shown::Many(nodes.into_iter().map(|node| show(parent, node, before)).collect()),
        Node::Element(made) => show_element(parent, *made.0, before),
        Node::Part(part) => show_part(parent, part, before),
    }
}

fn show_element(parent: &web_sys::Node, made: Made, before: Option<&web_sys::Node>) -> Shown {
    let document = leptos::prelude::document();
    // None of these names is one of HTML too.
    let svg = matches!(made.tag, "svg" | "use" | "rect" | "line" | "path" | "g" | "circle" | "text");
    let node =
        if svg { document.create_element_ns(Some(SVG), made.tag) } else { document.create_element(made.tag) };
    // Every tag in this program is a constant that browsers know.
    let Ok(node) = node else { return Shown::Nothing };
    let mut shown = ShownElement {
        node,
        tag: made.tag,
        key: None,
        attributes: Vec::new(),
        handlers: Vec::new(),
        children: Vec::new(),
    };
    shown.patch(made);
    let _ = parent.insert_before(&shown.node, before);
    Shown::Element(Box::new(shown))
}

const SVG: &str = "http://www.w3.org/2000/svg";

fn show_part(parent: &web_sys::Node, part: Part, before: Option<&web_sys::Node>) -> Shown {
    let end = web_sys::Node::from(leptos::prelude::document().create_comment(""));
    let _ = parent.insert_before(&end, before);
    let outer = SCOPE.with_borrow(Option::clone).or_else(Owner::current).unwrap_or_default();
    let scope = outer.child();
    let content = Rc::new(RefCell::new(Shown::Nothing));
    let (own, drawn, place) = (scope.clone(), Rc::clone(&content), end.clone());
    let begin = part.begin;
    let effect = scope.with(|| {
        let draw = in_scope(&own, begin);
        RenderEffect::new(move |_: Option<()>| {
            // Taken off the page already: there is nothing to draw on.
            let Some(parent) = place.parent_node() else { return };
            drawing(|| {
                in_scope(&own, || {
                    let node = draw();
                    // Nobody else has it: a part is drawn by its own effect only.
                    if let Ok(mut shown) = drawn.try_borrow_mut() {
                        patch(&parent, &mut shown, node, Some(&place));
                    }
                });
            });
        })
    });
    Shown::Part(ShownPart { key: part.key, _effect: effect, scope, content, end })
}

fn in_scope<T>(scope: &Owner, run: impl FnOnce() -> T) -> T {
    let outer = SCOPE.replace(Some(scope.clone()));
    let result = run();
    SCOPE.set(outer);
    result
}

fn text_node(text: &str) -> web_sys::Node {
    leptos::prelude::document().create_text_node(text).into()
}

/// Takes it off the page, and ends the parts in it.
fn remove(parent: &web_sys::Node, shown: Shown) {
    shown.each_node(&mut |node| {
        let _ = parent.remove_child(node);
    });
    shown.end();
}

impl Shown {
    fn key(&self) -> Option<&Text> {
        match self {
            Self::Element(shown) => shown.key.as_ref(),
            Self::Part(shown) if !shown.key.is_empty() => Some(&shown.key),
            _ => None,
        }
    }

    /// The first of its nodes on the page.
    fn first(&self) -> Option<web_sys::Node> {
        match self {
            Self::Nothing => None,
            Self::Text(node, _) => Some(node.clone()),
            Self::Moving(shown) => Some(shown.node.clone()),
            Self::Element(shown) => Some(shown.node.clone().into()),
            Self::Many(all) => all.iter().find_map(Self::first),
            Self::Part(shown) => shown
                .content
                .try_borrow()
                .ok()
                .and_then(|content| content.first())
                .or(Some(shown.end.clone())),
        }
    }

    /// The last of its nodes on the page.
    fn last(&self) -> Option<web_sys::Node> {
        match self {
            Self::Many(all) => all.iter().rev().find_map(Self::last),
            Self::Part(shown) => Some(shown.end.clone()),
            one => one.first(),
        }
    }

    fn each_node(&self, call: &mut dyn FnMut(&web_sys::Node)) {
        match self {
            Self::Many(all) => all.iter().for_each(|one| one.each_node(call)),
            Self::Part(shown) => {
                if let Ok(content) = shown.content.try_borrow() {
                    content.each_node(call);
                }
                call(&shown.end);
            }
            one => {
                if let Some(node) = one.first() {
                    call(&node);
                }
            }
        }
    }

    fn end(&self) {
        match self {
            Self::Many(all) => all.iter().for_each(Self::end),
            Self::Element(shown) => {
                // An event may be on its way to it: that a dialog was closed is told a moment later.
                for Listener { event, closure, .. } in &shown.handlers {
                    let call = closure.as_ref().unchecked_ref();
                    let _ = shown.node.remove_event_listener_with_callback(event, call);
                }
                shown.children.iter().for_each(Self::end);
            }
            Self::Part(shown) => {
                // Taken out, so that what draws the parts in it is gone before what it reads: they may be due already.
                let content =
                    shown.content.try_borrow_mut().ok().map(|mut content| core::mem::take(&mut *content));
                if let Some(content) = content {
                    content.end();
                }
                shown.scope.cleanup();
            }
            Self::Nothing | Self::Text(..) | Self::Moving(_) => {}
        }
    }
}

impl ShownElement {
    fn is(&self, made: &Made) -> bool {
        self.tag == made.tag && self.key == made.key
    }

    fn patch(&mut self, made: Made) {
        self.key = made.key;
        for (name, value) in &made.attributes {
            if !self.attributes.iter().any(|(known, shown)| known == name && shown == value) {
                let _ = self.node.set_attribute(name, value);
            }
        }
        for (name, _) in &self.attributes {
            if !made.attributes.iter().any(|(known, _)| known == name) {
                let _ = self.node.remove_attribute(name);
            }
        }
        self.attributes = made.attributes;
        for (event, call) in made.handlers {
            match self.handlers.iter().find(|listener| listener.event == event) {
                Some(listener) => *listener.call.borrow_mut() = call,
                None => self.listen(event, call),
            }
        }
        patch_all(&self.node, &mut self.children, made.children, None);
        // After the children: the value of a choice is one of its options.
        if let Some(value) = &made.value {
            set_if_other(&self.node, "value", &value.as_ref().into());
        }
        if let Some(checked) = made.checked {
            set_if_other(&self.node, "checked", &checked.into());
        }
        if let Some(ready) = made.ready
            && self.node.parent_node().is_none()
        {
            READY.with_borrow_mut(|all| all.push((self.node.clone(), ready)));
        }
    }

    fn listen(&mut self, event: &'static str, call: Handler) {
        let call = Rc::new(RefCell::new(call));
        let calls = Rc::clone(&call);
        let closure = Closure::<dyn Fn(web_sys::Event)>::new(move |event: web_sys::Event| {
            // Held while it runs: a drawing that it causes may replace it.
            let call = Rc::clone(&calls.borrow());
            call(&event);
        });
        let _ = self.node.add_event_listener_with_callback(event, closure.as_ref().unchecked_ref());
        self.handlers.push(Listener { event, call, closure });
    }
}

/// Sets a property only if it differs: setting it moves the cursor of whoever is typing.
fn set_if_other(node: &web_sys::Element, name: &str, value: &wasm_bindgen::JsValue) {
    let name = name.into();
    if js_sys::Reflect::get(node, &name).as_ref() != Ok(value) {
        let _ = js_sys::Reflect::set(node, &name, value);
    }
}
