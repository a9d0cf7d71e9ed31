import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Button, Form, Input, Modal, Radio, Space, Tag } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { PersonRequest, PersonRequestQuery } from '@/api/types';
import { placeErrors } from '@/lib/fields';
import { useMe } from '@/lib/rights';
import { AppLink } from '@/ui/Link';
import { ScrollX } from '@/ui/ScrollX';
import { useSay } from '@/ui/say';
import { EmptyState, Loaded } from '@/ui/states';
import { Time } from '@/ui/values';
import { Who } from '@/ui/Who';
import { finishRequest, takeRequest, useRequests } from './requests';

/** What people ask of us about their data, by when it is due. */
export function RequestList(props: { query: PersonRequestQuery; ofOne?: boolean }) {
  const { t } = useTranslation();
  const query = useRequests(props.query);
  const [finishing, setFinishing] = useState<PersonRequest>();
  return (
    <>
      <Loaded query={query}>
        {(data) => {
          const rows = data.pages.flatMap((page) => page.items);
          if (rows.length === 0)
            return (
              <EmptyState
                small
                title={t('customers.requests.empty')}
                text={t('customers.requests.emptyText')}
              />
            );
          return (
            <div className="stack">
              <ScrollX label={t('customers.requests.title')}>
                <table className="plain">
                  <thead>
                    <tr>
                      <th scope="col">{t('customers.requests.kind')}</th>
                      <th scope="col">{t('customers.requests.due')}</th>
                      <th scope="col">{t('customers.requests.handler')}</th>
                      <th scope="col">
                        <span className="sr-only">{t('customers.exports.deeds')}</span>
                      </th>
                    </tr>
                  </thead>
                  <tbody>
                    {rows.map((row) => (
                      <Row key={row.id} row={row} ofOne={props.ofOne} onFinish={() => setFinishing(row)} />
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

function Row(props: { row: PersonRequest; ofOne?: boolean; onFinish: () => void }) {
  const { t } = useTranslation();
  const say = useSay();
  const me = useMe();
  const client = useQueryClient();
  const { row } = props;
  const grab = useMutation({
    mutationFn: () => takeRequest(row.id),
    onSuccess: () => client.invalidateQueries({ queryKey: ['person-requests'] }),
    onError: say.refused,
  });
  return (
    <tr>
      <th scope="row">
        <div>{t(`customers.requests.kinds.${row.kind}`)}</div>
        {props.ofOne ? null : (
          <AppLink href={`/customers/${row.customer}`}>
            {row.customer_name || t('customers.nameless')}
          </AppLink>
        )}
        {row.text ? <div className="quiet wrap">{row.text}</div> : null}
        {row.answer ? (
          <div className="quiet wrap">
            {t('customers.requests.answer')} · {row.answer}
          </div>
        ) : null}
      </th>
      <td>
        <State row={row} />
        <div className="quiet nowrap">
          {row.state === 'open' ? <Time at={row.due_at} /> : <Time at={row.finished_at} />}
        </div>
        {row.deed ? (
          <div className="quiet">
            {t(`customers.requests.deeds.${row.kind}`)} · <Time at={row.deed.at} />
          </div>
        ) : null}
      </td>
      <td>
        <Who person={row.finished_by_person ?? row.handler_person} />
      </td>
      <td className="num">
        {row.state === 'open' ? (
          <Space wrap>
            {row.handler === me.id ? null : (
              <Button size="small" loading={grab.isPending} onClick={() => grab.mutate()}>
                {t('customers.requests.take')}
              </Button>
            )}
            <Button size="small" type="primary" onClick={props.onFinish}>
              {t('customers.requests.finish')}
            </Button>
          </Space>
        ) : null}
      </td>
    </tr>
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
      <p>{t(`customers.requests.how.${props.row.kind}`)}</p>
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
