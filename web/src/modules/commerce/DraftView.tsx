import { WarningOutlined } from '@ant-design/icons';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Alert, Button, Form, Input, Popconfirm, Select, Tabs } from 'antd';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Import, ImportPreview, StartImport } from '@/api/types';
import { placeErrors } from '@/lib/fields';
import { formatStamp, useFormat } from '@/lib/format';
import { useGo } from '@/lib/url';
import { CHANNELS, CURRENCIES, FORMATS } from '@/lib/words';
import { OrderStateMark } from '@/ui/marks';
import { Panel } from '@/ui/Page';
import { useSay } from '@/ui/say';
import { ErrorState, useProblemText, Waiting } from '@/ui/states';
import { Money, Nothing } from '@/ui/values';
import { cancelImport, startImport, usePreview, useShops } from './api';
import { MappingEditor } from './MappingEditor';
import { EMPTY_MAPPING, guessMapping, toToml } from './mapping';

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
  const text = useProblemText();
  const go = useGo();
  const client = useQueryClient();
  const it = props.import;
  const preview = usePreview(it.id);
  const shops = useShops();
  const [form] = Form.useForm<Values>();
  const chosen = Form.useWatch('chosen', form);
  const format = Form.useWatch('format', form);
  const found = preview.data?.files[0]?.format ?? it.format ?? undefined;
  const columns = preview.data?.files[0]?.columns.map((column) => column.name) ?? [];
  const generic = format === 'generic' || ((format ?? 'auto') === 'auto' && found === 'generic');
  const [mapping, setMapping] = useState(EMPTY_MAPPING);
  const [toml, setToml] = useState<string>();
  const [refused, setRefused] = useState<unknown>();

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
      const existing = shops.data?.find((shop) => shop.name === values.chosen);
      return startImport(it.id, {
        shop: existing?.name ?? values.shop ?? '',
        channel: (existing?.channel ?? values.channel) as StartImport['channel'],
        currency: existing?.currency ?? values.currency,
        format: values.format,
        ...(generic ? { mapping: toml ?? toToml(mapping) } : {}),
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

  return (
    <>
      <Panel title={t('commerce.draft.found')}>
        {preview.isPending ? (
          <Waiting rows={8} />
        ) : preview.isError ? (
          <ErrorState error={preview.error} onRetry={() => void preview.refetch()} />
        ) : (
          <PreviewFiles preview={preview.data} currency={shops.data?.[0]?.currency ?? 'CNY'} />
        )}
      </Panel>
      <Panel title={t('commerce.draft.where')}>
        <Form
          form={form}
          layout="vertical"
          initialValues={{ format: 'auto', channel: 'taobao', currency: 'CNY' }}
          className="draft-form"
        >
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
            <Form.Item name="format" label={t('commerce.imports.format')}>
              <Select
                options={FORMATS.map((one) => ({
                  value: one,
                  label:
                    one === 'auto' && found
                      ? t('commerce.draft.autoFound', {
                          name: t(`commerce.format.${found}`, { defaultValue: found }),
                        })
                      : t(`commerce.format.${one}`),
                }))}
              />
            </Form.Item>
          </div>
          {generic ? (
            <section aria-label={t('commerce.mapping.title')}>
              <h3>{t('commerce.mapping.title')}</h3>
              <p className="quiet">{t('commerce.mapping.help')}</p>
              <MappingEditor
                columns={columns}
                mapping={mapping}
                onMapping={setMapping}
                toml={toml}
                onToml={setToml}
              />
            </section>
          ) : null}
        </Form>
        {refused ? <Alert type="error" showIcon title={text(refused)} /> : null}
        <div className="buttons">
          <Button type="primary" loading={start.isPending} onClick={() => void run(false)}>
            {t('commerce.draft.start')}
          </Button>
          <Button disabled={start.isPending} onClick={() => void run(true)}>
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
    </>
  );
}

function PreviewFiles(props: { preview: ImportPreview; currency: string }) {
  const { t } = useTranslation();
  const { files } = props.preview;
  if (files.length === 1 && files[0]) return <PreviewFile file={files[0]} currency={props.currency} />;
  return (
    <Tabs
      items={files.map((file, index) => ({
        key: String(index),
        label: file.name || t('commerce.imports.file'),
        children: <PreviewFile file={file} currency={props.currency} />,
      }))}
    />
  );
}

function PreviewFile(props: { file: ImportPreview['files'][number]; currency: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { file } = props;
  const problems = file.rows.reduce((sum, row) => sum + row.problems.length, 0);
  const unused = file.columns.filter((column) => !column.understood_as);
  return (
    <div className="stack">
      <p>
        <strong>
          {file.format
            ? t(`commerce.format.${file.format}`, { defaultValue: file.format })
            : t('commerce.draft.unknown')}
        </strong>{' '}
        <span className="quiet">
          {[
            file.encoding,
            file.delimiter &&
              t('commerce.draft.delimiter', { mark: file.delimiter === '\t' ? 'Tab' : file.delimiter }),
            t('commerce.draft.columnsOf', {
              n: format.int(file.columns.length - unused.length),
              all: format.int(file.columns.length),
            }),
          ]
            .filter(Boolean)
            .join(' · ')}
        </span>
      </p>
      <details>
        <summary>{t('commerce.draft.evidence')}</summary>
        <ul className="bullets">
          {file.evidence.map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
        <ul className="columns-list">
          {file.columns.map((column, index) => (
            <li key={column.name + index} className={column.understood_as ? undefined : 'quiet'}>
              {column.name} →{' '}
              {column.understood_as
                ? t(`commerce.mapping.field.${column.understood_as}`, { defaultValue: column.understood_as })
                : t('commerce.draft.notUsed')}
            </li>
          ))}
        </ul>
      </details>
      {problems ? (
        <Alert type="warning" showIcon title={t('commerce.draft.problems', { n: format.int(problems) })} />
      ) : null}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling area must be reachable by keyboard */}
      <section className="scroll-x preview" tabIndex={0} aria-label={t('commerce.draft.preview')}>
        <table className="plain">
          <caption>{t('commerce.draft.preview')}</caption>
          <thead>
            <tr>
              <th scope="col" className="num">
                {t('commerce.draft.line')}
              </th>
              <th scope="col">{t('commerce.field.no')}</th>
              <th scope="col">{t('commerce.field.ordered')}</th>
              <th scope="col">{t('commerce.field.state')}</th>
              <th scope="col">{t('commerce.field.customer')}</th>
              <th scope="col">{t('commerce.field.items')}</th>
              <th scope="col" className="num">
                {t('commerce.field.paid')}
              </th>
              <th scope="col" className="num">
                {t('commerce.field.refund')}
              </th>
              <th scope="col">{t('commerce.field.place')}</th>
            </tr>
          </thead>
          <tbody>
            {file.rows.map((row) => (
              <PreviewRow key={row.line} row={row} currency={props.currency} />
            ))}
          </tbody>
        </table>
      </section>
    </div>
  );
}

function PreviewRow(props: { row: ImportPreview['files'][number]['rows'][number]; currency: string }) {
  const { t } = useTranslation();
  const { order, problems, line } = props.row;
  const currency = order.currency ?? props.currency;
  return (
    <>
      <tr className={problems.length ? 'has-problem' : undefined}>
        <td className="num quiet">{line}</td>
        <td className="figure nowrap">{order.external_no ?? <Nothing />}</td>
        <td className="nowrap">{order.ordered_at ? formatStamp(order.ordered_at) : <Nothing />}</td>
        <td>
          <OrderStateMark state={order.state} />
        </td>
        <td className="nowrap">{order.receiver?.name ?? order.account ?? <Nothing />}</td>
        <td className="clip">{order.item_title ?? <Nothing />}</td>
        <td className="num">
          <Money minor={order.paid_minor} currency={currency} />
        </td>
        <td className="num">
          <Money minor={order.refund_minor || null} currency={currency} />
        </td>
        <td className="nowrap">
          {[order.receiver?.province, order.receiver?.city].filter(Boolean).join(' ') || <Nothing />}
        </td>
      </tr>
      {problems.map((problem, index) => (
        <tr key={index} className="has-problem">
          <td />
          <td colSpan={8} className="problem">
            <WarningOutlined aria-hidden="true" />{' '}
            {problem.column ? t('commerce.draft.inColumn', { name: problem.column }) : null} {problem.reason}
          </td>
        </tr>
      ))}
    </>
  );
}
