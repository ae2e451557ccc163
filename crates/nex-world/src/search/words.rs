//! Names of which libraries are made, by language.
//!
//! Names are put together from parts, so that no two libraries hold the same ones and nothing in
//! them is known from elsewhere.

use crate::text::Language;

/// Parts of names in one language.
pub(crate) struct Words {
    pub(crate) town_heads: &'static [&'static str],
    pub(crate) town_tails: &'static [&'static str],
    pub(crate) given: &'static [&'static str],
    pub(crate) family: &'static [&'static str],
    pub(crate) rivers: &'static [&'static str],
    pub(crate) firm_tails: &'static [&'static str],
    pub(crate) device_names: &'static [&'static str],
    pub(crate) prize_heads: &'static [&'static str],
    pub(crate) prize_tails: &'static [&'static str],
    /// What the makers of a library make.
    pub(crate) categories: &'static [&'static str],
}

impl Words {
    pub(crate) fn of(language: Language) -> &'static Self {
        match language {
            Language::En => &EN,
            Language::Zh => &ZH,
        }
    }
}

static EN: Words = Words {
    town_heads: &[
        "Hal", "Brun", "Oster", "Kell", "Vard", "Linde", "Mar", "Tor", "Ash", "Wick", "Fen", "Stav", "Rode",
        "Gren", "Sunder", "Alm", "Corve", "Dray", "Elster", "Hazel",
    ],
    town_tails: &["den", "holm", "ford", "vik", "stad", "mouth", "burgh", "wold", "minster", "combe"],
    given: &[
        "Marta", "Johan", "Ines", "Pavel", "Ruth", "Anselm", "Clara", "Tobias", "Edda", "Lorenz", "Vera",
        "Magnus", "Judith", "Casper", "Nora", "Felix", "Astrid", "Henrik", "Olga", "Bruno", "Signe",
        "Walter", "Irma", "Oskar", "Thea", "Ludwig", "Hanne", "Viktor", "Greta", "Emil",
    ],
    family: &[
        "Lindqvist",
        "Aldous",
        "Brandvold",
        "Carsey",
        "Dahlgren",
        "Ekelund",
        "Farrow",
        "Gessner",
        "Holloway",
        "Ibbotson",
        "Jansson",
        "Kestrel",
        "Lorimer",
        "Maddox",
        "Nystrom",
        "Orchard",
        "Pellew",
        "Quist",
        "Ravnkilde",
        "Sorley",
        "Thorne",
        "Underhay",
        "Vance",
        "Westerby",
        "Yarrow",
        "Zeller",
        "Ashdown",
        "Bellamy",
        "Crane",
        "Dunmore",
    ],
    rivers: &[
        "Arle", "Binnow", "Cade", "Dovey", "Erme", "Fallow", "Gade", "Ister", "Kenwyn", "Lode", "Mease",
        "Nadder", "Orrin", "Piddle", "Rhee", "Sark", "Teme", "Ure", "Wensum", "Yeo", "Avill", "Brue",
        "Churn", "Deben",
    ],
    firm_tails: &[
        "Instruments",
        "Instrument Works",
        "Optical Company",
        "Precision",
        "Laboratories",
        "Brothers",
        "and Daughters",
        "Manufactory",
    ],
    device_names: &[
        "Meridian", "Polaris", "Falcon", "Zenith", "Corona", "Heron", "Lumen", "Tempest", "Atlas", "Quill",
        "Solstice", "Beacon", "Argus", "Cygnet", "Pallas", "Vesper", "Halcyon", "Sextans", "Borealis",
        "Tern",
    ],
    prize_heads: &[
        "Aurora",
        "Copernic",
        "Lantern",
        "Pathfinder",
        "Silverline",
        "Northlight",
        "Compass",
        "Keystone",
        "Horizon",
        "Almanac",
    ],
    prize_tails: &["Medal", "Prize", "Award"],
    categories: &["theodolite", "sextant", "barometer", "chronometer", "seismograph", "spectrometer"],
};

static ZH: Words = Words {
    town_heads: &[
        "青岚", "云溪", "白鹭", "临川", "松陵", "桐浦", "石门", "澄江", "望舒", "寒山", "竹溪", "沧浪",
        "红枫", "南渡", "柳河", "金沙", "鹤鸣", "月湖", "梅岭", "星桥",
    ],
    town_tails: &["镇", "市", "城", "港", "州"],
    given: &[
        "文清", "建国", "雨桐", "思远", "明哲", "若兰", "志强", "晓峰", "慧敏", "子墨", "嘉宁", "国栋",
        "秀英", "海涛", "静怡", "永康", "佩玲", "天佑", "素云", "正华", "书瑶", "立群", "淑贞", "宏毅",
    ],
    family: &[
        "沈", "顾", "陆", "卫", "欧阳", "司徒", "诸葛", "钱", "孟", "程", "傅", "曹", "丁", "邓", "魏", "薛",
        "范", "彭", "鲁", "韦", "苗", "凤", "花", "方",
    ],
    rivers: &[
        "浣水", "漓溪", "澧河", "沅浦", "汨溪", "泾川", "洛溪", "渭浦", "淇水", "沁河", "汶溪", "泗川",
        "潇浦", "湄河", "涪溪", "沱川", "岷浦", "漳水", "滏河", "灞溪",
    ],
    firm_tails: &["仪器厂", "仪器公司", "光学公司", "精密机械厂", "实验器材社", "科学仪器行"],
    device_names: &[
        "子午",
        "北辰",
        "苍鹰",
        "天顶",
        "日冕",
        "白鹤",
        "流明",
        "惊雷",
        "擎天",
        "鹅毛笔",
        "至日",
        "烽火",
        "百目",
        "天鹅",
        "智慧女神",
        "长庚",
        "翠鸟",
        "六分仪座",
        "极光",
        "燕鸥",
    ],
    prize_heads: &["曙光", "求真", "明灯", "探路", "银线", "北光", "罗盘", "拱石", "地平线", "历书"],
    prize_tails: &["奖章", "奖", "金奖"],
    categories: &["经纬仪", "航海仪", "气压计", "精密时钟", "地震仪", "光谱仪"],
};
