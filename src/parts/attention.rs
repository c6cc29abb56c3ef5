//! What someone must do, worst first; and beneath it what the rules do by themselves, each with its countdown.

use agora::Timestamp;
use rules::RuleId;

use super::age::countdown;
use super::icon::{Glyph, Tone, glyph};
use super::rule::rule_link;
use crate::dom::{Element, Node, el};
use crate::words;

/// How many lines the strip shows before it points to the list.
const SHOWN: usize = 5;

/// One thing that needs a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// Unique among the needs.
    pub key: String,
    /// Its class.
    pub tone: Tone,
    /// Its mark.
    pub glyph: Glyph,
    /// The channel.
    pub channel: String,
    /// Where the channel's name leads.
    pub href: String,
    /// What happened and what the page waits for.
    pub says: String,
    /// The rule.
    pub rule: RuleId,
    /// What can be done: a word and where it leads.
    pub action: Option<(String, String)>,
}

/// One thing that the rules are at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handled {
    /// Unique among them.
    pub key: String,
    /// Its class.
    pub tone: Tone,
    /// Its mark.
    pub glyph: Glyph,
    /// The channel.
    pub channel: String,
    /// Where it leads.
    pub href: String,
    /// When the next call is due.
    pub due: Option<Timestamp>,
}

/// The strip. Where nobody is needed it is the one calm line.
pub fn attention(needs: &[&Need], calm: Element) -> Element {
    let strip = el("section.attention")
        .set("aria-labelledby", "needs-you")
        .add(el("h2.unseen").id("needs-you").add(words::ATTENTION));
    if needs.is_empty() {
        return strip.add(calm);
    }
    let header = el("header")
        .set("aria-hidden", "true")
        .add(el("b.h2").add(words::need_you(needs.len())))
        .add(el("span.meta").add(words::WORST_FIRST));
    let lines: Vec<Node> = needs.iter().take(SHOWN).map(|need| need_line(need)).collect();
    let more =
        needs.len().checked_sub(SHOWN + 1).map(|more| el("p.meta.more").add(words::more_below(more + 1)));
    strip.add(header).add(el("ul").add(lines)).add(more)
}

fn need_line(need: &Need) -> Node {
    let action = need.action.as_ref().map(|(word, to)| {
        let named = words::action_for(word, &need.channel);
        el("a.button").set("href", to.clone()).set("aria-label", named).add(word.clone())
    });
    let open = el("a.button.plain")
        .set("href", need.href.clone())
        .set("aria-label", words::open(&need.channel))
        .add(words::OPEN);
    el("li")
        .key(need.key.clone())
        .set("data-tone", need.tone.name())
        .add(glyph(need.glyph))
        .add(el("a").set("href", need.href.clone()).add(need.channel.clone()))
        .add(el("span").add(need.says.clone()).add(" ").add(rule_link(need.rule)))
        .add(el("div.buttons").add(action).add(open))
        .into()
}

/// What is being handled; nothing is drawn when there is nothing.
pub fn handled(handled: &[Handled]) -> Node {
    const CHIPS: usize = 5;
    if handled.is_empty() {
        return Node::Nothing;
    }
    let mut chips: Vec<Node> = handled
        .iter()
        .take(CHIPS)
        .map(|one| {
            let chip = el("a")
                .set("href", one.href.clone())
                .set("data-tone", one.tone.name())
                .add(glyph(one.glyph))
                .add(one.channel.clone())
                .add(" ")
                .add(countdown(one.due));
            el("li").key(one.key.clone()).add(chip).into()
        })
        .collect();
    if let Some(more) = handled.len().checked_sub(CHIPS + 1) {
        chips.push(el("li.meta").key("more").add(words::more(more + 1)).into());
    }
    el("section.handled")
        .set("aria-labelledby", "handled")
        .add(el("h2").id("handled").add(words::being_handled(handled.len())))
        .add(el("ul").add(chips))
        .into()
}
