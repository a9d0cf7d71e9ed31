import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Alert, Button, Form, Input, InputNumber, Modal, Radio, Space, Tag } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { CustomerExport, CustomerSettings } from '@/api/types';
import { placeErrors } from '@/lib/fields';
import { useFormat } from '@/lib/format';
import { useMay, useMe } from '@/lib/rights';
import { useUrl } from '@/lib/url';
import { Panel } from '@/ui/Page';
import { ScrollX } from '@/ui/ScrollX';
import { useSay } from '@/ui/say';
import { EmptyState, Loaded } from '@/ui/states';
import { Time } from '@/ui/values';
import { Who } from '@/ui/Who';
import { putCustomerSettings, useCustomerSettings } from './api';
import { askExport, decideExport, exportFile, exportOf, useExports } from './exports';

const COLOUR: Record<string, string> = {
  taken: 'default',
  waiting: 'gold',
  refused: 'red',
  queued: 'blue',
  ready: 'green',
  failed: 'red',
  ended: 'default',
};

/** Files of customers: asked for, approved, fetched, and whose a found one is. */
export default function ExportsPage() {
  const { t } = useTranslation();
  const may = useMay();
  const approves = may('customers.export_approve');
  return (
    <div className="stack">
      <AskDialog />
      {approves ? <ListPanel whose="all" title={t('customers.exports.all')} /> : null}
      {may('customers.export') && !approves ? (
        <ListPanel whose="own" title={t('customers.exports.own')} />
      ) : null}
      {approves ? <WhosePanel /> : null}
      <LimitsPanel />
    </div>
  );
}

/** Opens when a list was too large to be taken at once; the address says which. */
function AskDialog() {
  const { t } = useTranslation();
  const say = useSay();
  const client = useQueryClient();
  const [url, setUrl] = useUrl();
  const [form] = Form.useForm<{ reason: string; format: 'csv' | 'xlsx' }>();
  const close = () => setUrl({ ask: undefined, format: undefined });
  const ask = useMutation({
    mutationFn: askExport,
    onSuccess: async (made) => {
      say.done(t(made.state === 'waiting' ? 'customers.exports.waits' : 'customers.exports.begun'));
      close();
      await client.invalidateQueries({ queryKey: ['exports'] });
    },
    onError: (error) => placeErrors(form, error, ['reason']) || say.refused(error),
  });
  if (url.ask === undefined) return null;
  const query = url.ask;
  return (
    <Modal
      open
      title={t('customers.exports.ask')}
      okText={t('customers.exports.askSubmit')}
      confirmLoading={ask.isPending}
      onOk={() => form.submit()}
      onCancel={close}
    >
      <p>{t('customers.exports.askText')}</p>
      <Form
        name="ask-export"
        form={form}
        layout="vertical"
        initialValues={{ format: url.format === 'xlsx' ? 'xlsx' : 'csv' }}
        onFinish={({ reason, format }) => ask.mutate({ query, format, reason: reason.trim() })}
      >
        <Form.Item name="format" label={t('customers.exports.format')}>
          <Radio.Group options={['csv', 'xlsx'].map((value) => ({ value, label: value.toUpperCase() }))} />
        </Form.Item>
        <Form.Item
          name="reason"
          label={t('customers.exports.reason')}
          rules={[{ required: true, min: 3, whitespace: true, message: t('customers.exports.reasonNeeded') }]}
        >
          <Input.TextArea autoFocus autoSize={{ minRows: 2, maxRows: 6 }} maxLength={500} />
        </Form.Item>
      </Form>
    </Modal>
  );
}

function ListPanel(props: { whose: 'own' | 'all'; title: string }) {
  const { t } = useTranslation();
  const query = useExports(props.whose);
  const [deciding, setDeciding] = useState<CustomerExport>();
  return (
    <Panel title={props.title}>
      <Loaded query={query}>
        {(data) => {
          const rows = data.pages.flatMap((page) => page.items);
          if (rows.length === 0)
            return (
              <EmptyState
                small
                title={t('customers.exports.empty')}
                text={t('customers.exports.emptyText')}
              />
            );
          return (
            <div className="stack">
              <ScrollX label={props.title}>
                <table className="plain">
                  <thead>
                    <tr>
                      <th scope="col">{t('customers.exports.asked')}</th>
                      <th scope="col">{t('customers.exports.what')}</th>
                      <th scope="col">{t('customers.exports.state')}</th>
                      <th scope="col">
                        <span className="sr-only">{t('customers.exports.deeds')}</span>
                      </th>
                    </tr>
                  </thead>
                  <tbody>
                    {rows.map((row) => (
                      <Row key={row.id} row={row} onDecide={() => setDeciding(row)} />
                    ))}
                  </tbody>
                </table>
              </ScrollX>
              {query.hasNextPage ? (
                <Button loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
                  {t('ui.loadMore')}
                </Button>
              ) : null}
            </div>
          );
        }}
      </Loaded>
      {deciding ? <DecideDialog row={deciding} onClose={() => setDeciding(undefined)} /> : null}
    </Panel>
  );
}

/** What was exported, in a line or two. */
function What(props: { row: CustomerExport }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { row } = props;
  const filter = Object.entries(row.filter ?? {}).map(([name, value]) => `${name}=${String(value)}`);
  return (
    <>
      <div>
        {t('customers.exports.count', { count: row.count, n: format.int(row.count) })} ·{' '}
        {row.format.toUpperCase()}
      </div>
      {filter.length ? <div className="quiet wrap">{filter.join(' · ')}</div> : null}
      {row.reason ? (
        <div className="quiet wrap">
          {t('customers.exports.reason')} · {row.reason}
        </div>
      ) : null}
    </>
  );
}

function Row(props: { row: CustomerExport; onDecide: () => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const may = useMay();
  const me = useMe();
  const { row } = props;
  const isOwn = row.asker === me.id;
  return (
    <tr>
      <th scope="row">
        <div>{row.asker_person ? <Who person={row.asker_person} /> : t('customers.exports.program')}</div>
        <div className="quiet nowrap">
          <Time at={row.asked_at} />
        </div>
      </th>
      <td>
        <What row={row} />
      </td>
      <td>
        <Tag color={COLOUR[row.state]} className="mark">
          {t(`customers.exports.states.${row.state}`)}
        </Tag>
        {row.decider_person ? (
          <div className="quiet">
            <Who person={row.decider_person} />
            {row.word ? ` · ${row.word}` : null}
          </div>
        ) : null}
        {row.failure ? <div className="quiet">{t(`customers.exports.failures.${row.failure}`)}</div> : null}
        {row.state === 'ready' && row.expires_at ? (
          <div className="quiet">{t('customers.exports.until', { when: format.time(row.expires_at) })}</div>
        ) : null}
      </td>
      <td className="num">
        {row.state === 'ready' && isOwn ? (
          <Button type="primary" size="small" href={exportFile(row.id)} download>
            {t('customers.exports.fetch')}
          </Button>
        ) : null}
        {row.state === 'waiting' && may('customers.export_approve') && !isOwn ? (
          <Button type="primary" size="small" onClick={props.onDecide}>
            {t('customers.exports.decide')}
          </Button>
        ) : null}
      </td>
    </tr>
  );
}

function DecideDialog(props: { row: CustomerExport; onClose: () => void }) {
  const { t } = useTranslation();
  const say = useSay();
  const client = useQueryClient();
  const [form] = Form.useForm<{ word?: string }>();
  const { row } = props;
  const decide = useMutation({
    mutationFn: (approve: boolean) => {
      const word = (form.getFieldValue('word') as string | undefined)?.trim();
      return decideExport(row.id, { approve, word: word || undefined });
    },
    onSuccess: async (now) => {
      say.done(t(now.state === 'refused' ? 'customers.exports.refused' : 'customers.exports.approved'));
      props.onClose();
      await client.invalidateQueries({ queryKey: ['exports'] });
    },
    onError: (error) => placeErrors(form, error, ['word']) || say.refused(error),
  });
  return (
    <Modal
      open
      title={t('customers.exports.decideTitle')}
      onCancel={props.onClose}
      footer={
        <Space>
          <Button danger disabled={decide.isPending} onClick={() => decide.mutate(false)}>
            {t('customers.exports.refuse')}
          </Button>
          <Button type="primary" loading={decide.isPending} onClick={() => decide.mutate(true)}>
            {t('customers.exports.approve')}
          </Button>
        </Space>
      }
    >
      <div className="stack">
        <div>
          {row.asker_person ? <Who person={row.asker_person} /> : null}
          <What row={row} />
        </div>
        <Form name="decide-export" form={form} layout="vertical">
          <Form.Item name="word" label={t('customers.exports.word')}>
            <Input.TextArea autoSize={{ minRows: 2, maxRows: 6 }} maxLength={500} />
          </Form.Item>
        </Form>
      </div>
    </Modal>
  );
}

/** Whose export a found file is. */
function WhosePanel() {
  const { t } = useTranslation();
  const format = useFormat();
  const [found, setFound] = useState<CustomerExport | 'none'>();
  const ask = useMutation({
    mutationFn: exportOf,
    onSuccess: setFound,
    onError: () => setFound('none'),
  });
  return (
    <Panel title={t('customers.exports.whose')}>
      <div className="stack">
        <p className="quiet">{t('customers.exports.whoseText')}</p>
        <Form<{ text: string }> name="whose-export" onFinish={({ text }) => ask.mutate(text)}>
          <Form.Item name="text" rules={[{ required: true, message: t('customers.exports.whoseNeeded') }]}>
            <Input aria-label={t('customers.exports.mark')} placeholder="exp_…" maxLength={10000} />
          </Form.Item>
          <Button htmlType="submit" loading={ask.isPending}>
            {t('customers.exports.whoseAsk')}
          </Button>
        </Form>
        {found === 'none' ? (
          <Alert type="warning" showIcon title={t('customers.exports.whoseNone')} />
        ) : found ? (
          <Alert
            type="info"
            showIcon
            title={found.asker_person?.name ?? t('customers.exports.program')}
            description={`${format.time(found.asked_at)} · ${t('customers.exports.count', { count: found.count, n: format.int(found.count) })}`}
          />
        ) : null}
      </div>
    </Panel>
  );
}

/** How much may be taken without asking; shown to whoever may change it. */
function LimitsPanel() {
  const { t } = useTranslation();
  const say = useSay();
  const client = useQueryClient();
  const settings = useCustomerSettings();
  const [form] = Form.useForm<CustomerSettings>();
  const save = useMutation({
    mutationFn: putCustomerSettings,
    onSuccess: (now) => {
      client.setQueryData(['customer-settings'], now);
      say.done(t('customers.exports.saved'));
    },
    onError: (error) => placeErrors(form, error, ['export_limit', 'export_hours']) || say.refused(error),
  });
  if (!settings.data) return null;
  return (
    <Panel title={t('customers.exports.rules')}>
      <Form<CustomerSettings>
        name="export-rules"
        form={form}
        layout="vertical"
        initialValues={settings.data}
        onFinish={({ export_limit, export_hours }) => save.mutate({ export_limit, export_hours })}
      >
        <Form.Item
          name="export_limit"
          label={t('customers.exports.limit')}
          extra={t('customers.exports.limitText')}
        >
          <InputNumber min={0} max={100_000_000} precision={0} />
        </Form.Item>
        <Form.Item name="export_hours" label={t('customers.exports.hours')}>
          <InputNumber min={1} max={168} precision={0} />
        </Form.Item>
        <Button htmlType="submit" loading={save.isPending}>
          {t('ui.save')}
        </Button>
      </Form>
    </Panel>
  );
}
