import { Button, Collapse, Form, Input, InputNumber, Radio } from 'antd';
import { useTranslation } from 'react-i18next';

const NARROW = { width: 110 };

/** What most programmes leave as it is: limits, debts, products, activities. */
export function MoreRules() {
  const { t } = useTranslation();
  return (
    <Collapse
      className="more-rules"
      items={[
        {
          key: 'more',
          // Fields that are not on the page would not be sent.
          forceRender: true,
          label: t('loyalty.points.more'),
          children: (
            <>
              <div className="form-row">
                <Form.Item name={['rules', 'day_cap']} label={t('loyalty.points.dayCap')}>
                  <InputNumber
                    min={1}
                    precision={0}
                    placeholder={t('loyalty.points.noCap')}
                    style={{ width: 160 }}
                  />
                </Form.Item>
                <Form.Item
                  name={['rules', 'grace_days']}
                  label={t('loyalty.points.graceDays')}
                  tooltip={t('loyalty.points.graceNote')}
                >
                  <InputNumber min={0} precision={0} style={{ width: 160 }} />
                </Form.Item>
              </div>
              <Form.Item
                name={['rules', 'negative']}
                label={t('loyalty.points.negative')}
                extra={t('loyalty.points.negativeNote')}
              >
                <Radio.Group
                  options={[
                    { value: 'allow', label: t('loyalty.points.negativeAllow') },
                    { value: 'write_off', label: t('loyalty.points.negativeWriteOff') },
                  ]}
                />
              </Form.Item>
              <Rows
                name="activities"
                title={t('loyalty.points.activities')}
                note={t('loyalty.points.activitiesNote')}
                add={t('loyalty.points.addActivity')}
                fresh={{ points: 10, times_a_day: 1 }}
                fields={[
                  { name: 'name', label: t('loyalty.points.activityName'), text: true },
                  { name: 'points', label: t('loyalty.points.points') },
                  { name: 'times_a_day', label: t('loyalty.points.timesADay') },
                ]}
              />
              <Rows
                name="products"
                title={t('loyalty.points.products')}
                note={t('loyalty.points.productsNote')}
                add={t('loyalty.points.addProduct')}
                fresh={{ factor_permille: 2 }}
                fields={[
                  { name: 'product', label: t('loyalty.points.product'), text: true },
                  { name: 'factor_permille', label: t('loyalty.points.factor'), precision: 3 },
                ]}
              />
            </>
          ),
        },
      ]}
    />
  );
}

function Rows(props: {
  name: string;
  title: string;
  note: string;
  add: string;
  fresh: object;
  fields: { name: string; label: string; text?: boolean; precision?: number }[];
}) {
  const { t } = useTranslation();
  return (
    <Form.Item label={props.title} extra={props.note}>
      <Form.List name={['rules', props.name]}>
        {(rows, { add, remove }) => (
          <div className="stack">
            {rows.map((row) => (
              <div key={row.key} className="form-row form-row-tight">
                {props.fields.map((field) => (
                  <Form.Item key={field.name} name={[row.name, field.name]}>
                    {field.text ? (
                      <Input
                        aria-label={`${field.label} ${row.name + 1}`}
                        placeholder={field.label}
                        maxLength={200}
                      />
                    ) : (
                      <InputNumber
                        aria-label={`${field.label} ${row.name + 1}`}
                        placeholder={field.label}
                        precision={field.precision ?? 0}
                        min={0}
                        style={NARROW}
                      />
                    )}
                  </Form.Item>
                ))}
                <Button type="link" onClick={() => remove(row.name)}>
                  {t('ui.delete')}
                </Button>
              </div>
            ))}
            <div>
              <Button size="small" onClick={() => add(props.fresh)}>
                {props.add}
              </Button>
            </div>
          </div>
        )}
      </Form.List>
    </Form.Item>
  );
}
