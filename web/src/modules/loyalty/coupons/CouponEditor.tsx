import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Alert, Button, Form } from 'antd';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ProblemError } from '@/api/client';
import { useGo } from '@/lib/url';
import { Page, Panel } from '@/ui/Page';
import { useSay } from '@/ui/say';
import { useClocks } from '@/ui/shops';
import { type CouponRow, changeCoupon, makeCoupon } from './api';
import { ConditionFields, GetFields, GiveFields, LimitFields, ValidityFields } from './CouponFields';
import { useSentence } from './sentence';
import { FRESH, fieldOf, rulesOf, type Values, valuesOf } from './terms';
import { useRefusal } from './words';

/** Makes a kind of coupon, or gives one a new version. */
export function CouponEditor(props: { saved?: CouponRow; onReload?: () => void }) {
  const { t, i18n } = useTranslation();
  const go = useGo();
  const say = useSay();
  const client = useQueryClient();
  const refusal = useRefusal();
  const sentence = useSentence();
  const offset = useClocks()();
  // Not what is fetched meanwhile: a change of somebody else is refused by the version that one began with.
  const [saved] = useState(props.saved);
  const [form] = Form.useForm<Values>();
  const start = useMemo(() => (saved ? valuesOf(saved.name, saved.rules, offset) : FRESH), [saved, offset]);
  const [values, setValues] = useState<Values>(start);
  const rules = useMemo(() => rulesOf(values, offset, saved?.rules), [values, offset, saved]);
  const isFrozen = !!saved && saved.state !== 'draft';

  const place = (error: unknown): boolean => {
    if (!(error instanceof ProblemError)) return false;
    const errors = error.problem.errors ?? [];
    const placed = errors.flatMap((one) => {
      const name = fieldOf(one.field);
      const known = `loyalty.coupons.refused.field_${one.field.replaceAll('.', '_')}`;
      const words = i18n.exists(known) ? t(known) : one.message;
      return name ? [{ name, errors: [words] }] : [];
    });
    form.setFields(placed);
    if (placed[0]) form.scrollToField(placed[0].name, { block: 'center' });
    return placed.length > 0 && placed.length === errors.length;
  };
  const save = useMutation({
    mutationFn: () => {
      const body = { name: values.name.trim(), rules };
      return saved ? changeCoupon(saved.id, saved.version, body) : makeCoupon(body);
    },
    onSuccess: (row) => {
      client.setQueryData(['coupon', row.id], row);
      void client.invalidateQueries({ queryKey: ['coupons'] });
      say.done(t(saved ? 'loyalty.coupons.changed' : 'loyalty.coupons.made', { name: row.name }));
      go(`/loyalty/coupons/${row.id}`, !!saved);
    },
    onError: (error) => {
      if (error instanceof ProblemError && error.status === 412) return;
      if (!place(error)) say.wrong(refusal(error));
    },
  });
  const isStale = save.error instanceof ProblemError && save.error.status === 412;
  const title = saved ? t('loyalty.coupons.editOf', { name: saved.name }) : t('loyalty.coupons.new');
  return (
    <Page title={title}>
      {isStale ? (
        <Alert
          type="warning"
          showIcon
          title={t('loyalty.coupons.refused.changed_meanwhile')}
          action={
            <Button size="small" onClick={props.onReload}>
              {t('loyalty.coupons.theirs')}
            </Button>
          }
        />
      ) : null}
      {isFrozen ? <Alert type="info" showIcon title={t('loyalty.coupons.atOnce')} /> : null}
      <Form<Values>
        name="coupon"
        form={form}
        layout="vertical"
        className="coupon-form"
        initialValues={start}
        onValuesChange={(_, all) => setValues((before) => ({ ...before, ...all }))}
        onFinish={() => save.mutate()}
      >
        <div className="grid-main">
          <div className="stack">
            <GiveFields
              values={values}
              kept={start.kind === 'kept' ? sentence.what(saved?.rules.terms ?? rules.terms) : undefined}
            />
            <ConditionFields />
            <ValidityFields values={values} />
            <GetFields values={values} />
            <LimitFields values={values} isFrozen={isFrozen} />
          </div>
          <div className="stack coupon-side">
            <Panel title={t('loyalty.coupons.says')}>
              <p className="coupon-sentence" aria-live="polite" data-testid="coupon-sentence">
                {sentence.whole(rules)}
              </p>
              <div className="buttons">
                <Button type="primary" htmlType="submit" loading={save.isPending}>
                  {t('ui.save')}
                </Button>
                <Button onClick={() => go(saved ? `/loyalty/coupons/${saved.id}` : '/loyalty/coupons')}>
                  {t('ui.cancel')}
                </Button>
              </div>
            </Panel>
          </div>
        </div>
      </Form>
    </Page>
  );
}
