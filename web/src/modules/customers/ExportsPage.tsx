import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Alert, Button, Form, Input, Modal, Radio, Space, Tag } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { CustomerExport } from '@/api/types';
import { placeErrors } from '@/lib/fields';
import { useFormat } from '@/lib/format';
import { useMay, useMe } from '@/lib/rights';
import { useUrl } from '@/lib/url';
import { Panel } from '@/ui/Page';
import { PagedTable, type PlainColumn } from '@/ui/PlainTable';
import { useSay } from '@/ui/say';
import { saveFile } from '@/ui/take';
import { Time } from '@/ui/values';
import { Who } from '@/ui/Who';
import { askExport, decideExport, exportFile, exportOf, useExports } from './exports';
import { useExportFilter } from './filterWords';
import { RulesPanel } from './RulesPanel';

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
      <RulesPanel of="exports" />
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
      <p className="dialog-text">{t('customers.exports.askText')}</p>
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
  const columns: PlainColumn<CustomerExport>[] = [
    {
      title: t('customers.exports.asked'),
      render: (row) => (
        <>
          <div>{row.asker_person ? <Who person={row.asker_person} /> : t('customers.exports.program')}</div>
          <div className="quiet nowrap">
            <Time at={row.asked_at} />
          </div>
        </>
      ),
    },
    { title: t('customers.exports.what'), render: (row) => <What row={row} /> },
    { title: t('customers.exports.state'), render: (row) => <State row={row} /> },
    {
      title: t('customers.exports.deeds'),
      quietTitle: true,
      right: true,
      render: (row) => <Deeds row={row} onDecide={() => setDeciding(row)} />,
    },
  ];
  return (
    <Panel title={props.title}>
      <PagedTable
        label={props.title}
        query={query}
        empty={{ title: t('customers.exports.empty'), text: t('customers.exports.emptyText') }}
        columns={columns}
        stacks
      />
      {deciding ? <DecideDialog row={deciding} onClose={() => setDeciding(undefined)} /> : null}
    </Panel>
  );
}

/** What was exported, in a line or two. */
function What(props: { row: CustomerExport }) {
  const { t } = useTranslation();
  const format = useFormat();
  const filter = useExportFilter(props.row);
  const { row } = props;
  return (
    <>
      <div>
        {t('customers.exports.count', { count: row.count, n: format.int(row.count) })} ·{' '}
        {row.format.toUpperCase()}
      </div>
      {filter ? <div className="quiet wrap">{filter}</div> : null}
      {row.reason ? (
        <div className="quiet wrap">
          {t('customers.exports.reason')} · {row.reason}
        </div>
      ) : null}
    </>
  );
}

function State(props: { row: CustomerExport }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { row } = props;
  return (
    <>
      <Tag color={COLOUR[row.state]} className="mark">
        {t(`customers.exports.states.${row.state}`)}
      </Tag>
      {row.decider_person ? (
        <div className="quiet wrap">
          <Who person={row.decider_person} />
          {row.word ? ` · ${row.word}` : null}
        </div>
      ) : null}
      {row.failure ? (
        <div className="quiet wrap">{t(`customers.exports.failures.${row.failure}`)}</div>
      ) : null}
      {row.state === 'ready' && row.expires_at ? (
        <div className="quiet wrap">
          {t('customers.exports.until', { when: format.time(row.expires_at) })}
        </div>
      ) : null}
    </>
  );
}

function Deeds(props: { row: CustomerExport; onDecide: () => void }) {
  const { t } = useTranslation();
  const say = useSay();
  const may = useMay();
  const me = useMe();
  const client = useQueryClient();
  const { row } = props;
  const isOwn = row.asker === me.id;
  const fetching = useMutation({
    mutationFn: () => saveFile(exportFile(row.id), `customers.${row.format}`),
    onError: say.refused,
    onSettled: () => client.invalidateQueries({ queryKey: ['exports'] }),
  });
  if (row.state === 'ready' && isOwn)
    return (
      <Button type="primary" size="small" loading={fetching.isPending} onClick={() => fetching.mutate()}>
        {t('customers.exports.fetch')}
      </Button>
    );
  if (row.state === 'waiting' && may('customers.export_approve') && !isOwn)
    return (
      <Button type="primary" size="small" onClick={props.onDecide}>
        {t('customers.exports.decide')}
      </Button>
    );
  return null;
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
