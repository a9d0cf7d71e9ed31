import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Button, Form, Input, Modal, Popconfirm, Radio, Space, Tag } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { PersonRequest, PersonRequestQuery } from '@/api/types';
import { placeErrors } from '@/lib/fields';
import { useMay, useMe } from '@/lib/rights';
import { AppLink } from '@/ui/Link';
import { PagedTable, type PlainColumn } from '@/ui/PlainTable';
import { useSay } from '@/ui/say';
import { Time } from '@/ui/values';
import { Who } from '@/ui/Who';
import { addConsent } from './consents';
import { finishRequest, takeRequest, useRequests } from './requests';

/** What people ask of us about their data, by when it is due. */
export function RequestList(props: { query: PersonRequestQuery; ofOne?: boolean }) {
  const { t } = useTranslation();
  const query = useRequests(props.query);
  const [finishing, setFinishing] = useState<PersonRequest>();
  const columns: PlainColumn<PersonRequest>[] = [
    { title: t('customers.requests.kind'), render: (row) => <Asked row={row} ofOne={props.ofOne} /> },
    { title: t('customers.requests.due'), render: (row) => <Due row={row} /> },
    {
      title: t('customers.requests.handler'),
      render: (row) => <Who person={row.finished_by_person ?? row.handler_person} />,
    },
    {
      title: t('customers.exports.deeds'),
      quietTitle: true,
      right: true,
      render: (row) => <Deeds row={row} onFinish={() => setFinishing(row)} />,
    },
  ];
  return (
    <>
      <PagedTable
        label={t('customers.requests.title')}
        query={query}
        empty={{ title: t('customers.requests.empty'), text: t('customers.requests.emptyText') }}
        columns={columns}
        stacks
      />
      {finishing ? <FinishDialog row={finishing} onClose={() => setFinishing(undefined)} /> : null}
    </>
  );
}

function State(props: { row: PersonRequest }) {
  const { t } = useTranslation();
  const { row } = props;
  const state = row.overdue ? 'overdue' : row.state;
  const colour = { overdue: 'red', open: 'gold', done: 'green', refused: 'default' }[state];
  return (
    <Tag color={colour} className="mark">
      {t(`customers.requests.states.${state}`)}
    </Tag>
  );
}

function Asked(props: { row: PersonRequest; ofOne?: boolean }) {
  const { t } = useTranslation();
  const { row } = props;
  return (
    <>
      <div>{t(`customers.requests.kinds.${row.kind}`)}</div>
      {props.ofOne ? null : (
        <AppLink href={`/customers/${row.customer}`}>{row.customer_name || t('customers.nameless')}</AppLink>
      )}
      {row.text ? <div className="quiet wrap">{row.text}</div> : null}
      {row.answer ? (
        <div className="quiet wrap">
          {t('customers.requests.answer')} · {row.answer}
        </div>
      ) : null}
    </>
  );
}

function Due(props: { row: PersonRequest }) {
  const { t } = useTranslation();
  const { row } = props;
  return (
    <>
      <State row={row} />
      <div className="quiet nowrap">
        {row.state === 'open' ? <Time at={row.due_at} /> : <Time at={row.finished_at} />}
      </div>
      {row.deed ? (
        <div className="quiet">
          {t(`customers.requests.deeds.${row.kind}`)} · <Time at={row.deed.at} />
        </div>
      ) : null}
    </>
  );
}

function Deeds(props: { row: PersonRequest; onFinish: () => void }) {
  const { t } = useTranslation();
  const say = useSay();
  const me = useMe();
  const may = useMay();
  const client = useQueryClient();
  const { row } = props;
  const grab = useMutation({
    mutationFn: () => takeRequest(row.id),
    onSuccess: () => client.invalidateQueries({ queryKey: ['person-requests'] }),
    onError: say.refused,
  });
  // Recorded first: a request that could not be finished is finished by hand, with the refusal found.
  const refuse = useMutation({
    mutationFn: async () => {
      await addConsent(row.customer, {
        channels: ['any'],
        purposes: ['automated_decision'],
        granted: false,
        source: 'other',
        evidence: t('customers.automated.evidence', { id: row.id }),
      });
      return finishRequest(row.id, { done: true, answer: t('customers.automated.answer') });
    },
    onSuccess: () => say.done(t('customers.requests.finished')),
    onError: say.refused,
    onSettled: async () => {
      await client.invalidateQueries({ queryKey: ['person-requests'] });
      await client.invalidateQueries({ queryKey: ['consents', row.customer] });
      await client.invalidateQueries({ queryKey: ['customer', row.customer] });
      await client.invalidateQueries({ queryKey: ['customers'] });
    },
  });
  if (row.state !== 'open') return null;
  return (
    <Space wrap>
      {row.handler === me.id ? null : (
        <Button size="small" loading={grab.isPending} onClick={() => grab.mutate()}>
          {t('customers.requests.take')}
        </Button>
      )}
      {row.kind === 'restriction' && may('customers.consent_write') ? (
        <Popconfirm
          title={t('customers.automated.refuseAsk')}
          description={t('customers.automated.refuseText')}
          okText={t('customers.automated.refuse')}
          onConfirm={() => refuse.mutate()}
        >
          <Button size="small" loading={refuse.isPending}>
            {t('customers.automated.refuse')}
          </Button>
        </Popconfirm>
      ) : null}
      <Button size="small" type="primary" onClick={props.onFinish}>
        {t('customers.requests.finish')}
      </Button>
    </Space>
  );
}

function FinishDialog(props: { row: PersonRequest; onClose: () => void }) {
  const { t } = useTranslation();
  const say = useSay();
  const client = useQueryClient();
  const [form] = Form.useForm<{ done: boolean; answer: string }>();
  const finish = useMutation({
    mutationFn: (body: { done: boolean; answer: string }) => finishRequest(props.row.id, body),
    onSuccess: async () => {
      say.done(t('customers.requests.finished'));
      props.onClose();
      await client.invalidateQueries({ queryKey: ['person-requests'] });
    },
    onError: (error) => placeErrors(form, error, ['answer']) || say.refused(error),
  });
  return (
    <Modal
      open
      title={`${t('customers.requests.finish')} · ${t(`customers.requests.kinds.${props.row.kind}`)}`}
      okText={t('customers.requests.finish')}
      confirmLoading={finish.isPending}
      onOk={() => form.submit()}
      onCancel={props.onClose}
    >
      <p className="dialog-text">{t(`customers.requests.how.${props.row.kind}`)}</p>
      <Form
        name="finish-request"
        form={form}
        layout="vertical"
        initialValues={{ done: true }}
        onFinish={({ done, answer }) => finish.mutate({ done, answer: answer.trim() })}
      >
        <Form.Item name="done" label={t('customers.requests.outcome')}>
          <Radio.Group
            options={[
              { value: true, label: t('customers.requests.states.done') },
              { value: false, label: t('customers.requests.states.refused') },
            ]}
          />
        </Form.Item>
        <Form.Item
          name="answer"
          label={t('customers.requests.answer')}
          extra={t('customers.requests.answerText')}
          rules={[{ required: true, whitespace: true, message: t('customers.requests.answerNeeded') }]}
        >
          <Input.TextArea autoSize={{ minRows: 2, maxRows: 8 }} maxLength={2000} />
        </Form.Item>
      </Form>
    </Modal>
  );
}
