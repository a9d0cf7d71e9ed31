//! Word lists: surnames, given names, nicknames, mail hosts, mobile prefixes.

/// A character and its pinyin.
pub(crate) type Syllable = (&'static str, &'static str);

/// Surnames with how many of ten thousand Chinese bear them, after the Ministry of Public
/// Security's name report of 2020, rounded; the tail is cut off.
#[rustfmt::skip]
pub(crate) const SURNAMES: [(Syllable, u64); 72] = [
    (("王", "wang"), 715), (("李", "li"), 709), (("张", "zhang"), 674), (("刘", "liu"), 510),
    (("陈", "chen"), 446), (("杨", "yang"), 326), (("黄", "huang"), 238), (("赵", "zhao"), 205),
    (("吴", "wu"), 196), (("周", "zhou"), 189), (("徐", "xu"), 143), (("孙", "sun"), 138),
    (("马", "ma"), 129), (("朱", "zhu"), 126), (("胡", "hu"), 118), (("郭", "guo"), 114),
    (("何", "he"), 108), (("林", "lin"), 106), (("高", "gao"), 101), (("罗", "luo"), 101),
    (("郑", "zheng"), 95), (("梁", "liang"), 88), (("谢", "xie"), 75), (("宋", "song"), 71),
    (("唐", "tang"), 69), (("许", "xu"), 67), (("韩", "han"), 64), (("邓", "deng"), 62),
    (("冯", "feng"), 61), (("曹", "cao"), 60), (("彭", "peng"), 58), (("曾", "zeng"), 56),
    (("肖", "xiao"), 55), (("田", "tian"), 54), (("董", "dong"), 52), (("潘", "pan"), 50),
    (("袁", "yuan"), 49), (("蔡", "cai"), 47), (("蒋", "jiang"), 46), (("余", "yu"), 45),
    (("于", "yu"), 44), (("杜", "du"), 43), (("叶", "ye"), 42), (("程", "cheng"), 41),
    (("魏", "wei"), 40), (("苏", "su"), 40), (("吕", "lv"), 39), (("丁", "ding"), 38),
    (("任", "ren"), 37), (("卢", "lu"), 36), (("姚", "yao"), 35), (("沈", "shen"), 34),
    (("钟", "zhong"), 33), (("姜", "jiang"), 32), (("崔", "cui"), 32), (("谭", "tan"), 31),
    (("陆", "lu"), 30), (("范", "fan"), 29), (("汪", "wang"), 29), (("廖", "liao"), 28),
    (("石", "shi"), 27), (("金", "jin"), 27), (("韦", "wei"), 26), (("贾", "jia"), 26),
    (("夏", "xia"), 25), (("付", "fu"), 24), (("方", "fang"), 24), (("邹", "zou"), 23),
    (("熊", "xiong"), 22), (("白", "bai"), 20), (("欧阳", "ouyang"), 9), (("上官", "shangguan"), 2),
];

/// Characters of given names of two.
#[rustfmt::skip]
pub(crate) const GIVEN: [Syllable; 84] = [
    ("梓", "zi"), ("涵", "han"), ("浩", "hao"), ("宇", "yu"), ("欣", "xin"), ("怡", "yi"), ("佳", "jia"),
    ("雨", "yu"), ("晨", "chen"), ("思", "si"), ("婷", "ting"), ("俊", "jun"), ("杰", "jie"), ("志", "zhi"),
    ("强", "qiang"), ("文", "wen"), ("博", "bo"), ("雅", "ya"), ("静", "jing"), ("丽", "li"), ("华", "hua"),
    ("建", "jian"), ("国", "guo"), ("明", "ming"), ("海", "hai"), ("燕", "yan"), ("春", "chun"), ("梅", "mei"),
    ("秀", "xiu"), ("英", "ying"), ("玉", "yu"), ("兰", "lan"), ("桂", "gui"), ("芳", "fang"), ("红", "hong"),
    ("晓", "xiao"), ("东", "dong"), ("军", "jun"), ("平", "ping"), ("伟", "wei"), ("永", "yong"), ("辉", "hui"),
    ("鹏", "peng"), ("飞", "fei"), ("凯", "kai"), ("瑞", "rui"), ("泽", "ze"), ("洋", "yang"), ("子", "zi"),
    ("轩", "xuan"), ("诗", "shi"), ("琪", "qi"), ("梦", "meng"), ("瑶", "yao"), ("可", "ke"), ("心", "xin"),
    ("若", "ruo"), ("曦", "xi"), ("嘉", "jia"), ("慧", "hui"), ("敏", "min"), ("丹", "dan"), ("云", "yun"),
    ("峰", "feng"), ("龙", "long"), ("立", "li"), ("成", "cheng"), ("清", "qing"), ("荣", "rong"), ("学", "xue"),
    ("少", "shao"), ("振", "zhen"), ("家", "jia"), ("德", "de"), ("安", "an"), ("亚", "ya"), ("倩", "qian"),
    ("雪", "xue"), ("月", "yue"), ("宁", "ning"), ("一", "yi"), ("诺", "nuo"), ("沐", "mu"), ("阳", "yang"),
];

/// Given names of one character.
#[rustfmt::skip]
pub(crate) const GIVEN_ONE: [Syllable; 32] = [
    ("伟", "wei"), ("芳", "fang"), ("娜", "na"), ("敏", "min"), ("静", "jing"), ("强", "qiang"), ("磊", "lei"), ("军", "jun"),
    ("洋", "yang"), ("勇", "yong"), ("艳", "yan"), ("杰", "jie"), ("涛", "tao"), ("明", "ming"), ("超", "chao"), ("霞", "xia"),
    ("平", "ping"), ("刚", "gang"), ("鑫", "xin"), ("丹", "dan"), ("婷", "ting"), ("宁", "ning"), ("鹏", "peng"), ("浩", "hao"),
    ("雪", "xue"), ("琳", "lin"), ("倩", "qian"), ("晨", "chen"), ("飞", "fei"), ("斌", "bin"), ("玲", "ling"), ("帅", "shuai"),
];

/// Beginnings of nicks.
#[rustfmt::skip]
pub(crate) const MOODS: [&str; 40] = [
    "爱喝茶的", "安静的", "快乐的", "山里的", "江南", "慵懒的", "会飞的", "南方的", "北方的", "喜欢下雨的",
    "不吃鱼的", "午后的", "一只", "小城", "路过的", "早起的", "半糖", "微醺的", "老街", "温柔的",
    "奔跑的", "认真的", "可爱的", "甜甜的", "迷路的", "清风里的", "月下", "幸运的", "勤劳的", "淡淡的",
    "远方的", "雨后的", "想睡觉的", "学做饭的", "住海边的", "爱旅行的", "不加糖的", "隔壁的", "云上的", "旧时光的",
];

/// Middles of nicks.
#[rustfmt::skip]
pub(crate) const DOERS: [&str; 44] = [
    "小鱼", "猫咪", "老王", "茉莉", "龙井", "小熊", "阿狸", "柠檬", "橘子", "蜗牛",
    "白鹭", "书生", "茶客", "石头", "豆豆", "妞妞", "大叔", "小姐姐", "核桃", "青柠",
    "竹子", "米粒", "团子", "麦子", "海棠", "松鼠", "麻雀", "木棉", "掌柜", "小满",
    "阿福", "乐乐", "桃子", "果果", "布丁", "芒果", "珊瑚", "薄荷", "丁香", "小鹿",
    "砚台", "铃铛", "鲸鱼", "兔子",
];

/// Ends of nicks that have no number.
#[rustfmt::skip]
pub(crate) const DOINGS: [&str; 24] = [
    "在泡茶", "看云", "听雨", "的店", "之家", "爱生活", "妈妈", "不熬夜", "要早睡", "的小屋", "去哪儿", "慢慢走",
    "吃月亮", "晒太阳", "写字", "在路上", "醒了", "的春天", "种花", "有点忙", "爱买买买", "回家了", "的日记", "赶集",
];

/// Mail hosts by use. Only names that RFC 2606 keeps out of the real world: a demonstration must
/// never be able to write to somebody.
pub(crate) const MAIL_HOSTS: [(&str, u64); 4] =
    [("example.com", 55), ("mail.example.com", 20), ("example.net", 15), ("example.org", 10)];

/// Beginnings of mobile numbers in use.
#[rustfmt::skip]
pub(crate) const MOBILE_PREFIXES: [&str; 37] = [
    "130", "131", "132", "133", "134", "135", "136", "137", "138", "139", "150", "151", "152",
    "153", "155", "156", "157", "158", "159", "166", "173", "175", "176", "177", "178", "180",
    "181", "182", "183", "185", "186", "187", "188", "189", "191", "198", "199",
];
