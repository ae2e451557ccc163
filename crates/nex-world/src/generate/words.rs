//! Names, places and sentences in English and Chinese.

use crate::text::Language;
use rand::{Rng, RngExt};

const FIRST_EN: [&str; 80] = [
    "Amelia", "Noah", "Olivia", "Liam", "Sofia", "Ethan", "Chloe", "Lucas", "Maya", "Henry", "Grace",
    "Oscar", "Nora", "Felix", "Ruby", "Hugo", "Alice", "Victor", "Clara", "Simon", "Elena", "Marcus",
    "Irene", "Daniel", "Priya", "Rafael", "Leila", "Tomas", "Yusuf", "Ingrid", "Mateo", "Hannah", "Samuel",
    "Beatrice", "Julian", "Fatima", "Owen", "Camille", "Arjun", "Greta", "Isaac", "Lucia", "Nathan", "Zara",
    "Adrian", "Miriam", "Pablo", "Edith", "Kofi", "Anya", "Dominic", "Helen", "Rashid", "Penelope", "Viktor",
    "Celeste", "Martin", "Aisha", "George", "Linnea", "Walter", "Naomi", "Andre", "Tessa", "Emil", "Rosa",
    "Patrick", "Sabine", "Gideon", "Yara", "Louis", "Freya", "Omar", "Bridget", "Stefan", "Carmen", "Ronan",
    "Vera", "Malik", "Eleanor",
];
const LAST_EN: [&str; 80] = [
    "Hartley",
    "Moreau",
    "Okafor",
    "Lindqvist",
    "Alvarez",
    "Novak",
    "Whitfield",
    "Rossi",
    "Tanaka",
    "Becker",
    "Osei",
    "Fitzgerald",
    "Kowalski",
    "Mbeki",
    "Sandoval",
    "Petrov",
    "Delgado",
    "Ashworth",
    "Lehmann",
    "Costa",
    "Varga",
    "Nakamura",
    "Sinclair",
    "Haddad",
    "Bergstrom",
    "Quinn",
    "Romero",
    "Dubois",
    "Marsh",
    "Ferreira",
    "Iyer",
    "Holloway",
    "Jansen",
    "Keller",
    "Abbott",
    "Silva",
    "Thornton",
    "Ivanov",
    "Mensah",
    "Larsen",
    "Castillo",
    "Winters",
    "Gupta",
    "Hughes",
    "Bianchi",
    "Carver",
    "Dvorak",
    "Ellison",
    "Farouk",
    "Grady",
    "Hassan",
    "Ibarra",
    "Jokinen",
    "Khan",
    "Laurent",
    "Mercer",
    "Nilsson",
    "Ortega",
    "Pryce",
    "Reyes",
    "Schmidt",
    "Torres",
    "Underwood",
    "Vance",
    "Weber",
    "Yilmaz",
    "Zimmer",
    "Archer",
    "Brandt",
    "Calloway",
    "Donovan",
    "Eriksen",
    "Fontaine",
    "Granger",
    "Hendricks",
    "Jarvis",
    "Kaplan",
    "Lambert",
    "Maddox",
    "Norris",
];
const FAMILY_ZH: [&str; 50] = [
    "王", "李", "张", "刘", "陈", "杨", "黄", "赵", "吴", "周", "徐", "孙", "马", "朱", "胡", "郭", "何",
    "林", "高", "罗", "郑", "梁", "谢", "宋", "唐", "许", "韩", "冯", "邓", "曹", "彭", "曾", "肖", "田",
    "董", "潘", "袁", "蔡", "蒋", "余", "于", "杜", "叶", "程", "苏", "魏", "吕", "丁", "任", "沈",
];
const GIVEN_ZH: [&str; 60] = [
    "伟", "芳", "敏", "静", "丽", "强", "磊", "洋", "艳", "勇", "军", "杰", "娟", "涛", "明", "超", "霞",
    "平", "刚", "雪梅", "建华", "文博", "子涵", "雨桐", "浩然", "思远", "佳怡", "梓萱", "志强", "晓东",
    "海燕", "俊杰", "欣怡", "天宇", "婷婷", "国庆", "玉兰", "春华", "晨曦", "若曦", "一鸣", "嘉豪", "诗涵",
    "宇轩", "慧敏", "立新", "永康", "秀英", "桂芳", "振华", "依诺", "泽宇", "可馨", "明远", "丹丹", "凯",
    "鹏飞", "晓琳", "云飞", "雅静",
];
const CITY_EN: [&str; 40] = [
    "Lisbon", "Graz", "Leeds", "Utrecht", "Gdansk", "Lyon", "Bergen", "Porto", "Bristol", "Ghent", "Turin",
    "Aarhus", "Malmo", "Zurich", "Cork", "Valencia", "Krakow", "Bremen", "Nantes", "Tampere", "Bologna",
    "Cardiff", "Basel", "Antwerp", "Seville", "Leipzig", "Glasgow", "Brno", "Riga", "Tallinn", "Dresden",
    "Toulouse", "Galway", "Trieste", "Linz", "Maribor", "Uppsala", "Odense", "Coimbra", "Plovdiv",
];
const CITY_ZH: [&str; 30] = [
    "北京", "上海", "广州", "深圳", "杭州", "南京", "成都", "武汉", "西安", "重庆", "苏州", "天津", "青岛",
    "长沙", "宁波", "厦门", "郑州", "合肥", "福州", "大连", "昆明", "无锡", "济南", "沈阳", "珠海", "绍兴",
    "嘉兴", "洛阳", "扬州", "桂林",
];
const STREET_EN: [&str; 30] = [
    "Mill Lane",
    "Station Road",
    "Orchard Street",
    "Kingsway",
    "Harbour View",
    "Church Street",
    "Elm Avenue",
    "Market Square",
    "Bridge Street",
    "Park Crescent",
    "Linden Road",
    "Castle Hill",
    "Rose Gardens",
    "Canal Walk",
    "Victoria Terrace",
    "North Parade",
    "Chapel Lane",
    "Garden Row",
    "Meadow Close",
    "Abbey Road",
    "Foundry Street",
    "Queen Street",
    "Highfield Road",
    "Willow Drive",
    "College Green",
    "Forge Lane",
    "Temple Street",
    "Bakers Yard",
    "Quarry Road",
    "Sycamore Way",
];
const STREET_ZH: [&str; 24] = [
    "人民路",
    "解放路",
    "中山路",
    "建设路",
    "和平街",
    "文化路",
    "新华街",
    "长江路",
    "学府路",
    "湖滨路",
    "花园街",
    "朝阳路",
    "友谊路",
    "胜利街",
    "迎宾大道",
    "滨江路",
    "翠竹路",
    "振兴街",
    "青年路",
    "平安街",
    "南京路",
    "天府大道",
    "西湖路",
    "育才街",
];
const COMPANY_EN: [&str; 40] = [
    "Northwind",
    "Brightwater",
    "Halcyon",
    "Redwood",
    "Silverline",
    "Bluepeak",
    "Stonegate",
    "Evergreen",
    "Lakeshore",
    "Ironbridge",
    "Summit",
    "Clearwater",
    "Goldfinch",
    "Oakhurst",
    "Westbrook",
    "Cobalt",
    "Meridian",
    "Larkspur",
    "Highland",
    "Foxglove",
    "Beacon",
    "Driftwood",
    "Juniper",
    "Kestrel",
    "Marlow",
    "Nightingale",
    "Orchard",
    "Pinnacle",
    "Quartz",
    "Riverstone",
    "Sandpiper",
    "Thistle",
    "Umber",
    "Vantage",
    "Wildflower",
    "Yarrow",
    "Zephyr",
    "Amber",
    "Birchwood",
    "Coralline",
];
const COMPANY_KIND_EN: [&str; 14] = [
    "Logistics",
    "Foods",
    "Systems",
    "Partners",
    "Textiles",
    "Instruments",
    "Energy",
    "Media",
    "Trading",
    "Studios",
    "Works",
    "Supplies",
    "Analytics",
    "Holdings",
];
const COMPANY_FORM_EN: [&str; 5] = ["Ltd", "GmbH", "Inc.", "& Co.", "BV"];
const COMPANY_ZH: [&str; 28] = [
    "华信", "东方", "恒达", "金桥", "瑞丰", "长虹", "盛世", "天成", "嘉禾", "宏图", "博远", "海纳", "明德",
    "星河", "云帆", "众联", "佳音", "鼎新", "润泽", "安泰", "启航", "百川", "卓越", "信诚", "晨光", "广益",
    "同济", "振邦",
];
const COMPANY_KIND_ZH: [&str; 10] =
    ["科技", "物流", "食品", "贸易", "电子", "传媒", "能源", "纺织", "医疗器械", "信息技术"];
const DOMAINS: [&str; 6] = [
    "example.com",
    "mail.example.org",
    "example.net",
    "post.example.com",
    "inbox.example.org",
    "home.example.net",
];
const SENTENCE_EN: [&str; 16] = [
    "Please confirm by the end of the week.",
    "The previous attempt did not work.",
    "This was agreed on the phone.",
    "See the attached description for details.",
    "It only happens in the morning.",
    "The colleague on duty has been informed.",
    "There is no hurry with this one.",
    "We have waited for two weeks now.",
    "A copy was sent by post as well.",
    "Nothing else needs to change.",
    "The old arrangement ends next month.",
    "Someone should look at it on site.",
    "The numbers do not match the list.",
    "It worked until the last update.",
    "The key is kept at the front desk.",
    "They asked to be called back.",
];
const SENTENCE_ZH: [&str; 14] = [
    "请在本周内确认。",
    "上次的尝试没有成功。",
    "此事已在电话中约定。",
    "详情见附件说明。",
    "只在早上出现这种情况。",
    "已通知值班同事。",
    "此事不急。",
    "我们已经等了两周。",
    "副本也已寄出。",
    "其他内容无需更改。",
    "旧安排下月到期。",
    "需要有人到现场查看。",
    "数字与清单不符。",
    "对方要求回电。",
];

fn pick<'a, R: Rng>(words: &[&'a str], rng: &mut R) -> &'a str {
    words[rng.random_range(0..words.len())]
}

/// A full name.
pub(crate) fn person_name<R: Rng>(language: Language, rng: &mut R) -> String {
    match language {
        Language::En => format!("{} {}", pick(&FIRST_EN, rng), pick(&LAST_EN, rng)),
        Language::Zh => format!("{}{}", pick(&FAMILY_ZH, rng), pick(&GIVEN_ZH, rng)),
    }
}

/// A company.
pub(crate) fn company<R: Rng>(language: Language, rng: &mut R) -> String {
    match language {
        Language::En => {
            format!(
                "{} {} {}",
                pick(&COMPANY_EN, rng),
                pick(&COMPANY_KIND_EN, rng),
                pick(&COMPANY_FORM_EN, rng)
            )
        }
        Language::Zh => {
            format!(
                "{}{}{}有限公司",
                pick(&CITY_ZH, rng),
                pick(&COMPANY_ZH, rng),
                pick(&COMPANY_KIND_ZH, rng)
            )
        }
    }
}

/// A city.
pub(crate) fn city<R: Rng>(language: Language, rng: &mut R) -> String {
    match language {
        Language::En => pick(&CITY_EN, rng).to_owned(),
        Language::Zh => pick(&CITY_ZH, rng).to_owned(),
    }
}

/// Street, number and city.
pub(crate) fn address<R: Rng>(language: Language, rng: &mut R) -> String {
    let number = rng.random_range(1..190u32);
    match language {
        Language::En => {
            let street = pick(&STREET_EN, rng);
            let code = rng.random_range(1000..9999u32);
            format!("{number} {street}, {code} {}", pick(&CITY_EN, rng))
        }
        Language::Zh => format!("{}市{}{number}号", pick(&CITY_ZH, rng), pick(&STREET_ZH, rng)),
    }
}

/// A phone number under an area code that is not given out.
pub(crate) fn phone<R: Rng>(language: Language, rng: &mut R) -> String {
    let mut number = match language {
        Language::En => "+1 555 ".to_owned(),
        Language::Zh => "+86 190 0".to_owned(),
    };
    digits(&mut number, 3, rng);
    number.push(' ');
    digits(&mut number, 4, rng);
    number
}

/// An address for `name` at a domain that nobody owns.
pub(crate) fn email<R: Rng>(name: &str, rng: &mut R) -> String {
    let mut local: String = name
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '.' })
        .collect::<String>()
        .split('.')
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(".");
    if local.is_empty() {
        local.push_str("user");
        digits(&mut local, 5, rng);
    } else {
        digits(&mut local, 2, rng);
    }
    format!("{local}@{}", pick(&DOMAINS, rng))
}

/// One or two sentences.
pub(crate) fn sentence<R: Rng>(language: Language, rng: &mut R) -> String {
    match language {
        Language::En => pick(&SENTENCE_EN, rng).to_owned(),
        Language::Zh => pick(&SENTENCE_ZH, rng).to_owned(),
    }
}

/// `count` random digits.
pub(crate) fn digits<R: Rng>(out: &mut String, count: u8, rng: &mut R) {
    for _ in 0..count {
        out.push(char::from(b'0' + rng.random_range(0..10u8)));
    }
}
