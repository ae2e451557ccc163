//! Names that an office's files are made of.

use crate::text::Language;

/// A person's name and how it stands in an address.
pub(crate) type PersonName = (&'static str, &'static str);

/// A client: full name, short name, name of its file, domain.
pub(crate) type ClientName = (&'static str, &'static str, &'static str, &'static str);

/// A project: title, name of its folder.
pub(crate) type ProjectName = (&'static str, &'static str);

pub(crate) fn people(language: Language) -> &'static [PersonName] {
    match language {
        Language::En => &PEOPLE_EN,
        Language::Zh => &PEOPLE_ZH,
    }
}

pub(crate) fn clients(language: Language) -> &'static [ClientName] {
    match language {
        Language::En => &CLIENTS_EN,
        Language::Zh => &CLIENTS_ZH,
    }
}

pub(crate) fn projects(language: Language) -> &'static [ProjectName] {
    match language {
        Language::En => &PROJECTS_EN,
        Language::Zh => &PROJECTS_ZH,
    }
}

pub(crate) fn suppliers(language: Language) -> &'static [ClientName] {
    match language {
        Language::En => &SUPPLIERS_EN,
        Language::Zh => &SUPPLIERS_ZH,
    }
}

pub(crate) fn cities(language: Language) -> &'static [&'static str] {
    match language {
        Language::En => &["Leeds", "Bristol", "Utrecht", "Ghent", "Aarhus", "Porto", "Graz", "Cork", "Turin"],
        Language::Zh => &["杭州", "苏州", "南京", "宁波", "青岛", "成都", "厦门", "武汉", "无锡"],
    }
}

pub(crate) fn offices(language: Language) -> &'static [&'static str] {
    match language {
        Language::En => {
            &["Alder & Finch", "Northlight Studio", "Marsh Lane Design", "Tern Engineering", "Foundry Row"]
        }
        Language::Zh => &["青禾设计事务所", "一木工程设计", "南岸设计工作室", "砚山建筑设计", "直尺工程咨询"],
    }
}

pub(crate) fn work(language: Language) -> &'static [&'static str] {
    match language {
        Language::En => {
            &["site survey", "drawings", "client call", "model", "details", "cost check", "permit forms"]
        }
        Language::Zh => &["现场踏勘", "绘图", "客户沟通", "模型制作", "节点详图", "造价核对", "报建资料"],
    }
}

/// What is talked about in meetings.
pub(crate) fn topics(language: Language) -> &'static [&'static str] {
    match language {
        Language::En => &[
            "Timesheets are due on Fridays",
            "The big plotter gets a new belt next week",
            "Holiday plan for the summer goes round",
            "Two applications for the technician's post are in",
            "The kitchen rota starts again",
            "Site boots are to be ordered for everybody",
            "The model shop stays closed for a day",
            "Parking behind the house is for visitors",
        ],
        Language::Zh => &[
            "工时表每周五交",
            "大图机下周换皮带",
            "暑期休假计划传阅",
            "绘图员岗位收到两份简历",
            "茶水间值日重新开始",
            "统一订购工地安全鞋",
            "模型室停用一天",
            "楼后车位留给来访客人",
        ],
    }
}

/// What notes on a job list.
pub(crate) fn points(language: Language) -> &'static [&'static str] {
    match language {
        Language::En => &[
            "Survey of what is there",
            "Drawings to 1:50, details to 1:5",
            "One visit to the site a fortnight",
            "Steel to be checked by the fabricator",
            "Roof edge as in the sample of last year",
            "Neighbours to be told before the crane comes",
            "Rainwater into the old tank",
            "Doors to the yard without a threshold",
            "Samples of the plaster by the end of the month",
        ],
        Language::Zh => &[
            "现状测绘",
            "1:50 图纸与 1:5 节点",
            "每两周一次现场巡查",
            "钢构件由加工厂复核",
            "檐口按去年样板做",
            "吊车进场前通知邻居",
            "雨水接入旧水池",
            "通往院子的门不设门槛",
            "月底前送抹灰样板",
        ],
    }
}

/// What somebody saw on a site.
pub(crate) fn sightings(language: Language) -> &'static [&'static str] {
    match language {
        Language::En => &[
            "Formwork in place, two cracks marked.",
            "Scaffold is up on the north side.",
            "The delivery of windows is late.",
            "Screed poured, to be kept dry.",
            "Handrail too low by four centimetres.",
            "Photographs taken of all joints.",
        ],
        Language::Zh => &[
            "模板就位，标记裂缝两处。",
            "北侧脚手架已搭好。",
            "窗户到货延迟。",
            "找平层已浇，注意保持干燥。",
            "栏杆低了四厘米。",
            "所有接缝已拍照。",
        ],
    }
}

const PEOPLE_EN: [PersonName; 40] = [
    ("Amelia Hartley", "amelia.hartley"),
    ("Noah Okafor", "noah.okafor"),
    ("Lena Brandt", "lena.brandt"),
    ("Tomas Novak", "tomas.novak"),
    ("Priya Raman", "priya.raman"),
    ("Oscar Whitfield", "oscar.whitfield"),
    ("Ingrid Solberg", "ingrid.solberg"),
    ("Marcus Bell", "marcus.bell"),
    ("Chloe Moreau", "chloe.moreau"),
    ("Rafael Duarte", "rafael.duarte"),
    ("Hannah Kessler", "hannah.kessler"),
    ("Yusuf Demir", "yusuf.demir"),
    ("Grace Llewellyn", "grace.llewellyn"),
    ("Victor Lindqvist", "victor.lindqvist"),
    ("Nadia Farouk", "nadia.farouk"),
    ("Simon Ashworth", "simon.ashworth"),
    ("Clara Rossi", "clara.rossi"),
    ("Felix Adeyemi", "felix.adeyemi"),
    ("Ruth Carmody", "ruth.carmody"),
    ("Kenji Watanabe", "kenji.watanabe"),
    ("Elena Petrova", "elena.petrova"),
    ("Hugo Fontaine", "hugo.fontaine"),
    ("Maya Sandoval", "maya.sandoval"),
    ("Daniel Osei", "daniel.osei"),
    ("Bridget Nolan", "bridget.nolan"),
    ("Anders Holm", "anders.holm"),
    ("Sofia Marchetti", "sofia.marchetti"),
    ("Leo Vance", "leo.vance"),
    ("Miriam Katz", "miriam.katz"),
    ("Peter Jansen", "peter.jansen"),
    ("Zara Malik", "zara.malik"),
    ("Colin Baird", "colin.baird"),
    ("Julia Winters", "julia.winters"),
    ("Emil Varga", "emil.varga"),
    ("Tessa Monroe", "tessa.monroe"),
    ("Adrian Pike", "adrian.pike"),
    ("Freya Dahl", "freya.dahl"),
    ("Gavin Rhodes", "gavin.rhodes"),
    ("Nora Quinn", "nora.quinn"),
    ("Stefan Weiss", "stefan.weiss"),
];

const PEOPLE_ZH: [PersonName; 40] = [
    ("王芳", "wangfang"),
    ("李建华", "lijianhua"),
    ("张敏", "zhangmin"),
    ("刘志强", "liuzhiqiang"),
    ("陈思远", "chensiyuan"),
    ("杨雪梅", "yangxuemei"),
    ("黄文博", "huangwenbo"),
    ("赵晓琳", "zhaoxiaolin"),
    ("周浩然", "zhouhaoran"),
    ("吴静", "wujing"),
    ("徐晨曦", "xuchenxi"),
    ("孙鹏飞", "sunpengfei"),
    ("马丽", "mali"),
    ("朱明远", "zhumingyuan"),
    ("胡佳怡", "hujiayi"),
    ("郭俊杰", "guojunjie"),
    ("何雅静", "heyajing"),
    ("林涛", "lintao"),
    ("高若曦", "gaoruoxi"),
    ("罗永康", "luoyongkang"),
    ("郑海燕", "zhenghaiyan"),
    ("梁宇轩", "liangyuxuan"),
    ("谢婷婷", "xietingting"),
    ("宋云飞", "songyunfei"),
    ("唐玉兰", "tangyulan"),
    ("许一鸣", "xuyiming"),
    ("韩可馨", "hankexin"),
    ("冯立新", "fenglixin"),
    ("邓子涵", "dengzihan"),
    ("曹磊", "caolei"),
    ("彭诗涵", "pengshihan"),
    ("曾春华", "zengchunhua"),
    ("肖凯", "xiaokai"),
    ("田丹丹", "tiandandan"),
    ("董振华", "dongzhenhua"),
    ("潘依诺", "panyinuo"),
    ("袁天宇", "yuantianyu"),
    ("蔡桂芳", "caiguifang"),
    ("蒋泽宇", "jiangzeyu"),
    ("叶慧敏", "yehuimin"),
];

const CLIENTS_EN: [ClientName; 14] = [
    ("Harbour House Trust", "Harbour House", "harbour-house", "harbourhouse.example"),
    ("Kestrel Housing Association", "Kestrel Housing", "kestrel-housing", "kestrelhousing.example"),
    ("Brightwater Schools Board", "Brightwater Schools", "brightwater-schools", "brightwater.example"),
    ("Ironbridge Brewing Company", "Ironbridge Brewing", "ironbridge-brewing", "ironbridgebrew.example"),
    ("City of Marlow, Parks Department", "Marlow Parks", "marlow-parks", "parks.marlow.example"),
    ("Oakhurst Veterinary Practice", "Oakhurst Vets", "oakhurst-vets", "oakhurstvets.example"),
    ("Lakeshore Rowing Club", "Lakeshore Rowing", "lakeshore-rowing", "lakeshorerowing.example"),
    ("Sandpiper Hotels Limited", "Sandpiper Hotels", "sandpiper-hotels", "sandpiper.example"),
    ("Foxglove Nurseries", "Foxglove Nurseries", "foxglove-nurseries", "foxglove.example"),
    ("Meridian Rail Heritage Society", "Meridian Rail", "meridian-rail", "meridianrail.example"),
    ("Quarry Street Theatre", "Quarry Theatre", "quarry-theatre", "quarrytheatre.example"),
    ("Thistle Cooperative Bakery", "Thistle Bakery", "thistle-bakery", "thistlebakery.example"),
    ("Redwood Care Homes", "Redwood Care", "redwood-care", "redwoodcare.example"),
    ("Cobalt Instruments Limited", "Cobalt Instruments", "cobalt-instruments", "cobaltinstruments.example"),
];

const CLIENTS_ZH: [ClientName; 14] = [
    ("滨江文化发展有限公司", "滨江文化", "滨江文化", "binjiang.example"),
    ("恒达置业有限公司", "恒达置业", "恒达置业", "hengda-zy.example"),
    ("晨光实验学校", "晨光学校", "晨光学校", "chenguang-school.example"),
    ("瑞丰食品股份有限公司", "瑞丰食品", "瑞丰食品", "ruifeng-food.example"),
    ("云溪区园林管理处", "云溪园林", "云溪园林", "yunxi-park.example"),
    ("康宁动物医院", "康宁动物医院", "康宁动物医院", "kangning-vet.example"),
    ("东湖赛艇俱乐部", "东湖赛艇", "东湖赛艇", "donghu-rowing.example"),
    ("海纳酒店管理有限公司", "海纳酒店", "海纳酒店", "haina-hotel.example"),
    ("青藤苗圃", "青藤苗圃", "青藤苗圃", "qingteng.example"),
    ("老站铁路博物馆", "铁路博物馆", "铁路博物馆", "rail-museum.example"),
    ("山塘街剧场", "山塘剧场", "山塘剧场", "shantang.example"),
    ("麦香合作烘焙坊", "麦香烘焙", "麦香烘焙", "maixiang.example"),
    ("松鹤养老服务中心", "松鹤养老", "松鹤养老", "songhe-care.example"),
    ("博远仪器有限公司", "博远仪器", "博远仪器", "boyuan-yq.example"),
];

const PROJECTS_EN: [ProjectName; 16] = [
    ("Harbour Library", "harbour-library"),
    ("Mill Lane Footbridge", "mill-lane-footbridge"),
    ("School Canteen Extension", "school-canteen"),
    ("Brewhouse Roof", "brewhouse-roof"),
    ("Riverside Playground", "riverside-playground"),
    ("Clinic Refit", "clinic-refit"),
    ("Boathouse Two", "boathouse-two"),
    ("Hotel Winter Garden", "winter-garden"),
    ("Glasshouse Four", "glasshouse-four"),
    ("Signal Box Museum", "signal-box-museum"),
    ("Stage Tower Survey", "stage-tower"),
    ("Bakery Loading Yard", "loading-yard"),
    ("Garden Wing", "garden-wing"),
    ("Test Hall Ventilation", "test-hall-ventilation"),
    ("Market Arcade Lighting", "market-arcade"),
    ("Cycle Store", "cycle-store"),
];

const PROJECTS_ZH: [ProjectName; 16] = [
    ("滨江图书馆", "滨江图书馆"),
    ("磨坊步行桥", "磨坊步行桥"),
    ("学校食堂扩建", "学校食堂扩建"),
    ("酿造车间屋面", "酿造车间屋面"),
    ("河畔儿童乐园", "河畔儿童乐园"),
    ("诊室改造", "诊室改造"),
    ("二号艇库", "二号艇库"),
    ("酒店阳光房", "酒店阳光房"),
    ("四号温室", "四号温室"),
    ("信号楼展厅", "信号楼展厅"),
    ("舞台塔检测", "舞台塔检测"),
    ("装卸场改造", "装卸场改造"),
    ("花园楼扩建", "花园楼扩建"),
    ("试验厅通风", "试验厅通风"),
    ("骑楼照明", "骑楼照明"),
    ("自行车棚", "自行车棚"),
];

const SUPPLIERS_EN: [ClientName; 5] = [
    ("Brightline Models", "Brightline Models", "brightline", "brightlinemodels.example"),
    ("Penrose Timber", "Penrose Timber", "penrose", "penrosetimber.example"),
    ("Calder Glass Works", "Calder Glass Works", "calder", "calderglass.example"),
    ("Hollis Survey Equipment", "Hollis Survey Equipment", "hollis", "hollissurvey.example"),
    ("Tideway Printers", "Tideway Printers", "tideway", "tidewayprint.example"),
];

const SUPPLIERS_ZH: [ClientName; 5] = [
    ("精工模型制作社", "精工模型制作社", "精工模型", "jinggong-mx.example"),
    ("林海木业", "林海木业", "林海木业", "linhai-wood.example"),
    ("晶明玻璃厂", "晶明玻璃厂", "晶明玻璃", "jingming-glass.example"),
    ("方圆测绘仪器行", "方圆测绘仪器行", "方圆测绘", "fangyuan-ch.example"),
    ("快印图文社", "快印图文社", "快印图文", "kuaiyin.example"),
];
