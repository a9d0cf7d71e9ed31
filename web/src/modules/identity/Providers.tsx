import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Button, Form, Input, Popconfirm, Select, Switch, Typography } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Provider, Role } from '@/api/types';
import { placeErrors } from '@/lib/fields';
import { Panel } from '@/ui/Page';
import { Roster } from '@/ui/Roster';
import { useSay } from '@/ui/say';
import { deleteProvider, putProvider, useProviders, type WantedProvider } from './api';
import { useRoleName } from './words';

const NAMES = ['name', 'issuer', 'client_id', 'client_secret', 'site_url', 'email_domains', 'newcomer_role'];

/** Through which providers people sign in, for whoever has the settings right. */
export function Providers(props: { roles: Role[] }) {
  const { t } = useTranslation();
  const say = useSay();
  const client = useQueryClient();
  const query = useProviders();
  const [editing, setEditing] = useState<Provider | 'new'>();
  const refresh = () => client.invalidateQueries({ queryKey: ['providers'] });
  const remove = useMutation({ mutationFn: deleteProvider, onSuccess: refresh, onError: say.refused });
  return (
    <>
      <Roster
        title={t('identity.providers.title')}
        query={query}
        empty={{ title: t('identity.providers.empty'), text: t('identity.providers.emptyText') }}
        columns={[
          { title: t('identity.providers.name'), render: (one) => one.name },
          { title: t('identity.providers.issuer'), render: (one) => one.issuer },
          {
            title: t('identity.people.change'),
            quietTitle: true,
            right: true,
            render: (one) => (
              <>
                <Button size="small" type="link" onClick={() => setEditing(one)}>
                  {t('identity.people.change')}
                </Button>
                <Popconfirm
                  title={t('identity.providers.deleteAsk', { name: one.name })}
                  onConfirm={() => remove.mutate(one.id)}
                >
                  <Button size="small" type="link" aria-label={`${t('ui.delete')} ${one.name}`}>
                    {t('ui.delete')}
                  </Button>
                </Popconfirm>
              </>
            ),
          },
        ]}
      />
      {editing ? (
        <ProviderForm
          key={editing === 'new' ? 'new' : editing.id}
          provider={editing === 'new' ? undefined : editing}
          roles={props.roles}
          onClose={() => setEditing(undefined)}
          onSaved={refresh}
        />
      ) : (
        <div className="buttons">
          <Button onClick={() => setEditing('new')}>{t('identity.providers.add')}</Button>
        </div>
      )}
    </>
  );
}

function ProviderForm(props: {
  provider?: Provider;
  roles: Role[];
  onClose: () => void;
  onSaved: () => Promise<unknown>;
}) {
  const { t } = useTranslation();
  const say = useSay();
  const roleName = useRoleName();
  const [form] = Form.useForm<WantedProvider>();
  const { provider } = props;
  const site = Form.useWatch('site_url', form) ?? location.origin;
  const save = useMutation({
    mutationFn: putProvider,
    onSuccess: async () => {
      say.done(t('identity.people.saved'));
      await props.onSaved();
      props.onClose();
    },
    onError: (error) => placeErrors(form, error, NAMES) || say.refused(error),
  });
  const need = { required: true, message: t('identity.roles.need') };
  return (
    <Panel title={provider ? provider.name : t('identity.providers.add')}>
      <Form
        form={form}
        name="provider"
        layout="vertical"
        initialValues={provider ?? { site_url: location.origin, email_domains: [], links_by_email: false }}
        onFinish={(body) =>
          save.mutate({
            provider,
            body: {
              ...body,
              client_secret: body.client_secret || undefined,
              newcomer_role: body.newcomer_role ?? null,
            },
          })
        }
        validateTrigger="onSubmit"
      >
        <Form.Item name="name" label={t('identity.providers.name')} rules={[need]}>
          <Input maxLength={100} placeholder={t('identity.providers.nameHint')} />
        </Form.Item>
        <Form.Item name="issuer" label={t('identity.providers.issuer')} rules={[need]}>
          <Input placeholder="https://login.example.com" />
        </Form.Item>
        <Form.Item name="client_id" label={t('identity.providers.client')} rules={[need]}>
          <Input autoComplete="off" />
        </Form.Item>
        <Form.Item
          name="client_secret"
          label={t('identity.providers.secret')}
          extra={provider ? t('identity.providers.secretKept') : undefined}
          rules={provider ? [] : [need]}
        >
          <Input.Password autoComplete="off" />
        </Form.Item>
        <Form.Item name="site_url" label={t('identity.providers.site')} rules={[need]}>
          <Input />
        </Form.Item>
        <p className="quiet">
          {t('identity.providers.redirect')}{' '}
          <Typography.Text code copyable className="secret">
            {`${site.replace(/\/+$/, '')}/sign-in/provider`}
          </Typography.Text>
        </p>
        <Form.Item name="email_domains" label={t('identity.providers.domains')}>
          <Select mode="tags" open={false} suffixIcon={null} placeholder="example.com" />
        </Form.Item>
        <Form.Item
          name="newcomer_role"
          label={t('identity.providers.newcomers')}
          extra={t('identity.providers.newcomersNote')}
        >
          <Select
            allowClear
            showSearch={{ optionFilterProp: 'label' }}
            placeholder={t('identity.providers.nobody')}
            options={props.roles.map((role) => ({ value: role.name, label: roleName(role.name) }))}
          />
        </Form.Item>
        <Form.Item
          name="links_by_email"
          valuePropName="checked"
          label={t('identity.providers.byEmail')}
          extra={t('identity.providers.byEmailNote')}
        >
          <Switch />
        </Form.Item>
        <div className="buttons">
          <Button type="primary" htmlType="submit" loading={save.isPending}>
            {t('ui.save')}
          </Button>
          <Button onClick={props.onClose}>{t('ui.cancel')}</Button>
        </div>
      </Form>
    </Panel>
  );
}
