//! A call of a journal as a command line, for who wants to repeat it by hand or show it to the vendor's support. What is
//! secret stands as the name of a variable: the page has never seen it.

use agora::request::{self, StorageConfig};
use agora::{AnswerClass, AppId, Operation, ResourceId, Sid};
use rules::journal::{CallSent, Entry, Fact, Requested, UpdateRequested};

/// Stands for the App ID, which the page does not know either.
const APP: &str = "APPID";

/// What is known of a session before a call of it leaves.
#[derive(Default)]
struct Known<'a> {
    requested: Option<&'a Requested>,
    update: UpdateRequested,
    layout: Option<&'a agora::request::Layout>,
    resource: Option<&'a ResourceId>,
    sid: Option<&'a Sid>,
}

fn known_before<'a>(entries: &'a [Entry], call: &Entry, sent: &CallSent) -> Known<'a> {
    let mut known = Known::default();
    let ours = |id: &rules::journal::CallId| {
        entries.iter().any(|entry| {
            matches!(&entry.fact, Fact::CallSent(other) if other.id == *id && other.session == sent.session)
        })
    };
    for entry in entries.iter().take_while(|entry| entry.number < call.number) {
        match &entry.fact {
            Fact::Requested(requested) => known.requested = Some(requested),
            Fact::UpdateRequested(update) => known.update.put_over(update),
            Fact::LayoutRequested(layout) => known.layout = Some(&layout.layout),
            Fact::Adopted(adopted) if adopted.session == sent.session => {
                known.sid = Some(&adopted.sid);
                known.resource = Some(&adopted.resource_id);
            }
            Fact::CallAnswered(answered) if ours(&answered.id) => match &answered.answer.class {
                AnswerClass::Acquired(resource) => known.resource = Some(resource),
                AnswerClass::Started(sid) | AnswerClass::AlreadyStarted(Some(sid)) => known.sid = Some(sid),
                _ => {}
            },
            _ => {}
        }
    }
    known
}

/// The command line of a call; none for an entry that is no call, and for a call whose recording was not asked for here.
/// `origin` is the address of the proxy.
pub fn curl(entries: &[Entry], call: &Entry, recording: &str, origin: &str) -> Option<String> {
    let Fact::CallSent(sent) = &call.fact else { return None };
    let known = known_before(entries, call, sent);
    let requested = known.requested?;
    let (channel, settings) = (&requested.channel, &requested.settings);
    let app = AppId::parse(APP).ok()?;
    let path = request::path(&app, sent.operation, settings.mode, known.resource, known.sid)?;
    let path = path.replacen(APP, "'\"$APP_ID\"'", 1);
    let body = match sent.operation {
        Operation::Acquire => request::acquire_body(channel, sent.uid, settings, &[]),
        Operation::Start => request::start_body(channel, sent.uid, settings, &storage(), None),
        Operation::Query => String::new(),
        Operation::Stop => request::stop_body(channel, sent.uid, sent.asynchronous),
        Operation::Update => request::update_body(channel, sent.uid, &known.update.settings, None),
        Operation::UpdateLayout => request::update_layout_body(channel, sent.uid, known.layout?),
    };
    // The storage profile is the proxy's own: its place in the command is filled from variables.
    let body = quoted(&body).replace(
        r#""vendor":0,"region":0,"#,
        r#""vendor":'"$STORAGE_VENDOR"',"region":'"$STORAGE_REGION"',"#,
    );
    let body = ["BUCKET", "ACCESS_KEY", "SECRET_KEY"].iter().fold(body, |body, name| {
        body.replace(&["\"$", name, "\""].concat(), &["\"'\"$", name, "\"'\""].concat())
    });
    let method = if sent.operation == Operation::Query { "GET" } else { "POST" };
    let mut text = [
        "# The proxy's record of it: curl ",
        &quoted(&format!("{origin}api/v1/recordings/{recording}/journal?after={}", call.number - 1)),
        "\ncurl -X ",
        method,
        " 'https://",
        &sent.host,
        &path,
        "' \\\n  -u \"$CUSTOMER_KEY:$CUSTOMER_SECRET\" \\\n  -H 'Content-Type: application/json'",
    ]
    .concat();
    if !body.is_empty() && sent.operation != Operation::Query {
        text.push_str(" \\\n  -d ");
        text.push_str(&body);
    }
    Some(text)
}

/// A storage profile of which only the names of its variables are known.
fn storage() -> StorageConfig {
    StorageConfig {
        vendor: 0,
        region: 0,
        bucket: "$BUCKET".to_owned(),
        access_key: "$ACCESS_KEY".to_owned(),
        secret_key: "$SECRET_KEY".to_owned(),
        sts_token: None,
        sts_expiration: None,
        file_name_prefix: Vec::new(),
        extension_params: None,
    }
}

/// One word of a shell's command line, whatever is in it.
fn quoted(text: &str) -> String {
    ["'", &text.replace('\'', r"'\''"), "'"].concat()
}

#[cfg(test)]
mod tests {
    use super::{curl, quoted};
    use rules::journal::{Entry, Fact};
    use std::fs;
    use std::path::Path;

    #[test]
    fn a_word_of_a_shell_ends_where_it_ends() {
        assert_eq!(quoted("a'b $(c)"), r"'a'\''b $(c)'");
    }

    /// Every call of every kept journal: a command line whose body is JSON, and in which nothing is secret.
    #[test]
    fn every_call_of_the_kept_journals_is_a_command() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/rules/journals/v1");
        let mut commands = 0;
        for file in fs::read_dir(folder).expect("the folder can be read").flatten() {
            if file.path().extension().is_none_or(|end| end != "jsonl") {
                continue;
            }
            let text = fs::read_to_string(file.path()).expect("the journal can be read");
            let entries: Vec<Entry> =
                text.lines().map(|line| serde_json::from_str(line).expect("an entry")).collect();
            for call in entries.iter().filter(|entry| matches!(entry.fact, Fact::CallSent(_))) {
                let told = curl(&entries, call, "r-1", "http://desk/").expect("each call can be told");
                assert!(told.contains("cloud_recording/") && told.contains("\"$APP_ID\""), "{told}");
                if let Some((_, body)) = told.split_once(" -d ") {
                    // As a shell would read it, with a number for each variable.
                    let mut read = body.to_owned();
                    for name in ["STORAGE_VENDOR", "STORAGE_REGION", "BUCKET", "ACCESS_KEY", "SECRET_KEY"] {
                        read = read.replace(&format!("'\"${name}\"'"), "1");
                    }
                    let read = read.trim_matches('\'').replace(r"'\''", "'");
                    serde_json::from_str::<serde_json::Value>(&read).expect("the body is JSON");
                }
                commands += 1;
            }
        }
        assert!(commands > 10);
    }
}
