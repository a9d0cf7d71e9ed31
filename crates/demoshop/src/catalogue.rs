//! What the shop sells: tea and what one needs to make it.

use crate::dice::Dice;

/// A product with its options.
pub(crate) struct Product {
    pub(crate) title: &'static str,
    pub(crate) code: &'static str,
    pub(crate) kind: Kind,
    popularity: u64,
    pub(crate) options: &'static [Sku],
}

/// One option of a product: ending of the merchant's code, properties as shown, price in fen.
pub(crate) type Sku = (&'static str, &'static str, i64);

/// A shelf of the shop.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Green,
    Black,
    Oolong,
    Dark,
    White,
    Flower,
    Ware,
    Gift,
}

use Kind::{Black, Dark, Flower, Gift, Green, Oolong, Ware, White};

/// What a buyer may like best.
const TASTES: [(Kind, u64); 7] =
    [(Green, 24), (Black, 16), (Oolong, 20), (Dark, 15), (White, 10), (Flower, 9), (Ware, 6)];

#[rustfmt::skip]
static PRODUCTS: [Product; 32] = [
    Product { title: "明前龙井茶叶绿茶特级豆香春茶散装", code: "LJ01", kind: Green, popularity: 16, options: &[("-50", "净含量：50g;包装：罐装", 6800), ("-125", "净含量：125g;包装：罐装", 15800), ("-250", "净含量：250g;包装：礼盒", 29800)] },
    Product { title: "碧螺春绿茶浓香型嫩芽茶叶", code: "BLC1", kind: Green, popularity: 9, options: &[("-125", "净含量：125g", 9900), ("-250", "净含量：250g", 18800)] },
    Product { title: "黄山毛峰雨前绿茶高山云雾茶", code: "MF01", kind: Green, popularity: 7, options: &[("-100", "净含量：100g", 5800), ("-250", "净含量：250g", 12800)] },
    Product { title: "口粮绿茶日照足浓香耐泡袋装500g", code: "KL01", kind: Green, popularity: 12, options: &[("-500", "净含量：500g;等级：一级", 5900), ("-500T", "净含量：500g;等级：特级", 9900)] },
    Product { title: "太平猴魁手工捏尖兰花香", code: "HK01", kind: Green, popularity: 4, options: &[("-100", "净含量：100g", 13800)] },
    Product { title: "金骏眉红茶蜜香型武夷山桐木关", code: "JJM1", kind: Black, popularity: 11, options: &[("-50", "净含量：50g", 5900), ("-250", "净含量：250g;包装：罐装", 25800)] },
    Product { title: "正山小种红茶松烟香传统工艺", code: "ZS01", kind: Black, popularity: 9, options: &[("-125", "净含量：125g", 6900), ("-250", "净含量：250g", 12900)] },
    Product { title: "滇红经典58红茶浓香暖胃散茶", code: "DH58", kind: Black, popularity: 10, options: &[("-200", "净含量：200g", 4900), ("-500", "净含量：500g", 9900)] },
    Product { title: "祁门红茶香螺工夫红茶", code: "QM01", kind: Black, popularity: 5, options: &[("-100", "净含量：100g", 7800)] },
    Product { title: "安溪铁观音清香型兰花香小包装", code: "TGY1", kind: Oolong, popularity: 14, options: &[("-125", "香型：清香;净含量：125g", 4980), ("-250", "香型：清香;净含量：250g", 8980), ("-N250", "香型：浓香;净含量：250g", 9980)] },
    Product { title: "大红袍岩茶肉桂武夷山乌龙茶", code: "DHP1", kind: Oolong, popularity: 11, options: &[("-R", "品种：肉桂;净含量：128g", 12800), ("-S", "品种：水仙;净含量：128g", 9800)] },
    Product { title: "凤凰单丛鸭屎香蜜兰香潮州工夫茶", code: "DC01", kind: Oolong, popularity: 12, options: &[("-Y", "香型：鸭屎香;净含量：150g", 10800), ("-M", "香型：蜜兰香;净含量：150g", 8800)] },
    Product { title: "冻顶乌龙高山茶清香耐泡", code: "DD01", kind: Oolong, popularity: 4, options: &[("-150", "净含量：150g", 11800)] },
    Product { title: "普洱熟茶饼勐海古树陈年357g", code: "PS57", kind: Dark, popularity: 11, options: &[("-3", "年份：三年陈", 8800), ("-8", "年份：八年陈", 19800)] },
    Product { title: "普洱生茶饼易武春茶头春", code: "PE57", kind: Dark, popularity: 7, options: &[("-357", "净含量：357g", 16800)] },
    Product { title: "小青柑陈皮普洱茶罐装", code: "XQG1", kind: Dark, popularity: 12, options: &[("-8", "数量：8颗", 2990), ("-20", "数量：20颗", 6990), ("-40", "数量：40颗", 12900)] },
    Product { title: "安化黑茶金花茯砖手筑", code: "FZ01", kind: Dark, popularity: 4, options: &[("-1000", "净含量：1000g", 12800)] },
    Product { title: "福鼎白茶老白茶饼寿眉350g", code: "BC35", kind: White, popularity: 9, options: &[("-3", "年份：三年陈", 7900), ("-6", "年份：六年陈", 15900)] },
    Product { title: "白毫银针头采散茶", code: "YZ01", kind: White, popularity: 4, options: &[("-50", "净含量：50g", 12800), ("-100", "净含量：100g", 23800)] },
    Product { title: "白牡丹小方片5g*50片便携", code: "BMD5", kind: White, popularity: 6, options: &[("-50", "数量：50片", 13900)] },
    Product { title: "茉莉花茶飘雪浓香型四川蒙顶", code: "ML01", kind: Flower, popularity: 9, options: &[("-100", "净含量：100g", 4580), ("-250", "净含量：250g", 9880)] },
    Product { title: "胎菊王枸杞茶组合花草茶", code: "TJ01", kind: Flower, popularity: 8, options: &[("-60", "净含量：60g", 2580), ("-120", "净含量：120g", 4380)] },
    Product { title: "桂花乌龙冷泡茶三角茶包", code: "GH15", kind: Flower, popularity: 9, options: &[("-15", "数量：15包", 2990), ("-45", "数量：45包", 7490)] },
    Product { title: "白瓷盖碗茶具单个敬茶碗", code: "GW01", kind: Ware, popularity: 8, options: &[("-B", "颜色分类：甜白", 3980), ("-Q", "颜色分类：影青", 4580)] },
    Product { title: "玻璃公道杯加厚耐热分茶器", code: "GD01", kind: Ware, popularity: 7, options: &[("-M", "容量：300ml", 2580), ("-L", "容量：400ml", 2980)] },
    Product { title: "紫砂壶朱泥西施纯手工", code: "ZSH1", kind: Ware, popularity: 3, options: &[("-160", "容量：160ml", 26800), ("-220", "容量：220ml", 32800)] },
    Product { title: "旅行茶具套装一壶四杯便携包", code: "LX14", kind: Ware, popularity: 6, options: &[("-H", "颜色分类：墨黑", 8900), ("-B", "颜色分类：月白", 8900)] },
    Product { title: "竹制茶盘干泡台家用", code: "CP01", kind: Ware, popularity: 4, options: &[("-S", "尺寸：35cm", 6900), ("-L", "尺寸：48cm", 10900)] },
    Product { title: "品茗杯单个\"手绘\"主人杯", code: "PM01", kind: Ware, popularity: 6, options: &[("-L", "图案：兰", 3600), ("-Z", "图案：竹", 3600), ("-H", "图案：荷", 3900)] },
    Product { title: "茶叶礼盒装送长辈 龙井,大红袍,金骏眉三味", code: "LH03", kind: Gift, popularity: 6, options: &[("-S", "规格：150g", 19800), ("-L", "规格：300g", 36800)] },
    Product { title: "年货中秋送礼铁观音礼盒高档", code: "LH04", kind: Gift, popularity: 5, options: &[("-500", "净含量：500g", 29900)] },
    Product { title: "试喝装六大茶类品鉴盒12泡", code: "SH12", kind: Gift, popularity: 10, options: &[("-12", "数量：12泡", 3990)] },
];

/// What a buyer with this `taste` likes best.
pub(crate) fn favourite(taste: u64) -> Kind {
    let total: u64 = TASTES.iter().map(|(_, weight)| weight).sum();
    let mut left = taste % total;
    for (kind, weight) in TASTES {
        if left < weight {
            return kind;
        }
        left -= weight;
    }
    Green
}

/// A product and its option for a buyer who likes `favourite`; `gifts` when gifts are in season.
pub(crate) fn choose(dice: &mut Dice, favourite: Kind, gifts: bool) -> (&'static Product, Sku) {
    let shelf = match dice.below(100) {
        0..22 if gifts => Some(Gift),
        22..72 => Some(favourite),
        _ => None,
    };
    let fits = |product: &&Product| shelf.is_none_or(|kind| product.kind == kind);
    let total = PRODUCTS.iter().filter(fits).map(|product| product.popularity).sum();
    let mut left = dice.below(total);
    let mut chosen = &PRODUCTS[0];
    for product in PRODUCTS.iter().filter(fits) {
        chosen = product;
        if left < product.popularity {
            break;
        }
        left -= product.popularity;
    }
    (chosen, dice.pick(chosen.options))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn several_dozen_skus_with_codes_of_their_own() {
        let codes: HashSet<String> = PRODUCTS
            .iter()
            .flat_map(|product| product.options.iter().map(|sku| product.code.to_owned() + sku.0))
            .collect();
        let all: usize = PRODUCTS.iter().map(|product| product.options.len()).sum();
        assert_eq!(codes.len(), all);
        assert!((48..120).contains(&all), "{all}");
    }
}
