import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Alert, Form, Input, InputNumber, Modal, Radio } from 'antd';
import { useTranslation } from 'react-i18next';
import { ProblemError } from '@/api/client';
import type { RetentionRule } from '@/api/types';
import { placeErrors } from '@/lib/fields';
import { useFormat } from '@/lib/format';
import { useSay } from '@/ui/say';
import { forecastRetention, setRetention } from './api';
import { WouldGo } from './WouldGo';

interface Values {
  how: 'days' | 'ever';
  keep_days?: number | null;
  reason?: string;
  confirmed?: number | null;
}

/** Sets a rule. A shorter one first shows what would go, and asks for its number: nothing brings it back. */
export function RetentionDialog(props: { rule: RetentionRule; onClose: () => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const say = useSay();
  const client = useQueryClient();
  const [form] = Form.useForm<Values>();
  const { rule } = props;
  const how = Form.useWatch('how', form) ?? (rule.keep_days == null ? 'ever' : 'days');
  const typed = Form.useWatch('keep_days', form) ?? null;
  const wanted = how === 'ever' ? null : typed;
  const isShorter = wanted != null && (rule.keep_days == null || wanted < rule.keep_days);
  const trial = useMutation({
    mutationFn: (days: number) => forecastRetention({ [rule.class]: days }),
    onError: say.refused,
  });
  const forecast = isShorter ? trial.data?.items.find((one) => one.keep_days === wanted) : undefined;
  const save = useMutation({
    mutationFn: ({ confirmed, reason }: Values) =>
      setRetention(rule.class, {
        keep_days: wanted,
        confirmed_count: isShorter ? confirmed : undefined,
        reason: reason?.trim() || undefined,
      }),
    onSuccess: async () => {
      say.done(t('platform.retention.saved'));
      props.onClose();
      await client.invalidateQueries({ queryKey: ['retention'] });
    },
    onError: (error) => {
      // More is due than a moment ago: it is counted again, and asked again.
      if (error instanceof ProblemError && error.kind === 'retention_unconfirmed') {
        trial.reset();
        return say.wrong(t('platform.retention.more'));
      }
      return placeErrors(form, error, ['keep_days', 'reason']) || say.refused(error);
    },
  });
  const mustSee = isShorter && !forecast;
  return (
    <Modal
      open
      title={t(`platform.retention.classes.${rule.class}`)}
      okText={t(mustSee ? 'platform.retention.see' : 'platform.retention.save')}
      okButtonProps={{ danger: forecast != null && forecast.count > 0 }}
      confirmLoading={trial.isPending || save.isPending}
      onOk={() => form.submit()}
      onCancel={props.onClose}
    >
      <div className="stack">
        <p className="note">{t(`platform.retention.explained.${rule.class}`)}</p>
        <Form<Values>
          name="retention"
          form={form}
          layout="vertical"
          initialValues={{ how, keep_days: rule.keep_days ?? undefined }}
          onFinish={(values) => {
            if (mustSee) trial.mutate(wanted as number);
            else save.mutate(values);
          }}
        >
          <Form.Item name="how" label={t('platform.retention.how')}>
            <Radio.Group
              options={[
                { value: 'ever', label: t('platform.retention.forEver') },
                { value: 'days', label: t('platform.retention.forDays') },
              ]}
            />
          </Form.Item>
          {how === 'days' ? (
            <Form.Item
              name="keep_days"
              label={t('platform.retention.count')}
              extra={t('platform.retention.bounds', {
                least: format.int(rule.least_days),
                most: format.int(rule.most_days),
              })}
              rules={[
                {
                  required: true,
                  type: 'integer',
                  min: rule.least_days,
                  max: rule.most_days,
                  message: t('platform.retention.bounds', {
                    least: format.int(rule.least_days),
                    most: format.int(rule.most_days),
                  }),
                },
              ]}
            >
              <InputNumber precision={0} style={{ width: 160 }} />
            </Form.Item>
          ) : null}
          <Form.Item
            name="reason"
            label={t('platform.retention.reason')}
            extra={t('platform.retention.reasonHint')}
          >
            <Input maxLength={500} />
          </Form.Item>
          <div role="status" style={{ marginBottom: 16 }}>
            {isShorter ? null : <p className="quiet">{t('platform.retention.longer')}</p>}
            {forecast ? (
              <Alert
                type={forecast.count > 0 ? 'warning' : 'info'}
                showIcon
                title={
                  forecast.count > 0
                    ? t('platform.retention.goes', { n: format.int(forecast.count) })
                    : t('platform.retention.nothing')
                }
                description={<WouldGo forecast={forecast} />}
              />
            ) : null}
          </div>
          {forecast && forecast.count > 0 ? (
            <Form.Item
              name="confirmed"
              label={t('platform.retention.confirm', { n: format.int(forecast.count) })}
              rules={[
                {
                  validator: (_, number?: number | null) =>
                    number === forecast.count
                      ? Promise.resolve()
                      : Promise.reject(
                          new Error(t('platform.retention.wrongNumber', { n: format.int(forecast.count) })),
                        ),
                },
              ]}
            >
              <InputNumber precision={0} style={{ width: 160 }} autoComplete="off" />
            </Form.Item>
          ) : null}
        </Form>
      </div>
    </Modal>
  );
}
