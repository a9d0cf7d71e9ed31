import { type UseQueryResult, useMutation, useQueryClient } from '@tanstack/react-query';
import { Button, Form, Modal, Popconfirm } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Role } from '@/api/types';
import { placeErrors } from '@/lib/fields';
import { Panel } from '@/ui/Page';
import { Roster } from '@/ui/Roster';
import { useSay } from '@/ui/say';
import { Nothing } from '@/ui/values';
import { deleteRole, makeRole, putRole } from './api';
import { RoleFields, type RoleValues, roleBody } from './RoleForm';
import { useRightName, useRoleName, useRuleNames } from './words';

const PLACES = ['name', 'title', 'rights', 'reach'];

/** What each role allows, reaches and does not see, and one of one's own. */
export function Roles(props: { query: UseQueryResult<(Role & { id: string })[]> }) {
  const { t } = useTranslation();
  const say = useSay();
  const roleName = useRoleName();
  const rightName = useRightName();
  const ruleNames = useRuleNames();
  const client = useQueryClient();
  const [form] = Form.useForm<RoleValues>();
  const [changing, setChanging] = useState<Role>();
  const refresh = () => client.invalidateQueries({ queryKey: ['roles'] });
  const make = useMutation({
    mutationFn: (values: RoleValues) => makeRole({ name: values.name, ...roleBody(values) }),
    onSuccess: async () => {
      form.resetFields();
      await refresh();
    },
    onError: (error) => placeErrors(form, error, PLACES) || say.refused(error),
  });
  const remove = useMutation({ mutationFn: deleteRole, onSuccess: refresh, onError: say.refused });
  // The administrator has every single right there is.
  const all = props.query.data?.find((role) => role.name === 'administrator')?.rights ?? [];
  return (
    <>
      <Roster
        title={t('identity.roles.title')}
        query={props.query}
        empty={{ title: t('identity.roles.title'), text: '' }}
        columns={[
          {
            title: t('identity.account.role'),
            render: (role) => <span className="nowrap">{roleName(role.name)}</span>,
          },
          {
            title: t('identity.roles.rights'),
            render: (role) =>
              role.rights.length === 0 ? (
                <Nothing />
              ) : (
                <span className="rights">{role.rights.map(rightName).join(t('ui.comma'))}</span>
              ),
          },
          {
            title: t('identity.roles.reach'),
            render: (role) => (
              <>
                {t(`identity.reach.${role.reach}`)}
                {Object.keys(role.fields).length ? (
                  <div className="quiet rights">{ruleNames(role.fields).join(t('ui.comma'))}</div>
                ) : null}
              </>
            ),
          },
          {
            title: t('ui.edit'),
            quietTitle: true,
            right: true,
            render: (role) =>
              role.built_in ? null : (
                <span className="nowrap">
                  <Button
                    size="small"
                    type="link"
                    aria-label={`${t('ui.edit')} ${roleName(role.name)}`}
                    onClick={() => setChanging(role)}
                  >
                    {t('ui.edit')}
                  </Button>
                  <Popconfirm
                    title={t('identity.roles.deleteAsk', { name: roleName(role.name) })}
                    okText={t('ui.delete')}
                    onConfirm={() => remove.mutate(role.name)}
                  >
                    <Button size="small" type="link" aria-label={`${t('ui.delete')} ${roleName(role.name)}`}>
                      {t('ui.delete')}
                    </Button>
                  </Popconfirm>
                </span>
              ),
          },
        ]}
      />
      <Panel title={t('identity.roles.new')}>
        <Form
          form={form}
          name="role"
          layout="vertical"
          initialValues={{ reach: 'all' }}
          onFinish={(values) => make.mutate(values)}
        >
          <RoleFields all={all} withName />
          <Button type="primary" htmlType="submit" loading={make.isPending}>
            {t('ui.create')}
          </Button>
        </Form>
      </Panel>
      {changing ? (
        <Change key={changing.name} role={changing} all={all} onClose={() => setChanging(undefined)} />
      ) : null}
    </>
  );
}

function Change(props: { role: Role; all: string[]; onClose: () => void }) {
  const { t } = useTranslation();
  const say = useSay();
  const roleName = useRoleName();
  const client = useQueryClient();
  const [form] = Form.useForm<RoleValues>();
  const { role, onClose } = props;
  const change = useMutation({
    mutationFn: (values: RoleValues) => putRole(role, roleBody(values)),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['roles'] });
      say.done(t('identity.people.saved'));
      onClose();
    },
    onError: async (error) => {
      if (placeErrors(form, error, PLACES)) return;
      say.refused(error);
      await client.invalidateQueries({ queryKey: ['roles'] });
    },
  });
  return (
    <Modal
      open
      width={720}
      title={t('identity.people.changeTitle', { name: roleName(role.name) })}
      okText={t('ui.save')}
      onOk={() => form.submit()}
      confirmLoading={change.isPending}
      onCancel={onClose}
      destroyOnHidden
    >
      <Form
        form={form}
        name="role-change"
        layout="vertical"
        initialValues={{ title: role.title, rights: role.rights, reach: role.reach, fields: role.fields }}
        onFinish={(values) => change.mutate(values)}
      >
        <RoleFields all={props.all} withName={false} />
      </Form>
    </Modal>
  );
}
