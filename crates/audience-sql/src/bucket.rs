//! The function `bucket(customer, seed, buckets)`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Builder};
use arrow::datatypes::DataType;
use datafusion::common::cast::{as_int64_array, as_string_array};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};
use kernel::{CustomerId, TypedId as _};
use sha2::{Digest as _, Sha256};

/// The bucket of a customer, from 1: 1 + (the first 8 bytes, big-endian, of SHA-256 of the seed as UTF-8
/// followed by the 16 bytes of the id) mod `buckets`. Source: `docs/audiences.md`.
fn bucket(customer: CustomerId, seed: &str, buckets: u64) -> u64 {
    let mut hash = Sha256::new();
    hash.update(seed.as_bytes());
    hash.update(customer.uuid().as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&hash.finalize()[..8]);
    1 + u64::from_be_bytes(first) % buckets
}

/// The function, to be registered.
pub(crate) fn function() -> ScalarUDF {
    create_udf(
        "bucket",
        vec![DataType::Utf8, DataType::Utf8, DataType::Int64],
        DataType::Int64,
        Volatility::Immutable,
        Arc::new(buckets),
    )
}

fn buckets(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    let arrays = ColumnarValue::values_to_arrays(arguments)?;
    let [customers, seeds, counts] = &arrays[..] else {
        return exec_err!("bucket takes a customer, a seed and a number of buckets");
    };
    let (customers, seeds) = (as_string_array(customers)?, as_string_array(seeds)?);
    let counts = as_int64_array(counts)?;
    let mut found = Int64Builder::with_capacity(customers.len());
    for row in 0..customers.len() {
        if customers.is_null(row) || seeds.is_null(row) || counts.is_null(row) {
            found.append_null();
            continue;
        }
        let Ok(customer) = customers.value(row).parse() else {
            return exec_err!("bucket: not the id of a customer");
        };
        let Some(count) = u64::try_from(counts.value(row)).ok().filter(|count| *count > 0) else {
            return exec_err!("bucket: there must be a bucket");
        };
        // Below 2^63 with it, because the number of buckets is.
        found.append_value(bucket(customer, seeds.value(row), count) as i64);
    }
    let found: ArrayRef = Arc::new(found.finish());
    Ok(ColumnarValue::Array(found))
}
