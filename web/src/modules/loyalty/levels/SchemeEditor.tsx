import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Button, Form, Input, InputNumber, Radio, Select } from 'antd';
import { useTranslation } from 'react-i18next';
import { currencyName, useFormat } from '@/lib/format';
import { CURRENCIES } from '@/lib/words';
import { placeDeep } from '@/modules/loyalty/fields';
import { Panel } from '@/ui/Page';
import { useSay } from '@/ui/say';
import { useClocks, useShops } from '@/ui/shops';
import { Loaded } from '@/ui/states';
import { changeScheme, type LevelRules, makeScheme, type Scheme, useLevelDefaults } from './api';
import { LevelRows } from './LevelRows';
import { formOf, type RulesForm, rulesOf } from './rules';

export interface EditorForm {
  name: string;
  currency: string;
  shops: string[];
  rules: RulesForm;
}

/** A scheme as a form; a new one begins with the four usual levels. */
export function SchemeEditor(props: { scheme?: Scheme; onClose: (made?: string) => void }) {
  const query = useLevelDefaults(true);
  return (
    <Loaded query={query}>
      {(defaults) => (
        <Editor
          {...props}
          begin={{ amount: defaults.by_amount, orders: defaults.by_orders }}
          floor={defaults.floor_bps}
        />
      )}
    </Loaded>
  );
}

function Editor(props: {
  scheme?: Scheme;
  begin: Record<LevelRules['measure'], LevelRules>;
  floor: number;
  onClose: (made?: string) => void;
}) {
  const { t } = useTranslation();
  const { lang } = useFormat();
  const say = useSay();
  const client = useQueryClient();
  const shops = useShops();
  const clocks = useClocks();
  const [form] = Form.useForm<EditorForm>();
  const { scheme, begin, floor } = props;
  const said = Form.useWatch([], form) as EditorForm | undefined;
  const currency = scheme?.currency ?? said?.currency ?? shops.data?.[0]?.currency ?? 'CNY';
  const kind = said?.rules?.downgrade?.kind ?? (scheme?.rules ?? begin.amount).downgrade.kind;
  const words = (field: string) => {
    if (/\.bound$/.test(field)) return t('loyalty.levels.boundRule');
    if (/\.pay_bps$/.test(field)) return t('loyalty.levels.payRule', { least: floor ? floor / 100 : 0.01 });
    if (/\.name$/.test(field)) return t('loyalty.levels.nameRule');
    return undefined;
  };
  const save = useMutation({
    mutationFn: (values: EditorForm) => {
      const rules = rulesOf(values.rules, currency);
      return scheme
        ? changeScheme(scheme.id, scheme.version, { name: values.name, rules })
        : makeScheme({
            name: values.name,
            currency,
            shops: values.shops ?? [],
            zone: clocks(values.shops?.[0]),
            rules,
          });
    },
    onSuccess: async (kept) => {
      say.done(t(scheme ? 'loyalty.levels.changedDone' : 'loyalty.levels.madeDone'));
      await client.invalidateQueries({ queryKey: ['loyalty'] });
      props.onClose(kept.id);
    },
    onError: (error) => placeDeep(form, error, words) || say.refused(error),
  });
  const begins = scheme?.rules ?? begin.amount;
  return (
    <Panel title={t(scheme ? 'loyalty.levels.edit' : 'loyalty.levels.make')}>
      <Form<EditorForm>
        name="scheme"
        form={form}
        layout="vertical"
        initialValues={{
          name: scheme?.name ?? t('loyalty.levels.usualName'),
          currency,
          shops: scheme?.shops ?? [],
          rules: formOf(begins, currency),
        }}
        onValuesChange={(change: Partial<EditorForm>) => {
          const measure = change.rules?.measure;
          // The bounds of one measure mean nothing in the other.
          if (measure)
            form.setFieldValue(
              ['rules', 'levels'],
              formOf(scheme?.rules.measure === measure ? scheme.rules : begin[measure], currency).levels,
            );
        }}
        onFinish={() => save.mutate(form.getFieldsValue(true) as EditorForm)}
      >
        <Form.Item
          name="name"
          label={t('loyalty.levels.name')}
          rules={[{ required: true, message: t('loyalty.levels.needName') }]}
        >
          <Input maxLength={60} style={{ maxWidth: 420 }} />
        </Form.Item>
        {scheme ? null : (
          <div className="form-row">
            <Form.Item name="currency" label={t('loyalty.levels.currency')}>
              <Select
                style={{ width: 220 }}
                options={CURRENCIES.map((code) => ({ value: code, label: currencyName(lang, code) }))}
              />
            </Form.Item>
            <Form.Item name="shops" label={t('loyalty.levels.shops')}>
              <Select
                mode="multiple"
                style={{ minWidth: 220 }}
                placeholder={t('loyalty.levels.allShops')}
                options={(shops.data ?? []).map((shop) => ({ value: shop.id, label: shop.name }))}
              />
            </Form.Item>
          </div>
        )}
        <div className="form-row">
          <Form.Item name={['rules', 'measure']} label={t('loyalty.levels.measure')}>
            <Radio.Group
              options={(['amount', 'orders'] as const).map((measure) => ({
                value: measure,
                label: t(`loyalty.levels.measures.${measure}`),
              }))}
            />
          </Form.Item>
          <Form.Item
            name={['rules', 'window_days']}
            label={t('loyalty.levels.windowDays')}
            tooltip={t('loyalty.levels.windowNote')}
          >
            <InputNumber
              min={1}
              max={3650}
              precision={0}
              placeholder={t('loyalty.levels.ever')}
              suffix={t('loyalty.levels.dayUnit')}
              style={{ width: 160 }}
            />
          </Form.Item>
        </div>
        <LevelRows scheme={scheme} said={said?.rules} currency={currency} />
        <Form.Item name={['rules', 'downgrade', 'kind']} label={t('loyalty.levels.downgrade')}>
          <Radio.Group
            options={(['validity', 'at_once', 'hand', 'never'] as const).map((one) => ({
              value: one,
              label: t(`loyalty.levels.downgrades.${one}`),
            }))}
          />
        </Form.Item>
        {kind === 'validity' ? (
          <div className="form-row">
            <Form.Item
              name={['rules', 'downgrade', 'validity_days']}
              label={t('loyalty.levels.validityDays')}
            >
              <InputNumber min={1} precision={0} style={{ width: 140 }} />
            </Form.Item>
            <Form.Item name={['rules', 'downgrade', 'grace_days']} label={t('loyalty.levels.graceDays')}>
              <InputNumber min={0} precision={0} style={{ width: 140 }} />
            </Form.Item>
            <Form.Item name={['rules', 'downgrade', 'fall']} label={t('loyalty.levels.fall')}>
              <Radio.Group
                options={(['one_level', 'to_earned'] as const).map((one) => ({
                  value: one,
                  label: t(`loyalty.levels.falls.${one}`),
                }))}
              />
            </Form.Item>
          </div>
        ) : null}
        <Form.Item name={['rules', 'refunds']} label={t('loyalty.levels.refunds')}>
          <Radio.Group
            options={(['take_back', 'keep'] as const).map((one) => ({
              value: one,
              label: t(`loyalty.levels.refund.${one}`),
            }))}
          />
        </Form.Item>
        {scheme ? <p className="quiet">{t('loyalty.levels.versionNote')}</p> : null}
        <div className="buttons">
          <Button type="primary" htmlType="submit" loading={save.isPending}>
            {t(scheme ? 'ui.save' : 'loyalty.levels.make')}
          </Button>
          <Button onClick={() => props.onClose()}>{t('ui.cancel')}</Button>
        </div>
      </Form>
    </Panel>
  );
}
