//! Sentences of pages: several ways to state each relation, and sentences that state none.
//!
//! `{name}` is the page's thing, `{value}` the value. The words right before and right after
//! `{value}` are the marks between which it is read, so they are unlike those of other relations.

use super::graph::{Kind, Relation};
use crate::text::Language;

/// The ways to state `relation`.
pub(crate) fn ways(relation: Relation, language: Language) -> &'static [&'static str] {
    match language {
        Language::En => english(relation),
        Language::Zh => chinese(relation),
    }
}

fn english(relation: Relation) -> &'static [&'static str] {
    match relation {
        Relation::River => &[
            "{name} lies where the old salt road crosses the river {value}, whose floods have shaped the lower streets.",
            "Eleven mills were once driven here by the river {value}, which still runs through the middle of {name}.",
            "Barges come as far up the river {value} as the quay of {name}, though fewer each year.",
        ],
        Relation::TwinTown => &[
            "A partnership with its twin town {value} brings a choir and a football team across every spring.",
            "The square before the station bears the name of its twin town {value}, a friendship that outlived three mayors.",
        ],
        Relation::Chartered => &[
            "Its charter was sealed in {value} and hangs, much restored, in the council chamber.",
            "The market is older than the charter, which dates from {value} and was paid for in wool.",
        ],
        Relation::Population => &[
            "At the last count the town had {value} inhabitants, most of them on the south bank.",
            "The register listed {value} inhabitants, not counting the students in the hostels.",
        ],
        Relation::Birthplace => &[
            "{name} was born in {value} as the second of four children of a clockmaker.",
            "The parish book records that {name} was born in {value} during a hard winter.",
            "A plaque says that {name} was born in {value}, above what is now a bakery.",
        ],
        Relation::Born => &[
            "The year of birth, {value}, is known from a school register.",
            "Friends marked the birthday late, for the year of birth, {value}, was long given wrongly in print.",
        ],
        Relation::Teacher => &[
            "Drawing and mechanics were learned from {value}, to whom the first notebook is dedicated.",
            "In later talks the debt was always acknowledged: everything about tolerances had been learned from {value}, often at a kitchen table.",
        ],
        Relation::Employer => &[
            "The longest part of a career was spent with {value}, at first on piece rates.",
            "Pay slips show that the longest part of a career was spent with {value}, until the knees gave out.",
        ],
        Relation::Seat => &[
            "The company has its seat in {value}, in a brick hall that was built for a brewery.",
            "Offices and test rooms are where the company has its seat in {value}, a short walk from the railway.",
        ],
        Relation::Founder => &[
            "It was set up by {value}, who sold a motorcycle to pay for the first lathe.",
            "The house began as a repair shop and was set up by {value}, with two apprentices and a borrowed bench.",
        ],
        Relation::Founded => &[
            "The trade register has an entry for the founding in {value}, under another spelling of the name.",
            "Letterheads give the founding in {value} as the start of the business, and the books agree.",
        ],
        Relation::Staff => &[
            "About the works one reads that {value} people are employed there, many in the second generation.",
            "On the payroll {value} people are employed, counting the apprentices.",
        ],
        Relation::Maker => &[
            "It is manufactured by {value}, which keeps drawings of every version.",
            "Each one that is manufactured by {value} carries a brass plate with the date of its first adjustment.",
        ],
        Relation::Designer => &[
            "The design is the work of {value}, done in eleven months.",
            "Patent papers call it the work of {value}, although a dozen people drew on it.",
        ],
        Relation::Launched => &[
            "It came on the market in {value}, at a fair where it rained for four days.",
            "The first buyers had it when it came on the market in {value}, still with a leather case.",
        ],
        Relation::Weight => &[
            "Without its case it weighs {value} grams, which was thought heavy by some.",
            "On the scale it weighs {value} grams, tripod not included.",
        ],
        Relation::Host => &[
            "The ceremony takes place in {value}, in the second week of October.",
            "Laureates are received where the ceremony takes place in {value}, with a dinner for the families.",
        ],
        Relation::Giver => &[
            "The award is endowed by {value}, which has no vote in the jury.",
            "Money and medal are endowed by {value}, as the statutes lay down.",
        ],
        Relation::FirstGiven => &[
            "It was handed over for the first time in {value}, to a surprised winner.",
            "Since it was handed over for the first time in {value}, it has skipped some years for want of entries.",
        ],
    }
}

fn chinese(relation: Relation) -> &'static [&'static str] {
    match relation {
        Relation::River => &[
            "{name}坐落在古盐道与{value}的交汇处，低处的街巷因水患几经改建。",
            "从前这里有十一座水磨，古盐道与{value}的交汇处至今仍是{name}最热闹的地方。",
        ],
        Relation::TwinTown => &[
            "它与友好城市{value}往来多年，每年春天互派合唱团和足球队。",
            "车站前的广场以友好城市{value}命名，这段情谊经历了三任市长。",
        ],
        Relation::Chartered => &[
            "建制文书颁于公元{value}年，几经修补，如今挂在议事厅里。",
            "集市的历史早于建制，建制文书颁于公元{value}年，据说是用羊毛换来的。",
        ],
        Relation::Population => &[
            "据最近一次统计，全城有居民{value}人，多数住在南岸。",
            "户籍册上登记有居民{value}人，不含寄宿的学生。",
        ],
        Relation::Birthplace => &[
            "{name}出生于{value}的一个钟表匠家庭，在四个孩子中排行第二。",
            "地方志记载，{name}出生于{value}的老街，那年冬天格外冷。",
        ],
        Relation::Born => &[
            "据学籍册，其生年为{value}年，后来的文章常有误记。",
            "朋友们常记错日子，其生年为{value}年，是后来从旧档案里查到的。",
        ],
        Relation::Teacher => &[
            "早年的制图与机械受教于{value}，第一本笔记就是献给这位老师的。",
            "晚年演讲时仍常提起，公差的道理全受教于{value}，常常是在厨房的饭桌旁。",
        ],
        Relation::Employer => &[
            "职业生涯大半供职于{value}，起初只拿计件工资。",
            "工资单显示，职业生涯大半供职于{value}，直到膝盖不听使唤。",
        ],
        Relation::Seat => &[
            "公司总部设在{value}的一座红砖厂房里，那里原是酒坊。",
            "办公与试验都在一处，总部设在{value}的铁路旁，步行可到车站。",
        ],
        Relation::Founder => &[
            "它由创办人{value}卖掉摩托车、买下第一台车床办起来。",
            "最初只是修理铺，创办人{value}带着两个学徒和一张借来的工作台。",
        ],
        Relation::Founded => &[
            "工商档案里登记的成立年份是{value}年，名称的写法略有不同。",
            "信笺抬头上印的成立年份是{value}年，与账册一致。",
        ],
        Relation::Staff => {
            &["厂里现有员工{value}人，不少是第二代。", "工资册上有员工{value}人，学徒也算在内。"]
        }
        Relation::Maker => &[
            "该型号由制造商{value}保存着每一版图纸。",
            "每一台出自制造商{value}之手，都钉有首次校准日期的铜牌。",
        ],
        Relation::Designer => &[
            "整体设计出自{value}之手，前后用了十一个月。",
            "专利文件写明设计出自{value}之手，尽管参与绘图的有十几人。",
        ],
        Relation::Launched => &[
            "它在展会上首次上市是{value}年，那四天一直下雨。",
            "第一批买家拿到它时还配着皮箱，首次上市是{value}年，距今不短了。",
        ],
        Relation::Weight => {
            &["不含箱子净重{value}克，有人嫌它太沉。", "上秤一称，净重{value}克，三脚架不计在内。"]
        }
        Relation::Host => &[
            "颁奖礼每年十月在{value}举行，会期两天。",
            "获奖者携家人赴宴，颁奖礼每年十月在{value}举行，至今未变。",
        ],
        Relation::Giver => {
            &["奖金由{value}出资，但评审中并无其席位。", "按章程，奖牌与奖金由{value}出资，每三年结算一次。"]
        }
        Relation::FirstGiven => {
            &["首届颁发于{value}年，得主颇感意外。", "自首届颁发于{value}年以来，有几年因参评不足而空缺。"]
        }
    }
}

/// Sentences about things of `kind` that state no relation.
pub(crate) fn colour(kind: Kind, language: Language) -> &'static [&'static str] {
    match (kind, language) {
        (Kind::Town, Language::En) => &[
            "Travellers praise the plum cake and complain about the cobbles.",
            "A fire took the granaries once, and the new ones were built of stone.",
            "On market days the trams run until midnight.",
            "The museum shows shoes, locks and a stuffed sturgeon.",
            "Its bells were recast twice and still ring a quarter tone flat.",
            "Painters came for the light over the reed beds and stayed for the rents.",
            "Two theatres share one orchestra, which leads to hurried evenings.",
        ],
        (Kind::Person, Language::En) => &[
            "Colleagues remember a dry wit and a horror of telephones.",
            "A collection of pressed ferns went to the county archive.",
            "Lectures were given without notes and rarely ended on time.",
            "Most letters were answered on the day they came.",
            "In summer there was little to be had but a boat and bad weather.",
            "A portrait by an unknown hand hangs in the reading room.",
            "Two patents expired unused and were later much quoted.",
        ],
        (Kind::Firm, Language::En) => &[
            "The works band plays at retirements and, since a bet, at the harbour swim.",
            "An early order for harbour lamps nearly ruined the business and then saved it.",
            "Apprentices spend their first month filing a cube.",
            "The catalogue was set in lead until the printer retired.",
            "A strike over the canteen lasted nine days.",
            "Its test tower can be seen from the motorway.",
        ],
        (Kind::Device, Language::En) => &[
            "Collectors look for the early version with the green dial.",
            "Users praised the smooth focus and cursed the battery cover.",
            "A training film for it survives without its sound.",
            "Spare parts are still made to order.",
            "One of them was dropped from a tower and measured on as before.",
            "The manual runs to ninety pages, a third of them warnings.",
        ],
        (Kind::Prize, Language::En) => &[
            "The jury meets behind closed doors and publishes no minutes.",
            "Winners may keep the medal but not the box.",
            "The evening usually closes with a lantern walk.",
            "A rule against repeated entries has been argued over for decades.",
            "Its statutes fit on a single sheet.",
        ],
        (Kind::Town, Language::Zh) => &[
            "游人夸它的梅子糕，抱怨石板路。",
            "粮仓曾毁于一场大火，后来改用石头重建。",
            "赶集的日子电车开到半夜。",
            "博物馆里陈列着鞋、锁和一条鲟鱼标本。",
            "钟楼的大钟重铸过两次，音仍偏低。",
            "画家为芦苇荡上的光线而来，因房租便宜而留下。",
        ],
        (Kind::Person, Language::Zh) => &[
            "同事们记得此人言语冷峭，最怕接电话。",
            "一批蕨类标本后来捐给了县档案馆。",
            "讲课从不用讲稿，也很少按时下课。",
            "来信大多当天就回。",
            "夏天除了一条小船和坏天气，什么也没有。",
            "阅览室里挂着一幅佚名画像。",
        ],
        (Kind::Firm, Language::Zh) => &[
            "厂里的乐队在退休仪式上演奏，因为一次打赌也在港湾游泳赛上演奏。",
            "早年一笔港灯订单险些拖垮生意，后来又救了它。",
            "学徒头一个月只锉一个方块。",
            "产品目录一直用铅字排印，直到印工退休。",
            "为食堂的事闹过九天罢工。",
        ],
        (Kind::Device, Language::Zh) => &[
            "收藏者专找绿色表盘的早期版本。",
            "用户夸它调焦顺滑，骂它的电池盖。",
            "有一部教学片留存下来，只是没有了声音。",
            "零件至今仍可定做。",
            "有一台从塔上掉下来，照样能测。",
        ],
        (Kind::Prize, Language::Zh) => &[
            "评审闭门进行，不公布记录。",
            "得主可以留下奖牌，盒子却要归还。",
            "晚会通常以提灯夜行收尾。",
            "重复参评的规定争论了几十年。",
        ],
    }
}

/// Notes that mention a thing and answer nothing: title and text, with `{name}`.
pub(crate) fn notes(language: Language) -> &'static [(&'static str, &'static str)] {
    match language {
        Language::En => &[
            (
                "A day with {name}",
                "We spent a day with {name} for this column and came home with wet feet and a full notebook. Nobody we met would talk about the past. The coffee was strong, the weather was not.",
            ),
            (
                "Letters: on {name}",
                "A reader asks why we write so much about {name}. We write about what our readers send us, and they send us photographs. This week's winner shows a gull.",
            ),
            (
                "{name} in the exhibition hall",
                "The autumn exhibition gives {name} a room of its own. The labels are short, the lighting is poor, and children may press every button. Until the end of the month.",
            ),
            (
                "What we got wrong about {name}",
                "Last month we confused two captions in our piece on {name}. The photographs were right. We regret the error and thank the eleven readers who wrote.",
            ),
            (
                "Quiz night: {name} and others",
                "Round three was about {name} and nobody scored. The answers are at the bar. Teams of more than six pay for the crisps.",
            ),
            (
                "Auction report: papers about {name}",
                "A box of papers that mention {name} went for twice the estimate. It holds bills, menus and a broken ruler. The buyer did not wish to be named.",
            ),
        ],
        Language::Zh => &[
            (
                "与{name}共度一日",
                "为写这个专栏，我们与{name}共度了一天，鞋湿了，本子也写满了。遇到的人都不愿谈过去。咖啡很浓，天气很淡。",
            ),
            (
                "读者来信：谈{name}",
                "有读者问为什么总写{name}。读者寄来什么，我们就写什么，而他们寄来的都是照片。本周的获奖照片拍的是一只海鸥。",
            ),
            (
                "展厅里的{name}",
                "秋季展览给{name}单独留了一间。说明牌很短，灯光很暗，孩子们可以按所有的按钮。展期到月底。",
            ),
            (
                "更正：关于{name}",
                "上个月关于{name}的文章里，我们把两条图片说明弄反了，照片没有错。谨致歉意，并感谢来信的十一位读者。",
            ),
            (
                "竞猜之夜：{name}等",
                "第三轮的题目是{name}，没有人得分。答案在吧台。六人以上的队伍要自付薯片钱。",
            ),
            (
                "拍卖记事：与{name}有关的文件",
                "一箱提到{name}的文件以估价两倍成交，里面有账单、菜单和一把断尺。买主不愿透露姓名。",
            ),
        ],
    }
}

/// Titles of sections: what it is, how it came about, further things, notice of an archived page.
pub(crate) fn headings(kind: Kind, language: Language) -> [&'static str; 3] {
    match (kind, language) {
        (Kind::Town, Language::En) => ["Overview", "History", "Town life"],
        (Kind::Person, Language::En) => ["Life", "Training", "Memory"],
        (Kind::Firm, Language::En) => ["Profile", "Beginnings", "At work"],
        (Kind::Device, Language::En) => ["Description", "Development", "In use"],
        (Kind::Prize, Language::En) => ["About", "Origins", "Customs"],
        (Kind::Town, Language::Zh) => ["概况", "沿革", "风物"],
        (Kind::Person, Language::Zh) => ["生平", "师承", "轶事"],
        (Kind::Firm, Language::Zh) => ["简介", "创业", "厂内"],
        (Kind::Device, Language::Zh) => ["概述", "研制", "使用"],
        (Kind::Prize, Language::Zh) => ["简介", "由来", "惯例"],
    }
}

/// The first sentence of a page.
pub(crate) fn opening(kind: Kind, language: Language) -> &'static [&'static str] {
    match (kind, language) {
        (Kind::Town, Language::En) => &[
            "{name} is a town that most people pass through by train.",
            "Few maps do justice to {name}, a town on a hill and a half.",
        ],
        (Kind::Person, Language::En) => &[
            "{name} is remembered among those who built measuring instruments.",
            "The name of {name} turns up in many workshop diaries.",
        ],
        (Kind::Firm, Language::En) => &[
            "{name} makes measuring instruments for surveyors, sailors and laboratories.",
            "Under the name {name} a maker of measuring instruments has kept its doors open in good and bad years.",
        ],
        (Kind::Device, Language::En) => &[
            "The {name} is a {category}.",
            "Among instruments of its class the {name}, a {category}, is easily told by its rounded corners.",
        ],
        (Kind::Prize, Language::En) => &[
            "The {name} goes to an instrument, not to a person.",
            "Instrument makers take the {name} seriously, and say that they do not.",
        ],
        (Kind::Town, Language::Zh) => {
            &["{name}是一座多数人只在火车上路过的城镇。", "很少有地图把{name}画得公道，它建在一座半山上。"]
        }
        (Kind::Person, Language::Zh) => {
            &["{name}是制造测量仪器的行家之一。", "在许多车间日记里都能见到{name}的名字。"]
        }
        (Kind::Firm, Language::Zh) => &[
            "{name}为测绘、航海和实验室制造测量仪器。",
            "{name}是一家测量仪器制造商，好年景坏年景都开着门。",
        ],
        (Kind::Device, Language::Zh) => {
            &["{name}是一款{category}。", "在同类仪器里，{name}这款{category}因圆润的边角一眼可辨。"]
        }
        (Kind::Prize, Language::Zh) => {
            &["{name}颁给仪器，而不是个人。", "仪器制造者都很看重{name}，嘴上却说不在乎。"]
        }
    }
}
