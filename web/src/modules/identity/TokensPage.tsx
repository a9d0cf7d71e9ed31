import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Alert, Button, Form, Input, Popconfirm, Typography } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { NewToken } from '@/api/types';
import { placeErrors } from '@/lib/fields';
import { Panel } from '@/ui/Page';
import { Roster } from '@/ui/Roster';
import { useSay } from '@/ui/say';
import { Time } from '@/ui/values';
import { makeToken, revokeToken, useTokens } from './api';

export default function TokensPage() {
  const { t } = useTranslation();
  const say = useSay();
  const client = useQueryClient();
  const query = useTokens();
  const [form] = Form.useForm<{ name: string }>();
  const [made, setMade] = useState<NewToken>();
  const refresh = () => client.invalidateQueries({ queryKey: ['tokens'] });
  const make = useMutation({
    mutationFn: makeToken,
    onSuccess: async (token) => {
      setMade(token);
      form.resetFields();
      await refresh();
    },
    onError: (error) => placeErrors(form, error, ['name']) || say.refused(error),
  });
  const revoke = useMutation({
    mutationFn: revokeToken,
    onSuccess: async () => {
      setMade(undefined);
      await refresh();
    },
    onError: say.refused,
  });
  return (
    <div className="stack">
      {made ? (
        <Alert
          type="success"
          showIcon
          title={t('identity.tokens.made', { name: made.name })}
          description={
            <>
              <p>{t('identity.tokens.once')}</p>
              <Typography.Text code copyable className="secret">
                {made.token}
              </Typography.Text>
            </>
          }
          closable
          onClose={() => setMade(undefined)}
        />
      ) : null}
      <Roster
        title={t('identity.tokens.all')}
        query={query}
        empty={{ title: t('identity.tokens.empty'), text: t('identity.tokens.emptyText') }}
        columns={[
          { title: t('identity.tokens.name'), render: (token) => token.name },
          { title: t('identity.tokens.created'), render: (token) => <Time at={token.created_at} /> },
          {
            title: t('identity.tokens.used'),
            render: (token) =>
              token.last_used_at ? <Time at={token.last_used_at} /> : t('identity.tokens.never'),
          },
          {
            title: t('identity.tokens.revoke'),
            quietTitle: true,
            right: true,
            render: (token) => (
              <Popconfirm
                title={t('identity.tokens.revokeAsk', { name: token.name })}
                description={t('identity.tokens.revokeText')}
                okText={t('identity.tokens.revoke')}
                onConfirm={() => revoke.mutate(token.id)}
              >
                <Button size="small" type="link" aria-label={`${t('identity.tokens.revoke')} ${token.name}`}>
                  {t('identity.tokens.revoke')}
                </Button>
              </Popconfirm>
            ),
          },
        ]}
      />
      <Panel title={t('identity.tokens.new')}>
        <Form
          form={form}
          layout="vertical"
          className="inline-form"
          onFinish={(values) => make.mutate(values.name)}
        >
          <Form.Item
            name="name"
            label={t('identity.tokens.name')}
            rules={[{ required: true, message: t('identity.tokens.needName') }]}
          >
            <Input maxLength={100} placeholder={t('identity.tokens.hint')} />
          </Form.Item>
          <Button type="primary" htmlType="submit" loading={make.isPending}>
            {t('ui.create')}
          </Button>
        </Form>
        <p className="quiet">
          {t('identity.tokens.use')} <code>Authorization: Bearer …</code>
        </p>
      </Panel>
    </div>
  );
}
