import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Button, Form, Input, InputNumber, Radio, Select } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { currencyName, minorDigits, useFormat } from '@/lib/format';
import { useRested } from '@/lib/rested';
import { CURRENCIES } from '@/lib/words';
import { placeDeep } from '@/modules/loyalty/fields';
import { Panel } from '@/ui/Page';
import { useSay } from '@/ui/say';
import { useClocks, useShops } from '@/ui/shops';
import { ErrorState } from '@/ui/states';
import { Day } from '@/ui/values';
import { changeProgramme, makeProgramme, type Programme, useExample } from './api';
import { lastMoment } from './EntryDialog';
import { MoreRules } from './MoreRules';
import { BEGIN, formOf, type RulesForm, rulesOf } from './rules';

export interface EditorForm {
  name: string;
  currency: string;
  shops: string[];
  rules: RulesForm;
}

const WIDE = { width: 160 };

/** A programme as a form, with what an order would earn by it beside it. */
export function ProgrammeEditor(props: { programme?: Programme; onClose: (made?: string) => void }) {
  const { t } = useTranslation();
  const { lang } = useFormat();
  const say = useSay();
  const client = useQueryClient();
  const shops = useShops();
  const clocks = useClocks();
  const [form] = Form.useForm<EditorForm>();
  const { programme } = props;
  const said = Form.useWatch([], form) as EditorForm | undefined;
  const currency = programme?.currency ?? said?.currency ?? shops.data?.[0]?.currency ?? 'CNY';
  const zone = programme?.zone ?? clocks(said?.shops?.[0]);
  const save = useMutation({
    mutationFn: (values: EditorForm) => {
      const rules = rulesOf(values.rules, currency);
      return programme
        ? changeProgramme(programme.id, programme.version, { name: values.name, rules })
        : makeProgramme({ name: values.name, currency, shops: values.shops ?? [], zone, rules });
    },
    onSuccess: async (kept) => {
      say.done(t(programme ? 'loyalty.points.changedDone' : 'loyalty.points.madeDone'));
      await client.invalidateQueries({ queryKey: ['loyalty'] });
      props.onClose(kept.id);
    },
    onError: (error) => placeDeep(form, error) || say.refused(error),
  });
  const digits = minorDigits(currency);
  return (
    <div className="grid-main">
      <Panel title={t(programme ? 'loyalty.points.change_title' : 'loyalty.points.make')}>
        <Form<EditorForm>
          name="programme"
          form={form}
          layout="vertical"
          initialValues={
            programme
              ? {
                  name: programme.name,
                  currency: programme.currency,
                  shops: programme.shops,
                  rules: formOf(programme.rules, programme.currency),
                }
              : { name: t('loyalty.points.usualName'), currency, shops: [], rules: BEGIN }
          }
          onFinish={() => save.mutate(form.getFieldsValue(true) as EditorForm)}
        >
          <Form.Item
            name="name"
            label={t('loyalty.points.name')}
            rules={[{ required: true, message: t('loyalty.points.needName') }]}
          >
            <Input maxLength={60} />
          </Form.Item>
          {programme ? null : (
            <>
              <Form.Item name="currency" label={t('loyalty.points.currency')}>
                <Select
                  options={CURRENCIES.map((code) => ({ value: code, label: currencyName(lang, code) }))}
                />
              </Form.Item>
              <Form.Item name="shops" label={t('loyalty.points.shops')} extra={t('loyalty.points.shopsNote')}>
                <Select
                  mode="multiple"
                  placeholder={t('loyalty.points.allShops')}
                  options={(shops.data ?? []).map((shop) => ({ value: shop.id, label: shop.name }))}
                />
              </Form.Item>
            </>
          )}
          <div className="form-row">
            <Form.Item name={['rules', 'earn_per_minor']} label={t('loyalty.points.per')}>
              <InputNumber min={0} precision={digits} suffix={currency} style={WIDE} />
            </Form.Item>
            <Form.Item name={['rules', 'earn_points']} label={t('loyalty.points.earnPoints')}>
              <InputNumber min={0} max={1000} precision={0} style={WIDE} />
            </Form.Item>
            <Form.Item
              name={['rules', 'pending_days']}
              label={t('loyalty.points.pendingDays')}
              tooltip={t('loyalty.points.pendingNote')}
            >
              <InputNumber min={0} precision={0} suffix={t('loyalty.points.dayUnit')} style={WIDE} />
            </Form.Item>
          </div>
          <Form.Item name={['rules', 'expiry', 'kind']} label={t('loyalty.points.lives')}>
            <Radio.Group
              options={(['months', 'days', 'year_day', 'never'] as const).map((kind) => ({
                value: kind,
                label: t(`loyalty.points.expiryKind.${kind}`),
              }))}
            />
          </Form.Item>
          <ExpiryFields kind={said?.rules?.expiry?.kind} />
          <div className="form-row">
            <Form.Item name={['rules', 'value_points']} label={t('loyalty.points.valuePoints')}>
              <InputNumber min={1} precision={0} style={WIDE} />
            </Form.Item>
            <Form.Item name={['rules', 'value_minor']} label={t('loyalty.points.valueMinor')}>
              <InputNumber min={0} precision={digits} suffix={currency} style={WIDE} />
            </Form.Item>
            <Form.Item
              name={['rules', 'approve_above']}
              label={t('loyalty.points.approveAbove')}
              tooltip={t('loyalty.points.approveNote')}
            >
              <InputNumber min={0} precision={0} style={WIDE} />
            </Form.Item>
          </div>
          <MoreRules />
          {programme ? <p className="quiet">{t('loyalty.points.versionNote')}</p> : null}
          <div className="buttons">
            <Button type="primary" htmlType="submit" loading={save.isPending}>
              {t(programme ? 'ui.save' : 'loyalty.points.make')}
            </Button>
            <Button onClick={() => props.onClose()}>{t('ui.cancel')}</Button>
          </div>
        </Form>
      </Panel>
      <Example rules={said?.rules} currency={currency} zone={zone} />
    </div>
  );
}

function ExpiryFields(props: { kind?: string }) {
  const { t } = useTranslation();
  const field = (name: string, least: number, most: number) => (
    <Form.Item name={['rules', 'expiry', name]} label={t(`loyalty.points.expiryField.${name}`)}>
      <InputNumber min={least} max={most} precision={0} style={WIDE} />
    </Form.Item>
  );
  if (props.kind === 'days') return field('days', 1, 3650);
  if (props.kind === 'months') return field('months', 1, 120);
  if (props.kind === 'year_day')
    return (
      <div className="form-row">
        {field('month', 1, 12)}
        {field('day', 1, 31)}
        {field('least_days', 0, 3650)}
      </div>
    );
  return null;
}

/** What an order that is paid now would earn, until when. */
function Example(props: { rules?: RulesForm; currency: string; zone: number }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { rules, currency, zone } = props;
  const [amount, setAmount] = useState<number | null>(328);
  const asked = rules
    ? {
        rules: rulesOf(rules, currency),
        zone,
        paid_minor: Math.round((amount ?? 0) * 10 ** minorDigits(currency)),
      }
    : undefined;
  const rested = useRested(JSON.stringify(asked));
  const query = useExample(rested ? (JSON.parse(rested) as typeof asked) : undefined);
  return (
    <Panel title={t('loyalty.points.example')}>
      <div className="stack">
        <div className="labelled">
          <span className="labelled-name">{t('loyalty.points.exampleOf')}</span>
          <InputNumber
            aria-label={t('loyalty.points.exampleOf')}
            min={0}
            value={amount}
            onChange={setAmount}
            precision={minorDigits(currency)}
            suffix={currency}
            style={{ width: 180 }}
          />
        </div>
        <div role="status" aria-live="polite" data-testid="points-example">
          {query.error ? (
            <ErrorState error={query.error} />
          ) : query.data ? (
            <>
              <p>
                {t('loyalty.points.exampleEarns', {
                  n: format.int(query.data.points),
                  worth: format.money(query.data.value_minor, currency),
                })}
              </p>
              <p className="quiet">
                {t('loyalty.points.exampleUsable')} <Day at={query.data.usable_from} offset={zone} />
                {t('ui.comma')}
                {query.data.expires_at ? (
                  <>
                    {t('loyalty.points.until')} <Day at={lastMoment(query.data.expires_at)} offset={zone} />
                  </>
                ) : (
                  t('loyalty.points.forEver')
                )}
              </p>
            </>
          ) : null}
        </div>
      </div>
    </Panel>
  );
}
