//! What someone must do, worst first; and beneath it what the rules do by themselves, each with its countdown.

use agora::Timestamp;
use leptos::prelude::*;
use rules::RuleId;

use super::age::countdown;
use super::icon::{Glyph, Tone, glyph};
use super::rule::rule_link;
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

/// The strip. Where nobody is needed it is one calm sentence.
pub fn attention(needs: Memo<Vec<Need>>, calm: Memo<String>) -> impl IntoView {
    let title = move || needs.with(|needs| words::need_you(needs.len()));
    let any = Memo::new(move |_| needs.with(|needs| !needs.is_empty()));
    let more = move || {
        needs
            .with(|needs| needs.len().checked_sub(SHOWN + 1))
            .map(|more| view! { <p class="meta more">{words::more_below(more + 1)}</p> })
    };
    view! {
        <section class="attention" aria-labelledby="needs-you">
            <h2 class="unseen" id="needs-you">{words::ATTENTION}</h2>
            <Show when=move || any.get() fallback=move || view! { <p class="calm">{move || calm.get()}</p> }>
                <header aria-hidden="true"><b class="h2">{title}</b><span class="meta">{words::WORST_FIRST}</span></header>
                <ul>
                    <For
                        each=move || needs.get().into_iter().take(SHOWN)
                        key=|need| (need.key.clone(), need.says.clone(), need.action.clone())
                        children=need_line
                    />
                </ul>
                {more}
            </Show>
        </section>
    }
}

fn need_line(need: Need) -> impl IntoView {
    let Need { tone, glyph: mark, channel, href, says, rule, action, .. } = need;
    let open = words::open(&channel);
    let action = action.map(|(word, to)| {
        let named = words::action_for(&word, &channel);
        view! { <a class="button" href=to aria-label=named>{word}</a> }
    });
    view! {
        <li data-tone=tone.name()>
            {glyph(mark)} <a href=href.clone()>{channel}</a> <span>{says} " " {rule_link(rule)}</span>
            <div class="buttons">{action} <a class="button plain" href=href aria-label=open>{words::OPEN}</a></div>
        </li>
    }
}

/// What is being handled; nothing is drawn when there is nothing.
pub fn handled(handled: Memo<Vec<Handled>>) -> impl IntoView {
    const CHIPS: usize = 5;
    let any = Memo::new(move |_| handled.with(|handled| !handled.is_empty()));
    let more = move || {
        handled
            .with(|all| all.len().checked_sub(CHIPS + 1))
            .map(|more| view! { <li class="meta">{words::more(more + 1)}</li> })
    };
    move || {
        any.get().then(|| {
            view! {
                <section class="handled" aria-labelledby="handled">
                    <h2 id="handled">{move || handled.with(|handled| words::being_handled(handled.len()))}</h2>
                    <ul>
                        <For
                            each=move || handled.get().into_iter().take(CHIPS)
                            key=|one| (one.key.clone(), one.due, one.glyph as u8)
                            children=|one| {
                                view! {
                                    <li>
                                        <a href=one.href data-tone=one.tone.name()>
                                            {glyph(one.glyph)} {one.channel} " " {countdown(Signal::stored(one.due))}
                                        </a>
                                    </li>
                                }
                            }
                        /> {more}
                    </ul>
                </section>
            }
        })
    }
}
