//! What users say besides their facts, in English and Chinese.

use super::user::Mood;
use crate::text::Language;

#[derive(Debug)]
pub(crate) struct Phrases {
    /// Between two sentences.
    pub(crate) joint: &'static str,
    pub(crate) correction: &'static str,
    pub(crate) secret: &'static str,
    pub(crate) unclear: &'static str,
    pub(crate) waiting: &'static str,
    pub(crate) distrust: &'static str,
    pub(crate) impatient: &'static str,
    chatty: &'static [&'static str],
    worried: &'static [&'static str],
}

impl Phrases {
    pub(crate) fn of(language: Language) -> &'static Self {
        match language {
            Language::En => &EN,
            Language::Zh => &ZH,
        }
    }

    /// A remark for the user's mood; not after every message.
    pub(crate) fn remark(&self, mood: Mood, heard: usize) -> Option<&'static str> {
        let remarks = match mood {
            Mood::Terse => return None,
            Mood::Chatty => self.chatty,
            Mood::Worried => self.worried,
        };
        (heard % 2 == 1).then(|| remarks[heard / 2 % remarks.len()])
    }
}

static EN: Phrases = Phrases {
    joint: " ",
    correction: "Oh, you are right, I misread that. ",
    secret: "I will not tell you that; your own leaflet says that you never ask for it.",
    unclear: "I do not know what you want from me. Could you put it differently?",
    waiting: "All right.",
    distrust: "You keep asking for things that nobody should ask for. I am hanging up.",
    impatient: "I have been on this for too long. I will try again another day. Goodbye.",
    chatty: &[
        "Sorry, the dog is barking.",
        "My neighbour had the same thing last year.",
        "Nice to talk to a person, by the way.",
    ],
    worried: &[
        "I hope this is nothing serious.",
        "I really need this to work today.",
        "This has never happened to me before.",
    ],
};

static ZH: Phrases = Phrases {
    joint: "",
    correction: "哦，您说得对，我看错了。",
    secret: "这个我不会告诉您，你们自己的说明上写着绝不会索要。",
    unclear: "我不明白您要我做什么，能换个说法吗？",
    waiting: "好的。",
    distrust: "您一再问不该问的东西，我挂了。",
    impatient: "已经耗得太久了，我改天再打，再见。",
    chatty: &["不好意思，狗在叫。", "去年邻居也遇到过一样的事。", "对了，能和真人说话真好。"],
    worried: &["希望不是什么大问题。", "今天一定得弄好才行。", "以前从没出过这种事。"],
};
