import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Alert, Button, Form, Input, Popconfirm, Typography } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { NewToken } from '@/api/types';
import { placeErrors } from '@/lib/fields';
import { Panel } from '@/ui/Page';
import { useSay } from '@/ui/say';
import { EmptyState, Loaded } from '@/ui/states';
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
      <Panel title={t('identity.tokens.all')}>
        <Loaded query={query}>
          {(tokens) =>
            tokens.length === 0 ? (
              <EmptyState small title={t('identity.tokens.empty')} text={t('identity.tokens.emptyText')} />
            ) : (
              <div className="scroll-x">
                <table className="plain">
                  <thead>
                    <tr>
                      <th scope="col">{t('identity.tokens.name')}</th>
                      <th scope="col">{t('identity.tokens.created')}</th>
                      <th scope="col">{t('identity.tokens.used')}</th>
                      <th scope="col">
                        <span className="sr-only">{t('identity.tokens.revoke')}</span>
                      </th>
                    </tr>
                  </thead>
                  <tbody>
                    {tokens.map((token) => (
                      <tr key={token.id}>
                        <th scope="row">{token.name}</th>
                        <td className="nowrap">
                          <Time at={token.created_at} />
                        </td>
                        <td className="nowrap">
                          {token.last_used_at ? <Time at={token.last_used_at} /> : t('identity.tokens.never')}
                        </td>
                        <td className="num">
                          <Popconfirm
                            title={t('identity.tokens.revokeAsk', { name: token.name })}
                            description={t('identity.tokens.revokeText')}
                            okText={t('identity.tokens.revoke')}
                            onConfirm={() => revoke.mutate(token.id)}
                          >
                            <Button
                              size="small"
                              type="link"
                              aria-label={`${t('identity.tokens.revoke')} ${token.name}`}
                            >
                              {t('identity.tokens.revoke')}
                            </Button>
                          </Popconfirm>
                        </td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
            )
          }
        </Loaded>
      </Panel>
    </div>
  );
}
