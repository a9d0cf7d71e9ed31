import { describe, expect, it } from 'vitest';
import { EMPTY_MAPPING, guessMapping, missingFields, toToml } from '@/modules/commerce/mapping';

describe('a mapping', () => {
  it('guesses names that mean the same everywhere', () => {
    const mapping = guessMapping([
      'InvoiceNo',
      'StockCode',
      'Description',
      'Quantity',
      'InvoiceDate',
      'UnitPrice',
      'CustomerID',
    ]);
    expect(mapping.columns).toEqual({
      order_no: 'InvoiceNo',
      ordered_at: 'InvoiceDate',
      account: 'CustomerID',
      quantity: 'Quantity',
      unit_price: 'UnitPrice',
      title: 'Description',
      sku_code: 'StockCode',
    });
    expect(mapping.amountIsProduct).toBe(true);
    expect(mapping.rowIsOrder).toBe(false);
  });

  it('is written as the server reads it', () => {
    const mapping = guessMapping(['InvoiceNo', 'Quantity', 'InvoiceDate', 'UnitPrice', 'CustomerID']);
    expect(toToml({ ...mapping, cancelledPrefix: 'C', dateFormat: '%Y-%m-%d' })).toBe(
      [
        'date_formats = ["%Y-%m-%d"]',
        'default_state = "completed"',
        '',
        '[columns]',
        'order_no = "InvoiceNo"',
        'ordered_at = "InvoiceDate"',
        'account = "CustomerID"',
        'quantity = "Quantity"',
        'unit_price = "UnitPrice"',
        '',
        '[products]',
        'line_amount = ["Quantity", "UnitPrice"]',
        '',
        '[cancellation]',
        'column = "InvoiceNo"',
        'starts_with = "C"',
        'as = "skip"',
        '',
      ].join('\n'),
    );
  });

  it('without order numbers makes them from customer and day', () => {
    const toml = toToml(guessMapping(['customer_id', 'order_date', 'revenue', 'email']));
    expect(toml).toContain('each_row_is_an_order = true\norder_key = ["customer_id", "order_date"]');
    expect(toml).toContain('total = "revenue"');
  });

  it('says what an order cannot do without', () => {
    expect(missingFields(EMPTY_MAPPING)).toEqual(['order_no', 'ordered_at', 'account', 'total']);
    const retail = guessMapping(['InvoiceNo', 'Quantity', 'InvoiceDate', 'UnitPrice', 'CustomerID']);
    expect(missingFields(retail)).toEqual([]);
    expect(missingFields({ ...retail, amountIsProduct: false })).toEqual(['total']);
  });

  it('says the currency of the shop when it is not the yuan', () => {
    expect(toToml(guessMapping([]), 'GBP')).toContain('currency = "GBP"\n');
    expect(toToml(guessMapping([]))).not.toContain('currency');
  });

  it('escapes what TOML would misread', () => {
    expect(toToml({ ...guessMapping([]), columns: { order_no: 'a"b\\c' } })).toContain(
      'order_no = "a\\"b\\\\c"',
    );
  });
});
