import { Form, Input, Select } from 'antd';
import { useTranslation } from 'react-i18next';
import type { Reach } from '@/api/types';
import { FIELD_RULES, type FieldRule, useMay } from '@/lib/rights';
import { Labelled } from '@/ui/filters';
import { useRightName } from './words';

export const REACHES: readonly Reach[] = ['own', 'team', 'team_and_below', 'territory', 'all'];

/** Rights that somebody can have whose view does not reach all records; every other is about the whole. */
export const CUT: readonly string[] = [
  'customers.read',
  'customers.edit',
  'customers.assign',
  'customers.reveal',
  'customers.export',
  'customers.consent_read',
  'customers.consent_write',
  'commerce.read',
  'insight.read',
  'loyalty.read',
];

/** Whether a role that reaches so far can have this right. */
export const fits = (right: string, reach?: Reach) => !reach || reach === 'all' || CUT.includes(right);

export interface RoleValues {
  name: string;
  title: string;
  rights?: string[];
  reach: Reach;
  fields?: Record<string, FieldRule | undefined>;
}

/** As the server takes it: fields without a rule are not named. */
export function roleBody(values: RoleValues) {
  const rules = Object.entries(values.fields ?? {}).filter(([, rule]) => !!rule);
  return {
    title: values.title,
    rights: (values.rights ?? []).filter((right) => fits(right, values.reach)),
    reach: values.reach,
    fields: Object.fromEntries(rules) as Record<string, FieldRule>,
  };
}

export const fieldKey = (field: string) => field.replace('.', '_');

/** What a role is called, may do, reaches and does not see. `all` are the rights there are. */
export function RoleFields(props: { all: string[]; withName: boolean }) {
  const { t } = useTranslation();
  const may = useMay();
  const rightName = useRightName();
  const reach = Form.useWatch<Reach | undefined>('reach');
  const rights = Form.useWatch<string[] | undefined>('rights');
  const need = { required: true, message: t('identity.roles.need') };
  const left = (rights ?? []).filter((right) => !fits(right, reach));
  return (
    <>
      <div className="form-row">
        <Form.Item name="title" label={t('identity.roles.name')} rules={[need]}>
          <Input maxLength={100} />
        </Form.Item>
        {props.withName ? (
          <Form.Item name="name" label={t('identity.roles.key')} rules={[need]}>
            <Input maxLength={40} placeholder="packer" />
          </Form.Item>
        ) : null}
        <Form.Item name="reach" label={t('identity.roles.reach')}>
          <Select
            style={{ minWidth: 150 }}
            options={REACHES.map((one) => ({ value: one, label: t(`identity.reach.${one}`) }))}
          />
        </Form.Item>
      </div>
      <Form.Item
        name="rights"
        label={t('identity.roles.rights')}
        extra={
          left.length
            ? t('identity.roles.left', { names: left.map(rightName).join(t('ui.comma')) })
            : reach && reach !== 'all'
              ? t('identity.roles.whole')
              : undefined
        }
      >
        <Select
          mode="multiple"
          optionFilterProp="label"
          options={props.all.filter(may).map((right) => ({
            value: right,
            label: rightName(right),
            disabled: !fits(right, reach),
            title: fits(right, reach) ? undefined : t('identity.roles.whole'),
          }))}
        />
      </Form.Item>
      <Labelled label={t('identity.roles.fields')}>
        <div className="field-rules">
          {FIELD_RULES.map(([field, rules]) => (
            <Form.Item key={field} name={['fields', field]} label={t(`identity.field.${fieldKey(field)}`)}>
              <Select
                allowClear
                placeholder={t('identity.rule.none')}
                options={rules.map((rule) => ({ value: rule, label: t(`identity.rule.${rule}`) }))}
              />
            </Form.Item>
          ))}
        </div>
      </Labelled>
    </>
  );
}
