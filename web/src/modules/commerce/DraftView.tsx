import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Alert, Button, Form, Input, Popconfirm, Select } from 'antd';
import { useEffect, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ProblemError } from '@/api/client';
import type { Import, StartImport } from '@/api/types';
import { placeErrors } from '@/lib/fields';
import { useRested } from '@/lib/rested';
import { useGo } from '@/lib/url';
import { CHANNELS, CURRENCIES, FORMATS } from '@/lib/words';
import { CHINA, offsetIn } from '@/lib/zone';
import { Panel } from '@/ui/Page';
import { useSay } from '@/ui/say';
import { useShops } from '@/ui/shops';
import { ErrorState, useProblemText, Waiting } from '@/ui/states';
import { cancelImport, startImport, usePreview } from './api';
import { MappingEditor } from './MappingEditor';
import { EMPTY_MAPPING, guessMapping, missingFields, toToml } from './mapping';
import { PreviewFiles } from './PreviewFiles';

const NEW_SHOP = '+';
const CHANNEL_OF: Record<string, string> = {
  'taobao-orders': 'taobao',
  'taobao-items': 'taobao',
  '1688': '1688',
  pdd: 'pdd',
  douyin: 'douyin',
  jd: 'jd',
  generic: 'own',
};

interface Values {
  chosen: string;
  shop?: string;
  channel: string;
  currency: string;
  format: string;
}

/** What was understood, where it goes, and the start. */
export function DraftView(props: { import: Import }) {
  const { t } = useTranslation();
  const say = useSay();
  const problemText = useProblemText();
  const go = useGo();
  const client = useQueryClient();
  const it = props.import;
  const shops = useShops();
  const [form] = Form.useForm<Values>();
  const chosen = Form.useWatch('chosen', form);
  const format = Form.useWatch('format', form) ?? 'auto';
  const newCurrency = Form.useWatch('currency', form);
  const existing = shops.data?.find((shop) => shop.name === chosen);
  const currency = existing?.currency ?? newCurrency ?? 'CNY';
  const [mapping, setMapping] = useState(EMPTY_MAPPING);
  const [toml, setToml] = useState<string>();
  const [refused, setRefused] = useState<unknown>();

  const asFound = usePreview(it.id);
  const found = asFound.data?.files[0]?.format ?? it.format ?? undefined;
  const columns = asFound.data?.files[0]?.columns.map((column) => column.name) ?? [];
  // A file that no platform writes is read through a mapping.
  const generic = format === 'generic' || (format === 'auto' && !!asFound.data && !found);
  const text = toml ?? toToml(mapping, currency);
  const how = useMemo(
    () => (generic ? { format: 'generic', mapping: text } : format === 'auto' ? undefined : { format }),
    [generic, text, format],
  );
  const preview = usePreview(it.id, useRested(how));
  // A draft is read by the clocks its mapping names; the shop it goes to may not be known yet.
  const offset = (generic ? offsetIn(text) : undefined) ?? CHINA;

  // biome-ignore lint/correctness/useExhaustiveDependencies: a first guess once the columns are known
  useEffect(() => {
    if (columns.length) setMapping(guessMapping(columns));
  }, [columns.join('\n')]);

  // The shop most likely meant: the only one of the file's channel, else a new one.
  useEffect(() => {
    if (!shops.data || form.getFieldValue('chosen')) return;
    const channel = CHANNEL_OF[found ?? ''] ?? 'taobao';
    const fitting = shops.data.filter(
      (shop) => shop.channel === channel || (channel === 'taobao' && shop.channel === 'tmall'),
    );
    form.setFieldsValue({
      chosen: it.shop?.name ?? fitting[0]?.name ?? (shops.data.length === 0 || found ? NEW_SHOP : undefined),
      channel,
      currency: shops.data[0]?.currency ?? 'CNY',
    });
  }, [shops.data, found, form, it.shop]);

  const start = useMutation({
    mutationFn: (input: { values: Values; dry: boolean }) => {
      const { values, dry } = input;
      return startImport(it.id, {
        shop: existing?.name ?? values.shop ?? '',
        channel: (existing?.channel ?? values.channel) as StartImport['channel'],
        currency: existing?.currency ?? values.currency,
        format: generic ? 'generic' : values.format,
        ...(generic ? { mapping: text } : {}),
        dry_run: dry,
      });
    },
    onMutate: () => setRefused(undefined),
    onSuccess: async (now) => {
      if (now?.id) client.setQueryData(['import', it.id], now);
      await Promise.all([
        client.invalidateQueries({ queryKey: ['imports'] }),
        client.invalidateQueries({ queryKey: ['shops'] }),
        client.invalidateQueries({ queryKey: ['import', it.id], exact: true }),
      ]);
    },
    onError: (error) => {
      if (!placeErrors(form, error, ['shop', 'channel', 'currency', 'format'])) setRefused(error);
    },
  });
  const run = async (dry: boolean) => {
    const values = await form.validateFields().catch(() => undefined);
    if (values) start.mutate({ values: { ...form.getFieldsValue(true), ...values }, dry });
  };
  const drop = useMutation({
    mutationFn: () => cancelImport(it.id),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['imports'] });
      go('/imports');
    },
    onError: say.refused,
  });

  const missing = generic && toml === undefined ? missingFields(mapping) : [];
  const misread =
    preview.error instanceof ProblemError && preview.error.status === 422 ? preview.error : undefined;
  return (
    <Form
      form={form}
      layout="vertical"
      initialValues={{ format: 'auto', channel: 'taobao', currency: 'CNY' }}
      className="stack"
    >
      <Panel title={t('commerce.draft.found')}>
        <Form.Item name="format" label={t('commerce.imports.format')} className="draft-format">
          <Select
            options={FORMATS.map((one) => ({
              value: one,
              label:
                one === 'auto' && asFound.data
                  ? found
                    ? t('commerce.draft.autoFound', {
                        name: t(`commerce.format.${found}`, { defaultValue: found }),
                      })
                    : t('commerce.draft.autoNone')
                  : t(`commerce.format.${one}`),
            }))}
          />
        </Form.Item>
        {generic ? (
          <section className="draft-mapping" aria-label={t('commerce.mapping.title')}>
            <h3>{t('commerce.mapping.title')}</h3>
            <p className="quiet">{t('commerce.mapping.help')}</p>
            <MappingEditor
              columns={columns}
              mapping={mapping}
              onMapping={setMapping}
              currency={currency}
              toml={toml}
              onToml={setToml}
            />
          </section>
        ) : null}
        {misread ? (
          <Alert
            type="warning"
            showIcon
            className="draft-misfit"
            title={t(generic ? 'commerce.draft.mappingMisfit' : 'commerce.draft.formatMisfit')}
            description={
              missing.length ? (
                t('commerce.draft.missing', {
                  names: missing.map((one) => t(`commerce.mapping.field.${one}`)).join(t('ui.comma')),
                })
              ) : (
                <span className="note-text">
                  {misread.problem.errors?.[0]?.message.replace(/^the mapping: /, '')}
                </span>
              )
            }
          />
        ) : null}
        {preview.data && !misread ? (
          <div className={preview.isPlaceholderData ? 'list-busy' : undefined}>
            <PreviewFiles preview={preview.data} currency={currency} offset={offset} />
          </div>
        ) : misread && asFound.data ? (
          <PreviewFiles preview={asFound.data} currency={currency} offset={CHINA} />
        ) : preview.isError ? (
          <ErrorState error={preview.error} onRetry={() => void preview.refetch()} />
        ) : (
          <Waiting rows={8} />
        )}
      </Panel>
      <Panel title={t('commerce.draft.where')}>
        <div className="form-grid">
          <Form.Item
            name="chosen"
            label={t('commerce.field.shop')}
            rules={[{ required: true, message: t('commerce.draft.needShop') }]}
          >
            <Select
              placeholder={t('commerce.draft.needShop')}
              options={[
                ...(shops.data ?? []).map((shop) => ({ value: shop.name, label: shop.name })),
                { value: NEW_SHOP, label: t('commerce.draft.newShop') },
              ]}
            />
          </Form.Item>
          {chosen === NEW_SHOP ? (
            <>
              <Form.Item
                name="shop"
                label={t('commerce.shops.name')}
                rules={[{ required: true, message: t('commerce.shops.needName') }]}
              >
                <Input maxLength={100} placeholder={t('commerce.draft.shopHint')} />
              </Form.Item>
              <Form.Item name="channel" label={t('commerce.field.channel')}>
                <Select options={CHANNELS.map((one) => ({ value: one, label: t(`ui.channel.${one}`) }))} />
              </Form.Item>
              <Form.Item name="currency" label={t('commerce.field.currency')}>
                <Select options={CURRENCIES.map((one) => ({ value: one, label: one }))} />
              </Form.Item>
            </>
          ) : null}
        </div>
        {refused ? <Alert type="error" showIcon title={problemText(refused)} /> : null}
        <div className="buttons">
          <Button
            type="primary"
            disabled={!!misread}
            loading={start.isPending}
            onClick={() => void run(false)}
          >
            {t('commerce.draft.start')}
          </Button>
          <Button disabled={!!misread || start.isPending} onClick={() => void run(true)}>
            {t('commerce.draft.dry')}
          </Button>
          <Popconfirm
            title={t('commerce.draft.dropAsk')}
            okText={t('commerce.draft.drop')}
            onConfirm={() => drop.mutate()}
          >
            <Button type="text">{t('commerce.draft.drop')}</Button>
          </Popconfirm>
        </div>
        <p className="quiet">{t('commerce.draft.dryText')}</p>
      </Panel>
    </Form>
  );
}
