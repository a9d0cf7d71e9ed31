//! Writes both reports of a shop: `write_report ORDERS LAST_DAY FOLDER`.

use std::error::Error;
use std::fs::File;
use std::path::Path;

use demoshop::{Encoding, Era, ShopPlan, write_item_report, write_order_report};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [orders, last_day, folder] = arguments.as_slice() else {
        return Err("usage: write_report ORDERS LAST_DAY FOLDER".into());
    };
    let plan = ShopPlan::of_orders(orders.parse()?, last_day.parse()?);
    let folder = Path::new(folder);
    let mut orders = File::create(folder.join("ExportOrderList.csv"))?;
    let written = write_order_report(&plan, &mut orders, Era::Columns67, Encoding::Gb18030)?;
    eprintln!("{} orders, {} bytes", written.rows, written.bytes);
    let mut items = File::create(folder.join("ExportOrderDetailList.csv"))?;
    let written = write_item_report(&plan, &mut items, Encoding::Gb18030)?;
    eprintln!("{} lines, {} bytes", written.rows, written.bytes);
    Ok(())
}
