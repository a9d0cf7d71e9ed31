import { type UseQueryResult, useMutation, useQueryClient } from '@tanstack/react-query';
import { Button, Form, Input, Popconfirm, Select } from 'antd';
import { useTranslation } from 'react-i18next';
import type { Role } from '@/api/types';
import { placeErrors } from '@/lib/fields';
import { useMay } from '@/lib/rights';
import { Panel } from '@/ui/Page';
import { Roster } from '@/ui/Roster';
import { useSay } from '@/ui/say';
import { Nothing } from '@/ui/values';
import { deleteRole, makeRole } from './api';
import { useRightName, useRoleName } from './words';

/** What each role allows, and one of one's own. */
export function Roles(props: { query: UseQueryResult<(Role & { id: string })[]> }) {
  const { t } = useTranslation();
  const say = useSay();
  const may = useMay();
  const roleName = useRoleName();
  const rightName = useRightName();
  const client = useQueryClient();
  const [form] = Form.useForm<{ name: string; title: string; rights: string[] }>();
  const refresh = () => client.invalidateQueries({ queryKey: ['roles'] });
  const make = useMutation({
    mutationFn: makeRole,
    onSuccess: async () => {
      form.resetFields();
      await refresh();
    },
    onError: (error) => placeErrors(form, error, ['name', 'title', 'rights']) || say.refused(error),
  });
  const remove = useMutation({ mutationFn: deleteRole, onSuccess: refresh, onError: say.refused });
  const need = { required: true, message: t('identity.roles.need') };
  // The administrator has every single right there is.
  const all = props.query.data?.find((role) => role.name === 'administrator')?.rights ?? [];
  return (
    <>
      <Roster
        title={t('identity.roles.title')}
        query={props.query}
        empty={{ title: t('identity.roles.title'), text: '' }}
        columns={[
          { title: t('identity.account.role'), render: (role) => roleName(role.name) },
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
            render: (role) => t(`identity.reach.${role.reach}`),
          },
          {
            title: t('ui.delete'),
            quietTitle: true,
            right: true,
            render: (role) =>
              role.built_in ? null : (
                <Popconfirm
                  title={t('identity.roles.deleteAsk', { name: roleName(role.name) })}
                  okText={t('ui.delete')}
                  onConfirm={() => remove.mutate(role.name)}
                >
                  <Button size="small" type="link" aria-label={`${t('ui.delete')} ${roleName(role.name)}`}>
                    {t('ui.delete')}
                  </Button>
                </Popconfirm>
              ),
          },
        ]}
      />
      <Panel title={t('identity.roles.new')}>
        <Form
          form={form}
          name="role"
          layout="vertical"
          className="inline-form"
          onFinish={(values) => make.mutate({ ...values, rights: values.rights ?? [] })}
        >
          <Form.Item name="title" label={t('identity.roles.name')} rules={[need]}>
            <Input maxLength={100} />
          </Form.Item>
          <Form.Item name="name" label={t('identity.roles.key')} rules={[need]}>
            <Input maxLength={40} placeholder="packer" />
          </Form.Item>
          <Form.Item name="rights" label={t('identity.roles.rights')}>
            <Select
              mode="multiple"
              style={{ minWidth: 260 }}
              options={all.filter(may).map((right) => ({ value: right, label: rightName(right) }))}
            />
          </Form.Item>
          <Button type="primary" htmlType="submit" loading={make.isPending}>
            {t('ui.create')}
          </Button>
        </Form>
      </Panel>
    </>
  );
}
