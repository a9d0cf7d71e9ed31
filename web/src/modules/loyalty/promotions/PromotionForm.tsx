import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Alert, Button, Form, Input, Select } from 'antd';
import { useTranslation } from 'react-i18next';
import { ProblemError } from '@/api/client';
import type { StoredPromotion } from '@/api/types';
import { placeErrors } from '@/lib/fields';
import { useGo } from '@/lib/url';
import { Panel } from '@/ui/Page';
import { useSay } from '@/ui/say';
import { useShops } from '@/ui/shops';
import { changePromotion, makePromotion } from './api';
import { ConditionFields, GroupFields, LimitFields, TimeFields } from './ConditionFields';
import { KindFields } from './KindFields';
import { useSentence } from './sentence';
import { KINDS, type Rules, rulesOf, type Values } from './terms';

/** Whether the sentence can be said: a field that it needs may be empty while one types. */
function whole(rules: Rules): boolean {
  const { kind } = rules.terms;
  const needed =
    kind.type === 'nth_piece' ? /"every":0\b/ : /"(off_minor|pay_bps|pieces|buy|pay|\w*price_minor)":0\b/;
  return !needed.test(JSON.stringify(kind));
}

/** What a promotion says, as a form, with the sentence that it comes to. */
export function PromotionForm(props: { start: Partial<Values>; of?: StoredPromotion; currency?: string }) {
  const { t } = useTranslation();
  const say = useSay();
  const go = useGo();
  const client = useQueryClient();
  const [form] = Form.useForm<Values>();
  const { data: shops } = useShops();
  const currency = props.currency ?? shops?.[0]?.currency ?? 'CNY';
  const sentence = useSentence();
  const values = Form.useWatch([], form) as Values | undefined;
  const save = useMutation({
    mutationFn: (said: Values) => {
      const body = { name: said.name, rules: rulesOf(said, currency) };
      return props.of ? changePromotion(props.of.id, props.of.version, body) : makePromotion(body);
    },
    onSuccess: async (view) => {
      client.setQueryData(['promotion', view.promotion.id], view);
      say.done(t('loyalty.promotions.saved', { name: view.promotion.name }));
      await client.invalidateQueries({ queryKey: ['promotions'] });
      if (!props.of) go(`/loyalty/promotions/${view.promotion.id}`);
    },
    onError: (error) => placeErrors(form, error, ['name']) || say.refused(error),
  });
  const errors = save.error instanceof ProblemError ? (save.error.problem.errors ?? []) : [];
  const others = errors.filter((one) => one.field !== 'name');
  const rules = values?.kind ? rulesOf({ ...props.start, ...values }, currency) : undefined;
  return (
    <Form<Values>
      form={form}
      layout="vertical"
      initialValues={{
        scope: 'order',
        by: 'amount',
        stepOff: 'amount',
        price: 'rate',
        steps: [{}],
        gifts: [{ quantity: 1 }],
        ...props.start,
      }}
      onFinish={() => save.mutate(form.getFieldsValue(true) as Values)}
      scrollToFirstError
    >
      <div className="stack">
        <Panel title={t('loyalty.promotions.what')}>
          <div className="form-row">
            <Form.Item
              name="name"
              label={t('loyalty.promotions.name')}
              rules={[{ required: true, message: t('loyalty.promotions.need') }]}
            >
              <Input maxLength={60} placeholder={t('loyalty.promotions.nameHint')} />
            </Form.Item>
            <Form.Item name="kind" label={t('loyalty.promotions.kind')}>
              <Select
                style={{ minWidth: 180 }}
                options={KINDS.map((one) => ({ value: one, label: t(`loyalty.promotions.kinds.${one}`) }))}
              />
            </Form.Item>
          </div>
          <KindFields kind={values?.kind ?? props.start.kind ?? 'amount_off'} currency={currency} />
        </Panel>
        <Panel title={t('loyalty.promotions.when')}>
          <TimeFields />
        </Panel>
        <Panel title={t('loyalty.promotions.who')}>
          <ConditionFields currency={currency} />
        </Panel>
        <Panel title={t('loyalty.promotions.together')}>
          <GroupFields />
        </Panel>
        <Panel title={t('loyalty.promotions.howOften')}>
          <LimitFields currency={currency} />
        </Panel>
        <div className="promotion-said" aria-live="polite">
          <strong>{t('loyalty.promotions.inWords')}</strong>{' '}
          <span>{rules && whole(rules) ? sentence(rules) : '…'}</span>
        </div>
        {others.length ? (
          <Alert
            type="error"
            showIcon
            role="alert"
            title={t('loyalty.promotions.wrong')}
            description={
              <ul>
                {others.map((one) => (
                  <li key={one.field + one.message}>
                    <code>{one.field}</code> {one.message}
                  </li>
                ))}
              </ul>
            }
          />
        ) : null}
        <div>
          <Button type="primary" htmlType="submit" loading={save.isPending}>
            {t(props.of ? 'ui.save' : 'loyalty.promotions.keepDraft')}
          </Button>
          {props.of?.state === 'live' ? (
            <span className="quiet"> {t('loyalty.promotions.atOnce')}</span>
          ) : null}
        </div>
      </div>
    </Form>
  );
}
