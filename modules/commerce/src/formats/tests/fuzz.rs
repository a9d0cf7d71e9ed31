//! A corpus mutated by a seeded generator: no panic, and no more entries than lines.

use super::super::{Mapping, OrderReader, ReaderContext};

/// A small generator (xorshift64*), so that every run tries the same inputs.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % sides
    }
}

const ORDERS: &str = "订单编号,买家会员名,总金额,买家实际支付金额,订单状态,收货地址 ,联系手机,订单创建时间\n\
    =\"351\",\"甲\",1.00,1.00,\"交易成功\",浙江省 杭州市 西湖区 路1号(310000),'13000000000,2020-01-01 10:00:00\n\
    =\"352\",\"乙\"\"x\",2.00,0.00,交易关闭,\"a,\nb\",,2020-02-29\n";
const ITEMS: &str = "订单编号,标题,价格,购买数量,订单状态\n=\"1\",\"茶\",\"1.5\",\"2\",\"交易成功\",\n\
    =\"1\",\"杯\",\"1\",\"1\",\"交易成功\",\n2,x,1,1,交易关闭,\n";
const DOUYIN: &str = "主订单编号,选购商品,商品规格,商品数量,订单应付金额,订单状态,订单提交时间,详细地址\n\
    \"\t69\",茶;杯,a;b,1;2,3.00,已完成,2026-01-01 00:00:00,##xx\n";
const MERGED: &str = "订单编号,买家会员名,订单状态,订单创建时间,货品标题,单价(元),数量,实付款(元)\n\
    7,厂,交易成功,2022-01-01,茶,1,1,1\n,,,,壶,2,2,\n";
const GENERIC: &str = "no\tday\tn\tprice\nA1\t2020-01-01\t6.0\t1,234.5\nC1\t2020-01-02\t-6\t3\n";
const MAPPING: &str = "each_row_is_an_order = true\norder_key = [1, 2]\n[columns]\nordered_at = 2\n\
    quantity = 3\nunit_price = 4\n[products]\nline_amount = [3, 4]\n\
    [cancellation]\ncolumn = 1\nstarts_with = \"C\"\nas = \"refund\"\n";

const PIECES: [&[u8]; 16] = [
    b"\"",
    b",",
    b"\n",
    b"\r\n",
    b"=\"",
    b"'",
    b"\0",
    b"\xff\xfe",
    b"1E+18",
    b";",
    b"\t",
    b"99999999999999999999999999999999999",
    b"\xEF\xBB\xBF",
    b"-",
    b"0000-00-00",
    b"\x81\x30",
];

fn mutated(seed: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..1 + dice.roll(6) {
        let at = dice.roll(bytes.len() + 1);
        match dice.roll(6) {
            0 => bytes.truncate(at),
            1 => {
                let piece = PIECES[dice.roll(PIECES.len())];
                bytes.splice(at..at, piece.iter().copied());
            }
            2 if at < bytes.len() => bytes[at] = dice.roll(256) as u8,
            3 if at < bytes.len() => {
                bytes.remove(at);
            }
            4 => {
                let from = dice.roll(bytes.len() + 1);
                let to = (from + dice.roll(80)).min(bytes.len());
                let copy = bytes[from..to].to_vec();
                bytes.splice(at..at, copy);
            }
            _ => {
                let to = (at + dice.roll(20)).min(bytes.len());
                bytes.drain(at..to);
            }
        }
    }
    bytes
}

#[test]
fn no_mutation_of_the_corpus_makes_it_panic() {
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let mut corpus: Vec<Vec<u8>> = Vec::new();
    for text in [ORDERS, ITEMS, DOUYIN, MERGED, GENERIC] {
        corpus.push(text.as_bytes().to_vec());
        corpus.push(encoding_rs::GB18030.encode(text).0.into_owned());
    }
    let mapping = Mapping::parse(MAPPING).unwrap();
    let context = ReaderContext::default();
    let mut opened = 0;
    for _ in 0..6_000 {
        let bytes = mutated(&corpus[dice.roll(corpus.len())], &mut dice);
        let limit = bytes.len() + 1;
        for mapping in [None, Some(mapping.clone())] {
            let input = std::io::Cursor::new(bytes.clone());
            let Ok(reader) = OrderReader::from_reader("f", input, None, mapping, &context) else {
                continue;
            };
            opened += 1;
            assert!(reader.take(limit + 1).count() <= limit);
        }
    }
    assert!(opened > 3_000, "the corpus is damaged too much to be of use: {opened}");
}
